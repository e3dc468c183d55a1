//! From an ONNX model to a TensorRT plan; finds or fetches the library.

#![forbid(unsafe_code)]
