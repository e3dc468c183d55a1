//! The job in which TensorRT itself finds the ranges, while it builds the engine.

use std::io;
use std::path::PathBuf;

use calibrant_calibration::{Cache, CacheManifest, ParseCacheError};
use calibrant_cuda::Device;
use calibrant_engine::BuildOptions;
use calibrant_files::TEXT_LIMIT_BYTES;
use calibrant_rewrite::already_quantized;
use calibrant_tensor::digest;

use super::{Job, Library};
use crate::calibrate::Samples;
use crate::config::{Backend, EnginePolicy, Ranges};
use crate::control::Stage;
use crate::error::{CacheProblem, ConfigError, Error};
use crate::findings;
use crate::model::LoadedModel;
use crate::native::{Calibrated, Native};
use crate::output::{CACHE, CACHE_MANIFEST, MODEL, MODEL_FILES, PLAN};
use crate::pictures::{FIRST_GPU, TensorsOf};
use crate::report::{CalibrationReport, EngineReport, NativeReport, Report};
use crate::route::Route;

impl Job<'_> {
    pub(super) fn calibrated_build(
        &mut self,
        model: &LoadedModel,
        samples: Option<&Samples>,
        library: Library,
        route: &Route,
        options: &BuildOptions,
    ) -> Result<Report, Error> {
        let (Ranges::Calibrate(calibration), Some(samples)) = (&self.config.ranges, samples) else {
            return Err(ConfigError::NothingToBuild.into());
        };
        let Backend::TensorRt { algorithm, recalibrate } = calibration.backend else {
            return Err(ConfigError::NothingToBuild.into());
        };
        let library = match library {
            Library::Found(library) => library,
            Library::Missing(error) => return Err(Error::Locate(error)),
            Library::Unwanted => return Err(ConfigError::NothingToBuild.into()),
        };
        if let Some(reason) = already_quantized(&model.model) {
            return Err(ConfigError::QuantizedAlready(reason).into());
        }
        let tensors_of = self.tensors_of.clone();
        let device = match tensors_of.as_ref().and_then(TensorsOf::decoder) {
            Some(decoder) => decoder.device().clone(),
            None => Device::open(FIRST_GPU)?,
        };
        let (library, device, tensors_of) = (&*library, &device, tensors_of.as_ref());
        let native = Native { calibration, algorithm, model, samples, library, device, tensors_of };
        native.check_shapes()?;
        let cache = if recalibrate { None } else { self.kept_cache(&native)? };

        let control = self.control;
        let rewritten = self.draft_model(model, None, route)?;
        let (onnx, plan) = (self.output.draft(MODEL)?, self.output.draft(PLAN)?);
        let Calibrated { cache, manifest, report, engine, uncounted } =
            self.stage(Stage::Engine, None, || {
                native.build(cache.as_deref(), &onnx, options, &plan, control)
            })?;
        self.note_uncomputed(&native, &report, uncounted.as_ref());
        self.note_samples(report.skipped.len(), report.classes.as_ref(), &report.suspects);
        self.note_findings(&cache, model)?;
        if report.cache_reused {
            self.output.keep([CACHE, CACHE_MANIFEST]);
        } else {
            // A cache without its manifest would be in the way of the next job.
            self.output.publish(CACHE_MANIFEST, manifest.to_json().as_bytes())?;
            self.output.publish(CACHE, &cache)?;
        }
        let engine = if self.config.engine.policy == EnginePolicy::CalibrateOnly {
            EngineReport::Unwanted
        } else {
            self.output.finish(&MODEL_FILES)?;
            self.output.finish(&[PLAN])?;
            self.built(options, engine)
        };
        self.report(model, Some(CalibrationReport::TensorRt(Box::new(report))), rewritten, engine)
    }

    /// Notes what the report does not say, because it was not computed.
    fn note_uncomputed(
        &mut self,
        native: &Native<'_>,
        report: &NativeReport,
        uncounted: Option<&ParseCacheError>,
    ) {
        if let Some(problem) = uncounted {
            self.note(format!(
                "the tensors in TensorRT's calibration cache were not counted: {problem}"
            ));
        }
        if report.cache_reused {
            return;
        }
        if native.tensors_stay_on_device() {
            let note = "near-constant pictures were not looked for: their tensors stay on the GPU that decodes";
            self.note(note.to_owned());
        } else if self.tensors_of.as_ref().and_then(TensorsOf::decoder).is_some() {
            let note = "the GPU makes tensors of floats, channels first, and this model takes others: they were brought back and laid out on the processor";
            self.note(note.to_owned());
        }
    }

    /// Notes what there is to be said of the ranges in TensorRT's cache.
    fn note_findings(&mut self, cache: &[u8], model: &LoadedModel) -> Result<(), Error> {
        if let Ok(read) = String::from_utf8_lossy(cache).parse::<Cache>() {
            for remark in findings::remarks(Some(&read), None, model, &self.config.model)? {
                self.note(remark.note(None));
            }
        }
        Ok(())
    }

    /// The calibration cache that an earlier job left, if it would come out the same today.
    fn kept_cache(&mut self, native: &Native<'_>) -> Result<Option<Vec<u8>>, Error> {
        let file = self.output.path(CACHE);
        let cache = match calibrant_files::read(&file, TEXT_LIMIT_BYTES) {
            Ok(cache) => cache,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: file, source }),
        };
        let in_the_way =
            |source| Error::CacheInTheWay { file: file.clone(), source: Box::new(source) };
        let kept = read_manifest(self.output.path(CACHE_MANIFEST)).map_err(in_the_way)?;
        if kept.cache != digest(&cache) {
            return Err(in_the_way(CacheProblem::Changed));
        }
        let (found, expected) = (first_line(&cache), header(native));
        if found != expected {
            return Err(in_the_way(CacheProblem::Header { found, expected }));
        }
        let total = Some(native.samples.dataset.samples().len() as u64);
        let control = self.control;
        let offered = self.stage(Stage::Samples, total, || native.offered(control))?;
        let now = native.manifest(offered);
        kept.manifest.check(&now).map_err(|stale| in_the_way(CacheProblem::Stale(stale)))?;
        Ok(Some(cache))
    }
}

fn read_manifest(manifest: PathBuf) -> Result<CacheManifest, CacheProblem> {
    CacheManifest::read(&manifest).map_err(|error| match error {
        error if error.is_absent() => CacheProblem::NoManifest { manifest },
        error => CacheProblem::Manifest(error),
    })
}

fn first_line(cache: &[u8]) -> String {
    let line = cache.split(|&byte| byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// The first line of a cache that this TensorRT takes.
fn header(native: &Native<'_>) -> String {
    format!("TRT-{}-{}", native.library.version().raw(), native.algorithm.name())
}
