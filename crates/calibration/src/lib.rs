//! Histograms, range methods, calibration tables and TensorRT's calibration cache.

#![forbid(unsafe_code)]
