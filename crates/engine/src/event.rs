//! What a build tells while it runs.

use std::fmt;

use calibrant_tensorrt::Severity;

/// One thing that happened during [`build`](crate::build()).
///
/// The closure that receives events answers with [`ControlFlow`](std::ops::ControlFlow): `Break` cancels the build.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum BuildEvent {
    /// The model was parsed; TensorRT begins to build.
    Parsed {
        /// How many layers the network has before TensorRT fuses them.
        layers: usize,
    },
    /// TensorRT was handed a batch to calibrate with.
    Calibrating {
        /// Which one, from 1.
        batch: u64,
    },
    /// TensorRT began a phase.
    Phase {
        /// TensorRT's name for it.
        name: String,
        /// How many phases it lies in: 0 for the outermost.
        depth: usize,
        /// How many steps it will take.
        steps: u64,
    },
    /// Steps done in the innermost phase that moved.
    Progress {
        /// The phase's name, as in [`BuildEvent::Phase`].
        phase: String,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// A phase ended.
    PhaseEnd {
        /// The phase's name, as in [`BuildEvent::Phase`].
        name: String,
    },
    /// A message of TensorRT's log, at least as severe as [`BuildOptions::log`](crate::BuildOptions::log) asks.
    Log {
        /// How severe it is.
        severity: Severity,
        /// The message, verbatim.
        text: String,
    },
    /// Something the ONNX parser found wrong with the model.
    Parser(ParserMessage),
    /// Nothing happened for a tenth of a second: the occasion to turn a spinner, and to cancel.
    Tick,
}

/// One entry of the ONNX parser's error list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParserMessage {
    /// TensorRT's name of the error, as `kUNSUPPORTED_NODE`, or its number if it has none.
    pub code: String,
    /// What the parser says, verbatim.
    pub text: String,
    /// The index of the node in the ONNX graph, if the error belongs to one.
    pub node: Option<usize>,
    /// The node's name, where this TensorRT tells it.
    pub node_name: Option<String>,
    /// The node's operator, where this TensorRT tells it.
    pub operator: Option<String>,
}

impl fmt::Display for ParserMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operator) = &self.operator {
            write!(f, "{operator} ")?;
        }
        if let Some(name) = &self.node_name {
            write!(f, "{name:?} ")?;
        }
        if let Some(node) = self.node {
            write!(f, "(node {node}): ")?;
        }
        write!(f, "{} [{}]", self.text.trim_end(), self.code)
    }
}
