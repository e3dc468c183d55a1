//! Scales that are in a cache for a reason other than the values of the tensor.

use std::fmt;

use calibrant_format::{INT8, Range};

use crate::{Entry, Table};

/// Largest magnitude of half precision: networks are made to stay below.
const LARGEST_HALF: f32 = 65504.0;

/// An entry whose scale is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspicion<'a> {
    /// The tensor's name.
    pub name: &'a str,
    /// Its scale.
    pub scale: f32,
    /// What is odd about it.
    pub oddity: Oddity,
}

/// What can be odd about a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// 0, of either sign.
    Zero,
    /// Below 0.
    Negative,
    /// Infinity.
    Infinite,
    /// Not a number.
    NotANumber,
    /// That of the range of all floats, or more.
    LargestFloat,
    /// Of a range that half precision does not reach.
    BeyondHalf,
    /// So small that its reciprocal is infinite, or that it is lost where subnormals count as 0.
    Subnormal,
    /// The scale that stands for that of a tensor of zeros.
    OnlyZeros,
    /// The scale that stands for one that would be too small to divide by.
    Raised,
}

impl Oddity {
    /// What is odd about `scale` in a cache, if anything is.
    pub fn of(scale: f32) -> Option<Self> {
        match scale {
            _ if scale.is_nan() => Some(Self::NotANumber),
            0.0 => Some(Self::Zero),
            _ if scale < 0.0 => Some(Self::Negative),
            f32::INFINITY => Some(Self::Infinite),
            _ if scale < f32::MIN_POSITIVE => Some(Self::Subnormal),
            _ => match Range::of_scale(scale, &INT8) {
                None => Some(Self::LargestFloat),
                Some(range) => Self::of_width(range),
            },
        }
    }

    /// What is odd about the range of a table's entry, whose scale is one that can be used; `largest` is the largest
    /// magnitude of the table's format.
    fn of_entry(entry: &Entry, largest: f32) -> Option<Self> {
        match entry.range() {
            Range::ZERO => Some(Self::OnlyZeros),
            range if range.is_raised(largest) => Some(Self::Raised),
            range => Self::of_width(range),
        }
    }

    fn of_width(range: Range) -> Option<Self> {
        match range.amax() {
            f32::MAX => Some(Self::LargestFloat),
            amax if amax > LARGEST_HALF => Some(Self::BeyondHalf),
            _ => None,
        }
    }

    /// Whether a calibration writes such a scale, and nobody changed it.
    pub fn is_calibrated(self) -> bool {
        !matches!(self, Self::Negative | Self::NotANumber)
    }
}

/// The odd ones among `entries`.
pub(super) fn suspicions(entries: &[(String, f32)]) -> impl Iterator<Item = Suspicion<'_>> {
    entries.iter().filter_map(|(name, scale)| {
        Some(Suspicion { name, scale: *scale, oddity: Oddity::of(*scale)? })
    })
}

/// The odd ones among the entries of a table.
pub(crate) fn of_table(table: &Table) -> impl Iterator<Item = Suspicion<'_>> {
    table.tensors().iter().filter_map(|(name, entry)| {
        Some(Suspicion {
            name,
            scale: entry.scale,
            oddity: Oddity::of_entry(entry, table.largest())?,
        })
    })
}

impl fmt::Display for Suspicion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tensor `{}` has the scale {:?}: {}", self.name, self.scale, self.oddity)
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "only ever 0 when it was calibrated; TensorRT may fail to build with that",
            Self::Negative | Self::NotANumber => "no calibrator writes that, the file was changed",
            Self::Infinite => "infinities when it was calibrated, as behind a Log or a mask; no value is left of it",
            Self::LargestFloat => "the range of all floats, as behind a mask of the lowest float; no other value is left of it",
            Self::BeyondHalf => "a range beyond that of half precision, as behind a mask; of smaller values nothing is left below half the scale",
            Self::Subnormal => "too small to divide by",
            Self::OnlyZeros => "only ever 0 when it was calibrated, so the scale is that of a range of 1",
            Self::Raised => "next to nothing when it was calibrated, so the scale is the smallest that can be divided by",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cache;

    #[test]
    fn unusable_scales_are_pointed_out() {
        let text = "TRT-8601-EntropyCalibration2\na: 3c010204\nb: 0\nc: 7f800000\nd: bc010204\ne: 7fc00000\n\
                    f: 80000000\ng: 7c010204\nh: 1\ni: 800000\nj: 4400f000\nk: 4401f000\n";
        let cache: Cache = text.parse().unwrap();
        let suspicions: Vec<_> =
            cache.suspicions().map(|it| (it.name, it.oddity, it.oddity.is_calibrated())).collect();
        assert_eq!(
            suspicions,
            [
                ("b", Oddity::Zero, true),
                ("c", Oddity::Infinite, true),
                ("d", Oddity::Negative, false),
                ("e", Oddity::NotANumber, false),
                ("f", Oddity::Zero, true),
                ("g", Oddity::LargestFloat, true),
                ("h", Oddity::Subnormal, true),
                ("k", Oddity::BeyondHalf, true),
            ]
        );
        let said: Vec<String> = cache.suspicions().map(|it| it.to_string()).collect();
        assert!(said[0].starts_with("tensor `b` has the scale 0.0: only ever 0"), "{said:?}");
        assert!(said[2].starts_with("tensor `d` has the scale -0.007874016: no calib"), "{said:?}");
    }
}
