//! Why a runtime cannot be used, does not take a model, or a run ended.

use std::error::Error;
use std::{fmt, io};

use calibrant_onnx::{TensorError, TopologyError, ValidateError};

use crate::SourceError;
use crate::host::InputError;

/// Why a runtime cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// A library that it is made of is not there.
    #[error("{library} was not found; {way_out}")]
    Library {
        /// The library.
        library: String,
        /// How to get it.
        way_out: String,
    },
    /// There is no device that it runs on, or none that can be used.
    #[error("{device} cannot be used")]
    Device {
        /// The device.
        device: String,
        /// What stands in the way.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Why a runtime does not take a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The runtime cannot be used here, whatever the model.
    #[error("the {runtime} backend cannot be used here")]
    Unavailable {
        /// The runtime's name.
        runtime: String,
        /// Why not.
        source: Unavailable,
    },
    /// The model breaks ONNX's rules.
    #[error("the model is not valid")]
    Invalid(#[from] ValidateError),
    /// The nodes have no order.
    #[error("the model's nodes have no order")]
    Order(#[from] TopologyError),
    /// Weights cannot be read.
    #[error("a constant of the model cannot be read")]
    Constant(#[from] TensorError),
    /// The runtime does not compute with a constant.
    #[error("a constant of the model cannot be used")]
    Value(#[source] Box<dyn Error + Send + Sync>),
    /// The model uses operators, or forms of them, that the runtime does not compute exactly.
    #[error("the {runtime} backend cannot run {}", list(.nodes))]
    Unsupported {
        /// The runtime's name.
        runtime: String,
        /// The nodes at fault, in the graph's order.
        nodes: Vec<Refused>,
    },
    /// An input has a type that samples do not come in.
    #[error(
        "input `{input}` of the model is {dtype}, and samples are floats, int64, int32, uint8 or bool"
    )]
    InputType {
        /// The input's name.
        input: String,
        /// Its element type, as ONNX calls it.
        dtype: &'static str,
    },
    /// There is nothing to observe.
    #[error("no float tensor of the model depends on the values of its inputs")]
    NothingToObserve,
    /// A tensor was asked for that cannot be had.
    #[error(
        "tensor `{tensor}` cannot be observed: it is no float tensor of the model that depends on its inputs and is read, \
         or a mask puts infinities into it"
    )]
    NoTensor {
        /// The name that was asked for.
        tensor: String,
    },
    /// The runtime does not take a node.
    #[error("the {runtime} backend cannot run {node}")]
    Node {
        /// The runtime's name.
        runtime: String,
        /// The node as messages call it.
        node: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The runtime does not take the model, for a reason of its own.
    #[error("the {runtime} backend cannot load the model")]
    Other {
        /// The runtime's name.
        runtime: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A node that a runtime does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The node as messages call it: `Conv "stem" (#12)`.
    pub node: String,
    /// Its operator, with the domain when that is not ONNX's own.
    pub operator: String,
    /// What stands in the way.
    pub reason: Refusal,
}

/// What stands in the way of running a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The operator is not implemented.
    #[error("operator not implemented")]
    Operator,
    /// The operator is implemented, but not with this value of an attribute.
    #[error("{name} = {value} not implemented")]
    Attribute {
        /// The attribute.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The operator is implemented, but not with this optional input.
    #[error("input {name} not implemented")]
    Input {
        /// The input as ONNX calls it.
        name: &'static str,
    },
    /// The operator is implemented, but this optional output, which the model uses, is not.
    #[error("output {name} not implemented")]
    Output {
        /// The output as ONNX calls it.
        name: &'static str,
    },
    /// Something that the operator cannot do without is missing.
    #[error("{name} is missing")]
    Missing {
        /// What ONNX calls it.
        name: &'static str,
    },
    /// Something has to be known before the model runs that is only known then.
    #[error("{what} known only when it runs")]
    Unknown {
        /// What that is.
        what: &'static str,
    },
    /// A constant asks for this many elements, or for an axis this much longer.
    #[error("a constant asks for {elements} elements")]
    Huge {
        /// How many.
        elements: u128,
    },
    /// The runtime's library does not take it.
    #[error("{said}")]
    Library {
        /// What it said, with its causes.
        said: String,
    },
    /// A node inside a body of it is not run.
    #[error("{node} inside it: {reason}")]
    Inside {
        /// The inner node as messages call it.
        node: String,
        /// What stands in its way.
        reason: Box<Self>,
    },
}

/// Why a run ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The samples ended early.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The network computed a value that has no place on any scale.
    #[error(
        "tensor `{tensor}` has the value {value} at element {index} for sample `{sample}`; \
         see whether the model overflows in float too, or leave the sample out"
    )]
    NonFinite {
        /// Name of the tensor in the original graph.
        tensor: String,
        /// Name of the sample, or of the batch's samples joined by `, ` where they ran together.
        sample: String,
        /// NaN or an infinity.
        value: f32,
        /// Row-major index of the first such value.
        index: usize,
    },
    /// A sample lacks an input of the network.
    #[error("sample `{sample}` has no tensor for the model's input `{input}`; it has {}", names(.given))]
    MissingInput {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Names of the tensors that the sample has.
        given: Vec<String>,
    },
    /// A node of the network failed.
    #[error("{operator} node `{node}` failed on sample `{sample}`")]
    Execution {
        /// Name of the node, or of its first output when it has none.
        node: String,
        /// Operator, for example `Conv`.
        operator: String,
        /// Name of the sample.
        sample: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The values of a tensor were not taken.
    #[error("the values of tensor `{tensor}` for sample `{sample}` were not taken")]
    Sink {
        /// Name of the tensor.
        tensor: String,
        /// Name of the sample.
        sample: String,
        /// What the sink said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is nothing to hold a tensor against.
    #[error("the reference has no values of tensor `{tensor}` for sample `{sample}`")]
    NoReference {
        /// Name of the tensor.
        tensor: String,
        /// Name of the sample.
        sample: String,
    },
    /// A tensor and what it is held against are not alike.
    #[error(
        "tensor `{tensor}` has {given} values for sample `{sample}`, and {reference} in the reference"
    )]
    ReferenceLength {
        /// Name of the tensor.
        tensor: String,
        /// Name of the sample.
        sample: String,
        /// The number of values here.
        given: usize,
        /// The number of values there.
        reference: usize,
    },
    /// The runtime failed outside any node.
    #[error("backend `{runtime}` failed")]
    Runtime {
        /// The runtime's name.
        runtime: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl RunError {
    /// Whether other samples may be run all the same: this is about what is in these.
    #[must_use]
    pub fn is_of_samples(&self) -> bool {
        match self {
            Self::NonFinite { .. } | Self::MissingInput { .. } => true,
            Self::Execution { source, .. } => !source.is::<Shortage>(),
            Self::Runtime { source, .. } => source.is::<InputError>(),
            _ => false,
        }
    }
}

/// What a run has too little of: what a runtime gives as the source of a [`RunError`] for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Shortage {
    /// A worker would take more memory than its share of the limit.
    #[error(
        "it would take {} beside the {} in use, and {}",
        Bytes(*.needed_bytes),
        Bytes(*.used_bytes),
        limit(*.share_bytes, *.workers)
    )]
    Memory {
        /// What is asked for.
        needed_bytes: u64,
        /// What the worker has already.
        used_bytes: u64,
        /// What a worker may take in all.
        share_bytes: u64,
        /// How many workers share the limit.
        workers: usize,
    },
    /// Weights and statistics alone take more than the limit.
    #[error(
        "weights and statistics of {n_tensors} tensors take {}, and {}",
        Bytes(*.needed_bytes),
        limit(*.limit_bytes, 1)
    )]
    Room {
        /// How many tensors are observed.
        n_tensors: usize,
        /// What is asked for.
        needed_bytes: u64,
        /// What a run may take in all.
        limit_bytes: u64,
    },
    /// The system starts no more threads.
    #[error("a worker thread cannot be started; use fewer workers")]
    Thread(#[source] io::Error),
}

