//! The calibration of a job: samples through the pipeline into a runtime, statistics into a table.

use std::num::NonZeroUsize;
use std::path::Path;

use calibrant_calibration::{
    BackendInfo, Histograms, Manifest, Method, SampleDigest, SavedStatistics, Table,
};
use calibrant_dataset::{Dataset, Labels};
use calibrant_format::{Format, Numbers};
use calibrant_onnx::Model;
use calibrant_prefetch::Stats;
use calibrant_preprocess::Preprocess;
use calibrant_rewrite::{QuantizeOptions, RewriteError, needed_ranges};
use calibrant_runtime::{
    LoadError, Network, Observations, RunError, Runtime, Settings, SourceErrorKind, Wanted, What,
};
use calibrant_tensor::Digest;

use crate::config::{Backend, Calibration, Labelled};
use crate::control::Control;
use crate::divide::{ForInputs, batch_axis, fixed_batch, samples_at_once};
use crate::error::{ConfigError, Error};
use crate::files::{Files, Passed, pipeline, with_files};
use crate::fit::InputProblem;
use crate::model::LoadedModel;
use crate::picture_input::{BatchAxis, PictureInput};
use crate::report::{Filled, NotRun, PROGRAM, PipelineReport, RunReport, SkippedSample};
use crate::suspects::Suspects;
use crate::ultralytics::Ultralytics;

/// Samples, and how they become what a network is fed.
pub(crate) struct OfSamples<'job> {
    pub(crate) calibration: &'job Calibration,
    /// What makes tensors of them, where they are pictures.
    pub(crate) preprocess: Option<&'job dyn Preprocess>,
    pub(crate) samples: &'job Samples,
}

/// The samples of a calibration, and how they go into the model.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) dataset: Dataset,
    /// The input that they go into, where they are pictures.
    pub(crate) picture: Option<PictureInput>,
    /// How many of them the model takes at once, where it fixes that.
    pub(crate) fixed_batch: Option<NonZeroUsize>,
    /// Whether several of them make a batch along the first axis of every input.
    pub(crate) batch: BatchAxis,
}

/// A finished calibration.
#[derive(Debug)]
pub(crate) struct Calibrated {
    pub(crate) statistics: SavedStatistics,
    pub(crate) table: Table,
    pub(crate) report: RunReport,
}

/// Finds the samples that a calibration is to use, and makes sure that they fit the model.
///
/// # Errors
///
/// When there are none, or they do not fit.
pub(crate) fn find_samples(
    calibration: &Calibration,
    preprocess: Option<&dyn Preprocess>,
    model: &LoadedModel,
    path: &Path,
) -> Result<Samples, Error> {
    let fit = |problem| Error::Fit { model: path.to_owned(), problem };
    let opened = Dataset::open_divided(&calibration.samples, &ForInputs(&model.inputs));
    let dataset = opened.map_err(|error| match InputProblem::of(error) {
        Ok(problem) => fit(problem),
        Err(error) => error.into(),
    })?;
    let arrays = dataset.inputs();
    let picture = match preprocess {
        _ if !arrays.is_empty() && (preprocess.is_some() || calibration.layout.is_some()) => {
            return Err(ConfigError::PreprocessingOfTensors(calibration.samples.clone()).into());
        }
        None if arrays.is_empty() => {
            let says = model.ultralytics();
            let preset = says.as_ref().and_then(Ultralytics::preset);
            return Err(match (says, preset) {
                (Some(says), Some(preset)) => ConfigError::PreprocessingOf { says, preset },
                _ => ConfigError::NoPreprocessing,
            }
            .into());
        }
        Some(preprocess) => Some(model.picture_input(preprocess, calibration.layout).map_err(fit)?),
        None => None,
    };
    if matches!(calibration.backend, Backend::TensorRt { .. }) {
        model.check_for_calibrators().map_err(fit)?;
    }
    let dataset = match &calibration.labels {
        None => dataset,
        Some(Labelled::ByFolder) => dataset.labelled_by_folder()?,
        Some(Labelled::ByFile(file)) => dataset.labelled(&Labels::read(file)?)?,
    };
    let dataset = dataset.subset(&calibration.subset)?;
    let dataset = match calibration.files_stay {
        Some(stays) => dataset.mapped(stays)?,
        None => dataset,
    };
    let (fixed_batch, batch) = match &picture {
        Some(PictureInput { batch: BatchAxis::None, .. }) => (None, BatchAxis::None),
        Some(PictureInput { batch: BatchAxis::First, .. }) => {
            (fixed_batch(&model.inputs), BatchAxis::First)
        }
        None => {
            let batch = batch_axis(&model.inputs, &arrays);
            (samples_at_once(&model.inputs, &arrays).map_err(fit)?, batch)
        }
    };
    Ok(Samples { dataset, picture, fixed_batch, batch })
}

