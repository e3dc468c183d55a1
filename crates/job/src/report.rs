//! What a job did, for people (`Display`) and for programs (`report.json`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calibrant_calibration::{Algorithm, BackendInfo, Method};
use calibrant_cast::FloatType;
use calibrant_engine::BuildSummary;
use calibrant_files::printable;
use calibrant_prepare::Repair;
use calibrant_rewrite::Outcome;
use calibrant_tensor::Digest;
use serde::{Deserialize, Serialize};

use crate::control::Stage;
use crate::output::{REPORT, seal};
use crate::precision::Precision;
use crate::suspects::{Suspects, first_few};

/// Name and version of this program, as manifests and reports give it.
pub const PROGRAM: &str = concat!("calibrant ", env!("CARGO_PKG_VERSION"));

/// Version of the layout of `report.json`; since 2 it says what was written, with digests.
pub const REPORT_SCHEMA_VERSION: u32 = 2;

/// What a job did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// [`REPORT_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name and version of the program.
    pub program: String,
    /// What was quantized, with its digest.
    pub model: ModelReport,
    /// The precision that was asked for.
    pub precision: Precision,
    /// How the ranges were found; `None` when none were needed.
    pub calibration: Option<CalibrationReport>,
    /// What was rewritten; `None` when the model stayed as it was.
    pub rewrite: Option<calibrant_rewrite::Summary>,
    /// What was cast to half precision in the model; `None` when nothing was.
    pub casts: Option<calibrant_cast::CastSummary>,
    /// What became of the engine.
    pub engine: EngineReport,
    /// How long each stage took, in seconds.
    pub stages: Vec<StageReport>,
    /// The files that were written beside the report.
    pub files: Vec<FileReport>,
    /// What a reader should know, one sentence each.
    pub notes: Vec<String>,
}

/// A file that a job wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Where it lies.
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// How many there are.
    pub bytes: u64,
}

impl FileReport {
    /// Its name without the folder.
    pub(crate) fn name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }
}

/// The model of a job.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// Where it lies.
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    pub path: PathBuf,
    /// SHA-256 of its bytes, external data included.
    pub sha256: Digest,
    /// Its opset, if it says one.
    pub opset: Option<i64>,
    /// Its inputs, as `input float [batch,3,224,224]`.
    pub inputs: Vec<String>,
    /// What was amiss in it and was put right, before anything else was done.
    pub repairs: Vec<Repair>,
}

/// How the ranges were found.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "source", rename_all = "lowercase")]
pub enum CalibrationReport {
    /// By running the model.
    Calibrated(Box<RunReport>),
    /// By TensorRT, while it built the engine.
    TensorRt(Box<NativeReport>),
    /// From a file.
    Reused {
        /// Where it lies, as it was given.
        #[serde(serialize_with = "calibrant_files::serialize_path")]
        file: PathBuf,
        /// How its ranges were chosen, where it says so.
        method: Option<Method>,
        /// The number of tensors.
        tensors: usize,
    },
}

/// A calibration that was run.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// How amax was chosen.
    pub method: Method,
    /// What ran the model.
    pub backend: BackendInfo,
    /// Why that ran it, where it was chosen among several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// The preprocessing, as TOML; `None` for tensors.
    pub preprocessing: Option<String>,
    /// Samples used.
    pub samples: u64,
    /// What was found where the samples lie.
    pub found: calibrant_dataset::Census,
    /// Samples that were left out, with the reason.
    pub skipped: Vec<SkippedSample>,
    /// Copies, and pictures that show nothing.
    pub suspects: Suspects,
    /// Nodes that the runtime does not run: what depends on them has no range, and stays in float.
    pub not_run: Vec<NotRun>,
    /// What was done where samples were fewer than the model takes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// Tensors without a range because samples put infinities into an input, as an additive mask does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub infinite: Vec<String>,
    /// Samples in a batch.
    pub batch_size: usize,
    /// The number of tensors with a range.
    pub tensors: usize,
    /// Tensors that were zero throughout.
    pub all_zero: Vec<String>,
    /// Samples of each class, when labels were given.
    pub classes: Option<BTreeMap<String, u64>>,
    /// Where the pipeline spent and waited.
    pub pipeline: PipelineReport,
}

/// Runs that were filled up with copies of their own samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// How many samples the model takes at once.
    pub at_once: usize,
    /// How many copies there were; they count nothing.
    pub copies: u64,
    /// But in these tensors, whose values are not held sample by sample.
    pub counted: Vec<String>,
}

/// A node that a runtime does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotRun {
    /// As messages call it: `NonMaxSuppression "nms" (#212)`.
    pub node: String,
    /// Its operator, with the domain when that is not ONNX's own.
    pub operator: String,
    /// What stands in the way.
    pub reason: String,
}

