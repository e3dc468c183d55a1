//! Read, check and write ONNX models, external data and unknown fields kept.

#![forbid(unsafe_code)]
