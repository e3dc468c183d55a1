//! Calibration inside the builder: the application's side of `IInt8Calibrator`.
//!
//! Up to TensorRT 10 the builder can find the ranges of a weakly typed network itself. It asks for batches that lie in
//! device memory, and for a cache that makes them unnecessary; at the end it hands over the cache it made.
//! [`Builder::build_calibrated`](crate::Builder::build_calibrated) does such a build with a [`Calibrator`] of the
//! application's.

use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tensorrt_sys::classes::{
    IInt8Calibrator, IInt8EntropyCalibrator, IInt8EntropyCalibrator2, IInt8LegacyCalibrator,
    IInt8MinMaxCalibrator,
};
use tensorrt_sys::enums::CalibrationAlgoType;
use tensorrt_sys::{
    Enumeration, Generation, Identity, Interface, MissingMethod, This, Version, Vtable,
};

use crate::error::Error;
use crate::owned::borrowed_string;

/// Any error of the application's, as a calibrator gives it and gets it back.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the builder calls while it calibrates, one call at a time, from whatever thread it likes.
///
/// An error or a panic ends the calibration: the calibrator is not called again, TensorRT is told that there are no more
/// batches and no cache, and [`Builder::build_calibrated`](crate::Builder::build_calibrated) gives the error, or the
/// panic, back as it was.
///
/// ```
/// use calibrant_tensorrt::{BoxError, Calibrator};
///
/// /// Batches that lie in device memory already, each one array for the network's one input.
/// struct Batches(std::vec::IntoIter<u64>);
///
/// impl Calibrator for Batches {
///     fn batch_size(&mut self) -> i32 {
///         8
///     }
///
///     fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
///         let ([_input], [address]) = (inputs, addresses) else {
///             return Err(format!("one input, not {inputs:?}").into());
///         };
///         let batch = self.0.next();
///         *address = batch.unwrap_or(0);
///         Ok(batch.is_some())
///     }
///
///     fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
///         Ok(None)
///     }
///
///     fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
///         Ok(std::fs::write("calibration.cache", cache)?)
///     }
/// }
/// ```
#[doc(alias = "IInt8Calibrator")]
pub trait Calibrator: Send {
    /// How many samples a batch holds. TensorRT takes the batch from the calibration profile's shapes where a network's
    /// batch is a dimension, as every parsed one's is, and then this says no more than that.
    #[doc(alias = "getBatchSize")]
    fn batch_size(&mut self) -> i32;

    /// Puts the next batch's address in device memory (a `CUdeviceptr`) for each input into `addresses`, in the order of
    /// `inputs`; `false` when the samples have ended.
    ///
    /// TensorRT reads the memory until the next call of this method, or the end of the build.
    ///
    /// # Errors
    /// Whatever keeps the batch from being made.
    #[doc(alias = "getBatch")]
    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError>;

    /// The cache of an earlier calibration, with which this one is not needed; `None` to calibrate.
    ///
    /// TensorRT takes no cache but one of its own version and algorithm, as its first line says. It calibrates in place
    /// of one that it refuses.
    ///
    /// # Errors
    /// Whatever keeps the cache from being read.
    #[doc(alias = "readCalibrationCache")]
    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError>;

    /// Keeps the cache that TensorRT made. It is not called after an error.
    ///
    /// # Errors
    /// Whatever keeps the cache from being written.
    #[doc(alias = "writeCalibrationCache")]
    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError>;

    /// Legacy calibration only: which part of a tensor's values, 0 to 1, its range is to hold. TensorRT has no default;
    /// this one's is 0.9999.
    #[doc(alias = "getQuantile")]
    fn quantile(&mut self) -> f64 {
        0.9999
    }

    /// Legacy calibration only: which part of the largest value, 0 to 1, a regression may cut a range down to. TensorRT
    /// has no default; this one's, 1, cuts nothing.
    #[doc(alias = "getRegressionCutoff")]
    fn regression_cutoff(&mut self) -> f64 {
        1.0
    }
}

/// A calibrator said that there is a batch, and gave no address for one of its inputs.
#[derive(Debug, thiserror::Error)]
#[error("the calibrator's batch has no device address for input {input:?}")]
pub struct NoAddress {
    /// The input's name.
    pub input: String,
}

/// A calibrator as TensorRT sees it.
type CalibratorInterface<'c> = Interface<IInt8Calibrator, Callbacks<'c>>;

/// A calibrator at work: the object that TensorRT calls, and what became of the calls.
pub(crate) struct Session<'c> {
    interface: Pin<Box<CalibratorInterface<'c>>>,
}

/// What the object that TensorRT calls is made of.
struct Callbacks<'c> {
    algorithm: i32,
    /// Set for good when a call fails; a progress monitor that shares it stops the build.
    failed: Arc<AtomicBool>,
    state: Mutex<State<'c>>,
}

