//! The numbers that a format has.

/// The magnitudes that a format has at scale 1: from 0 up, evenly spaced up to a power of two and with every further one
/// twice as far apart.
///
/// That is what small floats are, subnormal numbers included, and whole numbers are the case that never gets to the first
/// power of two.
/// A format has the same magnitudes below 0: TensorRT quantizes around 0 alone.
///
/// Magnitudes are called by their *level*, the place in the order from 0 up.
/// Level and code go together: level n has the code n, whole numbers and small floats alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grid {
    /// Magnitudes between two powers of two: 2 to the power of this.
    mantissa_bits: u32,
    /// The power of two up to which they are evenly spaced.
    least_exponent: i32,
    /// The largest magnitude, in units of the smallest.
    largest_units: u32,
    /// How many magnitudes there are, 0 included.
    n_levels: u32,
}

/// Most units that the largest magnitude of a grid may have: sums over histograms are exact integers up to there.
const MOST_UNITS: u32 = 1 << 18;

impl Grid {
    /// Whole numbers up to `largest`.
    ///
    /// # Panics
    ///
    /// When `largest` is 0 or above 2^18.
    #[must_use]
    pub const fn integers(largest: u32) -> Self {
        assert!(0 < largest && largest <= MOST_UNITS, "a grid has 1 to 2^18 units");
        let mantissa_bits = u32::BITS - largest.leading_zeros();
        // Bounded by 19 on the line above.
        #[expect(clippy::cast_possible_wrap, reason = "at most 19")]
        let least_exponent = mantissa_bits as i32;
        Self { mantissa_bits, least_exponent, largest_units: largest, n_levels: largest + 1 }
    }

    /// Floats of `mantissa_bits` bits behind the leading one, whose smallest normal number is 2^`least_exponent`, up to
    /// level `n_levels - 1`.
    ///
    /// # Panics
    ///
    /// When there are no two levels, or the largest magnitude is more than 2^18 times the smallest.
    #[must_use]
    pub const fn floats(mantissa_bits: u32, least_exponent: i32, n_levels: u32) -> Self {
        assert!(n_levels >= 2 && mantissa_bits < 18, "a grid has at least two levels");
        assert!((n_levels - 1) >> mantissa_bits < 19, "a grid has 1 to 2^18 units");
        let largest_units = units(n_levels - 1, mantissa_bits);
        assert!(largest_units <= MOST_UNITS, "a grid has 1 to 2^18 units");
        Self { mantissa_bits, least_exponent, largest_units, n_levels }
    }

    /// Number of magnitudes, 0 included.
    #[must_use]
    pub const fn n_levels(self) -> u32 {
        self.n_levels
    }

    /// The largest magnitude.
    #[must_use]
    pub fn largest(self) -> f32 {
        self.magnitude(self.n_levels - 1)
    }

    /// Whether all magnitudes are as far apart.
    #[must_use]
    pub const fn is_even(self) -> bool {
        self.largest_units == self.n_levels - 1
    }

    /// Magnitude of a level, in units of the smallest above 0; above the last level the grid goes on as if it had no end.
    ///
    /// # Panics
    ///
    /// When the units exceed 32 bits, far beyond the last level.
    #[must_use]
    pub const fn units(self, level: u32) -> u32 {
        units(level, self.mantissa_bits)
    }

    /// Magnitude of a level.
    #[must_use]
    pub fn magnitude(self, level: u32) -> f32 {
        // At most 19 significant bits.
        self.units(level) as f32 * self.unit()
    }

    /// The level nearest to `magnitude`; of two as near the even one, and the last for all beyond.
    #[must_use]
    pub fn level(self, magnitude: f32) -> u32 {
        let last = self.n_levels - 1;
        let units = magnitude / self.unit();
        // Not a number is no magnitude; it saturates like what is too large.
        let is_inside = units < self.largest_units as f32;
        if !is_inside {
            return last;
        }
        // The power of two below decides how far apart magnitudes are: 2^above units.
        let binade = (units.to_bits() >> 23).saturating_sub(127);
        let above = binade.saturating_sub(self.mantissa_bits);
        let steps = (units / (1u32 << above) as f32).round_ties_even();
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^18")]
        #[expect(clippy::cast_sign_loss, reason = "a quotient of magnitudes")]
        let steps = steps as u32;
        ((above << self.mantissa_bits) + steps).min(last)
    }

