//! The executor in use: `rten`, given any slice of its graph at a time.
//!
//! The graph is loaded without optimisation: every tensor of interest would forbid the fusions anyway, and so a slice
//! runs exactly the nodes that it was planned with.
//! Weights reach `rten` as external data, one buffer that it keeps and does not copy, which also lifts protobuf's limit
//! of 2 GiB.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use calibrant_onnx::proto::tensor_proto::DataLocation;
use calibrant_onnx::proto::{ModelProto, StringStringEntryProto, TensorProto};
use calibrant_onnx::{Model, TensorError};
use rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};
use rten_tensor::AsView as _;

use crate::executor::{Executor, ExecutorError, Feed, TensorId};

/// A version of the file format that the executor reads; nothing else depends on it.
const IR_VERSION: i64 = 8;

/// Name under which `rten` is told to look for the weights.
const WEIGHTS: &str = "weights.data";

/// Weights start at multiples of this, so that floats can be read in place.
const ALIGNMENT_BYTES: usize = 64;

/// Constants from this size on leave the protobuf.
const EXTERNAL_FROM_BYTES: usize = 256;

/// A graph loaded by `rten`.
pub struct Rten {
    model: rten::Model,
    ids: Vec<NodeId>,
}

/// A tensor that the graph should have and has not.
#[derive(Debug, thiserror::Error)]
#[error("tensor `{0}` is not in the loaded graph")]
struct Missing(String);

impl Executor for Rten {
    type Value = Value;
    type Worker = RunOptions;

    fn load(model: &Model, tensors: &[String]) -> Result<Self, ExecutorError> {
        // By its first field the executor tells an ONNX model from its own format.
        let mut proto = ModelProto { ir_version: Some(IR_VERSION), ..model.proto.clone() };
        let tensors_moved = &mut proto.graph.get_or_insert_default().initializer;
        let n_bytes = tensors_moved.iter().map(|tensor| Ok(tensor.n_bytes()? + ALIGNMENT_BYTES));
        let n_bytes = n_bytes.sum::<Result<usize, TensorError>>().map_err(nameless)?;
        let mut weights = Vec::with_capacity(n_bytes);
        for tensor in tensors_moved {
            move_out(tensor, &mut weights).map_err(nameless)?;
        }
        let bytes = Model::new(proto).to_bytes().map_err(nameless)?;
        let mut options = ModelOptions::with_all_ops();
        options.enable_optimization(false).external_data(WEIGHTS, weights);
        let model = options.load(bytes).map_err(|error| ExecutorError {
            node: error.node().map(str::to_owned),
            source: error.into(),
        })?;
        let id =
            |name: &String| model.find_node(name).ok_or_else(|| nameless(Missing(name.clone())));
        let ids = tensors.iter().map(id).collect::<Result<_, _>>()?;
        Ok(Self { model, ids })
    }

    fn on_worker<R: Send>(&self, work: impl FnOnce(&RunOptions) -> R + Send) -> R {
        let pool = Arc::new(ThreadPool::with_num_threads(1));
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&pool)));
        // Inside the pool a run finds itself on the right thread; from outside each slice would be sent across.
        pool.run(|| work(&options))
    }

    fn run_slice(
        &self,
        worker: &RunOptions,
        inputs: Vec<(TensorId, Feed<'_, Value>)>,
        outputs: &[TensorId],
    ) -> Result<Vec<Value>, ExecutorError> {
        let value =
            |(id, feed): (TensorId, _)| Ok((self.ids[id.0], value_of(feed).map_err(nameless)?));
        let inputs = inputs.into_iter().map(value).collect::<Result<Vec<_>, ExecutorError>>()?;
        let outputs: Vec<NodeId> = outputs.iter().map(|id| self.ids[id.0]).collect();
        self.model.run(inputs, &outputs, Some(worker.clone())).map_err(|error| ExecutorError {
            node: error.node_path().first().copied().flatten().map(str::to_owned),
            source: error.into(),
        })
    }

    fn floats(value: &Value) -> Option<Cow<'_, [f32]>> {
        match value {
            Value::FloatTensor(tensor) => Some(tensor.to_slice()),
            _ => None,
        }
    }
}

impl fmt::Debug for Rten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rten").field("tensors", &self.ids.len()).finish_non_exhaustive()
    }
}

fn nameless(source: impl Into<Box<dyn Error + Send + Sync>>) -> ExecutorError {
    ExecutorError { node: None, source: source.into() }
}

fn value_of(feed: Feed<'_, Value>) -> Result<ValueOrView<'_>, Box<dyn Error + Send + Sync>> {
    Ok(match feed {
        Feed::F32(shape, values) => ValueView::from_shape(shape, values)?.into(),
        Feed::I32(shape, values) => ValueView::from_shape(shape, values)?.into(),
        Feed::U8(shape, values) => ValueView::from_shape(shape, values)?.into(),
        Feed::Lent(value) => value.as_view().into(),
        Feed::Given(value) => value.into(),
    })
}

/// Moves the tensor's values to the end of `weights` and leaves their place behind.
fn move_out(tensor: &mut TensorProto, weights: &mut Vec<u8>) -> Result<(), TensorError> {
    if tensor.n_bytes()? < EXTERNAL_FROM_BYTES {
        return Ok(());
    }
    let values = tensor.to_le_bytes()?;
    weights.resize(weights.len().next_multiple_of(ALIGNMENT_BYTES), 0);
    let entry = |key: &str, value: String| {
        StringStringEntryProto::default().with_key(key).with_value(value)
    };
    tensor.external_data = vec![
        entry("location", WEIGHTS.to_owned()),
        entry("offset", weights.len().to_string()),
        entry("length", values.len().to_string()),
    ];
    weights.extend_from_slice(&values);
    tensor.data_location = Some(DataLocation::EXTERNAL);
    tensor.raw_data = None;
    tensor.float_data = Vec::new();
    tensor.int32_data = Vec::new();
    tensor.int64_data = Vec::new();
    tensor.double_data = Vec::new();
    tensor.uint64_data = Vec::new();
    Ok(())
}
