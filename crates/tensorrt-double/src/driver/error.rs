//! The driver's error codes.

use std::ffi::{CStr, c_char, c_int};

/// `CUresult`.
pub(super) type Code = c_int;

pub(super) const SUCCESS: Code = 0;
pub(super) const INVALID_VALUE: Code = 1;
pub(super) const OUT_OF_MEMORY: Code = 2;
pub(super) const NOT_INITIALIZED: Code = 3;
pub(super) const INVALID_DEVICE: Code = 101;
pub(super) const INVALID_CONTEXT: Code = 201;
pub(super) const INVALID_HANDLE: Code = 400;
pub(super) const ILLEGAL_ADDRESS: Code = 700;

/// Each code with its name and what it means.
const TEXTS: [(Code, &CStr, &CStr); 8] = [
    (SUCCESS, c"CUDA_SUCCESS", c"no error"),
    (INVALID_VALUE, c"CUDA_ERROR_INVALID_VALUE", c"invalid argument"),
    (OUT_OF_MEMORY, c"CUDA_ERROR_OUT_OF_MEMORY", c"out of memory"),
    (NOT_INITIALIZED, c"CUDA_ERROR_NOT_INITIALIZED", c"initialization error"),
    (INVALID_DEVICE, c"CUDA_ERROR_INVALID_DEVICE", c"invalid device ordinal"),
    (INVALID_CONTEXT, c"CUDA_ERROR_INVALID_CONTEXT", c"invalid device context"),
    (INVALID_HANDLE, c"CUDA_ERROR_INVALID_HANDLE", c"invalid resource handle"),
    (ILLEGAL_ADDRESS, c"CUDA_ERROR_ILLEGAL_ADDRESS", c"an illegal memory access was encountered"),
];

/// `cuGetErrorName`.
#[unsafe(export_name = "cuGetErrorName")]
unsafe extern "C" fn name(code: Code, text: *mut *const c_char) -> Code {
    let name = TEXTS.iter().find(|(known, ..)| *known == code).map(|(_, name, _)| name.as_ptr());
    // SAFETY: the application passes the address of a pointer.
    unsafe { super::answer(text, name.ok_or(INVALID_VALUE)) }
}

/// `cuGetErrorString`.
#[unsafe(export_name = "cuGetErrorString")]
unsafe extern "C" fn string(code: Code, text: *mut *const c_char) -> Code {
    let string = TEXTS.iter().find(|(known, ..)| *known == code).map(|(.., text)| text.as_ptr());
    // SAFETY: the application passes the address of a pointer.
    unsafe { super::answer(text, string.ok_or(INVALID_VALUE)) }
}