    /// The smallest magnitude above 0.
    fn unit(self) -> f32 {
        // Doubling and halving are exact.
        #[expect(clippy::cast_possible_wrap, reason = "at most 19")]
        let exponent = self.least_exponent - self.mantissa_bits as i32;
        2f32.powi(exponent)
    }
}

const fn units(level: u32, mantissa_bits: u32) -> u32 {
    let leading = 1 << mantissa_bits;
    let (binade, within) = (level >> mantissa_bits, level & (leading - 1));
    if binade == 0 { within } else { (leading + within) << (binade - 1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FP8_E4M3FN, INT8};

    /// FP4 E2M1, whose magnitudes everybody can tell.
    const FP4: Grid = Grid::floats(1, 0, 8);

    fn magnitudes(grid: Grid) -> Vec<f32> {
        (0..grid.n_levels()).map(|level| grid.magnitude(level)).collect()
    }

    #[test]
    fn magnitudes_are_those_of_the_formats() {
        assert_eq!(magnitudes(FP4), [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]);
        assert_eq!(magnitudes(Grid::integers(7)), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        let int8 = magnitudes(INT8.grid);
        assert!(int8.iter().zip(0u8..).all(|(found, level)| *found == f32::from(level)));
        assert_eq!((int8.len(), INT8.grid.largest()), (128, 127.0));
        // E4M3FN by its definition: bias 7, and 0x7f is not a number.
        let by_code = |code: u8| match (code >> 3, f32::from(code & 7)) {
            (0, mantissa) => mantissa / 512.0,
            (exponent, mantissa) => (1.0 + mantissa / 8.0) * 2f32.powi(i32::from(exponent) - 7),
        };
        assert_eq!(magnitudes(FP8_E4M3FN.grid), (0..0x7f).map(by_code).collect::<Vec<_>>());
        assert_eq!(FP8_E4M3FN.grid.largest(), 448.0);
        assert!(INT8.grid.is_even() && !FP8_E4M3FN.grid.is_even() && !FP4.is_even());
    }

    /// The nearest level by its definition: compared with every one of them, exactly.
    fn naive_level(grid: Grid, magnitude: f32) -> u32 {
        // Beyond twice the largest all distances are alike in f64.
        let magnitude = magnitude.min(2.0 * grid.largest());
        let distance =
            |level: &u32| (f64::from(grid.magnitude(*level)) - f64::from(magnitude)).abs();
        let by_distance =
            |a: &u32, b: &u32| distance(a).total_cmp(&distance(b)).then((a % 2).cmp(&(b % 2)));
        (0..grid.n_levels()).min_by(by_distance).unwrap()
    }

    proptest! {
        #[test]
        fn levels_match_naive(
            grid in prop::sample::select(vec![INT8.grid, FP8_E4M3FN.grid, FP4, Grid::integers(7), Grid::integers(1)]),
            magnitude in prop_oneof![0f32..1.0, 0f32..500.0, 1e-12f32..1e-2, 0f32..=f32::MAX],
            between in (any::<prop::sample::Index>(), 0u32..3),
        ) {
            prop_assert_eq!(grid.level(magnitude), naive_level(grid, magnitude));
            // Midpoints, and the floats beside them.
            let (below, step) = (between.0.index(grid.n_levels() as usize - 1), between.1);
            let below = u32::try_from(below).unwrap();
            let middle = (grid.magnitude(below) + grid.magnitude(below + 1)) / 2.0;
            let beside = f32::from_bits(middle.to_bits() + step - 1);
            prop_assert_eq!(grid.level(beside), naive_level(grid, beside));
        }
    }

    #[test]
    fn what_is_beyond_saturates() {
        for grid in [INT8.grid, FP8_E4M3FN.grid] {
            for beyond in [grid.largest(), 1e30, f32::INFINITY, f32::NAN] {
                assert_eq!(grid.level(beyond), grid.n_levels() - 1);
            }
        }
    }
}
