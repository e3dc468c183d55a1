//! An opened TensorRT.

use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use tensorrt_sys::classes::ILogger;
use tensorrt_sys::{Generation, OpenError, Version};

use crate::error::Error;
use crate::log::{Log, LogInterface, Subscription};

/// An opened TensorRT with its ONNX parser. Clones are the same one; it is never closed.
#[derive(Clone)]
pub struct Library {
    inner: Arc<Inner>,
}

struct Inner {
    raw: tensorrt_sys::Library,
    /// TensorRT keeps the first logger it is given for later objects too, so there is one, and it lives as long as the
    /// library: for ever.
    log: ManuallyDrop<Pin<Box<LogInterface>>>,
}

impl Library {
    /// Opens TensorRT and its ONNX parser; a bare file name is searched for as the system's loader does.
    ///
    /// Opening runs the libraries' code, as starting a program does: name only files you would run.
    ///
    /// # Errors
    /// [`OpenError`]: files that are missing or no TensorRT, versions without a table, a parser of another TensorRT.
    pub fn open(library: &Path, parser: &Path) -> Result<Self, OpenError> {
        // SAFETY: that the files are TensorRT is checked as far as names and versions go; beyond that, a file that
        // only pretends to be one is as outside of what Rust can promise as a broken kernel.
        Ok(Self::new(unsafe { tensorrt_sys::Library::open(library, parser) }?))
    }

    /// The version of a library and the path it was asked for by, known generation or not.
    ///
    /// # Errors
    /// [`OpenError`]: a file that is missing or no TensorRT.
    pub fn probe(library: &Path) -> Result<(Version, PathBuf), OpenError> {
        // SAFETY: as in `open`.
        unsafe { tensorrt_sys::Library::probe(library) }
    }

    pub(crate) fn new(raw: tensorrt_sys::Library) -> Self {
        let log = ManuallyDrop::new(Log::interface(raw.version(), raw.class_type_info()));
        Self { inner: Arc::new(Inner { raw, log }) }
    }

    /// What `getInferLibVersion` says.
    #[doc(alias = "getInferLibVersion")]
    pub fn version(&self) -> Version {
        self.inner.raw.version()
    }

    /// The generation whose tables are used.
    pub fn generation(&self) -> Generation {
        self.version().generation().expect("a library of unknown generation is not opened")
    }

    /// The library's file.
    pub fn path(&self) -> &Path {
        self.inner.raw.path()
    }

    /// The parser's file.
    pub fn parser_path(&self) -> &Path {
        self.inner.raw.parser_path()
    }

    /// Calls `sink` with every message of TensorRT's log, from whatever thread logs, until the answer is dropped.
    ///
    /// TensorRT has one log: with two builds at a time, each hears the other's messages too.
    #[doc(alias = "ILogger")]
    #[must_use = "dropping the subscription ends it"]
    pub fn subscribe(
        &self,
        sink: impl Fn(tensorrt_sys::enums::Severity, &str) + Send + Sync + 'static,
    ) -> Subscription {
        self.inner.log.state().subscribe(Arc::new(sink))
    }

    /// Whether both are the same opened library, so that objects of the one may meet objects of the other.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn raw(&self) -> &tensorrt_sys::Library {
        &self.inner.raw
    }

    /// Registers TensorRT's own plugins.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub(crate) fn init_plugins(&self) -> Result<(), Error> {
        // SAFETY: the logger was made for this version and is never freed.
        let done = unsafe { self.raw().init_plugins(self.logger()) };
        self.resume_panic();
        if done {
            Ok(())
        } else {
            Err(Error::Refused {
                call: "initLibNvInferPlugins",
                given: "its own plugins".to_owned(),
            })
        }
    }

    /// The logger for TensorRT, valid for ever.
    pub(crate) fn logger(&self) -> *mut ILogger {
        self.inner.log.as_ref().as_object()
    }

    /// Lets a panic of a sink, caught while TensorRT was logging, go on here.
    pub(crate) fn resume_panic(&self) {
        if let Some(panic) = self.inner.log.take_panic() {
            resume_unwind(panic);
        }
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("version", &self.version())
            .field("path", &self.path())
            .field("parser_path", &self.parser_path())
            .finish()
    }
}
