//! The calibrator as C++ meets it: through the slots of every version that calibrates.

use std::error::Error as _;
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use tensorrt_sys::classes::IVersionedInterface;

use super::*;

/// The first and the last of each generation that calibrates, and the one between.
const VERSIONS: [i32; 5] = [8_503, 8_601, 9_300, 100_000, 101_601];

const ALGORITHMS: [CalibrationAlgoType; 4] = [
    CalibrationAlgoType::EntropyCalibration2,
    CalibrationAlgoType::MinmaxCalibration,
    CalibrationAlgoType::EntropyCalibration,
    CalibrationAlgoType::LegacyCalibration,
];

/// Hands out so many batches, and notes every call.
#[derive(Default)]
struct Scripted {
    batches: u64,
    cache: Option<Vec<u8>>,
    /// The call that fails, by number from 0, and how.
    fails_at: Option<(usize, fn() -> BoxError)>,
    calls: Vec<String>,
}

impl Scripted {
    fn call(&mut self, call: String) -> Result<(), BoxError> {
        self.calls.push(call);
        match self.fails_at {
            Some((at, error)) if at + 1 == self.calls.len() => Err(error()),
            _ => Ok(()),
        }
    }
}

impl Calibrator for Scripted {
    fn batch_size(&mut self) -> i32 {
        self.calls.push("size".to_owned());
        4
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        self.call(format!("batch of {}", inputs.join(" and ")))?;
        let Some(left) = self.batches.checked_sub(1) else { return Ok(false) };
        self.batches = left;
        for (address, at) in addresses.iter_mut().zip(1..) {
            *address = 0x7f00_0000_0000 + 0x100 * left + at;
        }
        Ok(true)
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        self.call("read".to_owned())?;
        Ok(self.cache.as_deref())
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.call(format!("write {}", String::from_utf8_lossy(cache)))
    }
}

/// TensorRT's side of the calls.
struct Caller {
    version: Version,
    object: NonNull<IInt8Calibrator>,
}

impl Caller {
    fn of(session: &Session<'_>, version: i32) -> Self {
        let object = NonNull::new(session.as_object()).unwrap();
        Self { version: Version::from_raw(version), object }
    }

    fn bind<C, F: Copy>(&self, method: &tensorrt_sys::VirtualMethod<C, F>) -> (This, F) {
        // SAFETY: the session is alive, and made for this version.
        unsafe { method.bind(self.version, self.object.cast()) }.unwrap()
    }

    fn batch(&self, names: &[&CStr]) -> Option<Vec<usize>> {
        let mut names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        let mut bindings = vec![ptr::null_mut(); names.len()];
        let (this, get) = self.bind(&IInt8Calibrator::GET_BATCH);
        let count = i32::try_from(names.len()).unwrap();
        // SAFETY: both arrays have so many items.
        let more = unsafe { get(this, bindings.as_mut_ptr(), names.as_mut_ptr(), count) };
        more.then(|| bindings.into_iter().map(<*mut c_void>::addr).collect())
    }

    fn read(&self) -> Option<Vec<u8>> {
        let (this, read) = self.bind(&IInt8Calibrator::READ_CALIBRATION_CACHE);
        let mut length = 99;
        // SAFETY: the length is there to be set.
        let cache = unsafe { read(this, &raw mut length) };
        if cache.is_null() {
            assert_eq!(length, 0);
            return None;
        }
        // SAFETY: the calibrator says so.
        Some(unsafe { slice::from_raw_parts(cache.cast::<u8>(), length) }.to_vec())
    }

    fn write(&self, cache: &[u8]) {
        let (this, write) = self.bind(&IInt8Calibrator::WRITE_CALIBRATION_CACHE);
        // SAFETY: so many bytes lie there.
        unsafe { write(this, cache.as_ptr().cast(), cache.len()) }
    }
}

fn session(version: i32, calibrator: &mut dyn Calibrator) -> Session<'_> {
    let version = Version::from_raw(version);
    let algorithm = CalibrationAlgoType::EntropyCalibration2;
    Session::new(version, ptr::null(), algorithm, calibrator, Arc::default()).unwrap()
}

