//! Enumerations whose numbers depend on the generation.

use crate::error::MissingValue;
use crate::table::{Absent, Row, look_up};
use crate::version::Version;

/// An enumeration of TensorRT.
///
/// ```
/// use tensorrt_sys::{Enumeration, Version, enums::BuilderFlag};
///
/// let refit = |version| BuilderFlag::Refit.to_raw(Version::from_raw(version));
/// assert_eq!((refit(8_601), refit(101_601)), (Ok(5), Ok(4)));
/// let error = BuilderFlag::Int8.to_raw(Version::from_raw(110_100)).unwrap_err();
/// assert_eq!(error.to_string(), "TensorRT 11.1.0 has no BuilderFlag::kINT8");
/// ```
pub trait Enumeration: Copy + PartialEq + 'static {
    /// Its C++ name.
    const NAME: &'static str;
    /// Each enumerator, the vendor's spelling of it, and its number in every generation.
    const ROWS: &'static [(Self, &'static str, Row)];

    /// The number of this enumerator in a version.
    ///
    /// # Errors
    /// [`MissingValue`] where the version has no such enumerator.
    fn to_raw(self, version: Version) -> Result<i32, MissingValue> {
        let missing = |value, absent| MissingValue {
            version,
            enumeration: Self::NAME,
            value,
            since: match absent {
                Absent::Never => None,
                Absent::Until(since) => Some(since),
            },
        };
        let (_, name, row) = Self::ROWS
            .iter()
            .find(|(enumerator, ..)| *enumerator == self)
            .ok_or(missing("?", Absent::Never))?;
        look_up(row, version).map(i32::from).map_err(|absent| missing(name, absent))
    }

    /// The enumerator that a version numbers so; `None` for a number newer than the tables.
    fn from_raw(version: Version, raw: i32) -> Option<Self> {
        let this = |row: &Row| look_up(row, version).map(i32::from) == Ok(raw);
        Self::ROWS.iter().find(|(_, _, row)| this(row)).map(|&(enumerator, ..)| enumerator)
    }

    /// The vendor's spelling, as `kFP16`.
    fn vendor_name(self) -> &'static str {
        Self::ROWS
            .iter()
            .find(|(enumerator, ..)| *enumerator == self)
            .map_or("?", |&(_, name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enums::{
        BuilderFlag, CalibrationAlgoType, ComputeCapability, DataType, LayerType, MemoryPoolType,
        NetworkDefinitionCreationFlag, OptProfileSelector, ParserErrorCode, ProfilingVerbosity,
        Severity, TensorIOMode,
    };

    /// One version of each generation, in the tables' order.
    const VERSIONS: [i32; 5] = [8_601, 101_601, 110_400, 10_400, 10_701];

    fn raw_everywhere<E: Enumeration>(value: E) -> [Option<i32>; 5] {
        VERSIONS.map(|version| value.to_raw(Version::from_raw(version)).ok())
    }

    #[test]
    fn numbers_that_differ_between_generations() {
        let cases = [
            (raw_everywhere(BuilderFlag::Fp16), [Some(0), Some(0), None, Some(0), None]),
            (raw_everywhere(BuilderFlag::Int8), [Some(1), Some(1), None, Some(1), None]),
            (raw_everywhere(BuilderFlag::Tf32), [Some(7), Some(6), Some(6), Some(6), Some(6)]),
            (
                raw_everywhere(BuilderFlag::StripPlan),
                [None, Some(19), Some(18), Some(19), Some(18)],
            ),
            (
                raw_everywhere(NetworkDefinitionCreationFlag::StronglyTyped),
                [None, Some(1), Some(0), Some(1), Some(0)],
            ),
            (
                raw_everywhere(LayerType::Quantize),
                [Some(33), Some(32), Some(32), Some(32), Some(32)],
            ),
            (raw_everywhere(LayerType::Cast), [Some(47), Some(1), Some(1), Some(1), Some(1)]),
            (raw_everywhere(ComputeCapability::Sm121), [None, None, None, None, Some(121)]),
            (
                raw_everywhere(CalibrationAlgoType::EntropyCalibration2),
                [Some(2), Some(2), None, None, None],
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_enumerator_is_missing_before_its_version() {
        let bf16 = DataType::Bf16.to_raw(Version::from_raw(8_601)).unwrap_err();
        assert_eq!(
            bf16.to_string(),
            "TensorRT 8.6.1 has no DataType::kBF16; it came with TensorRT 9.3.0"
        );
    }

    /// Every number of a version leads back to its enumerator, so no two enumerators share one.
    fn round_trip<E: Enumeration + std::fmt::Debug>() {
        for version in VERSIONS.map(Version::from_raw) {
            for &(value, name, _) in E::ROWS {
                if let Ok(raw) = value.to_raw(version) {
                    assert_eq!(E::from_raw(version, raw), Some(value), "{version} {name}");
                }
            }
            assert_eq!(E::from_raw(version, -1), None);
        }
    }

    #[test]
    fn numbers_round_trip() {
        round_trip::<DataType>();
        round_trip::<BuilderFlag>();
        round_trip::<NetworkDefinitionCreationFlag>();
        round_trip::<MemoryPoolType>();
        round_trip::<OptProfileSelector>();
        round_trip::<ProfilingVerbosity>();
        round_trip::<Severity>();
        round_trip::<LayerType>();
        round_trip::<ComputeCapability>();
        round_trip::<TensorIOMode>();
        round_trip::<ParserErrorCode>();
    }
}
