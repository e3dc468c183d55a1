//! Rewrite ONNX graphs for TensorRT: Q/DQ placement, batch-norm folding, opset upgrades and repairs.

#![forbid(unsafe_code)]