struct State<'c> {
    calibrator: &'c mut dyn Calibrator,
    failure: Option<Failure>,
    /// What `readCalibrationCache` answered. TensorRT does not say when it is done with it, so it stays until the end.
    caches: Vec<Box<[u8]>>,
}

/// The first error of a callback.
struct Failure {
    callback: &'static str,
    source: BoxError,
}

/// What an interface says about itself, in each generation.
type Identities = [Option<Identity>; Generation::COUNT];

impl<'c> Session<'c> {
    /// A session of a calibrator; `failed` is set when a call of it fails.
    ///
    /// # Errors
    /// [`Error::MissingValue`] and [`Error::MissingMethod`] where the version does not calibrate.
    pub(crate) fn new(
        version: Version,
        class_type_info: *const c_void,
        algorithm: CalibrationAlgoType,
        calibrator: &'c mut dyn Calibrator,
        failed: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let state = State { calibrator, failure: None, caches: Vec::new() };
        let callbacks =
            Callbacks { algorithm: algorithm.to_raw(version)?, failed, state: Mutex::new(state) };
        let interface = CalibratorInterface::new(
            version,
            class_type_info,
            identities(algorithm),
            callbacks,
            |table| fill(table, algorithm),
        )?;
        Ok(Self { interface })
    }

    pub(crate) fn as_object(&self) -> *mut IInt8Calibrator {
        self.interface.as_ref().as_object()
    }

    /// What failed, if anything did.
    ///
    /// # Errors
    /// [`Error::Calibrator`] with the calibrator's own error.
    ///
    /// # Panics
    /// With the calibrator's own panic.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        if let Some(panic) = self.interface.take_panic() {
            resume_unwind(panic);
        }
        match self.interface.state().lock().failure.take() {
            Some(Failure { callback, source }) => Err(Error::Calibrator { callback, source }),
            None => Ok(()),
        }
    }
}

impl<'c> Callbacks<'c> {
    fn lock(&self) -> MutexGuard<'_, State<'c>> {
        // A panic ends the session, so nobody meets what it left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` unless a call has failed; if that is so, or it fails now, the answer is `stop`.
    fn call<R>(
        &self,
        callback: &'static str,
        stop: R,
        work: impl FnOnce(&mut State<'c>) -> Result<R, BoxError>,
    ) -> R {
        let mut state = self.lock();
        if self.failed.load(Ordering::Acquire) {
            return stop;
        }
        let on_panic = SetOnPanic(&self.failed);
        let answer = work(&mut state);
        drop(on_panic);
        answer.unwrap_or_else(|source| {
            state.failure = Some(Failure { callback, source });
            self.failed.store(true, Ordering::Release);
            stop
        })
    }
}

/// Sets a flag if it is dropped by a panic.
struct SetOnPanic<'f>(&'f AtomicBool);

impl Drop for SetOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// Under which name TensorRT knows the calibrator of an algorithm.
fn identities(algorithm: CalibrationAlgoType) -> &'static Identities {
    match algorithm {
        CalibrationAlgoType::EntropyCalibration => &IInt8EntropyCalibrator::IDENTITY,
        CalibrationAlgoType::MinmaxCalibration => &IInt8MinMaxCalibrator::IDENTITY,
        CalibrationAlgoType::LegacyCalibration => &IInt8LegacyCalibrator::IDENTITY,
        _ => &IInt8EntropyCalibrator2::IDENTITY,
    }
}

fn fill(table: &mut Vtable, algorithm: CalibrationAlgoType) -> Result<(), MissingMethod> {
    table.set(&IInt8Calibrator::GET_BATCH_SIZE, get_batch_size)?;
    table.set(&IInt8Calibrator::GET_BATCH, get_batch)?;
    table.set(&IInt8Calibrator::READ_CALIBRATION_CACHE, read_calibration_cache)?;
    table.set(&IInt8Calibrator::WRITE_CALIBRATION_CACHE, write_calibration_cache)?;
    table.set(&IInt8Calibrator::GET_ALGORITHM, get_algorithm)?;
    if algorithm == CalibrationAlgoType::LegacyCalibration {
        table.set(&IInt8LegacyCalibrator::GET_QUANTILE, get_quantile)?;
        table.set(&IInt8LegacyCalibrator::GET_REGRESSION_CUTOFF, get_regression_cutoff)?;
        table.set(&IInt8LegacyCalibrator::READ_HISTOGRAM_CACHE, read_histogram_cache)?;
        table.set(&IInt8LegacyCalibrator::WRITE_HISTOGRAM_CACHE, write_histogram_cache)?;
    }
    Ok(())
}

unsafe extern "C" fn get_batch_size(this: This) -> i32 {
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    unsafe {
        CalibratorInterface::enter(this, 1, |callbacks| {
            callbacks.call("getBatchSize", 1, |state| Ok(state.calibrator.batch_size()))
        })
    }
}

