//! From an ONNX file to a plan.

mod configure;
mod graph;
mod hints;
mod int8_way;
mod job;
mod phases;
mod profiles;
mod timing;
mod types;

use std::io;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use calibrant_files::RegularFile;
use calibrant_tensorrt::{DataType, Enumeration, Library, Severity};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::error::BuildError;
use crate::event::BuildEvent;
use crate::int8::{Int8, Int8Summary};
use crate::options::{BuildOptions, Precision};

pub use self::hints::Hint;

use self::job::{Built, Message, Order};
use self::phases::Phases;

/// What was built, from what, by what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildSummary {
    /// The plan's file.
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    pub plan: PathBuf,
    /// Its size.
    pub plan_bytes: u64,
    /// Its SHA-256, in hex.
    pub plan_sha256: String,
    /// How long TensorRT took, parsing included.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
    /// The library, as `TensorRT-RTX 1.7.1`.
    pub library_version: String,
    /// The library's file.
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    pub library: PathBuf,
    /// How many layers the network had before TensorRT fused them.
    pub layers: usize,
    /// The network's inputs.
    pub inputs: Vec<TensorSummary>,
    /// The network's outputs.
    pub outputs: Vec<TensorSummary>,
    /// The types that layers were allowed, as the caller asked.
    pub precision: Option<Precision>,
    /// The builder flags that were set, by the vendor's names.
    pub flags: Vec<&'static str>,
    /// The layers that were given a type.
    pub layer_types: Vec<LayerTypeSummary>,
    /// How INT8 came into the plan; `None` for a plan without.
    pub int8: Option<Int8Summary>,
    /// The warnings, TensorRT's verbatim, each once.
    pub warnings: Vec<String>,
}

/// A network's input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorSummary {
    /// As the model spells it.
    pub name: String,
    /// Its dimensions, -1 where they are dynamic.
    pub dims: Vec<i64>,
    /// Its type, as `float`, `half`, `int8`.
    pub data_type: String,
}

/// A layer whose type was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerTypeSummary {
    /// Its name.
    pub layer: String,
    /// The type, as `half`.
    pub data_type: String,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// How long the calling thread waits for an event before it makes one up, so that a build can be cancelled.
const TICK: Duration = Duration::from_millis(100);

/// How many events may wait for the calling thread; TensorRT waits when there are more.
const EVENTS_IN_FLIGHT: usize = 256;

/// Builds the plan of an ONNX model as it is, and writes it, complete or not at all.
///
/// TensorRT works on a thread of its own; `events` hears of it on the calling thread, at least every tenth of a second,
/// and cancels with `Break`. A cancelled build ends at TensorRT's next step; TensorRT up to 9.2 has no steps and ends
/// only when it is done. Of several builds in a process, one works and the others wait.
///
/// # Errors
/// [`BuildError`].
///
/// # Panics
/// If `events` panics.
pub fn build(
    library: &Library,
    onnx: &Path,
    options: &BuildOptions,
    events: &mut dyn FnMut(BuildEvent) -> ControlFlow<()>,
    plan: &Path,
) -> Result<BuildSummary, BuildError> {
    build_with(library, onnx, options, Int8::Model, events, plan)
}

/// As [`build`], with INT8 ranges from outside of the model.
///
/// A calibration is cancelled between two batches, with every TensorRT that calibrates.
///
/// # Errors
/// [`BuildError`]; the calibrator's own error is the source of [`BuildError::Calibrator`].
///
/// # Panics
/// If `events` or the calibrator panics.
pub fn build_with(
    library: &Library,
    onnx: &Path,
    options: &BuildOptions,
    int8: Int8<'_>,
    events: &mut dyn FnMut(BuildEvent) -> ControlFlow<()>,
    plan: &Path,
) -> Result<BuildSummary, BuildError> {
    let started = Instant::now();
    // What must fail early: a build may take an hour.
    options.check(library.version(), int8.via())?;
    check_files(onnx, options)?;
    let file = unfinished(plan).map_err(|source| cannot("write", plan, source))?;

    let (sender, receiver) = sync_channel(EVENTS_IN_FLIGHT);
    let mut heard = Heard::new(options.log);
    let order = Order { onnx, options, int8 };
    let (listened, built) = thread::scope(|scope| {
        let worker = thread::Builder::new()
            .spawn_scoped(scope, move || job::run(library, order, &sender, file))
            .map_err(BuildError::Thread)?;
        // The receiver ends with `listen`: a job whose events nobody hears stops.
        let listened = heard.listen(receiver, events);
        Ok::<_, BuildError>((listened, worker.join().unwrap_or_else(|panic| resume_unwind(panic))))
    })?;
    if listened.is_break() {
        return Err(BuildError::Cancelled { after: started.elapsed() });
    }
    let Built { file, plan_bytes, plan_sha256, made } =
        built.map_err(|error| explain(error, &heard, library))?;
    file.persist(plan).map_err(|error| cannot("write", plan, error.error))?;

    heard.warnings.extend(made.warnings);
    Ok(BuildSummary {
        plan: plan.to_owned(),
        plan_bytes,
        plan_sha256,
        time: started.elapsed(),
        library_version: library.version().to_string(),
        library: library.path().to_owned(),
        layers: made.layers,
        inputs: made.inputs,
        outputs: made.outputs,
        precision: options.precision,
        flags: made.flags,
        layer_types: made.layer_types,
        int8: made.int8,
        warnings: heard.warnings,
    })
}

