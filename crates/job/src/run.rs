//! The whole job, in the order in which data goes through it.

mod calibrated_build;
mod formats;
mod half;
mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;

use calibrant_calibration::{Algorithm, Cache, CacheManifest, Table, Target, TargetWay};
use calibrant_cast::CastSummary;
use calibrant_dataset::SampleRef;
use calibrant_engine::{BuildOptions, BuildSummary, Int8, Int8Via, Version};
use calibrant_format::{Format, INT8};
use calibrant_locate::{LocateError, Source};
use calibrant_rewrite::Summary;
use calibrant_tensor::{Digest, digest};

use crate::calibrate::{Calibrated, OfSamples, Samples, calibrate, find_samples};
use crate::config::{Backend, Calibration, Config, DEFAULT_CACHE_VERSION, EnginePolicy, Ranges};
use crate::control::{About, Control, Stage};
use crate::engine::{build_plan, cache_version, find_library};
use crate::error::{ConfigError, Error};
use crate::findings;
use crate::guard::{self, Inputs, Role};
use crate::model::LoadedModel;
use crate::output::{
    CACHE, CACHE_MANIFEST, MODEL, MODEL_FILES, Output, PLAN, REPORT, STATISTICS, TABLE,
};
use crate::pictures::TensorsOf;
use crate::ranges::{Obtained, Reused, reuse};
use crate::report::{
    CalibrationReport, EngineReport, ModelReport, PROGRAM, REPORT_SCHEMA_VERSION, Report,
    StageReport,
};
use crate::rewrite::{Problem, Rewritten, note_inside, note_nothing_cast, note_unranged, rewrite};
use crate::route::Route;
use crate::shapes::{Sizes, with_profiles};
use crate::suspects::{Suspects, first_few};

/// Does the whole job that `config` describes and returns what it did, which is also written to `report.json`.
///
/// Each result appears in the output folder as soon as it is complete, and never before; those of an earlier job are
/// removed before the first does. No input is ever written to, and no file that a job did not write.
///
/// # Errors
///
/// [`Error`]; what had been completed by then stays in the output folder.
pub fn run(config: &Config, control: Control<'_>) -> Result<Report, Error> {
    let quantized = config.precision.quantized;
    if config.is_calibrated_by_tensorrt() && !(config.builds() && quantized.is_some()) {
        return Err(ConfigError::NothingToBuild.into());
    }
    if config.is_calibrated_by_tensorrt() && quantized != Some(INT8) {
        return Err(ConfigError::CalibratorOfInt8(config.precision).into());
    }
    if let Some(format) = quantized.filter(|format| *format != INT8) {
        formats::check(config, &format)?;
    }
    let names_version = config.cache_version.is_some() || config.target.is_some();
    if config.is_calibrated_by_tensorrt() && names_version {
        return Err(ConfigError::HeaderOfTensorRts.into());
    }
    if config.is_calibrated_by_tensorrt() && config.int8_via.is_some() {
        return Err(ConfigError::ViaOfTensorRts.into());
    }
    if config.int8_via.is_some() && quantized != Some(INT8) {
        return Err(ConfigError::NoInt8ToHandOver(config.precision).into());
    }
    if let (Some(target), Some(Int8Via::Cache | Int8Via::Ranges)) = (config.target, config.int8_via)
        && target.way() == TargetWay::Qdq
    {
        return Err(ConfigError::TargetWithoutRanges(target).into());
    }
    let pictures = match &config.ranges {
        Ranges::Calibrate(calibration) => calibration.pictures.as_ref(),
        Ranges::Reuse { .. } | Ranges::None => None,
    };
    let tensors_of = pictures.map(|pictures| pictures.open(control)).transpose()?;
    let mut job = Job::begin(config, tensors_of, control)?;
    let outcome = job.run();
    if outcome.is_err() {
        job.note_gone(None);
    }
    outcome
}

/// Why there is no engine where none was required.
const NO_TENSORRT: &str = "no TensorRT was found";

/// What became of the search for TensorRT.
enum Library {
    Found(Box<calibrant_engine::Library>),
    Missing(LocateError),
    Unwanted,
}

impl Library {
    fn version(&self) -> Option<Version> {
        match self {
            Self::Found(found) => Some(found.version()),
            Self::Missing(_) | Self::Unwanted => None,
        }
    }
}

