//! How people get out of what is wrong, in the words of this command line: no other crate knows its flags.
//!
//! A library's message says what is wrong and, where that does not say it already, what to do. What stands behind it here
//! says which flags do it.

mod calibration;
mod engine;
mod job;
mod locate;
mod pictures;

use std::error::Error as StdError;

use calibrant_backend_tensorrt::FeedError;
use calibrant_decode_cuda::OpenError;
use calibrant_engine::BuildError;
use calibrant_job::{About, ConfigError};
use calibrant_preprocess::PreprocessError;

use crate::error::{Error, JobError, UsageError};

/// Any error.
type Any = dyn StdError + 'static;

/// The message of an error, with the flags that help behind it; its causes are not among it.
pub(crate) fn said(error: &Any) -> String {
    format!("{error}{}", way_out(error).unwrap_or_default())
}

/// What stands behind a remark.
pub(crate) fn of_note(about: About) -> &'static str {
    match about {
        About::Normalisation => "; --scale, --mean and --std say otherwise",
        About::ModelsOwn => {
            "; --preset and --size follow the model, or leave it if the network is run so"
        }
        // Which backend ran is told, and what else there is stands in `--help`.
        About::Backend => "",
        About::NoTensorRt => {
            "; --tensorrt fetch gets NVIDIA's TensorRT-RTX, --tensorrt PATH names another, and `calibrant doctor` lists the places looked at"
        }
        _ => "",
    }
}

/// What stands behind the message of an error, with what joins them; `None` where the message says all.
fn way_out(error: &Any) -> Option<String> {
    if let Some(held) = held(error) {
        return way_out(held);
    }
    (error.downcast_ref().and_then(job::of_job))
        .or_else(|| error.downcast_ref().and_then(job::of_config))
        .or_else(|| error.downcast_ref().and_then(job::of_output))
        .or_else(|| error.downcast_ref().and_then(engine::of_unsupported))
        .or_else(|| error.downcast_ref().and_then(engine::of_build))
        .or_else(|| error.downcast_ref().and_then(engine::of_shapes))
        .or_else(|| error.downcast_ref().and_then(locate::of_locate).map(str::to_owned))
        .or_else(|| error.downcast_ref().and_then(locate::of_fetch).map(str::to_owned))
        .or_else(|| error.downcast_ref().and_then(pictures::of_recipe))
        .or_else(|| error.downcast_ref().and_then(pictures::of_step))
        .or_else(|| error.downcast_ref().and_then(pictures::of_picture))
        .or_else(|| error.downcast_ref().and_then(pictures::of_opening))
        .or_else(|| error.downcast_ref().and_then(pictures::of_cuda))
        .or_else(|| error.downcast_ref().and_then(calibration::of_shortage))
        .or_else(|| error.downcast_ref().and_then(calibration::of_table))
        .or_else(|| error.downcast_ref().and_then(job::of_guard))
}

/// What a transparent error holds: the message is that one's, and so is the way out.
fn held(error: &Any) -> Option<&Any> {
    match error.downcast_ref() {
        Some(Error::Job(held)) => return Some(held),
        Some(Error::Usage(held)) => return Some(held),
        _ => {}
    }
    match error.downcast_ref() {
        Some(JobError::Config(held)) => return Some(held),
        Some(JobError::Output(held)) => return Some(held),
        Some(JobError::Table(held)) => return Some(held),
        Some(JobError::Locate(held)) => return Some(held),
        Some(JobError::Guard(held)) => return Some(held),
        _ => {}
    }
    match error.downcast_ref() {
        Some(ConfigError::Unsupported(held)) => return Some(held),
        Some(ConfigError::Decode(held)) => return Some(held),
        _ => {}
    }
    if let Some(UsageError::Recipe(held)) = error.downcast_ref() {
        return Some(held);
    }
    if let Some(BuildError::Unsupported(held)) = error.downcast_ref() {
        return Some(held);
    }
    if let Some(OpenError::Cuda(held)) = error.downcast_ref() {
        return Some(held);
    }
    if let Some(PreprocessError::Custom(held)) = error.downcast_ref() {
        return Some(&**held);
    }
    // The box is what stands in the chain.
    if let Some(held) = error.downcast_ref::<Box<FeedError>>() {
        return Some(&**held);
    }
    match error.downcast_ref() {
        Some(FeedError::Cuda(held)) => Some(held),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
