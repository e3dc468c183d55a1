//! The whole job, in the order in which data goes through it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use calibrant_calibration::{Cache, write_atomic};
use calibrant_dataset::Dataset;
use calibrant_engine::{BuildOptions, Found, LocateError, Source};
use calibrant_rewrite::{Options, Summary, quantize, rename_unrelated_symbols};

use crate::calibrate::{Calibrated, calibrate, find_samples};
use crate::config::{Calibration, Config, DEFAULT_CACHE_VERSION, EnginePolicy, Ranges};
use crate::engine::{build_plan, cache_version, find_library, with_profiles};
use crate::error::Error;
use crate::model::LoadedModel;
use crate::observe::{Event, Observer, Stage, timed};
use crate::output::{CACHE, MODEL, MODEL_DATA, Output, PLAN, REPORT, TABLE};
use crate::ranges::{Reused, reuse};
use crate::report::{
    CalibrationReport, EngineReport, ModelReport, PROGRAM, REPORT_SCHEMA_VERSION, Report,
    StageReport,
};

/// Does the whole job that `config` describes and returns what it did, which is also written to `report.json`.
///
/// Each result appears in the output folder as soon as it is complete, and never before; results of an
/// earlier job are removed when what they were made from is replaced.
///
/// # Errors
///
/// [`Error`]; what had been completed by then stays in the output folder.
pub fn run(config: &Config, observer: &mut dyn Observer) -> Result<Report, Error> {
    let mut job = Job::begin(config, observer)?;
    let model = job.stage(Stage::Model, None, |_| LoadedModel::read(&config.model))?;
    let samples = job.samples(&model)?;
    let library = job.library()?;
    let options = job.build_options(&model, samples.as_ref(), &library)?;
    let found = job.ranges(&model, samples.as_ref(), &library)?;
    let (calibration, ranges) = found.unzip();
    let rewrite = job.rewrite(&model, ranges.as_ref())?;
    let engine = job.engine(&library, &options)?;
    job.report(&model, calibration, rewrite, engine)
}

type RangesByTensor = BTreeMap<String, f32>;

/// What became of the search for TensorRT.
enum Library {
    Found(Box<Found>),
    Missing(LocateError),
    Unwanted,
}

/// A running job and what it has to report so far.
struct Job<'run> {
    config: &'run Config,
    output: Output,
    observer: &'run mut dyn Observer,
    stages: Vec<StageReport>,
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

