//! How much memory an operator takes, told from the shapes of its inputs before it runs.
//!
//! The executor allocates what a node asks for, and an allocation that fails ends the process, whatever is caught.
//! So each operator has a rule here: the bytes of its outputs and of what it needs on the way, never less, and as little
//! more as is simple to say.
//! All arithmetic saturates: what cannot be counted in 64 bits is too much.

use calibrant_onnx::proto::NodeProto;
use rten::ValueView;
use rten_tensor::Layout as _;

mod einsum;
mod shapes;
mod windows;

pub(crate) use shapes::{axis, broadcast_dims};

/// Bytes of an element: the executor computes in 32 bits, and no type of it is wider.
const ELEMENT_BYTES: u64 = 4;

/// The bytes that a node takes beside its inputs.
pub(crate) type Rule = fn(&NodeProto, &Args<'_, '_>) -> u64;

/// The inputs of a node by their place, those left out included.
#[derive(Debug)]
pub(crate) struct Args<'a, 'v>(pub(crate) &'a [Option<ValueView<'v>>]);

impl<'a, 'v> Args<'a, 'v> {
    /// An input, unless it is left out.
    pub(crate) fn get(&self, index: usize) -> Option<&'a ValueView<'v>> {
        self.0.get(index)?.as_ref()
    }

    /// Whether an input is there.
    pub(crate) fn is_given(&self, index: usize) -> bool {
        self.get(index).is_some()
    }

    /// The sizes of an input; none where it is left out.
    pub(crate) fn shape(&self, index: usize) -> Vec<usize> {
        self.get(index).map(|value| value.shape().to_vec()).unwrap_or_default()
    }

    /// The dimensions of an input; of a list of tensors, its length.
    pub(crate) fn dims(&self, index: usize) -> Vec<u64> {
        let dims = |value: &ValueView<'_>| value.shape().iter().map(|&dim| dim as u64).collect();
        self.get(index).map(dims).unwrap_or_default()
    }

    /// The number of elements of an input.
    pub(crate) fn len(&self, index: usize) -> u64 {
        self.get(index).map_or(0, len)
    }

    /// The numbers of elements of all inputs, added up.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().flatten().map(len).fold(0, u64::saturating_add)
    }

    /// The whole numbers in an input.
    pub(crate) fn integers(&self, index: usize) -> Vec<i64> {
        match self.get(index) {
            Some(ValueView::Int32Tensor(values)) => values.iter().map(|&it| it.into()).collect(),
            _ => Vec::new(),
        }
    }

    /// The floats in an input.
    pub(crate) fn floats(&self, index: usize) -> Vec<f32> {
        match self.get(index) {
            Some(ValueView::FloatTensor(values)) => values.iter().copied().collect(),
            _ => Vec::new(),
        }
    }
}

/// The number of elements of a tensor, or of all tensors of a list.
fn len(value: &ValueView<'_>) -> u64 {
    match value {
        ValueView::Sequence(list) => list.iter().map(|it| it.len() as u64).sum(),
        tensor => tensor.len() as u64,
    }
}

/// The bytes that a tensor, or a list of them, takes.
pub(crate) fn bytes_of(value: &ValueView<'_>) -> u64 {
    let n_elements = len(value);
    match value {
        ValueView::Int8Tensor(_) | ValueView::UInt8Tensor(_) => n_elements,
        _ => n_elements * ELEMENT_BYTES,
    }
}

/// The rule for the operator `op` of ONNX's own domain, `None` for one that the executor is never given.
pub(crate) fn rule(op: &str) -> Option<Rule> {
    Some(match op {
        // One element for each of the first input's; some go through a copy in another order.
        "Abs" | "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "Cast" | "CastLike"
        | "Ceil" | "Clip" | "Cos" | "Cosh" | "CumSum" | "DepthToSpace" | "DequantizeLinear"
        | "Elu" | "Erf" | "Exp" | "EyeLike" | "Flatten" | "Floor" | "Gelu" | "HardSigmoid"
        | "HardSwish" | "Identity" | "IsInf" | "IsNaN" | "LeakyRelu" | "Log" | "Neg" | "Not"
        | "QuantizeLinear" | "Reciprocal" | "Relu" | "Reshape" | "ReverseSequence"
        | "RotaryEmbedding" | "Round" | "Sigmoid" | "Sign" | "Sin" | "Sinh" | "Slice"
        | "Softsign" | "Split" | "SplitToSequence" | "Sqrt" | "Squeeze" | "Swish" | "Tan"
        | "Tanh" | "Transpose" | "Trilu" | "Unsqueeze" => same,
        "BatchNormalization"
        | "InstanceNormalization"
        | "LayerNormalization"
        | "LogSoftmax"
        | "LpNormalization"
        | "RMSNormalization"
        | "Softmax" => normalised,
        "ArgMax" | "ArgMin" | "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp"
        | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum"
        | "ReduceSumSquare" => normalised,
        "Add" | "And" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual"
        | "Max" | "Mean" | "Min" | "Mod" | "Mul" | "Or" | "PRelu" | "Pow" | "Sub" | "Sum"
        | "Where" | "Xor" => shapes::broadcast,
        "Concat" | "ConcatFromSequence" | "SequenceAt" | "SequenceConstruct" | "SequenceErase"
        | "SequenceInsert" | "Scatter" | "ScatterElements" | "ScatterND" => total,
        "SequenceEmpty" | "SequenceLength" | "Shape" | "Size" => small,
        "ConstantOfShape" => shapes::constant_of_shape,
        "Expand" => shapes::expand,
        "Gather" => shapes::gather,
        "GatherElements" => shapes::gather_elements,
        "GatherND" => shapes::gather_nd,
        "NonZero" => shapes::non_zero,
        "OneHot" => shapes::one_hot,
        "Pad" => shapes::pad,
        "Range" => shapes::range,
        "Tile" => shapes::tile,
        "TopK" => shapes::top_k,
        "Attention" => shapes::attention,
        "Einsum" => einsum::einsum,
        "GRU" | "LSTM" => shapes::recurrent,
        "Gemm" | "MatMul" | "MatMulInteger" => shapes::matmul,
        "Conv" | "ConvInteger" => windows::conv,
        "ConvTranspose" => windows::conv_transpose,
        "GlobalAveragePool" | "GlobalMaxPool" => normalised,
        _ => return None,
    })
}

/// The bytes of this many elements.
pub(crate) fn bytes(n_elements: u64) -> u64 {
    n_elements.saturating_mul(ELEMENT_BYTES)
}

/// The product of the dimensions; nothing is more than no elements.
pub(crate) fn product(dims: impl IntoIterator<Item = u64>) -> u64 {
    let mut product: u64 = 1;
    for dim in dims {
        if dim == 0 {
            return 0;
        }
        product = product.saturating_mul(dim);
    }
    product
}

/// A dimension that a tensor or an attribute asks for; a negative one is no dimension, and the operator says so itself.
fn dim(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn same(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(args.len(0))
}

fn normalised(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(args.len(0).saturating_mul(2))
}

fn total(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(args.total())
}

fn small(_: &NodeProto, _: &Args<'_, '_>) -> u64 {
    0
}
