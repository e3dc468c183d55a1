//! Post-training quantization for TensorRT: from an ONNX model and a folder of images to a calibrated INT8 engine.

#![forbid(unsafe_code)]
