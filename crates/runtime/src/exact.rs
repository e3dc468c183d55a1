//! Sums of products that do not depend on the order of their terms.

/// Bits of a digit.
const DIGIT_BITS: usize = 32;

/// Digits that the product of two floats can begin in: exponents go up to 2 × 253.
const DIGITS: usize = 2 * 253 / DIGIT_BITS + 1;

/// The exponent of the lowest bit: the product of two least subnormals.
const LOWEST: i32 = -298;

/// A sum of products of two `f32`s, kept whole.
///
/// No term is rounded, so sums of the same terms are equal whatever their order and however they were split and merged;
/// [`to_f64`](Self::to_f64) rounds once.
/// There is room for 2^47 terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactSum {
    /// Digit i counts 2^(32 i - 298); each holds more than its 32 bits, so that adding carries nothing.
    digits: [i128; DIGITS],
}

impl ExactSum {
    /// 0.
    #[must_use]
    pub const fn zero() -> Self {
        Self { digits: [0; DIGITS] }
    }

    /// Adds `left × right`, both of which must be finite.
    pub fn add_product(&mut self, left: f32, right: f32) {
        let ((left, left_exponent), (right, right_exponent)) = (parts(left), parts(right));
        let exponent = left_exponent + right_exponent;
        self.digits[exponent / DIGIT_BITS] += i128::from(left * right) << (exponent % DIGIT_BITS);
    }

    /// Adds `times` times another sum.
    pub fn add(&mut self, other: &Self, times: i8) {
        for (digit, more) in self.digits.iter_mut().zip(&other.digits) {
            *digit += more * i128::from(times);
        }
    }

    /// The sum, rounded to the nearest `f64`.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match magnitude(self.digits) {
            Ok(magnitude) => magnitude,
            Err(Negative) => magnitude(self.digits.map(|digit| -digit)).map_or(0.0, |it| -it),
        }
    }
}

impl Default for ExactSum {
    fn default() -> Self {
        Self::zero()
    }
}

/// A sum is below 0.
struct Negative;

/// The sum of digits as a float, if it is not negative.
fn magnitude(digits: [i128; DIGITS]) -> Result<f64, Negative> {
    // The carry of the last digit takes four more.
    let mut proper = [0_u32; DIGITS + 4];
    let mut carry = 0_i128;
    for (place, digit) in proper.iter_mut().enumerate() {
        let sum = digits.get(place).copied().unwrap_or(0) + carry;
        *digit = low(sum);
        carry = sum >> DIGIT_BITS;
    }
    if carry < 0 {
        return Err(Negative);
    }
    let Some(top) = proper.iter().rposition(|&digit| digit != 0) else { return Ok(0.0) };
    // Four digits have more bits than a float; of those below it matters only whether one is set.
    let bottom = top.saturating_sub(3);
    let head = proper[bottom..=top]
        .iter()
        .rev()
        .fold(0_u128, |head, &digit| head << DIGIT_BITS | u128::from(digit));
    let sticky = proper[..bottom].iter().any(|&digit| digit != 0);
    let exponent = i32::try_from(bottom * DIGIT_BITS).unwrap_or(i32::MAX) + LOWEST;
    Ok((head | u128::from(sticky)) as f64 * 2_f64.powi(exponent))
}

/// The low 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is above is carried"
)]
fn low(sum: i128) -> u32 {
    sum as u32
}

/// A finite float as a whole number of 2^(exponent - 149).
fn parts(value: f32) -> (i64, usize) {
    let bits = value.to_bits();
    let (fraction, biased) = (bits & 0x007f_ffff, bits >> 23 & 0xff);
    let (significand, exponent) = match biased {
        0 => (fraction, 0),
        _ => (fraction | 0x0080_0000, biased - 1),
    };
    let significand = i64::from(significand);
    (if value.is_sign_negative() { -significand } else { significand }, exponent as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(terms: &[(f32, f32)]) -> ExactSum {
        let mut sum = ExactSum::zero();
        terms.iter().for_each(|&(left, right)| sum.add_product(left, right));
        sum
    }

    #[test]
    fn extremes_cancel_and_what_is_small_stays() {
        let (most, least) = (f32::MAX, f32::from_bits(1));
        assert_eq!(sum(&[]).to_f64(), 0.0);
        assert_eq!(sum(&[(most, most), (least, least), (-most, most)]).to_f64(), 2_f64.powi(-298));
        assert_eq!(
            sum(&[(most, most), (most, most)]).to_f64(),
            2.0 * f64::from(most) * f64::from(most)
        );
        assert_eq!(sum(&[(-1.0, 1.0), (least, -1.0)]).to_f64(), -1.0);
        assert_eq!(sum(&[(1.0, 1.0), (2_f32.powi(-60), 1.0)]).to_f64(), 1.0);
        assert_eq!(sum(&[(1.0, 1.0), (2_f32.powi(-53), 1.0)]).to_f64(), 1.0, "half, to even");
        let above = [(1.0, 1.0), (2_f32.powi(-53), 1.0), (least, least)];
        assert_eq!(sum(&above).to_f64(), 1.0 + f64::EPSILON, "a little more than half");
        assert_eq!(sum(&[(0.0, -0.0)]).to_f64().to_bits(), 0);
    }

    proptest! {
        #[test]
        fn sums_of_small_whole_numbers_are_theirs(terms in prop::collection::vec((-4000_i16..4000, -4000_i16..4000), 0..60)) {
            let floats: Vec<_> = terms.iter().map(|&(left, right)| (f32::from(left), f32::from(right))).collect();
            let whole: i64 = terms.iter().map(|&(left, right)| i64::from(left) * i64::from(right)).sum();
            prop_assert_eq!(sum(&floats).to_f64(), whole as f64);
        }

        #[test]
        fn order_and_shards_change_nothing(
            terms in prop::collection::vec((prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL, -8.0_f32..8.0), 1..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = sum(&terms);
            let (left, right) = terms.split_at(cut.index(terms.len()));
            let mut parts = sum(right);
            parts.add(&sum(left), 1);
            prop_assert_eq!(&parts, &whole);
            let mut reversed = terms.clone();
            reversed.reverse();
            prop_assert_eq!(&sum(&reversed), &whole);
            let mut nothing = whole.clone();
            nothing.add(&whole, -1);
            prop_assert_eq!(nothing.to_f64(), 0.0);
        }
    }
}