#[test]
fn every_call_arrives_in_every_generation_that_calibrates() {
    for version in VERSIONS {
        let mut scripted = Scripted { batches: 2, ..Scripted::default() };
        let session = session(version, &mut scripted);
        let caller = Caller::of(&session, version);
        let (this, size) = caller.bind(&IInt8Calibrator::GET_BATCH_SIZE);
        // SAFETY: bound to the live calibrator.
        assert_eq!(unsafe { size(this) }, 4);
        assert_eq!(caller.read(), None);
        let names = [c"images", c"mask"];
        assert_eq!(caller.batch(&names), Some(vec![0x7f00_0000_0101, 0x7f00_0000_0102]));
        assert_eq!(caller.batch(&names), Some(vec![0x7f00_0000_0001, 0x7f00_0000_0002]));
        assert_eq!(caller.batch(&names), None);
        caller.write(b"TRT-1");
        session.outcome().unwrap();
        drop(session);
        let batch = "batch of images and mask";
        assert_eq!(scripted.calls, ["size", "read", batch, batch, batch, "write TRT-1"]);
    }
}

#[test]
fn each_algorithm_says_what_it_is() {
    let kinds = [
        c"IInt8EntropyCalibrator2",
        c"IInt8MinMaxCalibrator",
        c"IInt8EntropyCalibrator",
        c"IInt8Calibrator",
    ];
    for (algorithm, kind) in ALGORITHMS.into_iter().zip(kinds) {
        for version in VERSIONS {
            let raw = Version::from_raw(version);
            let mut scripted = Scripted::default();
            let session =
                Session::new(raw, ptr::null(), algorithm, &mut scripted, Arc::default()).unwrap();
            let caller = Caller::of(&session, version);
            let (this, get) = caller.bind(&IInt8Calibrator::GET_ALGORITHM);
            // SAFETY: bound to the live calibrator.
            assert_eq!(unsafe { get(this) }, algorithm.to_raw(raw).unwrap());
            if version < 100_000 {
                continue;
            }
            let (this, info) = caller.bind(&IVersionedInterface::GET_INTERFACE_INFO);
            // SAFETY: bound to the live calibrator.
            let info = unsafe { info(this) };
            // SAFETY: the kind is a constant string.
            assert_eq!(unsafe { CStr::from_ptr(info.kind) }, kind);
        }
    }
}

#[test]
fn legacy_calibration_has_its_numbers_and_no_histogram_cache() {
    for version in VERSIONS {
        let raw = Version::from_raw(version);
        let mut scripted = Scripted::default();
        let algorithm = CalibrationAlgoType::LegacyCalibration;
        let session =
            Session::new(raw, ptr::null(), algorithm, &mut scripted, Arc::default()).unwrap();
        let caller = Caller::of(&session, version);
        let (this, quantile) = caller.bind(&IInt8LegacyCalibrator::GET_QUANTILE);
        // SAFETY: bound to the live calibrator.
        assert_eq!(unsafe { quantile(this) }, 0.9999);
        let (this, cutoff) = caller.bind(&IInt8LegacyCalibrator::GET_REGRESSION_CUTOFF);
        // SAFETY: bound to the live calibrator.
        assert_eq!(unsafe { cutoff(this) }, 1.0);
        let (this, read) = caller.bind(&IInt8LegacyCalibrator::READ_HISTOGRAM_CACHE);
        let mut length = 99;
        // SAFETY: bound to the live calibrator.
        assert!(unsafe { read(this, &raw mut length) }.is_null() && length == 0);
    }
}

