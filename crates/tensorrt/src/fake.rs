//! A TensorRT of every generation, played by this process.
