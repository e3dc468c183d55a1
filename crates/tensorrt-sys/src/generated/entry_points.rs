//! The functions that the libraries export.
//!
//! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/entry-points.tsv`; not to be edited.

use std::ffi::{c_char, c_void};

use crate::file::EntryPoint;

/// `getInferLibVersion`, in every generation.
pub const GET_INFER_LIB_VERSION: EntryPoint<unsafe extern "C" fn() -> i32> =
    EntryPoint::new("getInferLibVersion");

/// `createInferBuilder_INTERNAL`, in every generation.
pub const CREATE_INFER_BUILDER_INTERNAL: EntryPoint<unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void> =
    EntryPoint::new("createInferBuilder_INTERNAL");

/// `createInferRuntime_INTERNAL`, in every generation.
pub const CREATE_INFER_RUNTIME_INTERNAL: EntryPoint<unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void> =
    EntryPoint::new("createInferRuntime_INTERNAL");

/// `createNvOnnxParser_INTERNAL`, in every generation.
pub const CREATE_NV_ONNX_PARSER_INTERNAL: EntryPoint<unsafe extern "C" fn(*mut c_void, *mut c_void, i32) -> *mut c_void> =
    EntryPoint::new("createNvOnnxParser_INTERNAL");

/// `getNvOnnxParserVersion`, in every generation.
pub const GET_NV_ONNX_PARSER_VERSION: EntryPoint<unsafe extern "C" fn() -> i32> =
    EntryPoint::new("getNvOnnxParserVersion");

/// `initLibNvInferPlugins`, in every generation.
pub const INIT_LIB_NV_INFER_PLUGINS: EntryPoint<unsafe extern "C" fn(*mut c_void, *const c_char) -> bool> =
    EntryPoint::new("initLibNvInferPlugins");
