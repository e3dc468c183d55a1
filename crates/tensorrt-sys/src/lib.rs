//! Raw bindings to TensorRT of every generation, opened at run time: slot tables, layouts, entry points.
