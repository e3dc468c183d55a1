//! The discrete Fourier transform of any length in double precision.
//!
//! Powers of two are halved; any other length is a convolution of the length of the next power of two, as
//! [Bluestein](https://doi.org/10.1109/TAU.1970.1162132) has it.

use std::f64::consts::PI;

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    /// Of its real part, or of both.
    pub(super) fn of(parts: &[f32]) -> Self {
        let part = |at: usize| parts.get(at).copied().unwrap_or(0.0).into();
        Self { re: part(0), im: part(1) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "tensors are of float32")]
    pub(super) fn to_parts(self) -> [f32; 2] {
        [self.re as f32, self.im as f32]
    }

    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    /// The number of length 1 at this part of a full turn.
    fn turn(part: f64) -> Self {
        let (im, re) = (2.0 * PI * part).sin_cos();
        Self { re, im }
    }

    fn conjugate(self) -> Self {
        Self { re: self.re, im: -self.im }
    }

    fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    fn minus(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }

    fn times(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}

/// Which way a transform goes; backward it is divided by the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// A transform of one length, ready for any number of signals.
#[derive(Debug)]
pub(super) struct Transform {
    length: usize,
    direction: Direction,
    /// The powers of the root of unity that halving needs, for a power of two.
    turns: Vec<Complex>,
    /// For any other length.
    chirp: Option<Chirp>,
}

/// What makes a transform a convolution.
#[derive(Debug)]
struct Chirp {
    /// e^(-πi k² / length).
    factors: Vec<Complex>,
    /// The transform of their conjugates around 0.
    spectrum: Vec<Complex>,
}

#[expect(clippy::cast_precision_loss, reason = "no signal has 2^53 elements")]
impl Transform {
    pub(super) fn new(length: usize, direction: Direction) -> Self {
        if length.is_power_of_two() {
            let turns = (0..length / 2).map(|k| Complex::turn(-(k as f64) / length as f64));
            return Self { length, direction, turns: turns.collect(), chirp: None };
        }
        let size = (2 * length).next_power_of_two();
        let turns = (0..size / 2).map(|k| Complex::turn(-(k as f64) / size as f64));
        let turns: Vec<Complex> = turns.collect();
        let factor = |k: usize| {
            // Of k² only what is left of full turns counts; it is kept exact.
            let rest = (k as u128 * k as u128) % (2 * length as u128);
            Complex::turn(-(rest as f64) / (2 * length) as f64)
        };
        let factors: Vec<Complex> = (0..length).map(factor).collect();
        let mut around = vec![Complex::default(); size];
        for (k, factor) in factors.iter().enumerate() {
            around[k] = factor.conjugate();
            around[(size - k) % size] = factor.conjugate();
        }
        halved(&mut around, &turns);
        let chirp = Some(Chirp { factors, spectrum: around });
        Self { length, direction, turns, chirp }
    }

    /// The transform of a signal of its length.
    pub(super) fn run(&self, signal: &[Complex]) -> Vec<Complex> {
        // Backward it is the conjugate of the transform of the conjugate.
        let is_backward = self.direction == Direction::Backward;
        let turned = |value: Complex| if is_backward { value.conjugate() } else { value };
        let mut values: Vec<Complex> = signal.iter().map(|&value| turned(value)).collect();
        match &self.chirp {
            None => halved(&mut values, &self.turns),
            Some(chirp) => values = self.convolved(&values, chirp),
        }
        let share = if is_backward { 1.0 / self.length as f64 } else { 1.0 };
        values.iter_mut().for_each(|value| *value = turned(*value).scaled(share));
        values
    }

    fn convolved(&self, values: &[Complex], chirp: &Chirp) -> Vec<Complex> {
        let size = chirp.spectrum.len();
        let mut padded = vec![Complex::default(); size];
        for (padded, (value, factor)) in padded.iter_mut().zip(values.iter().zip(&chirp.factors)) {
            *padded = value.times(*factor);
        }
        halved(&mut padded, &self.turns);
        for (value, other) in padded.iter_mut().zip(&chirp.spectrum) {
            *value = value.times(*other).conjugate();
        }
        halved(&mut padded, &self.turns);
        let share = 1.0 / size as f64;
        let back = padded.iter().map(|value| value.conjugate().scaled(share));
        back.zip(&chirp.factors).map(|(value, factor)| value.times(*factor)).collect()
    }
}

/// The forward transform of a power of two, in place; `turns` are those of the whole length.
fn halved(values: &mut [Complex], turns: &[Complex]) {
    let length = values.len();
    if length < 2 {
        return;
    }
    let n_bits = length.trailing_zeros();
    for at in 0..length {
        let mirrored = at.reverse_bits() >> (usize::BITS - n_bits);
        if at < mirrored {
            values.swap(at, mirrored);
        }
    }
    let mut half = 1;
    while half < length {
        let stride = length / (2 * half);
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (low, high)) in low.iter_mut().zip(high).enumerate() {
                let turned = high.times(turns[k * stride]);
                (*low, *high) = (low.plus(turned), low.minus(turned));
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of up to 101 terms of about 1.
    const TOLERANCE: f64 = 1e-9;

    #[test]
    fn it_matches_the_naive_sum_for_any_length() {
        for length in [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 31, 45, 64, 101] {
            for direction in [Direction::Forward, Direction::Backward] {
                let signal: Vec<Complex> = (0..length)
                    .map(|k| Complex { re: f64::from(k * k % 7) - 3.0, im: f64::from(k % 5) - 2.0 })
                    .collect();
                let length = signal.len();
                let sign = if direction == Direction::Forward { -1.0 } else { 1.0 };
                let share = if direction == Direction::Forward { 1.0 } else { length as f64 };
                let found = Transform::new(length, direction).run(&signal);
                for (k, found) in found.iter().enumerate() {
                    let terms = signal.iter().enumerate().map(|(n, value)| {
                        value.times(Complex::turn(sign * (k * n) as f64 / length as f64))
                    });
                    let sum = terms.fold(Complex::default(), Complex::plus).scaled(1.0 / share);
                    let off = found.minus(sum);
                    assert!(off.re.hypot(off.im) < TOLERANCE, "{length} {direction:?} at {k}");
                }
            }
        }
    }
}
