//! Which TensorRT a library is, and which generation's tables fit it.

use std::fmt;

/// The product a library belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Product {
    /// TensorRT proper, `libnvinfer`.
    TensorRt,
    /// TensorRT for RTX, `libtensorrt_rtx`.
    TensorRtRtx,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TensorRt => "TensorRT",
            Self::TensorRtRtx => "TensorRT-RTX",
        })
    }
}

/// A library's version, as `getInferLibVersion()` gives it.
///
/// The integer means `major * 1000 + minor * 100 + patch` up to TensorRT 9, and `major * 10000 + minor * 100 + patch`
/// for TensorRT 10 and later and for TensorRT-RTX; the three ranges do not meet.
///
/// ```
/// use tensorrt_sys::{Generation, Version};
///
/// let version = Version::from_raw(101_601);
/// assert_eq!(version.to_string(), "TensorRT 10.16.1");
/// assert_eq!(version.generation(), Some(Generation::TensorRt10));
/// ```
#[doc(alias = "getInferLibVersion")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(i32);

impl Version {
    /// The version that a library reports by this integer; any integer is taken, [`Version::generation`] judges it.
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// The integer itself, which `createInferBuilder_INTERNAL` wants back.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The product, told by the range of the integer.
    pub const fn product(self) -> Product {
        if self.0 >= 10_000 && self.0 < 100_000 { Product::TensorRtRtx } else { Product::TensorRt }
    }

    /// `(major, minor, patch)`.
    pub const fn parts(self) -> (i32, i32, i32) {
        let major_unit = if self.0 < 10_000 { 1000 } else { 10_000 };
        (self.0 / major_unit, self.0 % major_unit / 100, self.0 % 100)
    }

    /// The generation whose tables fit this version, or `None` for one this program does not know.
    pub const fn generation(self) -> Option<Generation> {
        match self.0 {
            8_500..=9_999 => Some(Generation::TensorRt8),
            10_300..=10_499 => Some(Generation::Rtx1_3),
            10_500..=10_799 => Some(Generation::Rtx1_5),
            100_000..=109_999 => Some(Generation::TensorRt10),
            110_000..=119_999 => Some(Generation::TensorRt11),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.parts();
        write!(f, "{} {major}.{minor}.{patch}", self.product())
    }
}

/// A family of versions with one binary interface: inside it, methods are only ever appended (but for 10.8, see
/// [`VirtualMethod`](crate::VirtualMethod)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Generation {
    /// TensorRT 8.5, 8.6 and 9.x.
    TensorRt8,
    /// TensorRT 10.x.
    TensorRt10,
    /// TensorRT 11.x.
    TensorRt11,
    /// TensorRT-RTX 1.3 and 1.4.
    Rtx1_3,
    /// TensorRT-RTX 1.5 to 1.7, which share the soname of 1.3 and 1.4 but not their interface.
    Rtx1_5,
}

impl Generation {
    /// How many generations there are.
    pub const COUNT: usize = 5;

    /// Every generation, in the order of the tables' columns.
    pub const ALL: [Self; Self::COUNT] =
        [Self::TensorRt8, Self::TensorRt10, Self::TensorRt11, Self::Rtx1_3, Self::Rtx1_5];

    /// The column of this generation in the tables.
    pub(crate) const fn column(self) -> usize {
        self as usize
    }

    /// Whether this is a generation of TensorRT-RTX.
    pub const fn is_rtx(self) -> bool {
        matches!(self, Self::Rtx1_3 | Self::Rtx1_5)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TensorRt8 => "TensorRT 8.5 to 9.x",
            Self::TensorRt10 => "TensorRT 10.x",
            Self::TensorRt11 => "TensorRT 11.x",
            Self::Rtx1_3 => "TensorRT-RTX 1.3 to 1.4",
            Self::Rtx1_5 => "TensorRT-RTX 1.5 to 1.7",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_become_versions_and_generations() {
        let cases = [
            (8_503, "TensorRT 8.5.3", Some(Generation::TensorRt8)),
            (8_601, "TensorRT 8.6.1", Some(Generation::TensorRt8)),
            (9_300, "TensorRT 9.3.0", Some(Generation::TensorRt8)),
            (10_299, "TensorRT-RTX 1.2.99", None),
            (10_400, "TensorRT-RTX 1.4.0", Some(Generation::Rtx1_3)),
            (10_500, "TensorRT-RTX 1.5.0", Some(Generation::Rtx1_5)),
            (10_701, "TensorRT-RTX 1.7.1", Some(Generation::Rtx1_5)),
            (10_800, "TensorRT-RTX 1.8.0", None),
            (100_000, "TensorRT 10.0.0", Some(Generation::TensorRt10)),
            (101_601, "TensorRT 10.16.1", Some(Generation::TensorRt10)),
            (110_400, "TensorRT 11.4.0", Some(Generation::TensorRt11)),
            (120_000, "TensorRT 12.0.0", None),
            (8_403, "TensorRT 8.4.3", None),
            (7_203, "TensorRT 7.2.3", None),
            (0, "TensorRT 0.0.0", None),
        ];
        for (raw, text, generation) in cases {
            let version = Version::from_raw(raw);
            assert_eq!(version.to_string(), text);
            assert_eq!(version.generation(), generation, "{text}");
        }
    }

    #[test]
    fn columns_follow_the_declared_order() {
        for (column, generation) in Generation::ALL.into_iter().enumerate() {
            assert_eq!(generation.column(), column);
        }
    }
}