unsafe extern "C" fn get_batch(
    this: This,
    bindings: *mut *mut c_void,
    names: *mut *const c_char,
    count: i32,
) -> bool {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: TensorRT passes so many names, which live during the call.
    let names = unsafe { items(names, count) };
    // SAFETY: each of them is a string that lives during the call.
    let names = names.iter().map(|&name| unsafe { borrowed_string(name) });
    let names: Vec<Cow<'_, str>> = names.collect();
    let next = |state: &mut State<'_>| next_batch(state.calibrator, &names);
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    let addresses = unsafe {
        CalibratorInterface::enter(this, None, |callbacks| callbacks.call("getBatch", None, next))
    };
    let Some(addresses) = addresses else { return false };
    for (index, address) in addresses.into_iter().enumerate() {
        // SAFETY: TensorRT passes an array with room for as many addresses as there are names.
        let binding = unsafe { bindings.add(index) };
        // SAFETY: as above. The address is the device's; nothing here reads what lies there.
        unsafe { *binding = ptr::without_provenance_mut(address) };
    }
    true
}

/// The addresses of the next batch, or `None` after the last one.
fn next_batch(
    calibrator: &mut dyn Calibrator,
    names: &[Cow<'_, str>],
) -> Result<Option<Vec<usize>>, BoxError> {
    let names: Vec<&str> = names.iter().map(Cow::as_ref).collect();
    let mut addresses = vec![0; names.len()];
    if !calibrator.next_batch(&names, &mut addresses)? {
        return Ok(None);
    }
    let address = |(address, name): (u64, &str)| {
        // An address that does not fit is none that this process could have been given.
        let address = usize::try_from(address).ok().filter(|&address| address != 0);
        address.ok_or_else(|| NoAddress { input: name.to_owned() }.into())
    };
    addresses.into_iter().zip(names).map(address).collect::<Result<_, BoxError>>().map(Some)
}

unsafe extern "C" fn read_calibration_cache(this: This, length: *mut usize) -> *const c_void {
    let read = |state: &mut State<'_>| {
        let State { calibrator, caches, .. } = state;
        let Some(cache) = calibrator.read_cache()? else { return Ok(None) };
        caches.push(cache.into());
        Ok(caches.last().map(|cache| (cache.as_ptr(), cache.len())))
    };
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    let cache = unsafe {
        CalibratorInterface::enter(this, None, |callbacks| {
            callbacks.call("readCalibrationCache", None, read)
        })
    };
    let (address, size) = cache.unwrap_or((ptr::null(), 0));
    // SAFETY: TensorRT passes the address of a number to set.
    unsafe { *length = size };
    address.cast()
}

unsafe extern "C" fn write_calibration_cache(this: This, cache: *const c_void, length: usize) {
    // SAFETY: TensorRT passes so many bytes, which live during the call.
    let cache = unsafe { items(cache.cast::<u8>(), length) };
    let write = |state: &mut State<'_>| state.calibrator.write_cache(cache);
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    unsafe {
        CalibratorInterface::enter(this, (), |callbacks| {
            callbacks.call("writeCalibrationCache", (), write)
        })
    }
}

unsafe extern "C" fn get_algorithm(this: This) -> i32 {
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    unsafe { CalibratorInterface::enter(this, 0, |callbacks| callbacks.algorithm) }
}

unsafe extern "C" fn get_quantile(this: This) -> f64 {
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    unsafe {
        CalibratorInterface::enter(this, 1.0, |callbacks| {
            callbacks.call("getQuantile", 1.0, |state| Ok(state.calibrator.quantile()))
        })
    }
}

unsafe extern "C" fn get_regression_cutoff(this: This) -> f64 {
    let cutoff = |state: &mut State<'_>| Ok(state.calibrator.regression_cutoff());
    // SAFETY: TensorRT calls this method of a calibrator whose session outlives the build.
    unsafe {
        CalibratorInterface::enter(this, 1.0, |callbacks| {
            callbacks.call("getRegressionCutoff", 1.0, cutoff)
        })
    }
}

/// There is no histogram cache: histograms of an earlier run are TensorRT's to make again.
unsafe extern "C" fn read_histogram_cache(_this: This, length: *mut usize) -> *const c_void {
    // SAFETY: TensorRT passes the address of a number to set.
    unsafe { *length = 0 };
    ptr::null()
}

/// Nobody asks for the histograms again.
unsafe extern "C" fn write_histogram_cache(_this: This, _cache: *const c_void, _length: usize) {}

/// The items of an array that C++ passes; none for null.
///
/// # Safety
/// `first` is null, or so many items lie there for `'a`.
unsafe fn items<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(first, count) }
}

#[cfg(test)]
mod tests;