/// Runs the model over the samples, and chooses the ranges of its tensors for `format`.
///
/// # Errors
///
/// When the runtime does not take the model, a sample cannot be used and is not to be skipped, or
/// the caller interrupts.
pub(crate) fn calibrate(
    samples: &OfSamples<'_>,
    runtime: &dyn Runtime,
    (method, format): (Method, &Format),
    model: &LoadedModel,
    control: Control<'_>,
) -> Result<Calibrated, Error> {
    let OfSamples { calibration, preprocess, samples: given } = *samples;
    let settings = Settings {
        workers: calibration.workers,
        samples_per_run: given.fixed_batch.unwrap_or(NonZeroUsize::MIN),
        memory_bytes: calibration.memory_bytes,
    };
    let Reached { mut network, not_run } =
        load_reached(runtime, &model.model, (method, format), &settings)?;
    let picture = given.picture.clone().zip(preprocess);
    let files = Files {
        picture: picture.clone(),
        on_bad_sample: calibration.on_bad_sample,
        pipeline: pipeline(calibration.workers, settings.samples_per_run, calibration.batch_size),
    };
    let chosen = network.chosen().map(str::to_owned);
    let (outcome, passed) =
        with_files(&given.dataset, &files, control, |source| network.run(source))?;
    let Observations { statistics, copies, counting_copies, infinite, .. } =
        outcome.map_err(interrupted)?;
    let Passed { used, skipped, suspects, stats } = passed;
    if let (0, Some(first)) = (statistics.samples, skipped.first()) {
        let SkippedSample { name, reason } = first.clone();
        return Err(Error::NothingLeft { skipped: skipped.len(), name, reason });
    }
    let described = picture.map(|(input, preprocess)| input.describe(preprocess));
    let batch_size = Some(calibration.batch_size.get());
    let manifest =
        manifest(model.sha256, described.clone(), (method, batch_size), used, network.info());
    let statistics = SavedStatistics::new(&statistics, manifest);
    let table = Table::new(&statistics, method, format)?;
    let run = report(samples, &table, described, skipped, suspects, stats);
    let filled = (copies > 0).then(|| Filled {
        at_once: settings.samples_per_run.get(),
        copies,
        counted: counting_copies.into_iter().collect(),
    });
    let infinite = infinite.into_iter().collect();
    let report = RunReport { chosen, not_run, filled, infinite, ..run };
    Ok(Calibrated { statistics, table, report })
}

/// A model, ready to be run as far as the runtime goes in it.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) network: Box<dyn Network>,
    /// The nodes that are not run, nor what depends on them.
    pub(crate) not_run: Vec<NotRun>,
}

