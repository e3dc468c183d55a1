//! A model and samples in memory, and no file anywhere.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::Arc;
//!
//! use calibrant_calibration::Method;
//! use calibrant_job::Control;
//! use calibrant_job::in_memory::{How, calibrate};
//! use calibrant_onnx::Model;
//! use calibrant_runtime::Samples;
//! use calibrant_runtime_embedded::Embedded;
//! use calibrant_tensor::Tensor;
//!
//! # let model = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/fashion_cnn.onnx"))?;
//! let model = Model::from_bytes(&model, None)?;
//! let pictures = (0..4_u16).filter_map(|seed| {
//!     let pixel = |at: u16| f32::from((at * 7 + seed) % 255) / 255.0;
//!     let pixels: Vec<f32> = (0..3 * 28 * 28).map(pixel).collect();
//!     Some(vec![("input".into(), Tensor::new(vec![1, 3, 28, 28], pixels.into())?)])
//! });
//! let mut source = Samples::new(NonZeroUsize::MIN, pictures);
//! let how = How::new(Arc::new(Embedded), Method::MinMax);
//! let calibrated = calibrate(&model, &mut source, &how, Control::none())?;
//! let (quantized, _) = calibrated.quantize(&model)?;
//! assert!(quantized.graph().node.len() > model.graph().node.len());
//! assert_eq!(calibrated.table.samples(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use calibrant_calibration::{Cache, Method, SampleDigest, SavedStatistics, Table};
use calibrant_format::{Format, INT8, Numbers};
use calibrant_onnx::Model;
use calibrant_prefetch::Batch;
use calibrant_prepare::repaired;
use calibrant_rewrite::{QuantizeOptions, Summary, quantize};
use calibrant_runtime::{LeftOut, Runtime, Sample, Settings, Source, SourceError};
use calibrant_tensor::{Digest, digest, digest_tensors};

use crate::calibrate::{Reached, interrupted, load_reached, manifest};
use crate::config::all_processors;
use crate::control::{Control, Event};
use crate::divide::fixed_batch;
use crate::error::Error;
use crate::memory::default_memory_bytes;
use crate::report::NotRun;

/// How a model is calibrated: made by [`How::new`], changed field by field.
#[derive(Clone)]
#[non_exhaustive]
pub struct How {
    /// What runs it.
    pub runtime: Arc<dyn Runtime>,
    /// How a tensor's range is chosen.
    pub method: Method,
    /// What activations and weights are quantized to.
    pub format: Format,
    /// Threads that run samples.
    pub workers: NonZeroUsize,
    /// Memory that running the model may take.
    pub memory_bytes: u64,
    /// SHA-256 of the file that the model was read from, where there was one; `None` takes that of the model as it
    /// would be written.
    pub model_sha256: Option<Digest>,
    /// What was done to the samples, for the manifest.
    pub preprocessing: String,
}

/// What comes of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Calibrated {
    /// What was seen of every tensor, for any method.
    pub statistics: SavedStatistics,
    /// The ranges of the method.
    pub table: Table,
    /// What they were chosen for.
    pub format: Format,
    /// Nodes that the runtime does not run: what depends on them has no range.
    pub not_run: Vec<NotRun>,
}

impl How {
    /// For int8, by this runtime and method, with what a job does when nothing says otherwise.
    pub fn new(runtime: Arc<dyn Runtime>, method: Method) -> Self {
        Self {
            runtime,
            method,
            format: INT8,
            workers: all_processors(),
            memory_bytes: default_memory_bytes(),
            model_sha256: None,
            preprocessing: String::new(),
        }
    }
}

