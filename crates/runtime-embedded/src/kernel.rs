//! Operators as `rten` computes them: each form of one is loaded once, whichever and however many nodes have it.
//!
//! A form is an operator with its attributes and its pattern of inputs and outputs; values reach it when it runs, weights
//! too.
//! So a run costs what its node costs, however long the graph is, and nothing of the graph passes through the executor's
//! planner, which goes back from a node to those before it by recursion.

use std::collections::{HashMap, HashSet};
use std::fmt;

use calibrant_onnx::Model;
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, MessageField};
use rten::{ModelOptions, NodeId, RunOptions, Value, ValueOrView};

use crate::error::{ConstantError, KernelError, StepError};
use crate::panics::caught;

/// A version of the file format that the executor reads; nothing else depends on it.
const IR_VERSION: i64 = 8;

/// An operator that is ready to run.
pub(crate) struct Kernel {
    model: rten::Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

/// The kernels of a program.
#[derive(Debug)]
pub(crate) struct Kernels {
    opsets: Vec<OperatorSetIdProto>,
    options: RtenOptions,
    by_form: HashMap<Vec<u8>, usize>,
    kernels: Vec<Kernel>,
}

/// `rten`'s options, which list all its operators.
struct RtenOptions(ModelOptions);

impl Kernels {
    /// No kernels yet, for nodes of these versions of the operators.
    pub(crate) fn new(opsets: Vec<OperatorSetIdProto>) -> Self {
        let mut options = ModelOptions::with_all_ops();
        options.enable_optimization(false);
        let options = RtenOptions(options);
        Self { opsets, options, by_form: HashMap::new(), kernels: Vec::new() }
    }

    /// The place of the kernel for `node`, whose inputs it takes in order, each once.
    ///
    /// # Errors
    ///
    /// When `rten` does not take the node.
    pub(crate) fn place(&mut self, node: &NodeProto) -> Result<usize, KernelError> {
        let form = Form::of(node);
        let bytes = form.to_bytes(&self.opsets)?;
        if let Some(&place) = self.by_form.get(&bytes) {
            return Ok(place);
        }
        let load = || self.options.0.load(bytes.clone()).map_err(KernelError::Load);
        let model = caught(load)?;
        let ids = |letter: char, count: usize| -> Result<Vec<NodeId>, KernelError> {
            let id = |index| {
                let name = format!("{letter}{index}");
                model.find_node(&name).ok_or(KernelError::Missing { name })
            };
            (0..count).map(id).collect()
        };
        let (inputs, outputs) = (ids('i', form.n_inputs)?, ids('o', form.n_outputs)?);
        self.kernels.push(Kernel { model, inputs, outputs });
        self.by_form.insert(bytes, self.kernels.len() - 1);
        Ok(self.kernels.len() - 1)
    }

    /// All of them, by place.
    pub(crate) fn into_kernels(self) -> Vec<Kernel> {
        self.kernels
    }
}

impl Kernel {
    /// Runs the operator on its inputs and returns its outputs, those without a name left out.
    ///
    /// # Errors
    ///
    /// When `rten` says so.
    pub(crate) fn run<'v>(
        &self,
        on: &RunOptions,
        inputs: impl Iterator<Item = Feed<'v>>,
    ) -> Result<Vec<Value>, StepError> {
        let inputs = self.inputs.iter().copied().zip(inputs.map(ValueOrView::from)).collect();
        self.model.run(inputs, &self.outputs, Some(on.clone())).map_err(StepError::Operator)
    }
}

/// A tensor for a kernel: one at its last use, whose memory may be written over, or one that is needed again.
#[derive(Debug)]
pub(crate) enum Feed<'a> {
    /// At its last use.
    Given(Value),
    /// Needed again.
    Lent(rten::ValueView<'a>),
}

impl<'a> From<Feed<'a>> for ValueOrView<'a> {
    fn from(feed: Feed<'a>) -> Self {
        match feed {
            Feed::Given(value) => value.into(),
            Feed::Lent(view) => view.into(),
        }
    }
}