/// A running job and what it has to report so far.
struct Job<'run> {
    config: &'run Config,
    output: Output,
    control: Control<'run>,
    stages: Vec<StageReport>,
    notes: Vec<String>,
    /// Why the engine has the shapes that it has, a sentence for each input.
    shape_reasons: Vec<String>,
    /// What makes tensors of the samples, where they are pictures.
    tensors_of: Option<TensorsOf>,
}

impl<'run> Job<'run> {
    fn begin(
        config: &'run Config,
        tensors_of: Option<TensorsOf>,
        control: Control<'run>,
    ) -> Result<Self, Error> {
        let output = Output::claim(&config.output, Inputs::of_job(config)?)?;
        Ok(Self {
            config,
            output,
            control,
            stages: Vec::new(),
            notes: Vec::new(),
            shape_reasons: Vec::new(),
            tensors_of,
        })
    }

    fn run(&mut self) -> Result<Report, Error> {
        let config = self.config;
        let model = self.stage(Stage::Model, None, || LoadedModel::read(&config.model))?;
        model.notes().for_each(|note| self.note(note));
        self.output.spare(guard::weights(&config.model, &model.model))?;
        let samples = self.samples(&model)?;
        let library = self.library()?;
        let route = Route::of(config, library.version());
        let options = self.build_options(&model, samples.as_ref(), &library, &route)?;
        if route.is_calibrated_by_tensorrt() {
            return self.calibrated_build(&model, samples.as_ref(), library, &route, &options);
        }
        let mut found = self.ranges(&model, samples.as_ref(), &library)?;
        let remarks = found.as_mut().map(|found| std::mem::take(&mut found.remarks));
        let rewritten = self.rewrite(&model, found.as_ref(), &route);
        let quantized = rewritten.as_ref().ok().and_then(|rewritten| rewritten.quantized.as_ref());
        remarks.into_iter().flatten().for_each(|remark| self.note(remark.note(quantized)));
        let rewritten = rewritten?;
        let options = self.keep_in_float(options, &model, found.as_ref(), &route)?;
        let engine = self.engine(&library, &options, &route, found.as_ref())?;
        self.note_target(&route);
        self.report(&model, found.map(|found| found.report), rewritten, engine)
    }

    /// Runs one stage between its events and notes how long it took.
    fn stage<T>(
        &mut self,
        stage: Stage,
        total: Option<u64>,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.control.check()?;
        let (result, took) = self.control.stage(stage, total, work);
        self.stages.push(StageReport::new(stage, took));
        result
    }

    /// Tells the user something, once.
    fn note(&mut self, text: String) {
        self.note_of(About::Anything, text);
    }

    /// Tells the user something that people can change, once.
    fn note_of(&mut self, about: About, text: String) {
        if self.notes.contains(&text) {
            return;
        }
        self.control.note_of(about, &text);
        self.notes.push(text);
    }

    /// Notes which results of earlier jobs are gone, now that it is known which were made anew.
    fn note_gone(&mut self, model: Option<Digest>) {
        let gone = self.output.gone();
        let earlier = self.output.earlier_model().cloned();
        let other = earlier.filter(|earlier| model.is_some_and(|model| model != earlier.sha256));
        let made_from = other.as_ref().map(|other| format!("another model, `{}`", other.path));
        let reason = match &made_from {
            Some(model) => format!("which was made from {model}"),
            None => "which does not go with the new results".to_owned(),
        };
        for name in gone {
            self.note(format!("removed `{name}` of an earlier job, {reason}"));
        }
        if let Some(model) = made_from {
            self.note(format!(
                "the other results in this folder were made from {model}, and are replaced"
            ));
        }
    }

    /// The format that ranges are chosen for.
    fn format(&self) -> Format {
        self.config.precision.quantized.unwrap_or(INT8)
    }

    fn samples(&mut self, model: &LoadedModel) -> Result<Option<Samples>, Error> {
        let config = self.config;
        let Ranges::Calibrate(calibration) = &config.ranges else { return Ok(None) };
        let tensors_of = self.tensors_of.clone();
        let preprocess = tensors_of.as_ref().map(TensorsOf::preprocess);
        let samples = self.stage(Stage::Samples, None, || {
            find_samples(calibration, preprocess, model, &config.model)
        })?;
        let dataset = &samples.dataset;
        let files = dataset.samples().iter().filter_map(SampleRef::path);
        self.output.spare(files.map(|file| (Role::Samples, file.to_owned())))?;
        if dataset.census().n_ignored() > 0 {
            self.note(format!("samples: {}", dataset.census()));
        }
        if let Some(doubt) = findings::doubt(preprocess) {
            self.note_of(About::Normalisation, doubt);
        }
        if let Some(remark) = findings::contradiction(model, preprocess) {
            self.note_of(About::ModelsOwn, remark);
        }
        Ok(Some(samples))
    }