/// Runs `model` over the samples of `source`; `control` is told how far they are, and stops it.
///
/// # Errors
///
/// When the runtime does not take the model, a sample does not fit it, there is none, or the source fails;
/// [`Error::Interrupted`] when it is cancelled.
pub fn calibrate(
    model: &Model,
    source: &mut dyn Source,
    how: &How,
    control: Control<'_>,
) -> Result<Calibrated, Error> {
    let inlined = model.inlined();
    let (model, _) = repaired(&inlined);
    let model = &*model;
    let samples_per_run = fixed_batch(&model.inputs()).unwrap_or(NonZeroUsize::MIN);
    let settings =
        Settings { workers: how.workers, samples_per_run, memory_bytes: how.memory_bytes };
    let Reached { mut network, not_run } =
        load_reached(&*how.runtime, model, (how.method, &how.format), &settings)?;
    let mut source = Digesting { source, control, samples: Vec::new(), first_batch: None };
    let seen = network.run(&mut source).map_err(interrupted)?;
    let sha256 = match how.model_sha256 {
        Some(sha256) => sha256,
        None => digest(&model.to_bytes().map_err(Error::Encode)?),
    };
    let (described, by) = (Some(how.preprocessing.clone()), (how.method, source.first_batch));
    let samples = source.samples.into_iter().map(|(_, sample)| sample).collect();
    let manifest = manifest(sha256, described, by, samples, network.info());
    let statistics = SavedStatistics::new(&seen.statistics, manifest);
    let table = Table::new(&statistics, how.method, &how.format)?;
    Ok(Calibrated { statistics, table, format: how.format, not_run })
}

impl Calibrated {
    /// The ranges as a TensorRT calibration cache of this version, such as 101601.
    ///
    /// # Errors
    ///
    /// When a range is of no use in one.
    pub fn cache(&self, version: u32) -> Result<Cache, Error> {
        Ok(Cache::from_table(&self.table, version)?)
    }

    /// The model with Q/DQ nodes for these ranges, as TensorRT wants them, and what was done to it.
    ///
    /// # Errors
    ///
    /// When it cannot be quantized.
    pub fn quantize(&self, model: &Model) -> Result<(Model, Summary), Error> {
        let options = QuantizeOptions::all(Numbers::both(self.format));
        let inlined = model.inlined();
        quantize(&repaired(&inlined).0, &self.table.ranges(), &options).map_err(Error::Quantize)
    }
}

/// A source whose samples are noted as they pass.
struct Digesting<'a> {
    source: &'a mut dyn Source,
    control: Control<'a>,
    /// With their positions.
    samples: Vec<(usize, SampleDigest)>,
    /// Samples in the first batch that has any.
    first_batch: Option<usize>,
}

impl Source for Digesting<'_> {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        // Whoever asks for a batch is done with the one before.
        self.control.event(Event::Reached(self.samples.len() as u64));
        if self.control.is_cancelled() {
            return Err(SourceError::cancelled());
        }
        let batch = self.source.next_batch()?;
        let samples = batch.iter().flat_map(|batch| batch.iter());
        let before = self.samples.len();
        self.samples.extend(samples.map(|sample| {
            let (name, sha256) = (sample.name.to_string(), digest_tensors(&sample.inputs));
            (sample.position, SampleDigest { name, sha256 })
        }));
        let n_samples = self.samples.len() - before;
        if n_samples > 0 {
            self.first_batch.get_or_insert(n_samples);
        }
        Ok(batch)
    }

    fn is_cancelled(&mut self) -> bool {
        self.control.is_cancelled() || self.source.is_cancelled()
    }

    fn leaves_out(&self) -> bool {
        self.source.leaves_out()
    }

    fn left_out(&mut self, left_out: LeftOut) {
        let is_out = |at: usize| left_out.samples.iter().any(|(position, _)| *position == at);
        self.samples.retain(|(position, _)| !is_out(*position));
        self.source.left_out(left_out);
    }
}

impl fmt::Debug for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("How")
            .field("runtime", &self.runtime.name())
            .field("method", &self.method)
            .field("format", &self.format.name)
            .field("workers", &self.workers)
            .field("memory_bytes", &self.memory_bytes)
            .field("model_sha256", &self.model_sha256)
            .field("preprocessing", &self.preprocessing)
            .finish()
    }
}