impl<'run> Job<'run> {
    fn begin(config: &'run Config, observer: &'run mut dyn Observer) -> Result<Self, Error> {
        let output = Output::claim(&config.output)?;
        Ok(Self {
            config,
            output,
            observer,
            stages: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Runs one stage between its events and notes how long it took.
    fn stage<T>(
        &mut self,
        stage: Stage,
        total: Option<u64>,
        work: impl FnOnce(&mut dyn Observer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.observer.interrupted() {
            return Err(Error::Interrupted);
        }
        let (result, took) = timed(self.observer, stage, total, work);
        self.stages.push(StageReport::new(stage, took));
        result
    }

    fn note(&mut self, text: String) {
        self.observer.event(Event::Note(&text));
        self.notes.push(text);
    }

    fn samples(&mut self, model: &LoadedModel) -> Result<Option<Dataset>, Error> {
        let Ranges::Calibrate(calibration) = &self.config.ranges else { return Ok(None) };
        let dataset = self.stage(Stage::Samples, None, |_| {
            find_samples(calibration, model, &self.config.model)
        })?;
        if dataset.census().n_ignored() > 0 {
            self.note(format!("samples: {}", dataset.census()));
        }
        Ok(Some(dataset))
    }

    /// Looks for TensorRT before the long work, so that a missing one is known at once.
    fn library(&mut self) -> Result<Library, Error> {
        let engine = &self.config.engine;
        let builds = matches!(engine.policy, EnginePolicy::Auto | EnginePolicy::Require);
        let wants_version =
            self.config.cache_version.is_none() && !matches!(self.config.ranges, Ranges::None);
        if !builds && !wants_version {
            return Ok(Library::Unwanted);
        }
        let asked_for = engine.policy == EnginePolicy::Require || engine.library != Source::Auto;
        match self
            .stage(Stage::Library, None, |observer| find_library(&engine.library, observer))?
        {
            Ok(found) => Ok(Library::Found(Box::new(found))),
            Err(error) if asked_for => Err(Error::Locate(error)),
            Err(error) => Ok(Library::Missing(error)),
        }
    }

    /// What the builder will be told; found out early, because a missing shape is a usage error.
    fn build_options(
        &self,
        model: &LoadedModel,
        samples: Option<&Dataset>,
        library: &Library,
    ) -> Result<BuildOptions, Error> {
        let engine = &self.config.engine;
        let builds = matches!(engine.policy, EnginePolicy::Auto | EnginePolicy::Require);
        match (&self.config.ranges, library) {
            (Ranges::Calibrate(calibration), Library::Found(_)) if builds => {
                let shapes = sample_shapes(model, calibration, samples);
                with_profiles(&engine.options, model, &shapes, calibration.batch_size)
            }
            (_, Library::Found(_)) if builds => {
                with_profiles(&engine.options, model, &BTreeMap::new(), std::num::NonZeroUsize::MIN)
            }
            _ => Ok(engine.options.clone()),
        }
    }

    fn ranges(
        &mut self,
        model: &LoadedModel,
        samples: Option<&Dataset>,
        library: &Library,
    ) -> Result<Option<(CalibrationReport, RangesByTensor)>, Error> {
        let found = if let Library::Found(found) = library { cache_version(found) } else { None };
        let version = self.config.cache_version.or(found).unwrap_or(DEFAULT_CACHE_VERSION);
        match (&self.config.ranges, samples) {
            (Ranges::Calibrate(calibration), Some(dataset)) => {
                self.calibrate(calibration, model, dataset, version).map(Some)
            }
            (Ranges::Reuse { file, method }, _) => {
                let reused = reuse(file, *method, model.sha256, version)?;
                self.take_over(file.clone(), reused).map(Some)
            }
            (Ranges::Calibrate(_) | Ranges::None, _) => Ok(None),
        }
    }

    fn calibrate(
        &mut self,
        calibration: &Calibration,
        model: &LoadedModel,
        dataset: &Dataset,
        version: u32,
    ) -> Result<(CalibrationReport, RangesByTensor), Error> {
        let total = Some(dataset.samples().len() as u64);
        let Calibrated { table, report } = self.stage(Stage::Calibrate, total, |observer| {
            calibrate(calibration, model, dataset, observer)
        })?;
        if !report.skipped.is_empty() {
            self.note(format!(
                "{} samples were skipped; {REPORT} lists them",
                report.skipped.len()
            ));
        }
        let classes = report.classes.iter().flatten();
        let absent: Vec<&str> =
            classes.filter(|(_, count)| **count == 0).map(|(class, _)| class.as_str()).collect();
        if !absent.is_empty() {
            self.note(format!("no sample of {} classes: {}", absent.len(), absent.join(", ")));
        }
        let cache = Cache::from_table(&table, version)?;
        self.output.retire_from(TABLE)?;
        self.publish(TABLE, table.to_json().as_bytes())?;
        self.publish(CACHE, cache.to_string().as_bytes())?;
        Ok((CalibrationReport::Calibrated(Box::new(report)), table.ranges()))
    }

    fn take_over(
        &mut self,
        file: PathBuf,
        reused: Reused,
    ) -> Result<(CalibrationReport, RangesByTensor), Error> {
        let Reused { ranges, method, table, cache, notes } = reused;
        notes.into_iter().for_each(|note| self.note(note));
        self.output.retire_from(if table.is_some() { TABLE } else { CACHE })?;
        if let Some(table) = &table {
            self.publish(TABLE, table.to_json().as_bytes())?;
        }
        self.publish(CACHE, cache.to_string().as_bytes())?;
        Ok((CalibrationReport::Reused { file, method, tensors: ranges.len() }, ranges))
    }

    fn rewrite(
        &mut self,
        model: &LoadedModel,
        ranges: Option<&RangesByTensor>,
    ) -> Result<Option<Summary>, Error> {
        if self.config.engine.policy == EnginePolicy::CalibrateOnly {
            return Ok(None);
        }
        let failed = |source| Error::Rewrite { path: self.config.model.clone(), source };
        let (rewritten, summary) = self.stage(Stage::Rewrite, None, |_| match ranges {
            Some(ranges) => {
                let (model, summary) =
                    quantize(&model.model, ranges, &Options::for_tensorrt()).map_err(failed)?;
                Ok((model, Some(summary)))
            }
            None => {
                let mut model = model.model.clone();
                rename_unrelated_symbols(&mut model);
                Ok((model, None))
            }
        })?;
        self.output.retire_from(MODEL)?;
        let path = self.output.path(MODEL);
        rewritten.write(&path).map_err(|source| Error::Model { path: path.clone(), source })?;
        self.files.push(path);
        let data = self.output.path(MODEL_DATA);
        if data.exists() {
            self.files.push(data);
        }
        Ok(summary)
    }

    fn engine(&mut self, library: &Library, options: &BuildOptions) -> Result<EngineReport, Error> {
        if matches!(self.config.engine.policy, EnginePolicy::CalibrateOnly | EnginePolicy::Skip) {
            return Ok(EngineReport::Unwanted);
        }
        let found = match library {
            Library::Found(found) => found,
            Library::Missing(error) => {
                let reason = error.to_string();
                self.note(format!("no engine was built: {reason}"));
                return Ok(EngineReport::Missing { reason });
            }
            Library::Unwanted => return Ok(EngineReport::Unwanted),
        };
        let (onnx, plan) = (self.output.path(MODEL), self.output.path(PLAN));
        let summary = self.stage(Stage::Engine, None, |observer| {
            build_plan(found, &onnx, options, &plan, observer)
        })?;
        self.files.push(plan);
        let ranges = options.profiles.iter().flat_map(|profile| &profile.ranges);
        let shapes = ranges.map(ToString::to_string).collect();
        Ok(EngineReport::Built { shapes, summary: Box::new(summary) })
    }

    fn report(
        mut self,
        model: &LoadedModel,
        calibration: Option<CalibrationReport>,
        rewrite: Option<Summary>,
        engine: EngineReport,
    ) -> Result<Report, Error> {
        let path = self.output.path(REPORT);
        self.files.push(path.clone());
        let report = Report {
            schema_version: REPORT_SCHEMA_VERSION,
            program: PROGRAM.to_owned(),
            model: ModelReport {
                path: self.config.model.clone(),
                sha256: model.sha256,
                opset: model.model.opset(),
                inputs: model.inputs.iter().map(ToString::to_string).collect(),
            },
            precision: self.config.precision,
            calibration,
            rewrite,
            engine,
            stages: self.stages,
            files: self.files,
            notes: self.notes,
        };
        write_atomic(&path, report.to_json().as_bytes())?;
        Ok(report)
    }

    fn publish(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.output.path(name);
        write_atomic(&path, bytes)?;
        self.files.push(path);
        Ok(())
    }
}

/// The shape of a sample without its batch dimension, by input.
fn sample_shapes(
    model: &LoadedModel,
    calibration: &Calibration,
    samples: Option<&Dataset>,
) -> BTreeMap<String, Vec<usize>> {
    match (&calibration.preprocess, model.inputs.first()) {
        (Some(preprocess), Some(input)) => {
            BTreeMap::from([(input.name.clone(), preprocess.shape().to_vec())])
        }
        _ => {
            let inputs = samples.map(Dataset::inputs).unwrap_or_default();
            inputs
                .into_iter()
                .map(|input| (input.name.to_string(), input.shape[1..].to_vec()))
                .collect()
        }
    }
}
