//! The samples of a dataset as a source: read, decoded and preprocessed by workers, ahead of whoever pulls them.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use calibrant_calibration::SampleDigest;
use calibrant_dataset::Dataset;
use calibrant_prefetch::{Config, Stats};
use calibrant_preprocess::Preprocess;
use calibrant_runtime::{Sample, Source};

use crate::config::OnBadSample;
use crate::control::Control;
use crate::error::Error;
use crate::picture_input::PictureInput;
use crate::report::SkippedSample;
use crate::source::{Filler, Into, PipelineSource, WorkerBuffers};
use crate::suspects::Suspects;

/// How the samples of a dataset become tensors.
#[derive(Clone)]
#[non_exhaustive]
pub struct Files<'a> {
    /// The model's input that pictures go into, and what makes tensors of them; `None` where the samples are tensors.
    pub picture: Option<(PictureInput, &'a dyn Preprocess)>,
    /// What a sample that cannot be used does.
    pub on_bad_sample: OnBadSample,
    /// Threads, and how many samples are there at once; see [`pipeline`].
    pub pipeline: Config,
}

impl<'a> Files<'a> {
    /// Samples that are tensors, through this pipeline; one that cannot be used ends the source.
    #[must_use]
    pub fn through(pipeline: Config) -> Self {
        Self { picture: None, on_bad_sample: OnBadSample::Fail, pipeline }
    }

    /// Samples that are pictures, which `preprocess` makes tensors of for this input of the model: floats, channels first.
    #[must_use]
    pub fn with_pictures(self, input: Arc<str>, preprocess: &'a dyn Preprocess) -> Self {
        Self { picture: Some((PictureInput::nchw(input, preprocess.shape()), preprocess)), ..self }
    }

    /// An empty slot; pictures get their tensor here, once.
    fn slot(&self) -> Sample {
        let inputs = self.picture.iter().map(|(input, _)| (Arc::clone(&input.name), input.blank()));
        Sample::new(inputs.collect())
    }
}

/// What went through.
#[derive(Debug)]
#[non_exhaustive]
pub struct Passed {
    /// The samples that were handed out, as a manifest has them.
    pub used: Vec<SampleDigest>,
    /// Those left out, with their reasons.
    pub skipped: Vec<SkippedSample>,
    /// What to look at among those used.
    pub suspects: Suspects,
    /// Where time went.
    pub stats: Stats,
}

/// Calls `consume` with a source of the dataset's samples, and returns what it returns; the observer of `control` is told
/// how far they are, and its cancellation is the source's.
///
/// # Errors
///
/// When the threads cannot be started; what is wrong with a sample comes out of the source.
pub fn with_files<R>(
    dataset: &Dataset,
    files: &Files<'_>,
    control: Control<'_>,
    consume: impl FnOnce(&mut dyn Source) -> R,
) -> Result<(R, Passed), Error> {
    let samples = dataset.samples();
    let pictures = files.picture.clone().map(|(input, preprocess)| Into { preprocess, input });
    let pictures = pictures.as_ref();
    let filler = Filler::new(pictures.map(|it| it.preprocess), samples);
    let ((result, skipped), stats) = calibrant_prefetch::run(
        &files.pipeline,
        samples.iter(),
        || files.slot(),
        WorkerBuffers::default,
        |buffers, position, sample, slot| filler.fill(pictures, buffers, position, sample, slot),
        |receiver| {
            let mut source = PipelineSource::new(receiver, samples, files.on_bad_sample, control);
            let result = consume(&mut source);
            (result, source.into_skipped())
        },
    )?;
    let used = used_samples(dataset, &filler, &skipped);
    let suspects = suspects(dataset, &filler, &skipped, &used);
    let skipped = skipped.into_iter().map(|(_, sample)| sample).collect();
    Ok((result, Passed { used, skipped, suspects, stats }))
}

/// Enough batches that each of the workers, and each of as many that run the model, has a sample in hand and one waiting;
/// each batch holds whole runs of so many samples together.
#[must_use]
pub fn pipeline(
    workers: NonZeroUsize,
    samples_per_run: NonZeroUsize,
    batch_size: NonZeroUsize,
) -> Config {
    let whole_runs = batch_size.get().next_multiple_of(samples_per_run.get());
    let batch_size = NonZeroUsize::new(whole_runs).unwrap_or(samples_per_run);
    let in_hand = 3 * workers.get();
    let batches_in_flight = NonZeroUsize::MIN.saturating_add(in_hand.div_ceil(batch_size.get()));
    Config { workers, batch_size, batches_in_flight }
}

fn used_samples(
    dataset: &Dataset,
    filler: &Filler<'_>,
    skipped: &[(usize, SkippedSample)],
) -> Vec<SampleDigest> {
    let left_out: Vec<usize> = skipped.iter().map(|(position, _)| *position).collect();
    let samples = dataset.samples().iter().enumerate();
    let used = samples.filter(|(position, _)| left_out.binary_search(position).is_err());
    used.filter_map(|(position, sample)| {
        let sha256 = filler.digest(position)?;
        Some(SampleDigest { name: sample.name().to_owned(), sha256 })
    })
    .collect()
}

/// What to look at among the samples used.
pub(crate) fn suspects(
    dataset: &Dataset,
    filler: &Filler<'_>,
    skipped: &[(usize, SkippedSample)],
    used: &[SampleDigest],
) -> Suspects {
    let is_used = |position: usize| skipped.binary_search_by_key(&position, |it| it.0).is_err();
    let samples = dataset.samples().iter().enumerate();
    let found =
        samples.filter(|(position, _)| filler.is_near_constant(*position) && is_used(*position));
    let found = found.map(|(_, sample)| sample.name().to_owned());
    Suspects::among(used, filler.has_looked().then(|| found.collect()))
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = |(input, preprocess): &(PictureInput, &dyn Preprocess)| {
            (input.clone(), preprocess.describe())
        };
        f.debug_struct("Files")
            .field("picture", &self.picture.as_ref().map(described))
            .field("on_bad_sample", &self.on_bad_sample)
            .field("pipeline", &self.pipeline)
            .finish()
    }
}
