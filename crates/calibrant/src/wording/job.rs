//! Ways out of what stops a job.

use calibrant_job::guard::{GuardError, TIMING_CACHE};
use calibrant_job::{ConfigError, InputProblem, OutputError};
use calibrant_preprocess::Preset;
use calibrant_rewrite::RewriteError;
use calibrant_runtime::LoadError;

use crate::error::JobError;
use crate::runtimes::{AUTO, ONNXRUNTIME};

/// What to do about what stops a job.
pub(super) fn of_job(error: &JobError) -> Option<String> {
    let words = match error {
        JobError::Fit { problem, .. } => return of_fit(problem),
        JobError::Load {
            runtime,
            source: LoadError::Unsupported { .. } | LoadError::Node { .. },
        } if [AUTO, ONNXRUNTIME].contains(&runtime.as_str()) => {
            "--backend tensorrt has TensorRT 8.5 to 10.16 run it instead, and `calibrant quantize --precision fp16` runs nothing"
        }
        JobError::Load {
            source: LoadError::Unsupported { .. } | LoadError::Node { .. }, ..
        } => {
            "--onnxruntime fetch gets ONNX Runtime, which has more operators, --backend tensorrt has TensorRT 8.5 to 10.16 run it instead, and `calibrant quantize --precision fp16` runs nothing"
        }
        JobError::Threads(_) => "--workers says how many threads do it",
        JobError::Decode(_) => "--decode cpu does without it",
        JobError::CacheInTheWay { .. } => "--recalibrate replaces it, another --output leaves it",
        JobError::Shapes(_) => "give them with --shapes, or stop before it with --engine none",
        JobError::Rewrite { source, .. } => return of_rewrite(source),
        _ => return None,
    };
    Some(format!("; {words}"))
}

/// What to do about fields that do not make a job.
pub(super) fn of_config(error: &ConfigError) -> Option<String> {
    let words = match error {
        ConfigError::MethodOfCache(_) => "leave --method out",
        ConfigError::NothingToBuild => {
            "choose --precision int8 or int8+fp16, or leave --backend tensorrt out"
        }
        ConfigError::CalibratorOfInt8(precision) => {
            return Some(format!("; leave --backend tensorrt out for --precision {precision}"));
        }
        ConfigError::FaithfulOfInt8(_) => "choose another --method",
        ConfigError::NoSuchFormat { .. } => "choose --precision int8",
        ConfigError::FormatOfGpu { given, .. } => {
            return Some(format!(
                "; leave --compute-capability {given} out, or choose --precision int8"
            ));
        }
        ConfigError::CacheOfInt8 { .. } => {
            "name calibration.stats with --calibration-cache, or calibrate again"
        }
        ConfigError::NoInt8ToHandOver(_) => {
            "leave --int8-via out, or choose --precision int8 or int8+fp16"
        }
        ConfigError::TargetWithoutRanges(_) => "leave --int8-via out",
        ConfigError::OtherTensorRt { .. } => {
            "name its library with --tensorrt PATH, or leave the engine to it with --engine none"
        }
        ConfigError::ViaOfTensorRts => "leave --int8-via out, or --backend tensorrt",
        ConfigError::HeaderOfTensorRts => {
            "leave --cache-version and --for out, and put another header over it with `calibrant cache convert`"
        }
        ConfigError::NoPreprocessing => {
            return Some(format!(
                "; choose with --preset NAME (or --preprocess FILE):\n{}",
                Preset::listing()
            ));
        }
        ConfigError::PreprocessingOf { preset, .. } => {
            return Some(format!("; add --preset {preset}"));
        }
        ConfigError::ShapesOfTensorRts { .. } => "leave --backend tensorrt out",
        ConfigError::PreprocessingOfTensors(_) => "leave --preset and its fields out",
        _ => return None,
    };
    Some(format!("; {words}"))
}

/// What to do about an output folder that cannot be used.
pub(super) fn of_output(error: &OutputError) -> Option<String> {
    let words = match error {
        OutputError::Folder { .. } => "name another with --output",
        OutputError::Busy { .. } => "wait for it, or name another folder with --output",
        OutputError::Input { .. } | OutputError::Unread { .. } => {
            "name another folder with --output"
        }
        OutputError::Foreign { .. } | OutputError::Changed { .. } => {
            "move it away, or name another folder with --output"
        }
        OutputError::Report { .. } => {
            "move it away with the results beside it, or name another folder with --output"
        }
        _ => return None,
    };
    Some(format!("; {words}"))
}

/// What to do about a file that cannot be written.
pub(super) fn of_guard(error: &GuardError) -> Option<String> {
    let what = match error {
        GuardError::Input { what, .. }
        | GuardError::NotAFile { what, .. }
        | GuardError::Weights { what, .. } => *what,
        _ => return None,
    };
    // This command line calls what it writes by its flags; the job calls its own.
    let flag = if what == TIMING_CACHE { "--timing-cache" } else { what };
    Some(format!("; name another file with {flag}"))
}

/// What to do where samples and model do not fit.
fn of_fit(problem: &InputProblem) -> Option<String> {
    let words = match problem {
        InputProblem::Channels { channels: 1, .. } => {
            "use --color gray, or another preset".to_owned()
        }
        InputProblem::Channels { channels: 3, .. } => {
            "use --color rgb or --color bgr, whichever it was trained with, or another preset"
                .to_owned()
        }
        InputProblem::Channels { .. } => {
            "pictures have 1 or 3, so give its samples as an npz".to_owned()
        }
        InputProblem::Size { width, height, presets, .. } => {
            let made_by = match presets.as_slice() {
                [] => String::new(),
                presets => format!(" (--preset {} makes such pictures)", presets.join(" or ")),
            };
            format!(
                "choose the preset that the model was trained with{made_by}, or, if it is this one but for the size, add --size {width}x{height}"
            )
        }
        InputProblem::OpenLayout { .. } => "say it with --layout nchw or --layout nhwc".to_owned(),
        InputProblem::OtherLayout { .. } => "leave --layout out".to_owned(),
        InputProblem::NotBytes { .. } => {
            "use --preset raw, whose values are the pixels', with --size and --resize as before"
                .to_owned()
        }
        _ => return None,
    };
    Some(format!("; {words}"))
}

/// The way round what cannot be quantized, where there is one.
fn of_rewrite(error: &RewriteError) -> Option<String> {
    match error {
        RewriteError::AlreadyQuantized { .. } => {
            Some("; `calibrant build` builds it as it is".to_owned())
        }
        RewriteError::NonFiniteWeight { layer, .. } => Some(format!(
            "; `calibrant quantize --layer-precision '^{}$=fp32'` leaves in float what is at fault",
            regex_lite::escape(layer)
        )),
        _ => None,
    }
}
