//! One range for every tensor, wherever it came from.

use std::collections::BTreeMap;
use std::collections::btree_map;

use crate::Format;

/// The largest magnitude of a tensor that is worth keeping: finite and at least 0.
///
/// Whether it was told as a magnitude or as a scale, it is kept exactly, so that the scale that comes out for the same
/// format is the one that went in, bit for bit: a product of a scale and a format's largest magnitude has at most 24 + 19
/// significant bits.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Range(f64);

impl Range {
    /// That of a tensor that was only ever 0.
    pub const ZERO: Self = Self(0.0);
    /// From -1 to 1.
    pub const ONE: Self = Self(1.0);

    /// The range up to this magnitude; `None` when it is negative, infinite or not a number.
    #[must_use]
    pub fn of_amax(amax: f32) -> Option<Self> {
        (amax.is_finite() && amax >= 0.0).then(|| Self(f64::from(amax.abs())))
    }

    /// The range that a tensor of `format` with this scale has; `None` when the scale is negative, not a number, or one of a
    /// magnitude that `f32` does not reach.
    #[must_use]
    pub fn of_scale(scale: f32, format: &Format) -> Option<Self> {
        let range = f64::from(scale.abs()) * f64::from(format.grid.largest());
        // Below the smallest normal scale rounding is another, and such a scale is never written.
        (scale >= 0.0 && range <= f64::from(f32::MAX)).then_some(Self(range))
    }

    /// The magnitude, to the nearest `f32`.
    #[must_use]
    pub fn amax(self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is meant")]
        let amax = self.0 as f32;
        amax
    }

    /// The scale that brings the magnitude to `largest`, the end of some format's grid: see
    /// [`Format::scale`](crate::Format::scale).
    #[must_use]
    pub fn scale(self, largest: f32) -> f32 {
        let range = if self == Self::ZERO { Self::ONE } else { self };
        range.exact_scale(largest).max(f32::MIN_POSITIVE)
    }

    /// Whether that scale had to be raised to be one that can be divided by.
    #[must_use]
    pub fn is_raised(self, largest: f32) -> bool {
        self != Self::ZERO && self.exact_scale(largest) < f32::MIN_POSITIVE
    }

    fn exact_scale(self, largest: f32) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest is meant")]
        let scale = (self.0 / f64::from(largest)) as f32;
        scale
    }

    /// The wider of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

/// The range of each tensor, by the tensor's name in the model as it was given.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranges {
    ranges: BTreeMap<String, Range>,
}

/// A magnitude that is no range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the range of tensor `{tensor}` is {amax}; it must be finite and at least 0")]
pub struct UnusableRange {
    /// Its name in the model.
    pub tensor: String,
    /// What was given.
    pub amax: f32,
}

impl Ranges {
    /// The ranges up to these magnitudes.
    ///
    /// # Errors
    ///
    /// When one of them is negative, infinite or not a number.
    pub fn of_amax(amax: impl IntoIterator<Item = (String, f32)>) -> Result<Self, UnusableRange> {
        let range = |(tensor, amax): (String, f32)| match Range::of_amax(amax) {
            Some(range) => Ok((tensor, range)),
            None => Err(UnusableRange { tensor, amax }),
        };
        Ok(Self { ranges: amax.into_iter().map(range).collect::<Result<_, _>>()? })
    }

    /// The ranges that these scales of `format` stand for, without those that stand for none.
    #[must_use]
    pub fn of_scales(scales: impl IntoIterator<Item = (String, f32)>, format: &Format) -> Self {
        let range = |(tensor, scale)| Some((tensor, Range::of_scale(scale, format)?));
        Self { ranges: scales.into_iter().filter_map(range).collect() }
    }

    /// The range of a tensor.
    #[must_use]
    pub fn get(&self, tensor: &str) -> Option<Range> {
        self.ranges.get(tensor).copied()
    }

    /// Sets the range of a tensor, and returns the one that it had.
    pub fn insert(&mut self, tensor: String, range: Range) -> Option<Range> {
        self.ranges.insert(tensor, range)
    }

    /// Tensors and their ranges, by name.
    pub fn iter(&self) -> btree_map::Iter<'_, String, Range> {
        self.ranges.iter()
    }

    /// The names of the tensors, in order.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        self.ranges.keys().map(String::as_str)
    }

    /// Number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether no tensor has a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl FromIterator<(String, Range)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (String, Range)>>(ranges: I) -> Self {
        Self { ranges: ranges.into_iter().collect() }
    }
}

impl IntoIterator for Ranges {
    type Item = (String, Range);
    type IntoIter = btree_map::IntoIter<String, Range>;

    fn into_iter(self) -> Self::IntoIter {
        self.ranges.into_iter()
    }
}

impl<'a> IntoIterator for &'a Ranges {
    type Item = (&'a String, &'a Range);
    type IntoIter = btree_map::Iter<'a, String, Range>;

    fn into_iter(self) -> Self::IntoIter {
        self.ranges.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FP8_E4M3FN, INT8};

    proptest! {
        #[test]
        fn scales_come_out_as_they_went_in(bits in 0u32..0x7f80_0000, format in prop::sample::select(vec![INT8, FP8_E4M3FN])) {
            let scale = f32::from_bits(bits);
            match Range::of_scale(scale, &format) {
                Some(range) if scale >= f32::MIN_POSITIVE => {
                    prop_assert_eq!(format.scale(range).to_bits(), bits);
                    prop_assert_eq!(range.amax(), scale * format.grid.largest());
                }
                Some(range) => prop_assert!(format.scale(range) >= f32::MIN_POSITIVE),
                None => prop_assert!(scale * format.grid.largest() == f32::INFINITY),
            }
        }

        #[test]
        fn magnitudes_come_out_as_they_went_in(amax in 0f32..=f32::MAX) {
            prop_assert_eq!(Range::of_amax(amax).unwrap().amax().to_bits(), amax.to_bits());
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for amax in [-1.0, f32::INFINITY, f32::NAN] {
            assert_eq!(Range::of_amax(amax), None);
            assert_eq!(Range::of_scale(amax, &INT8), None);
            let error = Ranges::of_amax([("x".to_owned(), amax)]).unwrap_err();
            assert!(error.to_string().starts_with("the range of tensor `x` is "), "{error}");
        }
        assert_eq!(Range::of_amax(-0.0), Some(Range::ZERO));
        assert!(Ranges::of_scales([("x".to_owned(), f32::NAN)], &INT8).is_empty());
    }
}
