//! What was done to make a model ready, for reports.

use serde::Serialize;

/// What was done to make a model ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preparation {
    /// Opset of ONNX's own domain before and after.
    pub opset: OpsetChange,
    /// Dimensions that got a name of their own.
    pub dimensions_renamed: Vec<RenamedDimension>,
    /// Graph inputs that only named a stored weight, which now is a constant.
    pub weight_inputs_removed: Vec<String>,
    /// Nodes computed once and for all because their inputs are constants, by label.
    pub constants_folded: Vec<String>,
    /// BatchNormalization nodes that went into the weights before them.
    pub batch_norms_folded: Vec<FoldedBatchNorm>,
}

/// Opset of ONNX's own domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OpsetChange {
    /// As the model came.
    pub before: i64,
    /// As it is written.
    pub after: i64,
}

/// A dimension that got a name of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RenamedDimension {
    /// The graph input or output.
    pub tensor: String,
    /// Which of its dimensions.
    pub axis: usize,
    /// What stood there: a placeholder such as `?`, or a negative size.
    pub before: String,
    /// The name it has now.
    pub after: String,
}

/// A BatchNormalization that went into the weights before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldedBatchNorm {
    /// The BatchNormalization, by label.
    pub batch_norm: String,
    /// The node that took it up, by label.
    pub into: String,
}