    /// Looks for TensorRT before the long work, so that a missing one is known at once.
    fn library(&mut self) -> Result<Library, Error> {
        let engine = &self.config.engine;
        let builds = self.config.builds();
        let wants_version = self.config.cache_version.is_none()
            && self.config.target.is_none()
            && !matches!(self.config.ranges, Ranges::None);
        if !builds && !wants_version {
            return Ok(Library::Unwanted);
        }
        let asked_for = engine.policy == EnginePolicy::Require || engine.library != Source::Auto;
        let control = self.control;
        match self.stage(Stage::Library, None, || find_library(&engine.library, control))? {
            Ok(found) => match self.config.target {
                Some(target) if builds && !target::is_of(found.version(), target) => {
                    self.other_library(target, found.version())
                }
                _ => Ok(Library::Found(Box::new(found))),
            },
            Err(error) if asked_for => Err(Error::Locate(error)),
            Err(error) => Ok(Library::Missing(error)),
        }
    }

    /// What the builder will be told; found out early, because a missing shape or setting is a usage error.
    fn build_options(
        &mut self,
        model: &LoadedModel,
        samples: Option<&Samples>,
        library: &Library,
        route: &Route,
    ) -> Result<BuildOptions, Error> {
        let mut options = route.options(self.config);
        let Library::Found(found) = library else { return Ok(options) };
        if !self.config.builds() {
            return Ok(options);
        }
        if let Some(format) = self.config.precision.quantized
            && let Some(gpus) = formats::limit(&mut options, &format, found.version())?
        {
            self.note(format!(
                "the engine is for GPUs of compute capability {gpus}, which compute in {format}"
            ));
        }
        options.check(found.version(), route.via()).map_err(ConfigError::Unsupported)?;
        formats::check_half(route.half, found.version()).map_err(ConfigError::Unsupported)?;
        let picture = self.tensors_of.as_ref().map(|it| it.preprocess().shape());
        let sizes = Sizes::of(self.config, picture, samples);
        let (options, reasons) = with_profiles(&options, model, &sizes)?;
        self.shape_reasons = reasons;
        Ok(options)
    }

    fn ranges(
        &mut self,
        model: &LoadedModel,
        samples: Option<&Samples>,
        library: &Library,
    ) -> Result<Option<Obtained>, Error> {
        let found = library.version().and_then(cache_version);
        let target = self.config.target.filter(|target| target.way() == TargetWay::Cache);
        let named = self.config.cache_version.or(target.map(Target::version));
        let version = named.or(found).unwrap_or(DEFAULT_CACHE_VERSION);
        match (&self.config.ranges, samples) {
            (Ranges::Calibrate(calibration), Some(samples)) => {
                self.calibrate(calibration, model, samples, version).map(Some)
            }
            (Ranges::Reuse { file, method }, _) => {
                let format = self.format();
                let reused = reuse(file, *method, &format, model.sha256, version)?;
                self.take_over(file.clone(), reused, model).map(Some)
            }
            (Ranges::Calibrate(_) | Ranges::None, _) => Ok(None),
        }
    }

