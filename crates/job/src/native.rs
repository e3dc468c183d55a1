//! Calibration inside TensorRT's builder: what it is fed, and the cache that it leaves.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use calibrant_backend_tensorrt::{
    DEFAULT_RING, Feed, FeedConfig, FeedError, FeedReport, InputLayout, Inputs, Loader,
    PinnedInputs, effective_batch_size, feed,
};
use calibrant_calibration::{
    Algorithm, BackendInfo, Cache, CacheManifest, Manifest, ParseCacheError, SampleDigest,
};
use calibrant_cuda::Device;
use calibrant_dataset::{Dataset, ReadBuffer};
use calibrant_decode_cuda::{PictureDecoder, PinnedPicture};
use calibrant_engine::{
    BuildError, BuildOptions, BuildSummary, Generation, Int8, Library, Profile, ShapeRange, Version,
};
use calibrant_prefetch::{Clock, Config as PipelineConfig, StartError, Stats};
use calibrant_preprocess::Preprocess;
use calibrant_runtime::{RunError, Slot, SlotStock, SourceError, SourceErrorKind};
use calibrant_tensor::{ElementType, Input, InputType, digest};

use crate::calibrate::Samples;
use crate::config::Calibration;
use crate::control::{Control, Event};
use crate::engine::build_plan;
use crate::error::{ConfigError, Error};
use crate::files::{pipeline, suspects};
use crate::model::LoadedModel;
use crate::picture_input::{BatchAxis, PictureInput};
use crate::pictures::{OnGpu, TensorsOf};
use crate::report::{CopyReport, NativeReport, PROGRAM, PipelineReport, SkippedSample};
use crate::source::{Filler, Into, Memory, PipelineSource, WorkerBuffers};
use crate::suspects::Suspects;

/// What TensorRT is to calibrate, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native<'job> {
    pub(crate) calibration: &'job Calibration,
    pub(crate) algorithm: Algorithm,
    pub(crate) model: &'job LoadedModel,
    pub(crate) samples: &'job Samples,
    pub(crate) library: &'job Library,
    /// Where TensorRT reads the samples.
    pub(crate) device: &'job Device,
    /// What makes tensors of the samples, where they are pictures.
    pub(crate) tensors_of: Option<&'job TensorsOf>,
}

/// What a calibrated build left.
#[derive(Debug)]
pub(crate) struct Calibrated {
    pub(crate) cache: Vec<u8>,
    pub(crate) manifest: CacheManifest,
    pub(crate) report: NativeReport,
    pub(crate) engine: BuildSummary,
    /// Why the tensors of the cache are not counted.
    pub(crate) uncounted: Option<ParseCacheError>,
}

/// How samples come to the device.
struct Work<'job, L, M, P: ?Sized> {
    filler: &'job Filler<'job>,
    /// Memory for the pipeline's slots.
    memory: Vec<M>,
    /// What makes tensors of pictures, where the samples are pictures.
    pictures: Option<&'job P>,
    loader: L,
}

/// What the builder is to do.
struct BuildJob<'job> {
    cache: Option<&'job [u8]>,
    onnx: &'job Path,
    options: &'job BuildOptions,
    plan: &'job Path,
}

/// What came of the feed and of the build inside it, and the samples left out.
type Fed =
    (Result<(Result<BuildSummary, Error>, FeedReport), FeedError>, Vec<(usize, SkippedSample)>);

