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
    "Where",
    "Xor",
];

/// Whether the operator `op` of ONNX's own domain goes through as it is.
pub(crate) fn is_supported(op: &str) -> bool {
    SUPPORTED.binary_search(&op).is_ok()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use calibrant_onnx::proto::{NodeProto, OperatorSetIdProto};

    use super::*;
    use crate::demand;
    use crate::kernel::Kernels;

    #[test]
    fn the_list_is_sorted() {
        assert!(SUPPORTED.is_sorted());
        assert!(is_supported("Relu") && !is_supported("NonMaxSuppression"));
    }

    #[test]
    fn every_operator_of_the_list_has_a_rule_and_the_executor_knows_it() {
        let lacks = |op: &str| {
            let opset = OperatorSetIdProto::default().with_version(17);
            let error = Kernels::new(vec![opset]).place(&NodeProto::new(op, "", &[], &["y"])).err();
            let text = error.map(|error| error.source().map(ToString::to_string));
            text.flatten().is_some_and(|text| text.contains("not supported or not enabled"))
        };
        assert!(lacks("Frobnicate"));
        assert_eq!(SUPPORTED.iter().filter(|op| lacks(op)).collect::<Vec<_>>(), [&""; 0]);

        let ours = ["If", "Loop"];
        let ruled = |op: &&&str| ours.contains(*op) || demand::rule(op).is_some();
        assert_eq!(SUPPORTED.iter().filter(|op| !ruled(op)).collect::<Vec<_>>(), [&""; 0]);
        assert!(demand::rule("Frobnicate").is_none());
    }
}