/// A calibration by TensorRT.
#[derive(Debug, Clone, Serialize)]
pub struct NativeReport {
    /// Which of its calibrators.
    pub algorithm: Algorithm,
    /// The library, as `TensorRT 10.16.1`.
    pub library_version: String,
    /// The preprocessing, as TOML; `None` for tensors.
    pub preprocessing: Option<String>,
    /// Whether the cache of an earlier job was taken and no sample used.
    pub cache_reused: bool,
    /// Batches that TensorRT asked for.
    pub batches: u64,
    /// Samples in each.
    pub batch_size: usize,
    /// Samples used, each counted once.
    pub samples: u64,
    /// How many of them were repeated to fill the last batch.
    pub repeated: u64,
    /// What was found where the samples lie.
    pub found: calibrant_dataset::Census,
    /// Samples that were left out, with the reason.
    pub skipped: Vec<SkippedSample>,
    /// Copies, and pictures that show nothing; empty when no sample was used.
    pub suspects: Suspects,
    /// The number of tensors in the cache; `None` where the cache is not as this program knows them.
    pub tensors: Option<usize>,
    /// Samples of each class, when labels were given.
    pub classes: Option<BTreeMap<String, u64>>,
    /// Where the pipeline spent and waited; the backend is TensorRT.
    pub pipeline: PipelineReport,
    /// What was copied to the GPU.
    pub copies: CopyReport,
}

/// Copies to the GPU.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CopyReport {
    /// Bytes copied.
    pub bytes: u64,
    /// Time that the copies took on the GPU, by its own clock.
    pub seconds: f64,
    /// Time from the first sample to the end of the build.
    pub total_s: f64,
}

/// A sample that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedSample {
    /// As the samples are listed.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Where the pipeline spent and waited, in seconds, the workers of a stage added up.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PipelineReport {
    /// Worker threads that read and preprocess.
    pub workers: usize,
    /// Reading and preprocessing.
    pub preprocess: StageTimes,
    /// Running the model, as seen by the pipeline.
    pub backend: StageTimes,
}

/// One stage's times, in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StageTimes {
    /// At work.
    pub busy_s: f64,
    /// Waiting for the stage before.
    pub waiting_for_input_s: f64,
    /// Waiting for the stage behind.
    pub waiting_for_room_s: f64,
}

impl From<calibrant_prefetch::Stage> for StageTimes {
    fn from(stage: calibrant_prefetch::Stage) -> Self {
        Self {
            busy_s: stage.busy.as_secs_f64(),
            waiting_for_input_s: stage.waiting_for_input.as_secs_f64(),
            waiting_for_room_s: stage.waiting_for_room.as_secs_f64(),
        }
    }
}

/// What became of the engine.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum EngineReport {
    /// A plan lies in the output folder.
    Built {
        /// The profiles it was built for, each as `NAME:MIN,OPT,MAX`.
        shapes: Vec<String>,
        /// Why it was built for these, a sentence for each range.
        shape_reasons: Vec<String>,
        /// What the builder says.
        summary: Box<BuildSummary>,
    },
    /// It was not asked for.
    Unwanted,
    /// It was left out.
    Missing {
        /// Why, and the way out.
        reason: String,
    },
}

/// How long a stage took.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StageReport {
    /// Which part of the job.
    pub stage: Stage,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl StageReport {
    pub(crate) fn new(stage: Stage, took: Duration) -> Self {
        Self { stage, seconds: took.as_secs_f64() }
    }
}

impl RunReport {
    /// What a user should know of infinities.
    pub(crate) fn note_infinite(&self) -> Option<String> {
        let s = if self.infinite.len() == 1 { " holds" } else { "s hold" };
        (!self.infinite.is_empty()).then(|| {
            format!(
                "{} tensor{s} infinities that samples put there, as a mask does, and no range: {}",
                self.infinite.len(),
                first_few(&self.infinite)
            )
        })
    }

    /// What a user should know of copies that filled runs up.
    pub(crate) fn note_filled(&self) -> Option<String> {
        let Filled { at_once, copies, counted } = self.filled.as_ref()?;
        let s = if *copies == 1 { "copy" } else { "copies" };
        let but = match counted.len() {
            0 => String::new(),
            _ => format!(", but for tensors that mix samples: {}", first_few(counted)),
        };
        Some(format!(
            "the model takes {at_once} samples at once: {copies} {s} of samples filled the last of them up, and count nothing{but}"
        ))
    }

    /// What a user should know of nodes that were not run.
    pub(crate) fn note_not_run(&self) -> Option<String> {
        let nodes: Vec<&str> = self.not_run.iter().map(|it| it.node.as_str()).collect();
        let all = if nodes.len() > 1 { format!("; {REPORT} lists them") } else { String::new() };
        (!nodes.is_empty()).then(|| {
            format!(
                "the {} backend does not run {}: what depends on it has no range and stays in float{all}",
                self.backend.name,
                first_few(&nodes)
            )
        })
    }
}

