//! Damaged models, through the whole job: calibration, Q/DQ rewrite, casts, and the build on a stand-in for TensorRT.
//!
//! A case is a number: the model is made of it and of the seed, so it is the same wherever and whenever it is made.
//! [`stages`] runs cases in this process; [`supervise`] has children run them, under limits of time and address space,
//! and says which of them crashed, hung or panicked.
//! An error is no finding: damaged models are to be refused.

mod change;
mod seeds;

pub mod stages;
pub mod supervise;

use calibrant_onnx::Model;

use crate::damage;
use crate::random::Random;

/// Undamaged models to start from.
#[derive(Debug)]
pub struct Seeds(Vec<Model>);

impl Seeds {
    /// A small model for each operator, and the small ones of `fixtures/`.
    ///
    /// # Panics
    ///
    /// When a file of `fixtures/` cannot be read.
    #[must_use]
    pub fn load() -> Self {
        Self(seeds::all())
    }

    /// The model of a case, encoded.
    #[must_use]
    pub fn case(&self, seed: u64, case: u64) -> Vec<u8> {
        let mut random = Random::new(mixed(seed) ^ mixed(case.wrapping_add(1)));
        let mut model = random.pick(&self.0).clone();
        for _ in 0..random.below(5) {
            let donor = random.pick(&self.0);
            change::change(&mut model, donor, &mut random);
        }
        let mut bytes = model.to_bytes().unwrap_or_default();
        if random.below(6) == 0 {
            for _ in 0..=random.below(4) {
                damage::change(&mut bytes, &mut random);
            }
        }
        bytes
    }
}

/// Spreads the bits of a small number (the last step of splitmix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_valid_and_cases_the_same_every_time() {
        let seeds = Seeds::load();
        for model in &seeds.0 {
            let name = model.graph().name.clone();
            if let Err(error) = calibrant_onnx::validate(model) {
                panic!("{name:?}: {error}");
            }
        }
        assert_eq!(seeds.case(7, 11), seeds.case(7, 11));
        assert_ne!(seeds.case(7, 11), seeds.case(7, 12));
    }

    #[test]
    fn damaged_models_go_through_all_stages() {
        let seeds = Seeds::load();
        let stages = stages::Stages::new(stages::Build::Skip);
        let mut reached = stages::Reached::default();
        for case in 0..150 {
            reached.add(&stages.run(&seeds.case(1, case)));
        }
        let least = [reached.calibrated, reached.quantized, reached.cast].into_iter().min();
        assert!(least > Some(20), "most cases get nowhere: {reached}");
        assert_eq!(reached.built, 0);
    }

    #[test]
    fn most_undamaged_models_go_through() {
        let stages = stages::Stages::new(stages::Build::OnDouble);
        let seeds = Seeds::load();
        let mut reached = stages::Reached::default();
        for model in &seeds.0 {
            reached.add(&stages.run(&model.to_bytes().expect("it is small")));
        }
        let most = seeds.0.len() as u64 * 3 / 4;
        let least = [reached.calibrated, reached.quantized, reached.cast].into_iter().min();
        assert!(least >= Some(most) && reached.built > most, "{} seeds: {reached}", seeds.0.len());
    }
}