    fn calibrate(
        &mut self,
        calibration: &Calibration,
        model: &LoadedModel,
        samples: &Samples,
        version: u32,
    ) -> Result<Obtained, Error> {
        let Backend::Runtime { runtime, method } = &calibration.backend else {
            return Err(ConfigError::NothingToBuild.into());
        };
        let (total, format) = (Some(samples.dataset.samples().len() as u64), self.format());
        let (control, tensors_of) = (self.control, self.tensors_of.clone());
        let of_samples = OfSamples {
            calibration,
            preprocess: tensors_of.as_ref().map(TensorsOf::preprocess),
            samples,
        };
        let Calibrated { statistics, table, report } =
            self.stage(Stage::Calibrate, total, || {
                calibrate(&of_samples, &**runtime, (*method, &format), model, control)
            })?;
        self.note_samples(report.skipped.len(), report.classes.as_ref(), &report.suspects);
        if let Some(chosen) = &report.chosen {
            self.note_of(
                About::Backend,
                format!("{} runs the model: {chosen}", report.backend.version),
            );
        }
        if let Some(note) = report.note_infinite() {
            self.note(note);
        }
        if let Some(note) = report.note_filled() {
            self.note(note);
        }
        let clipped = findings::clipped(&statistics, &table)?;
        report.note_not_run().into_iter().chain(clipped).for_each(|note| self.note(note));
        // TensorRT's calibrators, and so its caches, are for int8.
        let cache = (format == INT8).then(|| Cache::from_table(&table, version)).transpose()?;
        let remarks = findings::remarks(cache.as_ref(), Some(&table), model, &self.config.model)?;
        self.output.publish(STATISTICS, statistics.as_bytes())?;
        self.output.publish(TABLE, table.to_json().as_bytes())?;
        if let Some(cache) = &cache {
            self.output.publish(CACHE, cache.to_string().as_bytes())?;
        }
        Ok(Obtained {
            report: CalibrationReport::Calibrated(Box::new(report)),
            ranges: table.ranges(),
            bounds: Some(table.bounds()),
            algorithm: Algorithm::of(table.method()),
            remarks,
        })
    }

    /// Notes what a user should know of the samples.
    fn note_samples(
        &mut self,
        skipped: usize,
        classes: Option<&BTreeMap<String, u64>>,
        suspects: &Suspects,
    ) {
        if skipped > 0 {
            self.note(format!("{skipped} samples were skipped; {REPORT} lists them"));
        }
        let classes = classes.into_iter().flatten();
        let absent: Vec<&str> =
            classes.filter(|(_, count)| **count == 0).map(|(class, _)| class.as_str()).collect();
        if !absent.is_empty() {
            self.note(format!("no sample of {} classes: {}", absent.len(), first_few(&absent)));
        }
        suspects.notes().for_each(|note| self.note(note));
    }

    fn take_over(
        &mut self,
        file: PathBuf,
        reused: Reused,
        model: &LoadedModel,
    ) -> Result<Obtained, Error> {
        let Reused { ranges, method, table, statistics, looked_beside, cache, manifest, notes } =
            reused;
        let (cache, path) = (cache.as_ref(), &self.config.model);
        findings::check_names(cache, table.as_deref(), model, path)?;
        let remarks = findings::remarks(cache, table.as_deref(), model, path)?;
        let clipped = match (&statistics, &table) {
            (Some(statistics), Some(table)) => findings::clipped(statistics, table)?,
            _ => None,
        };
        notes.into_iter().chain(clipped).for_each(|note| self.note(note));
        // What lies beside the ranges and is not of them goes like any other result.
        let of_others = [
            (STATISTICS, statistics.is_none()),
            (TABLE, table.is_none() || !looked_beside),
            (CACHE_MANIFEST, manifest.is_none()),
            (CACHE, cache.is_none()),
        ];
        of_others.iter().filter(|it| it.1).for_each(|(name, _)| self.output.release(name));
        if let Some(statistics) = &statistics {
            self.output.publish(STATISTICS, statistics.as_bytes())?;
        }
        if let Some(table) = &table {
            self.output.publish(TABLE, table.to_json().as_bytes())?;
        }
        let mut algorithm = Algorithm::EntropyCalibration2;
        if let Some(cache) = cache {
            let text = cache.to_string();
            if let Some(manifest) = manifest {
                let manifest = CacheManifest { cache: digest(text.as_bytes()), manifest };
                self.output.publish(CACHE_MANIFEST, manifest.to_json().as_bytes())?;
            }
            self.output.publish(CACHE, text.as_bytes())?;
            algorithm = cache.algorithm();
        }
        Ok(Obtained {
            report: CalibrationReport::Reused { file, method, tensors: ranges.len() },
            ranges,
            bounds: table.as_deref().map(Table::bounds),
            algorithm,
            remarks,
        })
    }

    /// Writes the model as the builder is to get it, and puts it in its place.
    fn rewrite(
        &mut self,
        model: &LoadedModel,
        found: Option<&Obtained>,
        route: &Route,
    ) -> Result<RewriteReport, Error> {
        if self.config.engine.policy == EnginePolicy::CalibrateOnly {
            return Ok(RewriteReport::default());
        }
        let report = self.draft_model(model, found, route)?;
        self.output.finish(&MODEL_FILES)?;
        Ok(report)
    }

