//! The problems a model can have.

use std::fmt;

use buffa::Enumeration as _;
use thiserror::Error;

use super::OPSETS;
use crate::TensorError;
use crate::proto::attribute_proto::AttributeType;

/// What is wrong with a model, everything at once.
#[derive(Debug, Clone, PartialEq, Error)]
pub struct ValidateError {
    /// The problems in the graph's order, twenty at most.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub n_more: usize,
}

impl fmt::Display for ValidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_problems = self.problems.len() + self.n_more;
        write!(f, "the model has {n_problems} problem{}", if n_problems == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))?;
        if self.n_more > 0 {
            write!(f, "\n  and {} more", self.n_more)?;
        }
        Ok(())
    }
}

/// One thing wrong with a model.
///
/// A `node` reads `Conv "stem" (#12)`, its number being its place in the graph; a node in a body is
/// preceded by the one that holds it: `If "flag" (#3) > Add (#0)`.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no graph.
    #[error("it holds no graph")]
    NoGraph,
    /// No version of ONNX's own operators is imported.
    #[error("it does not say which opset its operators are of")]
    NoOpset,
    /// The operators are older or newer than known.
    #[error(
        "its operators are of opset {version}, known are {} to {}: convert it with \
         onnx.version_converter",
        OPSETS.start(),
        OPSETS.end()
    )]
    Opset {
        /// What the model imports.
        version: i64,
    },
    /// Two versions of ONNX's own operators are imported.
    #[error("it imports opset {first} and opset {second}")]
    TwoOpsets {
        /// The first one.
        first: i64,
        /// Another.
        second: i64,
    },
    /// Bodies lie inside bodies inside bodies.
    #[error("its bodies are nested more than {limit} deep")]
    Nesting {
        /// How deep they may be.
        limit: usize,
    },
    /// The graph computes nothing.
    #[error("the graph has no outputs")]
    NoOutputs,
    /// An input, output or initializer of a graph has no name.
    #[error("{place}{what} {index} has no name")]
    Unnamed {
        /// The node that holds the graph, empty for the main one.
        place: String,
        /// Which list of the graph.
        what: &'static str,
        /// The place in it.
        index: usize,
    },
    /// Two things make one tensor.
    #[error("tensor \"{tensor}\" is made by {first} and again by {second}")]
    Duplicate {
        /// The tensor's name.
        tensor: String,
        /// Who made it first.
        first: String,
        /// Who made it again.
        second: String,
    },
    /// A node reads a tensor that nothing makes.
    #[error("{node} reads tensor \"{tensor}\", which nothing makes")]
    Missing {
        /// The reader.
        node: String,
        /// The tensor's name.
        tensor: String,
    },
    /// An output of a graph is made by nothing.
    #[error("{place}output \"{tensor}\" is made by nothing")]
    MissingOutput {
        /// The node that holds the graph, empty for the main one.
        place: String,
        /// The output.
        tensor: String,
    },
    /// Nodes wait for each other.
    #[error("nodes wait for each other in a circle: {}", nodes.join(", "))]
    Cycle {
        /// Some of the nodes concerned, at most eight.
        nodes: Vec<String>,
    },
    /// A node has no operator.
    #[error("{node} names no operator")]
    NoOperator {
        /// Its operator, name and place.
        node: String,
    },
    /// A node has too few inputs or outputs.
    #[error("{node} has {found} of the {needed} {what} it needs")]
    TooFew {
        /// Its operator, name and place.
        node: String,
        /// `inputs` or `outputs`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many its operator takes at least.
        needed: usize,
    },
    /// A tensor's dimensions, type and values do not go together.
    #[error("{place}{source}")]
    Tensor {
        /// The node that holds the tensor or its graph, empty for an initializer of the main one.
        place: String,
        /// What is wrong.
        source: TensorError,
    },
    /// The stated type of a tensor is none of ONNX's.
    #[error("{place}tensor \"{tensor}\" has the unknown element type {data_type}")]
    ValueType {
        /// The node that holds the graph, empty for the main one.
        place: String,
        /// The tensor's name.
        tensor: String,
        /// The number that stands there.
        data_type: i32,
    },
    /// An input of the main graph has no type.
    #[error("graph input \"{tensor}\" has no type")]
    NoType {
        /// The input.
        tensor: String,
    },
    /// The stated shape of a tensor has a dimension below -1 (which some exporters write for an
    /// unknown one).
    #[error("{place}tensor \"{tensor}\" has dimension {axis} of size {dim}")]
    ValueDim {
        /// The node that holds the graph, empty for the main one.
        place: String,
        /// The tensor's name.
        tensor: String,
        /// Which dimension.
        axis: usize,
        /// Its size.
        dim: i64,
    },
    /// A node has two attributes of one name.
    #[error("{node} has attribute {attribute} twice")]
    TwoAttributes {
        /// Its operator, name and place.
        node: String,
        /// The attribute's name.
        attribute: String,
    },
    /// An attribute holds a value of another kind than its operator takes.
    #[error(
        "{node}: attribute {attribute} is {}, not {wanted:?}",
        found.map_or("of no known kind", |kind| kind.proto_name())
    )]
    AttributeKind {
        /// Its operator, name and place.
        node: String,
        /// The attribute's name.
        attribute: &'static str,
        /// What it holds, `None` when nothing known.
        found: Option<AttributeType>,
        /// What it should.
        wanted: AttributeType,
    },
    /// A list does not have an entry (or two, for pads) for each spatial axis.
    #[error("{node}: attribute {attribute} has {found} entries, {rank} spatial axes need {needed}")]
    AttributeLength {
        /// Its operator, name and place.
        node: String,
        /// The attribute's name.
        attribute: &'static str,
        /// Its entries.
        found: usize,
        /// The spatial axes of the weight or of `kernel_shape`.
        rank: usize,
        /// The entries they need.
        needed: usize,
    },
    /// An attribute, or a constant input in its place, has a value that makes no sense.
    #[error("{node}: {attribute} {value} is not {wanted}")]
    Attribute {
        /// Its operator, name and place.
        node: String,
        /// The attribute or input.
        attribute: &'static str,
        /// What stands there.
        value: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A `Constant` holds no value, or one that is broken.
    #[error("{node} holds no value")]
    NoValue {
        /// Its operator, name and place.
        node: String,
    },
}

/// The problems so far; a broken model can have as many as it has nodes, few tell enough.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    n_more: usize,
}

impl Findings {
    const CAP: usize = 20;

    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < Self::CAP {
            self.problems.push(problem);
        } else {
            self.n_more += 1;
        }
    }

    pub(super) fn into_result(self) -> Result<(), ValidateError> {
        let Self { problems, n_more } = self;
        if problems.is_empty() { Ok(()) } else { Err(ValidateError { problems, n_more }) }
    }
}
