//! The application's objects: its logger, progress monitor and calibrator, called through the slots of the version.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{self, NonNull};

use tensorrt_sys::classes::{
    IInt8Calibrator, IInt8LegacyCalibrator, ILogger, IProgressMonitor, IVersionedInterface,
};
use tensorrt_sys::{InterfaceInfo, This, Version, VirtualMethod};

/// An object that the application made; it is alive for as long as the application lets the library know it.
pub(crate) struct Client<C> {
    object: NonNull<C>,
    version: Version,
}

impl<C> Client<C> {
    pub(crate) fn new(object: NonNull<C>, version: Version) -> Self {
        Self { object, version }
    }

    /// A method with its receiver.
    ///
    /// # Panics
    /// Where the version has no such method; then it had none to be given the object by, either.
    fn bind<F: Copy>(&self, method: &VirtualMethod<C, F>) -> (This, F) {
        // SAFETY: the application vouches for what it passed, and lets it live until it takes it back.
        unsafe { method.bind(self.version, self.object) }
            .expect("an interface that a version is given has its methods there")
    }

    /// The same object as another class of its own.
    fn cast<D>(&self) -> Client<D> {
        Client { object: self.object.cast(), version: self.version }
    }

    /// What the interface says about itself, as "kind major.minor"; `None` where interfaces have no version.
    pub(crate) fn interface(&self) -> Option<String> {
        let object = self.cast::<IVersionedInterface>();
        IVersionedInterface::GET_INTERFACE_INFO.slot(self.version).ok()?;
        let (this, info) = object.bind(&IVersionedInterface::GET_INTERFACE_INFO);
        // SAFETY: bound to an object of a versioned interface.
        let InterfaceInfo { kind, major, minor } = unsafe { info(this) };
        Some(format!("{} {major}.{minor}", text(kind)))
    }
}

impl Client<ILogger> {
    pub(crate) fn log(&self, severity: i32, text: &CStr) {
        let (this, log) = self.bind(&ILogger::LOG);
        // SAFETY: bound to the application's logger.
        unsafe { log(this, severity, text.as_ptr()) }
    }
}

impl Client<IProgressMonitor> {
    pub(crate) fn phase_start(&self, phase: &CStr, parent: Option<&CStr>, steps: i32) {
        let (this, start) = self.bind(&IProgressMonitor::PHASE_START);
        // SAFETY: bound to the application's monitor.
        unsafe { start(this, phase.as_ptr(), parent.map_or(ptr::null(), CStr::as_ptr), steps) }
    }

    /// Whether the build is to go on.
    pub(crate) fn step_complete(&self, phase: &CStr, step: i32) -> bool {
        let (this, complete) = self.bind(&IProgressMonitor::STEP_COMPLETE);
        // SAFETY: bound to the application's monitor.
        unsafe { complete(this, phase.as_ptr(), step) }
    }

    pub(crate) fn phase_finish(&self, phase: &CStr) {
        let (this, finish) = self.bind(&IProgressMonitor::PHASE_FINISH);
        // SAFETY: bound to the application's monitor.
        unsafe { finish(this, phase.as_ptr()) }
    }
}

/// A function that answers a pointer and writes its length.
type Read<C> = VirtualMethod<C, unsafe extern "C" fn(This, *mut usize) -> *const c_void>;

/// A function that is given bytes.
type Write<C> = VirtualMethod<C, unsafe extern "C" fn(This, *const c_void, usize)>;

impl<C> Client<C> {
    fn read(&self, method: &Read<C>) -> Option<Vec<u8>> {
        let (this, read) = self.bind(method);
        let mut length = 0;
        // SAFETY: bound to the application's calibrator; the length is written to before it is read.
        let bytes = unsafe { read(this, &raw mut length) };
        bytes_at(bytes, length)
    }

    fn write(&self, method: &Write<C>, bytes: &[u8]) {
        let (this, write) = self.bind(method);
        // SAFETY: bound to the application's calibrator, with bytes that live during the call.
        unsafe { write(this, bytes.as_ptr().cast(), bytes.len()) }
    }
}

impl Client<IInt8Calibrator> {
    /// The number of its `CalibrationAlgoType`.
    pub(crate) fn algorithm(&self) -> i32 {
        let (this, algorithm) = self.bind(&IInt8Calibrator::GET_ALGORITHM);
        // SAFETY: bound to the application's calibrator.
        unsafe { algorithm(this) }
    }

    pub(crate) fn batch_size(&self) -> i32 {
        let (this, size) = self.bind(&IInt8Calibrator::GET_BATCH_SIZE);
        // SAFETY: bound to the application's calibrator.
        unsafe { size(this) }
    }

    /// The addresses of the next batch, one a name; `None` when there is none.
    pub(crate) fn batch(&self, names: &[&CStr]) -> Option<Vec<u64>> {
        let mut names: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let mut addresses = vec![ptr::null_mut::<c_void>(); names.len()];
        let (this, batch) = self.bind(&IInt8Calibrator::GET_BATCH);
        let count = i32::try_from(names.len()).unwrap_or(i32::MAX);
        // SAFETY: bound to the application's calibrator, with two lists of that length.
        let more = unsafe { batch(this, addresses.as_mut_ptr(), names.as_mut_ptr(), count) };
        more.then(|| addresses.iter().map(|address| address.addr() as u64).collect())
    }

    pub(crate) fn read_cache(&self) -> Option<Vec<u8>> {
        self.read(&IInt8Calibrator::READ_CALIBRATION_CACHE)
    }

    pub(crate) fn write_cache(&self, cache: &[u8]) {
        self.write(&IInt8Calibrator::WRITE_CALIBRATION_CACHE, cache);
    }

    /// The methods that legacy calibrators alone have.
    pub(crate) fn legacy(&self) -> Client<IInt8LegacyCalibrator> {
        self.cast()
    }
}

impl Client<IInt8LegacyCalibrator> {
    pub(crate) fn quantile(&self) -> f64 {
        let (this, quantile) = self.bind(&IInt8LegacyCalibrator::GET_QUANTILE);
        // SAFETY: bound to the application's legacy calibrator.
        unsafe { quantile(this) }
    }

    pub(crate) fn regression_cutoff(&self) -> f64 {
        let (this, cutoff) = self.bind(&IInt8LegacyCalibrator::GET_REGRESSION_CUTOFF);
        // SAFETY: bound to the application's legacy calibrator.
        unsafe { cutoff(this) }
    }

    pub(crate) fn read_histograms(&self) -> Option<Vec<u8>> {
        self.read(&IInt8LegacyCalibrator::READ_HISTOGRAM_CACHE)
    }

    pub(crate) fn write_histograms(&self, histograms: &[u8]) {
        self.write(&IInt8LegacyCalibrator::WRITE_HISTOGRAM_CACHE, histograms);
    }
}

/// A C string of the client's; empty for null.
pub(crate) fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: clients pass C strings that live during the call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A copy of bytes of the client's; `None` for null.
pub(crate) fn bytes_at(bytes: *const c_void, length: usize) -> Option<Vec<u8>> {
    let bytes = NonNull::new(bytes.cast_mut())?.cast::<u8>();
    // SAFETY: clients pass as many bytes as they say, alive during the call.
    Some(unsafe { std::slice::from_raw_parts(bytes.as_ptr(), length) }.to_vec())
}

/// A value of the client's, passed by reference; `None` for null.
pub(crate) fn value_at<T: Copy>(value: *const T) -> Option<T> {
    let value = NonNull::new(value.cast_mut())?;
    // SAFETY: clients pass references to initialised values that live during the call.
    Some(unsafe { value.read() })
}