/// What the limit is, and the way out.
fn limit(share_bytes: u64, workers: usize) -> String {
    let share = Bytes(share_bytes);
    if workers == 1 {
        return format!("may take {share} in all; raise the memory limit");
    }
    format!(
        "each of {workers} workers may take {share} in all; raise the memory limit, or use fewer workers"
    )
}

/// A number of bytes for a reader.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let unit = (self.0.ilog2() / 10) as usize;
        let amount = self.0 as f64 / 1024f64.powi(i32::try_from(unit).unwrap_or_default());
        write!(f, "{amount:.1} {}", UNITS[unit - 1])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.node, self.reason)
    }
}

/// The first few of the nodes, and how many more there are.
fn list(nodes: &[Refused]) -> String {
    const SHOWN: usize = 6;
    let mut text = nodes.iter().take(SHOWN).map(Refused::to_string).collect::<Vec<_>>().join(", ");
    if nodes.len() > SHOWN {
        text += &format!(" and {} more", nodes.len() - SHOWN);
    }
    text
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_too_much_says_how_much() {
        let memory = |needed_bytes, used_bytes, share_bytes, workers| {
            Shortage::Memory { needed_bytes, used_bytes, share_bytes, workers }.to_string()
        };
        assert_eq!(
            memory(u64::MAX, 1000, 3 << 29, 2),
            "it would take 16.0 EiB beside the 1000 bytes in use, and each of 2 workers may take 1.5 GiB in all; raise the \
             memory limit, or use fewer workers"
        );
        assert_eq!(
            memory(2048, 0, 1024, 1),
            "it would take 2.0 KiB beside the 0 bytes in use, and may take 1.0 KiB in all; raise the memory limit"
        );
    }

    #[test]
    fn refusals_name_the_node() {
        let refused = |index: usize, reason| Refused {
            node: format!("LRN \"n{index}\" (#{index})"),
            operator: "LRN".to_owned(),
            reason,
        };
        let unsupported = |nodes| LoadError::Unsupported { runtime: "embedded".to_owned(), nodes };
        assert_eq!(
            unsupported(vec![refused(0, Refusal::Operator)]).to_string(),
            "the embedded backend cannot run LRN \"n0\" (#0) (operator not implemented)"
        );
        let nodes = (0..9).map(|index| refused(index, Refusal::Input { name: "B" })).collect();
        assert!(
            unsupported(nodes).to_string().ends_with("(#5) (input B not implemented) and 3 more")
        );
    }
}
