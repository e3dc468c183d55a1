//! Objects and structures as the C++ compiler lays them out, on 64-bit Linux.

use std::ffi::{c_char, c_void};

use crate::method::This;

/// The most dimensions a tensor has.
pub const MAX_DIMS: usize = 8;

/// The dimensions of a tensor up to TensorRT 9: `nvinfer1::Dims32`, which calls take by value.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims32 {
    /// How many dimensions there are; -1 for unknown.
    pub count: i32,
    /// Their sizes, of which the first `count` mean something; -1 for a dynamic one.
    pub sizes: [i32; MAX_DIMS],
}

/// The dimensions of a tensor from TensorRT 10 on and in TensorRT-RTX: `nvinfer1::Dims64`, which calls take by
/// reference.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims64 {
    /// How many dimensions there are; -1 for unknown.
    pub count: i32,
    /// Their sizes, of which the first `count` mean something; -1 for a dynamic one.
    pub sizes: [i64; MAX_DIMS],
}

/// What a versioned interface says about itself: `nvinfer1::InterfaceInfo`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Its name, ending in a zero byte and living forever.
    pub kind: *const c_char,
    /// Its major version.
    pub major: i32,
    /// Its minor version.
    pub minor: i32,
}

/// An object of the public classes: its own table, which has little but the destructor, and the implementation that its
/// methods forward to. `ILayer` calls the second `mLayer`, all others `mImpl`.
#[repr(C)]
#[derive(Debug)]
pub struct Public {
    /// The object's own virtual table.
    pub vtable: *const *const c_void,
    /// The implementation; it begins with its own virtual table.
    pub implementation: This,
}

/// A layer of one kind: what every layer has, and behind it the implementation of what its kind alone has.
#[repr(C)]
#[derive(Debug)]
pub struct Derived {
    /// What every layer has.
    pub base: Public,
    /// The implementation of the kind's own methods; it begins with its own virtual table.
    pub implementation: This,
}

/// An object that is called directly: the ONNX parser's classes, and every interface that the application implements.
#[repr(C)]
#[derive(Debug)]
pub struct Direct {
    /// The object's virtual table.
    pub vtable: *const *const c_void,
}

/// What the compiler must agree on; a 32-bit machine does not, and opens no library.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Public>() == 16 && align_of::<Public>() == 8);
    assert!(size_of::<Derived>() == 24 && align_of::<Derived>() == 8);
    assert!(size_of::<Direct>() == 8 && align_of::<Direct>() == 8);
    assert!(
        align_of::<Dims32>() == 4 && align_of::<Dims64>() == 8 && align_of::<InterfaceInfo>() == 8
    );
    assert!(std::mem::offset_of!(Public, implementation) == 8);
    assert!(std::mem::offset_of!(Derived, implementation) == 16);
    assert!(std::mem::offset_of!(Dims32, sizes) == 4 && std::mem::offset_of!(Dims64, sizes) == 8);
};