/// A node with names that say nothing of its place in a graph.
struct Form {
    node: NodeProto,
    n_inputs: usize,
    n_outputs: usize,
}

impl Form {
    fn of(node: &NodeProto) -> Self {
        let mut form = node.clone();
        let inputs = distinct_inputs(node);
        let places: HashMap<&str, usize> = inputs.iter().copied().zip(0..).collect();
        for name in &mut form.input {
            if let Some(index) = places.get(name.as_str()) {
                *name = format!("i{index}");
            }
        }
        let named = form.output.iter_mut().filter(|name| !name.is_empty());
        let n_outputs = named.enumerate().map(|(index, name)| *name = format!("o{index}")).count();
        // What `rten` calls the node in its messages.
        form.name = Some(node.op().to_owned());
        form.doc_string = None;
        Self { n_inputs: inputs.len(), n_outputs, node: form }
    }

    fn to_bytes(&self, opsets: &[OperatorSetIdProto]) -> Result<Vec<u8>, KernelError> {
        let inputs = (0..self.n_inputs).map(|index| ValueInfoProto {
            name: Some(format!("i{index}")),
            ..ValueInfoProto::default()
        });
        let graph = GraphProto {
            input: inputs.collect(),
            node: vec![self.node.clone()],
            ..GraphProto::default()
        };
        // By its first field `rten` tells an ONNX model from its own format.
        let model = Model::new(ModelProto {
            ir_version: Some(IR_VERSION),
            opset_import: opsets.to_vec(),
            graph: MessageField::some(graph),
            ..ModelProto::default()
        });
        model.to_bytes().map_err(KernelError::Encode)
    }
}

/// The names of the tensors that `node` reads as inputs, each once, in the order in which they first appear.
pub(crate) fn distinct_inputs(node: &NodeProto) -> Vec<&str> {
    let mut seen = HashSet::new();
    let names = node.input.iter().map(String::as_str);
    names.filter(|name| !name.is_empty() && seen.insert(*name)).collect()
}

/// A constant of the graph as `rten` computes with it: whole numbers in 32 bits, saturated, truth values as 0 and 1.
///
/// # Errors
///
/// When its values cannot be had, or have no such form.
pub(crate) fn constant(tensor: &TensorProto) -> Result<Value, ConstantError> {
    let shape = tensor.shape()?;
    let dtype = tensor.dtype()?;
    let whole = || Ok::<_, ConstantError>(tensor.to_i64()?);
    let value = match dtype {
        DataType::FLOAT => Value::from_shape(shape, tensor.to_f32()?.into_owned()).ok(),
        DataType::INT64 | DataType::INT32 => {
            Value::from_shape(shape, whole()?.iter().map(|&it| saturated(it)).collect()).ok()
        }
        DataType::BOOL => {
            Value::from_shape(shape, whole()?.iter().map(|&it| i32::from(it != 0)).collect()).ok()
        }
        DataType::INT8 => {
            let values: Result<Vec<i8>, _> = whole()?.iter().map(|&it| it.try_into()).collect();
            values.ok().and_then(|values| Value::from_shape(shape, values).ok())
        }
        DataType::UINT8 => {
            let values: Result<Vec<u8>, _> = whole()?.iter().map(|&it| it.try_into()).collect();
            values.ok().and_then(|values| Value::from_shape(shape, values).ok())
        }
        _ => None,
    };
    value.ok_or_else(|| ConstantError::Form { name: tensor.label().to_owned(), dtype })
}

/// The nearest 32-bit number: models write the ends of 64 bits for "as far as there is".
fn saturated(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, outputs) = (self.inputs.len(), self.outputs.len());
        f.debug_struct("Kernel")
            .field("inputs", &inputs)
            .field("outputs", &outputs)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RtenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenOptions").finish_non_exhaustive()
    }
}
