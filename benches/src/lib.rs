//! Benchmarks of calibration throughput.
