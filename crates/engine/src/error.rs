//! What can go wrong, each with the way out.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use calibrant_calibration::CacheError;
use calibrant_tensorrt::{BoxError, OpenError};

use crate::build::Hint;
use crate::event::ParserMessage;
use crate::options::Unsupported;

/// No plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The thread that builds could not be started.
    #[error(
        "the thread that builds the engine cannot be started; raise the limits on processes and memory"
    )]
    Thread(#[source] io::Error),
    /// The library cannot be opened, though it was found.
    #[error("TensorRT cannot be opened")]
    Open(#[from] OpenError),
    /// A TensorRT call failed, or this TensorRT lacks what was asked of it.
    #[error("TensorRT refused{}{}", said(messages), way_out(*hint))]
    TensorRt {
        /// The errors of TensorRT's log, verbatim.
        messages: Vec<String>,
        /// What is known of this failure, and the way out.
        hint: Option<Hint>,
        /// The call.
        source: calibrant_tensorrt::Error,
    },
    /// The ONNX parser refused the model.
    #[error("{} cannot be parsed by {library}:\n{}", model.display(), list(messages))]
    Parse {
        /// Where it lies.
        model: PathBuf,
        /// The library and its version.
        library: String,
        /// Everything the parser said, verbatim.
        messages: Vec<ParserMessage>,
    },
    /// The file was parsed and there is nothing in it.
    #[error("{} describes a network without outputs: it is empty, or no ONNX model", model.display())]
    NoOutputs {
        /// Where it lies.
        model: PathBuf,
    },
    /// Dynamic inputs and no profile that says their sizes.
    #[error(
        "the model has dynamic inputs without shapes:\n{}\ngive the smallest, the usual and the largest",
        list(inputs)
    )]
    NeedsShapes {
        /// The inputs, as `input [-1,3,224,224]`.
        inputs: Vec<String>,
        /// A range that would do for the first.
        example: String,
    },
    /// A profile that does not fit the model.
    #[error("profile {profile} does not fit the model: {problem}")]
    Profile {
        /// Which profile, from 1.
        profile: usize,
        /// What does not fit.
        problem: ProfileProblem,
    },
    /// The calibration profile does not fit the model.
    #[error("the calibration profile does not fit the model: {problem}")]
    CalibrationProfile {
        /// What does not fit.
        problem: ProfileProblem,
    },
    /// This TensorRT lacks what was asked of it, or the settings exclude each other.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// INT8 was asked for, and nothing brings ranges.
    #[error(
        "int8 was asked for, and {} carries no Q/DQ; quantize it first",
        model.display()
    )]
    NoRanges {
        /// Where it lies.
        model: PathBuf,
    },
    /// Ranges for a model that has its own.
    #[error(
        "{} carries Q/DQ, and TensorRT takes no other ranges beside those; give the model without Q/DQ, or build it as it is",
        model.display()
    )]
    AlreadyQuantized {
        /// Where it lies.
        model: PathBuf,
    },
    /// Ranges of another model.
    #[error("none of the {n_ranges} ranges is of a tensor of {}; they belong to another model", model.display())]
    ForeignRanges {
        /// Where it lies.
        model: PathBuf,
        /// How many ranges there are.
        n_ranges: usize,
    },
    /// The ranges cannot stand in a calibration cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A DLA without the GPU to fall back to, and tensors without a range.
    #[error(
        "the DLA needs a range of every tensor, and these have none:\n{}\nallow GPU fallback, or calibrate with TensorRT",
        list(tensors)
    )]
    DlaRanges {
        /// Their names.
        tensors: Vec<String>,
    },
    /// A DLA that is not there.
    #[error("there is no DLA core {core}: this machine has {count}")]
    DlaCore {
        /// Which one was asked for, from 0.
        core: u8,
        /// How many there are.
        count: usize,
    },
    /// A pattern for layers that fits none.
    #[error("no layer's name fits {pattern:?}; the layers of the network are:\n{}", list(layers))]
    LayerPattern {
        /// As it was written.
        pattern: String,
        /// The layers' names.
        layers: Vec<String>,
    },
    /// A call of the calibrator failed.
    #[error("the calibrator failed in {callback}")]
    Calibrator {
        /// The method that TensorRT called, as `getBatch`.
        callback: &'static str,
        /// The calibrator's own error.
        source: BoxError,
    },
    /// TensorRT asked for samples though it was handed a calibration cache.
    #[error(
        "{library} refused the calibration cache, whose header is {header:?}{}\nuse a Q/DQ model or dynamic ranges",
        said(messages)
    )]
    CacheRefused {
        /// The library and its version.
        library: String,
        /// The first line of the cache.
        header: String,
        /// The warnings and errors of TensorRT's log, verbatim.
        messages: Vec<String>,
    },
    /// TensorRT built a plan without looking at the calibration cache.
    #[error("{library} built a plan without asking for the calibration cache; nothing was written")]
    CacheUnread {
        /// The library and its version.
        library: String,
    },
    /// A timing cache of another TensorRT, or another GPU.
    #[error(
        "{library} refuses the timing cache {}: it is of another version or another GPU; delete it, or name another",
        path.display()
    )]
    TimingCache {
        /// The timing cache.
        path: PathBuf,
        /// The library and its version.
        library: String,
        /// The call.
        source: calibrant_tensorrt::Error,
    },
    /// TensorRT built nothing.
    #[error("{library} could not build the plan{}{}", said(messages), way_out(*hint))]
    Build {
        /// The library and its version.
        library: String,
        /// The errors of TensorRT's log, verbatim.
        messages: Vec<String>,
        /// What is known of this failure, and the way out.
        hint: Option<Hint>,
    },
    /// The caller cancelled.
    #[error("the build was cancelled after {:.1} s", after.as_secs_f64())]
    Cancelled {
        /// How long it had run.
        after: Duration,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// Its path, as it was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a profile does not fit a model.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileProblem {
    /// The model has no input of that name.
    #[error("there is no input {input:?}; the inputs are {}", inputs.join(", "))]
    UnknownInput {
        /// The name given.
        input: String,
        /// The model's inputs.
        inputs: Vec<String>,
    },
    /// A dynamic input without a range.
    #[error("it says nothing about dynamic input {input:?}")]
    MissingInput {
        /// The input's name.
        input: String,
    },
    /// Another number of dimensions.
    #[error("input {input:?} has {expected} dimensions and the profile gives {given}")]
    Rank {
        /// The input's name.
        input: String,
        /// How many the model has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// Another size in a dimension that the model fixes.
    #[error(
        "input {input:?} is fixed to {expected} in dimension {axis} and the profile gives {given}"
    )]
    Fixed {
        /// The input's name.
        input: String,
        /// Which dimension, from 0.
        axis: usize,
        /// The model's size.
        expected: i64,
        /// The size given.
        given: u64,
    },
}

/// The items, a line each.
fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("  {item}")).collect::<Vec<_>>().join("\n")
}

impl From<calibrant_tensorrt::Error> for BuildError {
    /// The failed call; the log's messages are added where they are known.
    fn from(source: calibrant_tensorrt::Error) -> Self {
        Self::TensorRt { messages: Vec::new(), hint: None, source }
    }
}

/// The way out as the end of a message.
fn way_out(hint: Option<Hint>) -> String {
    hint.map_or_else(String::new, |hint| format!("\n{hint}"))
}

/// The log's errors as the end of a message.
fn said(messages: &[String]) -> String {
    if messages.is_empty() { String::new() } else { format!("; it says:\n{}", list(messages)) }
}
