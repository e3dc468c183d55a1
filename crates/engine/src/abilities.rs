//! What each TensorRT can do.

use calibrant_tensorrt::{Generation, Version};
use serde::Serialize;

/// What a library can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Builds plans from ONNX: a known generation, with its parser.
    pub builds: bool,
    /// Builds on a machine that has none, for a GPU that is named.
    pub builds_without_gpu: bool,
    /// Builds INT8 from `QuantizeLinear` and `DequantizeLinear`.
    pub explicit_int8: bool,
    /// Calibrates through callbacks and reads calibration caches.
    pub implicit_int8: bool,
    /// Reports progress and can be cancelled.
    pub progress: bool,
}

impl Abilities {
    /// What a version can do, where its parser lies beside it or does not.
    pub fn of(version: Version, has_parser: bool) -> Self {
        let generation = version.generation();
        let builds = generation.is_some() && has_parser;
        let rtx = generation.is_some_and(Generation::is_rtx);
        let implicit = matches!(generation, Some(Generation::TensorRt8 | Generation::TensorRt10));
        Self {
            builds,
            builds_without_gpu: builds && rtx,
            // RTX before 1.7 fails on INT8 convolutions.
            explicit_int8: builds && (!rtx || version >= Version::from_raw(10_700)),
            implicit_int8: builds && implicit,
            progress: builds && version >= Version::from_raw(9_300),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_follow_version_and_parser() {
        let of = |raw| Abilities::of(Version::from_raw(raw), true);
        let all = Abilities {
            builds: true,
            builds_without_gpu: true,
            explicit_int8: true,
            implicit_int8: true,
            progress: true,
        };
        let none = Abilities {
            builds: false,
            builds_without_gpu: false,
            explicit_int8: false,
            implicit_int8: false,
            progress: false,
        };
        assert_eq!(of(10_701), Abilities { implicit_int8: false, ..all });
        assert_eq!(of(10_500), Abilities { implicit_int8: false, explicit_int8: false, ..all });
        assert_eq!(of(101_601), Abilities { builds_without_gpu: false, ..all });
        assert_eq!(
            of(110_400),
            Abilities { builds_without_gpu: false, implicit_int8: false, ..all }
        );
        assert_eq!(of(8_601), Abilities { builds_without_gpu: false, progress: false, ..all });
        assert_eq!(of(120_000), none);
        assert_eq!(Abilities::of(Version::from_raw(10_701), false), none);
    }
}