/// The model, which is to be quantized to `format`, ready to be run for what the method reads: all of it, or what does not
/// depend on nodes that the runtime does not run.
///
/// # Errors
///
/// When it does not take the model at all, or so little of it that nothing could be quantized.
pub(crate) fn load_reached(
    runtime: &dyn Runtime,
    model: &Model,
    (method, format): (Method, &Format),
    settings: &Settings,
) -> Result<Reached, Error> {
    let refused = |source| Error::Load { runtime: runtime.name().to_owned(), source };
    let whole = match load(runtime, model, method, settings) {
        Ok(network) => return Ok(Reached { network, not_run: Vec::new() }),
        Err(whole) => whole,
    };
    let Error::Load { source: LoadError::Unsupported { .. } | LoadError::Node { .. }, .. } = whole
    else {
        return Err(whole);
    };
    let survey = runtime.survey(model).map_err(refused)?;
    if survey.runs_all() {
        return Err(whole);
    }
    let unreached = survey.unreached(model).map_err(refused)?;
    let options = QuantizeOptions::all(Numbers::both(*format));
    let needed = match needed_ranges(model, &options) {
        Ok(needed) => needed,
        // Operators on whole numbers are refused because the model is quantized, which is what its user has to know.
        Err(source @ RewriteError::AlreadyQuantized { .. }) => return Err(Error::Quantize(source)),
        // What else is wrong with the model for the rewrite, the rewrite says.
        Err(_) => Vec::new(),
    };
    if !needed.iter().any(|tensors| tensors.is_disjoint(&unreached)) {
        return Err(whole);
    }
    let wanted = Wanted::all_but(unreached, What::Statistics(method.histograms()));
    let network = runtime.load(model, &wanted, settings).map_err(refused)?;
    let not_run = survey.refused().map(|node| NotRun {
        node: node.node.clone(),
        operator: node.operator.clone(),
        reason: node.refusal.as_ref().map(ToString::to_string).unwrap_or_default(),
    });
    Ok(Reached { network, not_run: not_run.collect() })
}

/// The model, ready to be run for what the method reads.
///
/// # Errors
///
/// When the runtime does not take it.
pub fn load(
    runtime: &dyn Runtime,
    model: &Model,
    method: Method,
    settings: &Settings,
) -> Result<Box<dyn Network>, Error> {
    let wanted = Wanted::all(What::Statistics(method.histograms()));
    let refused = |source| Error::Load { runtime: runtime.name().to_owned(), source };
    runtime.load(model, &wanted, settings).map_err(refused)
}

pub(crate) fn interrupted(error: RunError) -> Error {
    match error {
        RunError::Source(source) if source.kind() == SourceErrorKind::Cancelled => {
            Error::Interrupted
        }
        error => error.into(),
    }
}

/// What statistics for a method were made from.
pub(crate) fn manifest(
    model: Digest,
    preprocessing: Option<String>,
    (method, batch_size): (Method, Option<usize>),
    used: Vec<SampleDigest>,
    backend: BackendInfo,
) -> Manifest<()> {
    // The bins of TensorRT's own histograms are as wide as the first batch says, and nothing else depends on batches.
    let batch_size = match method.histograms() {
        Histograms::AndFaithful => batch_size,
        Histograms::Invariant => None,
    };
    let (sample_list, samples) = Manifest::list_digest(used);
    Manifest {
        model,
        sample_list,
        samples,
        preprocessing: preprocessing.unwrap_or_default(),
        method: (),
        batch_size,
        backend,
        program: PROGRAM.to_owned(),
    }
}

fn report(
    &OfSamples { calibration, samples: Samples { dataset, .. }, .. }: &OfSamples<'_>,
    table: &Table,
    preprocessing: Option<String>,
    skipped: Vec<SkippedSample>,
    suspects: Suspects,
    stats: Stats,
) -> RunReport {
    let all_zero = table.tensors().iter().filter(|(_, entry)| entry.count == entry.zeros);
    RunReport {
        method: table.method(),
        backend: table.manifest().backend.clone(),
        chosen: None,
        preprocessing,
        samples: table.samples(),
        found: dataset.census().clone(),
        skipped,
        suspects,
        not_run: Vec::new(),
        filled: None,
        infinite: Vec::new(),
        batch_size: calibration.batch_size.get(),
        tensors: table.tensors().len(),
        all_zero: all_zero.map(|(name, _)| name.clone()).collect(),
        classes: dataset.class_counts(),
        pipeline: PipelineReport {
            workers: stats.workers,
            preprocess: stats.work.into(),
            backend: stats.consume.into(),
        },
    }
}
