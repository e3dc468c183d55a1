//! Scales that are in a cache for a reason other than the values of the tensor.

use std::fmt;

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
    /// The largest float divided by 127, or more.
    LargestFloat,
    /// So small that its reciprocal is infinite, or that it is lost where subnormals count as 0.
    Subnormal,
}

impl Oddity {
    /// What is odd about `scale`, if anything is.
    pub fn of(scale: f32) -> Option<Self> {
        match scale {
            _ if scale.is_nan() => Some(Self::NotANumber),
            0.0 => Some(Self::Zero),
            _ if scale < 0.0 => Some(Self::Negative),
            f32::INFINITY => Some(Self::Infinite),
            _ if scale >= f32::MAX / 127.0 => Some(Self::LargestFloat),
            _ if scale < f32::MIN_POSITIVE => Some(Self::Subnormal),
            _ => None,
        }
    }

    /// Whether TensorRT itself writes such a scale.
    pub fn is_tensorrts(self) -> bool {
        match self {
            Self::Zero | Self::Infinite | Self::LargestFloat | Self::Subnormal => true,
            Self::Negative | Self::NotANumber => false,
        }
    }
}

/// The odd ones among `entries`.
pub(super) fn suspicions(entries: &[(String, f32)]) -> impl Iterator<Item = Suspicion<'_>> {
    entries.iter().filter_map(|(name, scale)| {
        Some(Suspicion { name, scale: *scale, oddity: Oddity::of(*scale)? })
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
            Self::Zero => "it was only ever 0 when it was calibrated; TensorRT may fail to build with it",
            Self::Negative => "no calibrator writes that, the file was changed",
            Self::Infinite => "it held infinities when it was calibrated, as behind a Log or a mask; no value is left of it in int8",
            Self::NotANumber => "no calibrator writes that, the file was changed",
            Self::LargestFloat => "its range is that of all floats, as behind a mask of the lowest float; no other value is left of it in int8",
            Self::Subnormal => "it is too small to divide by",
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
                    f: 80000000\ng: 7c010204\nh: 1\ni: 800000\n";
        let cache: Cache = text.parse().unwrap();
        let suspicions: Vec<_> =
            cache.suspicions().map(|it| (it.name, it.oddity, it.oddity.is_tensorrts())).collect();
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
            ]
        );
        let said: Vec<String> = cache.suspicions().map(|it| it.to_string()).collect();
        assert!(
            said[0].starts_with("tensor `b` has the scale 0.0: it was only ever 0"),
            "{said:?}"
        );
        assert!(said[2].starts_with("tensor `d` has the scale -0.007874016: no calib"), "{said:?}");
    }
}