    /// Writes the model as the builder is to get it, where results are drafted.
    fn draft_model(
        &mut self,
        model: &LoadedModel,
        found: Option<&Obtained>,
        route: &Route,
    ) -> Result<RewriteReport, Error> {
        let Rewritten { model: rewritten, quantized, cast } =
            self.stage(Stage::Rewrite, None, || {
                rewrite(&model.model, found, route, self.config.casts).map_err(|problem| {
                    match problem {
                        Problem::Config(error) => error.into(),
                        Problem::Rewrite(source) => {
                            Error::Rewrite { path: self.config.model.clone(), source }
                        }
                        Problem::Cast(source) => {
                            Error::Cast { path: self.config.model.clone(), source }
                        }
                    }
                })
            })?;
        let notes =
            quantized.as_ref().map(|summary| [note_unranged(summary), note_inside(summary)]);
        notes.into_iter().flatten().flatten().for_each(|note| self.note(note));
        cast.as_ref().and_then(note_nothing_cast).into_iter().for_each(|note| self.note(note));
        let draft = self.output.draft(MODEL)?;
        let path = self.output.path(MODEL);
        rewritten.write(&draft).map_err(|source| Error::Model { path, source })?;
        Ok(RewriteReport { quantized, cast })
    }

    fn engine(
        &mut self,
        library: &Library,
        options: &BuildOptions,
        route: &Route,
        ranges: Option<&Obtained>,
    ) -> Result<EngineReport, Error> {
        if matches!(self.config.engine.policy, EnginePolicy::CalibrateOnly | EnginePolicy::Skip) {
            return Ok(EngineReport::Unwanted);
        }
        let found = match library {
            Library::Found(found) => found,
            Library::Missing(_) => {
                self.note_of(About::NoTensorRt, format!("no engine was built: {NO_TENSORRT}"));
                return Ok(EngineReport::Missing { reason: NO_TENSORRT.to_owned() });
            }
            Library::Unwanted => return Ok(EngineReport::Unwanted),
        };
        let int8 = match (route.via, ranges) {
            (Some(Int8Via::Cache), Some(found)) => {
                Int8::Cache { ranges: &found.ranges, algorithm: found.algorithm }
            }
            (Some(Int8Via::Ranges), Some(found)) => Int8::Ranges { ranges: &found.ranges },
            _ => Int8::Model,
        };
        let (onnx, plan) = (self.output.path(MODEL), self.output.draft(PLAN)?);
        let control = self.control;
        let summary = self.stage(Stage::Engine, None, || {
            build_plan(found, &onnx, options, int8, &plan, control)
        })?;
        self.output.finish(&[PLAN])?;
        Ok(self.built(options, summary))
    }

    fn built(&self, options: &BuildOptions, summary: BuildSummary) -> EngineReport {
        let ranges = options.profiles.iter().flat_map(|profile| &profile.ranges);
        let shapes = ranges.map(ToString::to_string).collect();
        let summary = BuildSummary { plan: self.output.path(PLAN), ..summary };
        let shape_reasons = self.shape_reasons.clone();
        EngineReport::Built { shapes, shape_reasons, summary: Box::new(summary) }
    }

    fn report(
        &mut self,
        model: &LoadedModel,
        calibration: Option<CalibrationReport>,
        rewrite: RewriteReport,
        engine: EngineReport,
    ) -> Result<Report, Error> {
        let files = self.output.files()?;
        self.note_gone(Some(model.sha256));
        let report = Report {
            schema_version: REPORT_SCHEMA_VERSION,
            program: PROGRAM.to_owned(),
            model: ModelReport {
                path: self.config.model.clone(),
                sha256: model.sha256,
                opset: model.model.opset(),
                inputs: model.inputs.iter().map(ToString::to_string).collect(),
                repairs: model.repairs.clone(),
            },
            precision: self.config.precision,
            calibration,
            rewrite: rewrite.quantized,
            casts: rewrite.cast,
            engine,
            stages: std::mem::take(&mut self.stages),
            files,
            notes: std::mem::take(&mut self.notes),
        };
        self.output.report(&report.to_json())?;
        Ok(report)
    }
}

/// What was rewritten.
#[derive(Debug, Default)]
struct RewriteReport {
    quantized: Option<Summary>,
    cast: Option<CastSummary>,
}