impl Native<'_> {
    /// Samples in a batch: what the model fixes, else what leaves the fewest over.
    pub(crate) fn batch_size(&self) -> NonZeroUsize {
        let n_samples =
            NonZeroUsize::new(self.samples.dataset.samples().len()).unwrap_or(NonZeroUsize::MIN);
        let alone = (self.samples.batch == BatchAxis::None).then_some(NonZeroUsize::MIN);
        self.samples
            .fixed_batch
            .or(alone)
            .unwrap_or_else(|| effective_batch_size(n_samples, self.calibration.batch_size))
    }

    /// Makes sure that samples can be put together as the calibrators take them.
    ///
    /// # Errors
    ///
    /// When their shapes vary, or several that the model takes at once lie along another axis than the first.
    pub(crate) fn check_shapes(&self) -> Result<(), ConfigError> {
        let varies = |input: &&Input| input.fixed_shape().is_none();
        let arrays = self.samples.dataset.inputs();
        let apart = self.samples.fixed_batch.is_some_and(|batch| batch.get() > 1)
            && self.samples.batch == BatchAxis::None;
        let at_fault = arrays.iter().find(varies).or(arrays.first().filter(|_| apart));
        match at_fault {
            Some(input) => Err(ConfigError::ShapesOfTensorRts { input: input.name.to_string() }),
            None => Ok(()),
        }
    }

    /// What each input of the model holds, in the model's order.
    fn layout(&self) -> Vec<InputLayout> {
        let version = self.library.version();
        match &self.samples.picture {
            Some(input) => vec![InputLayout {
                name: Arc::clone(&input.name),
                element: input.element(),
                sample_shape: input.picture_shape().to_vec(),
            }],
            None => {
                let arrays = self.samples.dataset.inputs();
                let array = |name: &str| arrays.iter().find(|array| &*array.name == name);
                let layout = |array: &Input| {
                    let InputType::Element(element) = array.element else { return None };
                    Some(InputLayout {
                        name: Arc::clone(&array.name),
                        element: narrowed(element, version),
                        sample_shape: match self.samples.batch {
                            BatchAxis::First => array.fixed_shape()?.split_off(1),
                            BatchAxis::None => array.fixed_shape()?,
                        },
                    })
                };
                let inputs = self.model.inputs.iter();
                inputs.filter_map(|input| layout(array(&input.name)?)).collect()
            }
        }
    }

    /// The options with the shapes that TensorRT is to calibrate in, where the model leaves them open.
    fn with_calibration_profile(&self, options: &BuildOptions) -> BuildOptions {
        let mut options = options.clone();
        if options.calibration_profile.is_none() && self.model.has_dynamic_inputs() {
            let batch = self.batch_size().get() as u64;
            let has_batch = self.samples.batch == BatchAxis::First;
            let range = |input: InputLayout| {
                let sizes = input.sample_shape.iter().map(|&size| size as u64);
                let shape: Vec<u64> = has_batch.then_some(batch).into_iter().chain(sizes).collect();
                let input = input.name.to_string();
                ShapeRange { input, min: shape.clone(), opt: shape.clone(), max: shape }
            };
            let ranges = self.layout().into_iter().map(range).collect();
            options.calibration_profile = Some(Profile { ranges });
        }
        options
    }

    /// Has TensorRT build the plan and calibrate for it, unless `cache` makes that unnecessary.
    ///
    /// # Errors
    ///
    /// When the GPU has no room, a sample cannot be used and is not to be skipped, the caller interrupts, or TensorRT fails.
    pub(crate) fn build(
        &self,
        cache: Option<&[u8]>,
        onnx: &Path,
        options: &BuildOptions,
        plan: &Path,
        control: Control<'_>,
    ) -> Result<Calibrated, Error> {
        let (layout, batch_size) = (self.layout(), self.batch_size());
        let pictures = self.pictures();
        let filler = &Filler::new(self.preprocess(), self.samples.dataset.samples());
        let (device, n_slots) = (self.device, self.pipeline().n_slots().get());
        let job = BuildJob { cache, onnx, options: &self.with_calibration_profile(options), plan };
        let ((outcome, skipped), stats) = match self.decoder() {
            None => {
                let memory = PinnedInputs::cut_slabs(device, n_slots, &layout)?;
                let loader = Inputs { layout: &layout };
                let work = Work { filler, memory, pictures: pictures.as_ref(), loader };
                self.feed_and_build(&layout, work, &job, control)?
            }
            Some(decoder) => {
                let memory = PinnedPicture::cut_slab(device, n_slots, decoder.tensor_bytes())?;
                let loader = OnGpu { decoder, maker: decoder.maker()? };
                let work = Work { filler, memory, pictures: Some(decoder), loader };
                self.feed_and_build(&layout, work, &job, control)?
            }
        };
        let (engine, fed) = outcome.map_err(|error| Error::Feed(Box::new(error)))?;
        let engine = engine.map_err(as_it_was)?;
        let cache = self.outcome(&fed, cache)?;
        let suspects = suspects(
            &self.samples.dataset,
            filler,
            &skipped,
            &offered(&self.samples.dataset, filler),
        );
        let manifest = match cache {
            Outcome::Calibrated(_) => self.manifest(offered(&self.samples.dataset, filler)),
            Outcome::Reused(_) => self.manifest(self.offered(control)?),
        };
        let skipped: Vec<_> = skipped.into_iter().map(|(_, sample)| sample).collect();
        let report = self.report(&cache, &fed, skipped, suspects, batch_size, stats);
        let uncounted = cache.count().err();
        let cache = cache.into_bytes();
        Ok(Calibrated {
            manifest: CacheManifest { cache: digest(&cache), manifest },
            cache,
            report,
            engine,
            uncounted,
        })
    }

    /// Runs the pipeline into TensorRT's builder.
    fn feed_and_build<L, M, P>(
        &self,
        layout: &[InputLayout],
        work: Work<'_, L, M, P>,
        job: &BuildJob<'_>,
        control: Control<'_>,
    ) -> Result<(Fed, Stats), StartError>
    where
        L: Loader<Sample = Slot<M>>,
        M: Memory<P> + Send,
        P: Sync + ?Sized,
    {
        let Work { filler, memory, pictures, loader } = work;
        let stock = SlotStock::new(memory);
        let batch_size = self.batch_size();
        let feed_config = FeedConfig {
            batch_size,
            ring: DEFAULT_RING,
            cache: job.cache,
            clock: Clock::monotonic(),
        };
        let samples = self.samples.dataset.samples();
        calibrant_prefetch::run(
            &self.pipeline(),
            samples.iter(),
            || stock.new_slot(),
            WorkerBuffers::default,
            |buffers, position, sample, slot| {
                filler.fill(pictures, buffers, position, sample, slot)
            },
            |receiver| {
                let on_bad_sample = self.calibration.on_bad_sample;
                // The builder says which batch it is at.
                let unobserved = control.unobserved();
                let mut source = PipelineSource::new(receiver, samples, on_bad_sample, unobserved);
                let build = |feed: &mut Feed<'_>| {
                    let algorithm = self.algorithm;
                    let int8 = Int8::Calibrator { calibrator: feed, algorithm };
                    let BuildJob { onnx, options, plan, .. } = *job;
                    build_plan(self.library, onnx, options, int8, plan, control)
                };
                let outcome = feed(self.device, layout, &feed_config, loader, &mut source, build);
                (outcome, source.into_skipped())
            },
        )
    }

    /// Whether tensors are made on the GPU and stay there.
    pub(crate) fn tensors_stay_on_device(&self) -> bool {
        self.decoder().is_some()
    }

    /// What makes tensors on the GPU where they are to be, if it makes what the model takes.
    fn decoder(&self) -> Option<&PictureDecoder> {
        let is_plain = self.samples.picture.as_ref().is_some_and(PictureInput::is_plain);
        self.tensors_of.filter(|_| is_plain)?.decoder()
    }

    /// What makes tensors of pictures on the host.
    fn pictures(&self) -> Option<Into<'_>> {
        let input = self.samples.picture.clone()?;
        Some(Into { preprocess: self.preprocess()?, input })
    }

    fn preprocess(&self) -> Option<&dyn Preprocess> {
        self.tensors_of.map(TensorsOf::preprocess)
    }

    fn pipeline(&self) -> PipelineConfig {
        pipeline(self.calibration.workers, self.batch_size(), self.batch_size())
    }

    /// Whether TensorRT calibrated to the end, or took the cache.
    fn outcome(&self, fed: &FeedReport, cache: Option<&[u8]>) -> Result<Outcome, Error> {
        if let Some(error) = &fed.unheard {
            return Err(Error::NotCalibrated { reason: error.to_string() });
        }
        if fed.batches > 0 && !fed.ended {
            let reason = format!("TensorRT asked for {} batches and not for the rest", fed.batches);
            return Err(Error::NotCalibrated { reason });
        }
        match (&fed.cache_written, cache) {
            (Some(written), _) if fed.batches > 0 => Ok(Outcome::Calibrated(written.clone())),
            (_, Some(cache)) if fed.cache_given => Ok(Outcome::Reused(cache.to_vec())),
            _ => {
                let reason = "TensorRT built the engine without asking for a batch or a cache";
                Err(Error::NotCalibrated { reason: reason.to_owned() })
            }
        }
    }

    /// What the cache of this calibration depends on.
    pub(crate) fn manifest(&self, offered: Vec<SampleDigest>) -> Manifest<Algorithm> {
        let (sample_list, samples) = Manifest::list_digest(offered);
        let described = self.pictures().map(|it| it.input.describe(it.preprocess));
        let version = self.library.version().to_string();
        Manifest {
            model: self.model.sha256,
            sample_list,
            samples,
            preprocessing: described.unwrap_or_default(),
            method: self.algorithm,
            batch_size: Some(self.batch_size().get()),
            backend: BackendInfo { name: "tensorrt".to_owned(), version, notes: Vec::new() },
            program: PROGRAM.to_owned(),
        }
    }

    /// The samples that can be read, whether or not they can be used.
    ///
    /// # Errors
    ///
    /// When the caller interrupts.
    pub(crate) fn offered(&self, control: Control<'_>) -> Result<Vec<SampleDigest>, Error> {
        let samples = self.samples.dataset.samples();
        let filler = Filler::new(None, samples);
        let one = NonZeroUsize::MIN;
        let (interrupted, _) = calibrant_prefetch::run(
            &pipeline(self.calibration.workers, one, self.calibration.batch_size),
            samples.iter(),
            || (),
            ReadBuffer::default,
            |buffer, position, _, ()| filler.hash(buffer, position),
            |receiver| {
                receiver.any(|delivery| {
                    let reached = delivery.start + delivery.batch.len() + delivery.failures.len();
                    control.event(Event::Reached(reached as u64));
                    control.is_cancelled()
                })
            },
        )?;
        if interrupted {
            Err(Error::Interrupted)
        } else {
            Ok(offered(&self.samples.dataset, &filler))
        }
    }

    fn report(
        &self,
        cache: &Outcome,
        fed: &FeedReport,
        skipped: Vec<SkippedSample>,
        suspects: Suspects,
        batch_size: NonZeroUsize,
        stats: Stats,
    ) -> NativeReport {
        NativeReport {
            algorithm: self.algorithm,
            library_version: self.library.version().to_string(),
            preprocessing: self.pictures().map(|it| it.input.describe(it.preprocess)),
            cache_reused: matches!(cache, Outcome::Reused(_)),
            batches: fed.batches,
            batch_size: batch_size.get(),
            samples: fed.samples,
            repeated: fed.repeated,
            found: self.samples.dataset.census().clone(),
            skipped,
            suspects,
            tensors: cache.count().ok(),
            classes: self.samples.dataset.class_counts(),
            pipeline: PipelineReport {
                workers: stats.workers,
                preprocess: stats.work.into(),
                backend: fed.consume.into(),
            },
            copies: CopyReport {
                bytes: fed.copied_bytes,
                seconds: fed.copying.as_secs_f64(),
                total_s: fed.total.as_secs_f64(),
            },
        }
    }
}