impl Report {
    /// The report as indented JSON with a newline at the end.
    ///
    /// The last field, `sha256`, is the digest of all bytes before the comma that it follows, so that another job can
    /// tell whether this is what was written.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        seal(&json.expect("strings, numbers and maps with string keys serialize"))
    }
}

impl fmt::Display for Report {
    /// A few lines for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", printable::path(&self.model.path))?;
        match &self.calibration {
            Some(calibration) => writeln!(f, "  ranges   {calibration}")?,
            None => writeln!(f, "  ranges   none needed")?,
        }
        let suspects = self.calibration.as_ref().and_then(CalibrationReport::suspects);
        if let Some(suspects) = suspects.filter(|suspects| !suspects.is_empty()) {
            writeln!(f, "  samples  {suspects}")?;
        }
        if let Some(rewrite) = &self.rewrite {
            let is_quantized = |outcome: &Outcome| matches!(outcome, Outcome::Quantized { .. });
            let quantized = rewrite.nodes.iter().filter(|node| is_quantized(&node.outcome)).count();
            let format = self.precision.quantized.map_or("quantized", |format| format.name);
            let opset = rewrite.preparation.opset;
            write!(f, "  model    {quantized} of {} nodes read {format}, ", rewrite.nodes.len())?;
            write!(
                f,
                "{} activations with Q/DQ, opset {}",
                rewrite.activations.len(),
                opset.after
            )?;
            writeln!(f, "{}", if opset.before == opset.after { "" } else { " (raised)" })?;
        }
        if let Some(casts) = &self.casts {
            let half = casts.nodes.iter().filter(|node| node.precision != FloatType::Fp32).count();
            let reasons = casts.nodes.iter().filter_map(|node| node.kept.as_ref());
            let beyond = reasons.filter(|reason| reason.is_about_values()).count();
            write!(f, "  casts    {half} of {} nodes in half precision", casts.nodes.len())?;
            writeln!(f, ", {beyond} kept in fp32 because of their values")?;
        }
        writeln!(f, "  engine   {}", self.engine)?;
        write!(f, "  files   ")?;
        for FileReport { path, .. } in &self.files {
            write!(f, " {}", printable::path(path))?;
        }
        let report = self.files.first().map(|file| file.path.with_file_name(REPORT));
        let report = report.as_deref().unwrap_or(Path::new(REPORT));
        write!(f, " {}", printable::path(report))
    }
}

impl CalibrationReport {
    /// The samples to look at, where any were used.
    #[must_use]
    pub fn suspects(&self) -> Option<&Suspects> {
        match self {
            Self::Calibrated(run) => Some(&run.suspects),
            Self::TensorRt(run) => Some(&run.suspects),
            Self::Reused { .. } => None,
        }
    }
}

impl fmt::Display for CalibrationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calibrated(run) => {
                write!(
                    f,
                    "{} tensors by {} over {} samples",
                    run.tensors, run.method, run.samples
                )?;
                if !run.skipped.is_empty() {
                    write!(f, " ({} skipped)", run.skipped.len())?;
                }
                write!(f, ", {} backend ({})", run.backend.name, run.backend.version)
            }
            Self::TensorRt(run) => {
                match run.tensors {
                    Some(tensors) => write!(f, "{tensors} tensors")?,
                    None => f.write_str("tensors that were not counted")?,
                }
                write!(f, " by {} of {}", run.algorithm, run.library_version)?;
                if run.cache_reused {
                    return f.write_str(", from the calibration cache of an earlier job");
                }
                write!(f, " over {} samples in {} batches", run.samples, run.batches)?;
                if run.repeated > 0 {
                    write!(f, " ({} repeated to fill the last)", run.repeated)?;
                }
                if !run.skipped.is_empty() {
                    write!(f, " ({} skipped)", run.skipped.len())?;
                }
                Ok(())
            }
            Self::Reused { file, method, tensors } => {
                write!(f, "{tensors} tensors from {}", printable::path(file))?;
                method.map_or(Ok(()), |method| write!(f, ", by {method}"))
            }
        }
    }
}

impl fmt::Display for EngineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built { shapes, shape_reasons, summary } => {
                write!(f, "{:.1} MB", summary.plan_bytes as f64 / 1e6)?;
                write!(
                    f,
                    " by {} in {:.1} s",
                    summary.library_version,
                    summary.time.as_secs_f64()
                )?;
                if !shapes.is_empty() {
                    write!(f, ", shapes {}", printable::name(&shapes.join(" ")))?;
                }
                for reason in shape_reasons {
                    write!(f, "\n           {reason}")?;
                }
                Ok(())
            }
            Self::Unwanted => f.write_str("not asked for"),
            Self::Missing { .. } => {
                f.write_str("not built: no TensorRT found (see the note above)")
            }
        }
    }
}
