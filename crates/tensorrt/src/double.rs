//! The double of TensorRT, as the unit tests open it.
//!
//! State is this thread's: the functions that a real library exports have no other place for a test's, either.

use tensorrt_sys::Version;

use crate::library::Library;

use tensorrt_double::{Addresses, Installation};
pub(crate) use tensorrt_double::{live_objects, record};

/// A library of a version, with a clean record; calibrators give it addresses of host memory.
pub(crate) fn library(version: i32) -> Library {
    let options = Installation { addresses: Addresses::Host, ..Installation::default() };
    let entry_points = tensorrt_double::play_with(Version::from_raw(version), &options);
    let path = || "double".into();
    // SAFETY: the functions behave as TensorRT's of that version.
    let raw = unsafe { tensorrt_sys::Library::from_entry_points(entry_points, path(), path()) };
    Library::new(raw.expect("the tests name versions that the tables know"))
}