/// Makes sure that what TensorRT opens by itself can be read and is no pipe, whose writer it would wait for.
fn check_files(onnx: &Path, options: &BuildOptions) -> Result<(), BuildError> {
    let open = |path: &Path| {
        RegularFile::open(path).map(drop).map_err(|source| cannot("read", path, source))
    };
    open(onnx)?;
    // A plugin that is not there may be a bare name, which the loader searches for.
    options.plugins.iter().filter(|plugin| plugin.exists()).try_for_each(|plugin| open(plugin))
}

/// Adds to a failure what TensorRT's log said, and what is known about it.
fn explain(error: BuildError, heard: &Heard, library: &Library) -> BuildError {
    let hint = Hint::of(library.version(), heard.quantized, &heard.errors);
    match error {
        BuildError::TensorRt { source, .. } => {
            BuildError::TensorRt { messages: heard.errors.clone(), hint, source }
        }
        BuildError::Build { library, .. } => {
            BuildError::Build { library, messages: heard.errors.clone(), hint }
        }
        BuildError::CacheRefused { library, header, .. } => {
            let messages = [heard.warnings.as_slice(), &heard.errors].concat();
            BuildError::CacheRefused { library, header, messages }
        }
        other => other,
    }
}

/// What the calling thread hears of the job.
struct Heard {
    log: Severity,
    phases: Phases,
    quantized: bool,
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Heard {
    fn new(log: Severity) -> Self {
        Self {
            log,
            phases: Phases::default(),
            quantized: false,
            warnings: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Turns the job's messages into events until the job is done or `events` breaks.
    fn listen(
        &mut self,
        receiver: Receiver<Message>,
        events: &mut dyn FnMut(BuildEvent) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        loop {
            let event = match receiver.recv_timeout(TICK) {
                Ok(message) => self.event(message),
                Err(RecvTimeoutError::Timeout) => Some(BuildEvent::Tick),
                Err(RecvTimeoutError::Disconnected) => return ControlFlow::Continue(()),
            };
            if let Some(event) = event {
                events(event)?;
            }
        }
    }

    /// Keeps what the outcome will tell, and returns the event that the caller asked for.
    fn event(&mut self, message: Message) -> Option<BuildEvent> {
        match message {
            Message::Log(severity, text) => {
                let keep = match severity {
                    Severity::Warning => Some(&mut self.warnings),
                    Severity::Error | Severity::InternalError => Some(&mut self.errors),
                    _ => None,
                };
                if let Some(texts) = keep
                    && !texts.contains(&text)
                {
                    texts.push(text.clone());
                }
                (severity <= self.log).then_some(BuildEvent::Log { severity, text })
            }
            Message::Progress(progress) => self.phases.event(progress),
            Message::Parser(message) => Some(BuildEvent::Parser(message)),
            Message::Calibrating { batch } => Some(BuildEvent::Calibrating { batch }),
            Message::Parsed { layers, quantized } => {
                self.quantized = quantized;
                Some(BuildEvent::Parsed { layers })
            }
        }
    }
}

/// An empty file beside `path` that becomes it when it is complete, and vanishes otherwise.
fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    calibrant_files::unfinished(path)
}

/// Whether a tensor of this type has a range.
fn is_float(data_type: DataType) -> bool {
    matches!(data_type, DataType::Float | DataType::Half | DataType::Bf16)
}

/// The name of a type, as `float`, `half`, `int8`.
pub(crate) fn type_name(data_type: DataType) -> String {
    data_type.vendor_name().trim_start_matches('k').to_ascii_lowercase()
}

fn cannot(action: &'static str, path: &Path, source: io::Error) -> BuildError {
    BuildError::Io { action, path: path.to_owned(), source }
}
