//! Which layers the operators of ONNX become.

use tensorrt_sys::enums::LayerType;

/// The kind of layer that an operator of ONNX's own domain becomes, `None` for one that the parser does not know.
///
/// Where TensorRT makes several layers of one node, this is the last of them.
pub(super) fn layer_of(operator: &str) -> Option<LayerType> {
    LAYERS.iter().find(|(_, operators)| operators.contains(&operator)).map(|&(kind, _)| kind)
}

/// The operators that each kind of layer is made of.
const LAYERS: &[(LayerType, &[&str])] = &[
    (LayerType::Convolution, &["Conv", "ConvInteger"]),
    (LayerType::Deconvolution, &["ConvTranspose"]),
    (LayerType::MatrixMultiply, &["Gemm", "MatMul", "MatMulInteger"]),
    (
        LayerType::Activation,
        &[
            "Celu",
            "Clip",
            "Elu",
            "Gelu",
            "HardSigmoid",
            "HardSwish",
            "LeakyRelu",
            "Mish",
            "Relu",
            "Selu",
            "Sigmoid",
            "Softplus",
            "Softsign",
            "Tanh",
            "ThresholdedRelu",
        ],
    ),
    (LayerType::Pooling, &["AveragePool", "GlobalLpPool", "LpPool", "MaxPool"]),
    (LayerType::Lrn, &["LRN"]),
    (LayerType::Scale, &["BatchNormalization"]),
    (
        LayerType::Normalization,
        &[
            "GroupNormalization",
            "InstanceNormalization",
            "LayerNormalization",
            "LpNormalization",
            "MeanVarianceNormalization",
            "RMSNormalization",
        ],
    ),
    (LayerType::Softmax, &["Hardmax", "LogSoftmax", "Softmax"]),
    (LayerType::Concatenation, &["Concat"]),
    (
        LayerType::Elementwise,
        &[
            "Add",
            "And",
            "BitShift",
            "BitwiseAnd",
            "BitwiseOr",
            "BitwiseXor",
            "Div",
            "Equal",
            "Greater",
            "GreaterOrEqual",
            "Less",
            "LessOrEqual",
            "Max",
            "Mean",
            "Min",
            "Mod",
            "Mul",
            "Or",
            "Pow",
            "Sub",
            "Sum",
            "Xor",
        ],
    ),
    (
        LayerType::Unary,
        &[
            "Abs",
            "Acos",
            "Acosh",
            "Asin",
            "Asinh",
            "Atan",
            "Atanh",
            "Ceil",
            "Cos",
            "Cosh",
            "Erf",
            "Exp",
            "Floor",
            "IsInf",
            "IsNaN",
            "Log",
            "Neg",
            "Not",
            "Reciprocal",
            "Round",
            "Sign",
            "Sin",
            "Sinh",
            "Sqrt",
            "Tan",
        ],
    ),
    (
        LayerType::Shuffle,
        &[
            "DepthToSpace",
            "Flatten",
            "Reshape",
            "SpaceToDepth",
            "Squeeze",
            "Transpose",
            "Unsqueeze",
        ],
    ),
    (
        LayerType::Reduce,
        &[
            "GlobalAveragePool",
            "GlobalMaxPool",
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
        ],
    ),
    (LayerType::Topk, &["ArgMax", "ArgMin", "TopK"]),
    (LayerType::Gather, &["Gather", "GatherElements", "GatherND"]),
    (LayerType::Constant, &["Constant"]),
    (LayerType::Identity, &["Dropout", "Identity"]),
    (LayerType::Cast, &["Cast", "CastLike"]),
    (LayerType::Slice, &["Expand", "Pad", "Slice", "Split", "Tile"]),
    (LayerType::Shape, &["Shape", "Size"]),
    (LayerType::ParametricRelu, &["PRelu"]),
    (LayerType::Resize, &["Resize", "Upsample"]),
    (LayerType::LoopOutput, &["GRU", "LSTM", "Loop", "RNN", "Scan"]),
    (LayerType::ConditionalOutput, &["If"]),
    (LayerType::Select, &["Trilu", "Where"]),
    (LayerType::Fill, &["ConstantOfShape", "EyeLike", "RandomNormal", "RandomUniform", "Range"]),
    (LayerType::Quantize, &["QuantizeLinear"]),
    (LayerType::Dequantize, &["DequantizeLinear"]),
    (LayerType::Scatter, &["ScatterElements", "ScatterND"]),
    (LayerType::Einsum, &["Einsum"]),
    (LayerType::OneHot, &["OneHot"]),
    (LayerType::NonZero, &["NonZero"]),
    (LayerType::GridSample, &["GridSample"]),
    (LayerType::Nms, &["NonMaxSuppression"]),
    (LayerType::ReverseSequence, &["ReverseSequence"]),
    (LayerType::Cumulative, &["CumSum"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_stands_twice() {
        let mut operators: Vec<&str> =
            LAYERS.iter().flat_map(|(_, operators)| operators.iter().copied()).collect();
        let n_rows = operators.len();
        operators.sort_unstable();
        operators.dedup();
        assert_eq!(operators.len(), n_rows);
        assert_eq!(layer_of("Conv"), Some(LayerType::Convolution));
        assert_eq!(layer_of("MadeUp"), None);
    }
}