#[test]
fn a_cache_stays_where_it_was_read_though_it_is_read_again() {
    let mut scripted = Scripted { cache: Some(b"TRT-8601-...".to_vec()), ..Scripted::default() };
    let session = session(8_601, &mut scripted);
    let caller = Caller::of(&session, 8_601);
    let (this, read) = caller.bind(&IInt8Calibrator::READ_CALIBRATION_CACHE);
    let mut length = 0;
    // SAFETY: bound to the live calibrator.
    let first = unsafe { read(this, &raw mut length) };
    for _ in 0..100 {
        assert_eq!(caller.read().as_deref(), Some(&b"TRT-8601-..."[..]));
    }
    // SAFETY: the session is alive.
    assert_eq!(unsafe { slice::from_raw_parts(first.cast::<u8>(), length) }, b"TRT-8601-...");
}

#[test]
fn after_an_error_nothing_more_is_asked_and_it_comes_back_as_it_was() {
    for version in VERSIONS {
        for (at, callback) in [(0, "readCalibrationCache"), (1, "getBatch"), (2, "getBatch")] {
            let fails_at: Option<(usize, fn() -> BoxError)> =
                Some((at, || std::io::Error::other("no such picture").into()));
            let mut scripted = Scripted { batches: 9, fails_at, ..Scripted::default() };
            let session = session(version, &mut scripted);
            let caller = Caller::of(&session, version);
            caller.read();
            while caller.batch(&[c"x"]).is_some() {}
            assert_eq!((caller.read(), caller.batch(&[c"x"])), (None, None));
            caller.write(b"a cache of half the batches");
            let error = session.outcome().unwrap_err();
            assert_eq!(error.to_string(), format!("the calibrator failed in {callback}"));
            let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
            assert_eq!(source.to_string(), "no such picture");
            drop(session);
            assert_eq!(scripted.calls.len(), at + 1, "{:?}", scripted.calls);
        }
    }
}

#[test]
fn an_error_and_a_panic_set_the_flag_that_stops_the_build() {
    let failures: [fn() -> BoxError; 2] = [|| "failed".into(), || panic!("panicked")];
    for failure in failures {
        let stop = Arc::new(AtomicBool::new(false));
        let mut scripted = Scripted { fails_at: Some((0, failure)), ..Scripted::default() };
        let algorithm = CalibrationAlgoType::MinmaxCalibration;
        let version = Version::from_raw(101_601);
        let session =
            Session::new(version, ptr::null(), algorithm, &mut scripted, Arc::clone(&stop))
                .unwrap();
        assert!(!stop.load(Ordering::Acquire));
        assert_eq!(Caller::of(&session, 101_601).batch(&[c"x"]), None);
        assert!(stop.load(Ordering::Acquire));
        match catch_unwind(AssertUnwindSafe(|| session.outcome())) {
            Ok(outcome) => {
                assert!(matches!(outcome, Err(Error::Calibrator { .. })), "{outcome:?}")
            }
            Err(panic) => assert_eq!(panic.downcast_ref::<&str>(), Some(&"panicked")),
        }
    }
}

#[test]
fn a_batch_without_an_address_is_an_error() {
    struct Forgetful;

    impl Calibrator for Forgetful {
        fn batch_size(&mut self) -> i32 {
            1
        }

        fn next_batch(&mut self, _: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
            addresses[0] = 0x100;
            Ok(true)
        }

        fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
            Ok(None)
        }

        fn write_cache(&mut self, _: &[u8]) -> Result<(), BoxError> {
            Ok(())
        }
    }

    let mut forgetful = Forgetful;
    let session = session(101_601, &mut forgetful);
    assert_eq!(Caller::of(&session, 101_601).batch(&[c"x", c"y"]), None);
    let error = session.outcome().unwrap_err();
    let source = error.source().unwrap().downcast_ref::<NoAddress>().unwrap();
    assert_eq!(source.to_string(), "the calibrator's batch has no device address for input \"y\"");
}

#[test]
fn versions_that_do_not_calibrate_say_so() {
    for version in [110_000, 110_400, 10_300, 10_701] {
        let mut scripted = Scripted::default();
        for algorithm in ALGORITHMS {
            let version = Version::from_raw(version);
            let session =
                Session::new(version, ptr::null(), algorithm, &mut scripted, Arc::default());
            assert!(matches!(session.err(), Some(Error::MissingValue(_))), "{version}");
        }
    }
}
