//! Find, order, subset and memory-map the samples of a calibration set.