/// How the build came by its ranges.
#[derive(Debug)]
enum Outcome {
    Calibrated(Vec<u8>),
    Reused(Vec<u8>),
}

impl Outcome {
    /// The number of tensors in the cache.
    fn count(&self) -> Result<usize, ParseCacheError> {
        let cache = String::from_utf8_lossy(self.bytes()).parse::<Cache>()?;
        Ok(cache.entries().len())
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Calibrated(bytes) | Self::Reused(bytes) => bytes,
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Calibrated(bytes) | Self::Reused(bytes) => bytes,
        }
    }
}

/// TensorRT before 10 has 32-bit integers where a model has 64.
fn narrowed(element: ElementType, version: Version) -> ElementType {
    match (element, version.generation()) {
        (ElementType::I64, Some(Generation::TensorRt8)) => ElementType::I32,
        (element, _) => element,
    }
}

fn offered(dataset: &Dataset, filler: &Filler<'_>) -> Vec<SampleDigest> {
    let samples = dataset.samples().iter().enumerate();
    let read = samples.filter_map(|(position, sample)| {
        let sha256 = filler.digest(position)?;
        Some(SampleDigest { name: sample.name().to_owned(), sha256 })
    });
    read.collect()
}

/// The error of a sample, or the interruption, that a calibrator passed through TensorRT.
fn as_it_was(error: Error) -> Error {
    match error {
        Error::Build(BuildError::Calibrator { callback, source }) => {
            match source.downcast::<SourceError>() {
                Ok(source) if source.kind() == SourceErrorKind::Cancelled => Error::Interrupted,
                Ok(source) => Error::Calibrate(RunError::Source(*source)),
                Err(source) => Error::Build(BuildError::Calibrator { callback, source }),
            }
        }
        error => error,
    }
}
