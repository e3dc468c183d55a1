//! The operators that the executor computes as ONNX says, in the forms that it accepts.

/// Operators of ONNX's own domain that go through as they are, or that another module here deals with.
///
/// Left out although the executor has them: `BitCast` (wrong for 64-bit types), `DynamicQuantizeLinear` (rounds
/// otherwise), `NonMaxSuppression` (keeps one class per box and compares boxes across classes).
const SUPPORTED: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "CastLike",
    "Ceil",
    "Clip",
    "Concat",
    "ConcatFromSequence",
    "ConstantOfShape",
    "ConvInteger",
    "Cos",
    "Cosh",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "EyeLike",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "GridSample",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "If",
    "InstanceNormalization",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "Loop",
    "LpNormalization",
    "MatMulInteger",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "Not",
    "Or",
    "PRelu",
    "QuantizeLinear",
    "RMSNormalization",
    "Range",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "ReverseSequence",
    "RotaryEmbedding",
    "Round",
    "Scatter",
    "ScatterElements",
    "ScatterND",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "Shape",
    "Sigmoid",
    "Sin",
    "Sinh",
    "Size",
    "Slice",
    "Softmax",
    "Softsign",
    "Split",
    "SplitToSequence",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Swish",
    "Tan",
    "Tanh",
    "Tile",
    "TopK",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Upsample",
    "Where",
    "Xor",
];

/// Whether the operator `op` of ONNX's own domain goes through as it is.
pub(crate) fn is_supported(op: &str) -> bool {
    SUPPORTED.binary_search(&op).is_ok()
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::Model;
    use calibrant_onnx::proto::{ModelProto, NodeProto};

    use super::*;
    use crate::{Executor as _, Rten};

    #[test]
    fn the_list_is_sorted() {
        assert!(SUPPORTED.is_sorted());
        assert!(is_supported("Relu") && !is_supported("NonMaxSuppression"));
    }

    #[test]
    fn the_executor_knows_every_operator_of_the_list() {
        let lacks = |op: &str| {
            let mut model = Model::new(ModelProto::default());
            model.set_opset(17);
            model.graph_mut().node = vec![NodeProto::new(op, "", &[], &["y"])];
            let error = Rten::load(&model, &[]).err().map(|error| error.source.to_string());
            error.is_some_and(|text| text.contains("not supported or not enabled"))
        };
        assert!(lacks("Frobnicate"));
        assert_eq!(SUPPORTED.iter().filter(|op| lacks(op)).collect::<Vec<_>>(), [&""; 0]);
    }
}
