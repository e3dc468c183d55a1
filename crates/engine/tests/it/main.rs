//! Builds with every generation of TensorRT, played by `tensorrt-double`.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy cannot see")]

mod calibrate;
mod faults;
mod inspect;
mod precision;
mod ranges;
mod settings;
mod stage;
mod timing;
