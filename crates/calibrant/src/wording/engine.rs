//! Flags of the builder.

use calibrant_engine::{BuildError, Hint, OpenInput, Setting, ShapeError, Unsupported, WayOut};

/// The flags instead of a setting that this TensorRT does not have.
pub(super) fn of_unsupported(error: &Unsupported) -> Option<String> {
    let (Unsupported::Missing { way_out, .. } | Unsupported::Conflict { way_out, .. }) = error
    else {
        return None;
    };
    let flags = match way_out {
        WayOut::LeaveOut(setting) => return of_setting(*setting),
        WayOut::Precision(_) => " (--precision)",
        WayOut::Qdq => " (--int8-via qdq)",
        WayOut::OtherCalibration => " (leave --backend tensorrt out)",
        WayOut::RefitAny => " (--refit any)",
        _ => return None,
    };
    Some(flags.to_owned())
}

fn of_setting(setting: Setting) -> Option<String> {
    let words = match setting {
        Setting::OptimizationLevel => "; leave --optimization-level out",
        Setting::MemoryPool => "; leave it out of --memory-pool",
        Setting::CalibrationProfile => "; leave --calibration-shapes out",
        Setting::HardwareCompatibility => "; leave --hardware-compatibility out",
        Setting::ComputeCapabilities => "; leave --compute-capability out",
        Setting::LayerPrecisions => "; leave --layer-precision and --precision-constraints out",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The flags that get a plan built.
pub(super) fn of_build(error: &BuildError) -> Option<String> {
    let flags = match error {
        BuildError::TensorRt { hint, .. } | BuildError::Build { hint, .. } => {
            return of_hint((*hint)?);
        }
        BuildError::NeedsShapes { example, .. } => {
            return Some(format!(", for example --shapes {example}"));
        }
        BuildError::NoRanges { .. } => " (`calibrant quantize`)",
        BuildError::AlreadyQuantized { .. } => " (`calibrant build`)",
        BuildError::CacheRefused { .. } => " (--int8-via qdq or --int8-via ranges)",
        BuildError::TimingCache { .. } => " with --timing-cache",
        _ => return None,
    };
    Some(flags.to_owned())
}

fn of_hint(hint: Hint) -> Option<String> {
    let flags = match hint {
        Hint::OldRtx => " (--tensorrt fetch)",
        Hint::Workspace => " with --workspace",
        Hint::NoGpu => "; --tensorrt fetch gets TensorRT-RTX",
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The shapes that would do, as flags.
pub(super) fn of_shapes(error: &ShapeError) -> Option<String> {
    let ShapeError::Open { open } = error else { return None };
    let flag = |OpenInput { example, .. }: &OpenInput| format!("--shapes {example}");
    let flags: Vec<String> = open.iter().map(flag).collect();
    Some(format!(", for example {}", flags.join(" ")))
}
