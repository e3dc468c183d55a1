//! A calibrator of the application's, with a script.

use std::ffi::{CStr, c_char, c_void};
use std::pin::Pin;
use std::ptr;
use std::sync::Mutex;

use tensorrt_sys::classes::{IInt8Calibrator, IInt8EntropyCalibrator2};
use tensorrt_sys::enums::CalibrationAlgoType;
use tensorrt_sys::{Enumeration, Interface, This, Version};

/// What a calibrator answers, and what it is told.
#[derive(Default)]
pub(crate) struct Script {
    /// The addresses of each batch.
    pub(crate) batches: Vec<Vec<u64>>,
    /// The cache to be read.
    pub(crate) cache: Option<Vec<u8>>,
    pub(crate) told: Mutex<Told>,
}

/// What a calibrator was told.
#[derive(Default, Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// The inputs of each request for a batch.
    pub(crate) asked: Vec<Vec<String>>,
    /// The cache that was written.
    pub(crate) cache: Option<String>,
}

/// A calibrator as C++ sees it.
pub(crate) type Calibrator = Pin<Box<Interface<IInt8Calibrator, Script>>>;

/// A calibrator by `EntropyCalibration2`.
pub(crate) fn calibrator(version: Version, script: Script) -> Calibrator {
    let identity = &IInt8EntropyCalibrator2::IDENTITY;
    let made = Interface::new(version, ptr::null(), identity, script, |table| {
        table.set(&IInt8Calibrator::GET_BATCH_SIZE, batch_size)?;
        table.set(&IInt8Calibrator::GET_BATCH, batch)?;
        table.set(&IInt8Calibrator::READ_CALIBRATION_CACHE, read_cache)?;
        table.set(&IInt8Calibrator::WRITE_CALIBRATION_CACHE, write_cache)?;
        table.set(&IInt8Calibrator::GET_ALGORITHM, algorithm)
    });
    made.unwrap()
}

/// Runs `body` with the script of the calibrator that was called.
///
/// # Safety
/// `this` is a calibrator of this file.
unsafe fn enter<R>(this: This, stop: R, body: impl FnOnce(&Script) -> R) -> R {
    // SAFETY: the caller's promise.
    unsafe { Interface::<IInt8Calibrator, Script>::enter(this, stop, body) }
}

unsafe extern "C" fn batch_size(_: This) -> i32 {
    1
}

unsafe extern "C" fn algorithm(_: This) -> i32 {
    CalibrationAlgoType::EntropyCalibration2.to_raw(Version::from_raw(101_601)).unwrap_or(-1)
}

unsafe extern "C" fn batch(
    this: This,
    addresses: *mut *mut c_void,
    names: *mut *const c_char,
    count: i32,
) -> bool {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: the builder passes that many names.
    let names = unsafe { std::slice::from_raw_parts(names, count) };
    // SAFETY: the builder passes as much room for addresses.
    let addresses = unsafe { std::slice::from_raw_parts_mut(addresses, count) };
    // SAFETY: the names are C strings.
    let name =
        |&name: &*const c_char| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    let names: Vec<String> = names.iter().map(name).collect();
    let answer = |script: &Script| {
        let mut told = script.told.lock().unwrap();
        let number = told.asked.len();
        told.asked.push(names);
        let Some(batch) = script.batches.get(number) else { return false };
        for (address, &given) in addresses.iter_mut().zip(batch) {
            *address = ptr::with_exposed_provenance_mut(usize::try_from(given).unwrap());
        }
        true
    };
    // SAFETY: the table above is the only one with this function.
    unsafe { enter(this, false, answer) }
}

unsafe extern "C" fn read_cache(this: This, length: *mut usize) -> *const c_void {
    let cache = |script: &Script| {
        script.cache.as_ref().map_or((ptr::null(), 0), |cache| (cache.as_ptr().cast(), cache.len()))
    };
    // SAFETY: the table above is the only one with this function.
    let (bytes, n_bytes) = unsafe { enter(this, (ptr::null(), 0), cache) };
    // SAFETY: the builder passes room for the length.
    unsafe { length.write(n_bytes) }
    bytes
}

unsafe extern "C" fn write_cache(this: This, bytes: *const c_void, length: usize) {
    // SAFETY: the builder passes that many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    let text = String::from_utf8(bytes.to_vec());
    let keep = |script: &Script| script.told.lock().unwrap().cache = text.ok();
    // SAFETY: the table above is the only one with this function.
    unsafe { enter(this, (), keep) }
}
