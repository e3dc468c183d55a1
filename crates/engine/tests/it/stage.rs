//! What the tests share: a TensorRT of any version, the models, a folder to build into.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use calibrant_engine::{
    BoxError, BuildError, BuildEvent, BuildOptions, BuildSummary, Calibrator, Int8, Library,
    Version, build_with,
};
use calibrant_tensorrt::OpenError;
use tempfile::TempDir;
use tensorrt_double::{Addresses, Installation, Plan, install};

/// The first and the last of each generation, and those at which something came.
pub(crate) const VERSIONS: [i32; 11] =
    [8_503, 8_601, 9_300, 100_000, 100_800, 101_601, 110_000, 110_400, 10_400, 10_500, 10_701];

/// The versions that know implicit quantization.
pub(crate) const IMPLICIT: [i32; 6] = [8_503, 8_601, 9_300, 100_000, 100_800, 101_601];

/// A TensorRT of a version, and a folder to build in.
pub(crate) struct Stage {
    pub(crate) library: Library,
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new(version: i32) -> Self {
        Self { library: library(version), folder: tempfile::tempdir().unwrap() }
    }

    /// A path beside the plan.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Builds, and returns the events with the outcome.
    pub(crate) fn build(
        &self,
        model: &str,
        options: &BuildOptions,
        int8: Int8<'_>,
    ) -> (Result<(BuildSummary, Plan), BuildError>, Vec<BuildEvent>) {
        let mut events = Vec::new();
        let mut keep = |event| {
            events.push(event);
            ControlFlow::Continue(())
        };
        let plan = self.path("plan");
        let built = build_with(&self.library, &fixture(model), options, int8, &mut keep, &plan);
        let read = |summary| (summary, Plan::read(&std::fs::read(&plan).unwrap()).unwrap());
        (built.map(read), events)
    }

    /// Builds what must build.
    pub(crate) fn built(
        &self,
        model: &str,
        options: &BuildOptions,
        int8: Int8<'_>,
    ) -> (BuildSummary, Plan) {
        let version = self.library.version();
        self.build(model, options, int8).0.unwrap_or_else(|error| panic!("{version}: {error}"))
    }

    /// Builds what must fail, and leave nothing.
    pub(crate) fn fails(&self, model: &str, options: &BuildOptions, int8: Int8<'_>) -> BuildError {
        let error = self.build(model, options, int8).0.expect_err("this must fail");
        assert_eq!(self.names(), [""; 0], "a failed build leaves no file");
        error
    }

    /// The names of what lies in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// The TensorRT of a version; all tests of a process share one.
fn library(version: i32) -> Library {
    static LIBRARIES: Mutex<BTreeMap<i32, Library>> = Mutex::new(BTreeMap::new());
    let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
    let open = || {
        let options = Installation { addresses: Addresses::Host, ..Installation::default() };
        open(version, &options).unwrap()
    };
    libraries.entry(version).or_insert_with(open).clone()
}

/// Opens a TensorRT of a version, laid out so.
pub(crate) fn open(version: i32, options: &Installation) -> Result<Library, OpenError> {
    // A library that is open needs its files no more.
    let folder = tempfile::tempdir().unwrap();
    let installed = install(folder.path(), Version::from_raw(version), options).unwrap();
    Library::open(&installed.library, &installed.parser)
}

/// A model of `fixtures/tensorrt/models`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models").join(name)
}

/// The plain options, with a change.
pub(crate) fn options(change: impl FnOnce(&mut BuildOptions)) -> BuildOptions {
    let mut options = BuildOptions::default();
    change(&mut options);
    options
}

/// What a calibrator does in place of giving a batch.
pub(crate) type Happens = fn() -> Result<bool, BoxError>;

/// A calibrator whose batches lie in host memory, which the double reads where it is told to.
pub(crate) struct HostCalibrator {
    batches: Vec<Vec<f32>>,
    at: usize,
    /// The cache to offer.
    pub(crate) cache: Option<Vec<u8>>,
    pub(crate) written: Option<Vec<u8>>,
    /// What happens in place of a batch.
    pub(crate) at_batch: Option<(usize, Happens)>,
    pub(crate) inputs: Vec<String>,
}

impl HostCalibrator {
    /// Batches of one sample of 3 x 32 x 32, each filled with its number from 1.
    pub(crate) fn new(n_batches: u16) -> Self {
        Self::of_batch_size(n_batches, 1)
    }

    pub(crate) fn of_batch_size(n_batches: u16, batch_size: usize) -> Self {
        let batch = |number: u16| vec![f32::from(number); batch_size * 3 * 32 * 32];
        Self {
            batches: (1..=n_batches).map(batch).collect(),
            at: 0,
            cache: None,
            written: None,
            at_batch: None,
            inputs: Vec::new(),
        }
    }
}

impl Calibrator for HostCalibrator {
    fn batch_size(&mut self) -> i32 {
        1
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        self.inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        self.at += 1;
        match self.at_batch {
            Some((at, happens)) if at == self.at => return happens(),
            _ => {}
        }
        let Some(batch) = self.batches.get(self.at - 1) else { return Ok(false) };
        addresses[0] = batch.as_ptr().addr() as u64;
        Ok(true)
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        Ok(self.cache.as_deref())
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.written = Some(cache.to_vec());
        Ok(())
    }
}
