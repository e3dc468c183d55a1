//! What is run for a sample: the normalised graph, node by node, with every tensor's place and last use.
//!
//! Tensors have places in one frame, those of the bodies of `If` and `Loop` included, so a body reads its surroundings as
//! its own.
//! A node is a step; a body is a block of steps inside the step of the node that holds it.

use crate::constant::Constant;
use crate::demand::Rule;
use crate::kernel::Kernel;
use crate::normalise::NodeLabel;
use crate::ours::Compute;
use crate::own::Own;
use calibrant_onnx::proto::NodeProto;

mod compile;
mod liveness;
mod names;

pub(crate) use compile::compile;

/// How to run the graph on one sample.
#[derive(Debug)]
pub(crate) struct Program {
    /// The operators that steps run.
    pub(crate) kernels: Vec<Kernel>,
    /// Weights, those of bodies among them.
    pub(crate) constants: Vec<Constant>,
    /// What no sample changes: run once, its outputs are the computed constants.
    pub(crate) setup: Block,
    /// The graph's inputs that are needed.
    pub(crate) inputs: Vec<ProgramInput>,
    /// What is run for each sample.
    pub(crate) main: Block,
    /// Places in a frame.
    pub(crate) n_places: usize,
    /// What messages call the nodes.
    pub(crate) labels: Vec<NodeLabel>,
}

/// An input of the graph.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProgramInput {
    /// Its name.
    pub(crate) name: String,
    /// Its place among the observed tensors.
    pub(crate) observed: Option<usize>,
}

/// Where a tensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operand {
    /// In the sample: a place in [`Program::inputs`].
    Input(usize),
    /// In [`Program::constants`].
    Constant(usize),
    /// Among the outputs of [`Program::setup`].
    Computed(usize),
    /// In the frame.
    Place(usize),
}

/// Nodes in the order in which they run.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) steps: Vec<Step>,
    /// What the block is run for.
    pub(crate) outputs: Vec<Output>,
}

/// A tensor that a block is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) operand: Operand,
    /// Whether the block has no other use for it.
    pub(crate) is_last: bool,
}

impl From<Operand> for Output {
    fn from(operand: Operand) -> Self {
        Self { operand, is_last: false }
    }
}

/// One node.
#[derive(Debug)]
pub(crate) struct Step {
    /// What messages call it: a place in [`Program::labels`].
    pub(crate) label: usize,
    /// What it does.
    pub(crate) action: Action,
    /// Places of tensors that nothing needs after it.
    pub(crate) frees: Vec<usize>,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Action {
    /// An operator.
    Run(Box<Run>),
    /// One of two bodies.
    If(Branches),
    /// A body over and over.
    Loop(Repeat),
}

/// What computes an operator.
#[derive(Debug)]
pub(crate) enum Operator {
    /// The executor.
    Executor {
        /// A place in [`Program::kernels`].
        kernel: usize,
        /// Whether the executor's way is not always right.
        own: Option<Own>,
        /// How much memory it takes.
        rule: Rule,
        /// The node, for its attributes.
        node: Box<NodeProto>,
    },
    /// This crate.
    Ours {
        compute: Box<dyn Compute>,
        /// The outputs that have a name, by their number.
        named: Vec<usize>,
    },
}

/// A step that runs an operator.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) operator: Operator,
    /// The tensors that it reads by the place of the input, those left out included.
    pub(crate) inputs: Vec<Option<Operand>>,
    /// The same tensors each once, as the kernel takes them, and whether this is their last use.
    pub(crate) distinct: Vec<(Operand, bool)>,
    /// The tensors that it makes.
    pub(crate) outputs: Vec<Made>,
}

/// A tensor that a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    /// Its place in the frame.
    pub(crate) place: usize,
    /// Its place among the observed tensors.
    pub(crate) observed: Option<usize>,
}

/// The bodies of an `If`.
#[derive(Debug)]
pub(crate) struct Branches {
    pub(crate) condition: Operand,
    pub(crate) then: Block,
    pub(crate) otherwise: Block,
    pub(crate) outputs: Vec<Option<Made>>,
}

/// The body of a `Loop`.
#[derive(Debug)]
pub(crate) struct Repeat {
    pub(crate) trips: Option<Operand>,
    pub(crate) condition: Option<Operand>,
    /// What the first turn starts from.
    pub(crate) carried: Vec<Operand>,
    pub(crate) body: Block,
    /// Places of the body's inputs: the turn's number, the condition, what is carried.
    pub(crate) body_inputs: Vec<usize>,
    pub(crate) outputs: Vec<Option<Made>>,
}
