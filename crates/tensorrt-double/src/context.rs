//! Which TensorRT is played, for whom, and what it was told.
//!
//! A loaded copy of the double plays what the files beside it say ([`Context::loaded`]); a test that links the double
//! plays what it asked for, a thread at a time ([`Context::play`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tensorrt_sys::classes::ILogger;
use tensorrt_sys::enums::Severity;
use tensorrt_sys::{Enumeration, Generation, Version};

use crate::client::Client;
use crate::home;
use crate::object::{Class, Tables};

/// What a TensorRT is like, apart from its version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// What `getNvOnnxParserVersion` answers, if not what parsers of this version do.
    pub(crate) parser_version: Option<i32>,
    /// Whether the addresses that a calibrator gives are those of host memory.
    pub(crate) host_pointers: bool,
    /// How many DLA cores the machine has, if not as many as an Orin.
    pub(crate) dla_cores: Option<i32>,
    /// What its calibration caches end in.
    pub(crate) cache_line: Option<String>,
    /// How long a build takes at least.
    pub(crate) build_time: Duration,
}

/// One played TensorRT: every object of it holds one of these.
pub(crate) struct Context {
    version: Version,
    manner: Manner,
    /// The folder of the loaded file; `None` when the double is linked into the program.
    home: Option<PathBuf>,
    record: Mutex<Vec<String>>,
    live: Mutex<BTreeMap<&'static str, usize>>,
    tables: Mutex<BTreeMap<&'static str, Tables>>,
    /// The address of the plugin registry, once there is one.
    pub(crate) registry: OnceLock<usize>,
    /// The plugin libraries that were loaded.
    pub(crate) plugins: Mutex<Vec<crate::registry::PluginLibrary>>,
}

thread_local! {
    static PLAYED: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

impl Context {
    fn new(version: Version, manner: Manner, home: Option<PathBuf>) -> Self {
        Self {
            version,
            manner,
            home,
            record: Mutex::default(),
            live: Mutex::default(),
            tables: Mutex::default(),
            registry: OnceLock::new(),
            plugins: Mutex::default(),
        }
    }

    /// Makes this thread's calls of the exported functions those of a fresh TensorRT.
    pub(crate) fn play(version: Version, manner: Manner) {
        let context = Arc::new(Self::new(version, manner, None));
        PLAYED.with_borrow_mut(|played| *played = Some(context));
    }

    /// The TensorRT whose exported function was called.
    pub(crate) fn current() -> Arc<Self> {
        Self::played().unwrap_or_else(Self::loaded)
    }

    /// The TensorRT that this thread plays.
    pub(crate) fn played() -> Option<Arc<Self>> {
        PLAYED.with_borrow(Clone::clone)
    }

    /// The TensorRT that the files beside the loaded library describe; without a readable `version` its version is 0,
    /// which no program knows.
    fn loaded() -> Arc<Self> {
        static LOADED: OnceLock<Arc<Context>> = OnceLock::new();
        let context = LOADED.get_or_init(|| {
            let home = home::folder();
            let text = |name: &str| std::fs::read_to_string(home.as_ref()?.join(name)).ok();
            let number = |name: &str| text(name)?.trim().parse::<i32>().ok();
            let manner = Manner {
                parser_version: number(home::PARSER_VERSION),
                host_pointers: home
                    .as_ref()
                    .is_some_and(|home| home.join(home::HOST_POINTERS).exists()),
                dla_cores: number(home::DLA_CORES),
                cache_line: text(home::CACHE_LINE),
                build_time: number(home::BUILD_MS)
                    .and_then(|ms| u64::try_from(ms).ok())
                    .map(Duration::from_millis)
                    .unwrap_or_default(),
            };
            let version = Version::from_raw(number(home::VERSION).unwrap_or(0));
            Arc::new(Self::new(version, manner, home))
        });
        Arc::clone(context)
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The generation; a version without one has no tables, so no object is made for it.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.version.generation()
    }

    /// What `getNvOnnxParserVersion` answers.
    pub(crate) fn parser_version(&self) -> i32 {
        let newer = matches!(self.version.raw(), 10_600..=10_799 | 110_400..);
        self.manner.parser_version.unwrap_or(if newer { 200 } else { 100 })
    }

    pub(crate) fn host_pointers(&self) -> bool {
        self.manner.host_pointers
    }

    /// How many DLA cores there are: as on an Orin, but none where TensorRT-RTX runs.
    pub(crate) fn dla_cores(&self) -> i32 {
        let is_rtx = self.generation().is_some_and(Generation::is_rtx);
        self.manner.dla_cores.unwrap_or(if is_rtx { 0 } else { 2 })
    }

    /// What calibration caches end in.
    pub(crate) fn cache_line(&self) -> Option<&str> {
        self.manner.cache_line.as_deref()
    }

    /// How long a build takes at least.
    pub(crate) fn build_time(&self) -> Duration {
        self.manner.build_time
    }

    pub(crate) fn home(&self) -> Option<&PathBuf> {
        self.home.as_ref()
    }

    /// Adds a line to the record.
    pub(crate) fn note(&self, text: impl Into<String>) {
        lock(&self.record).push(text.into());
    }

    /// What the library was told since it began to be played.
    pub(crate) fn record(&self) -> Vec<String> {
        lock(&self.record).clone()
    }

    /// Counts an object of a class in, or out.
    pub(crate) fn count(&self, class: &'static str, born: bool) {
        let mut live = lock(&self.live);
        let count = live.entry(class).or_default();
        *count = if born { *count + 1 } else { count.saturating_sub(1) };
    }

    /// How many objects of each class are alive; classes without any are left out.
    pub(crate) fn live(&self) -> BTreeMap<&'static str, usize> {
        let mut live = lock(&self.live).clone();
        live.retain(|_, count| *count > 0);
        live
    }

    /// The tables of a class, made at the first call.
    pub(crate) fn tables<T: Class>(&self) -> Tables {
        *lock(&self.tables).entry(T::NAME).or_insert_with(|| Tables::new::<T>(self.version))
    }

    /// Says something to the application.
    pub(crate) fn log(&self, logger: *mut ILogger, severity: Severity, text: &str) {
        let Ok(severity) = severity.to_raw(self.version) else { return };
        let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
        if let Some(logger) = NonNull::new(logger) {
            Client::new(logger, self.version).log(severity, &text);
        }
    }

    /// The vendor's spelling of an enumerator, or its number.
    pub(crate) fn name_of<E: Enumeration>(&self, raw: i32) -> String {
        E::from_raw(self.version, raw)
            .map_or_else(|| raw.to_string(), |value| value.vendor_name().to_owned())
    }
}

/// A panic while a lock was held ends the process anyway: no panic leaves a function that C++ called.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
