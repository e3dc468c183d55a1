//! Flags of the preprocessing, and of what decodes.

use calibrant_decode_cuda::OpenError;
use calibrant_preprocess::{PreprocessError, RecipeError, StepError};

/// The flags that make a recipe usable.
pub(super) fn of_recipe(error: &RecipeError) -> Option<String> {
    let flags = match error {
        RecipeError::NoFilter { .. } => " with --filter",
        RecipeError::OpenSize => " with --size",
        RecipeError::NoSuchStep { .. } => " with --resize",
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The flags that make a step usable.
pub(super) fn of_step(error: &StepError) -> Option<String> {
    let flags = match error {
        StepError::ChannelCount { field: "mean", .. } => " with --mean",
        StepError::ChannelCount { field: "std", .. } => " with --std",
        StepError::NeedsGpu => " with --decode cuda",
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The flags that take a picture as it is.
pub(super) fn of_picture(error: &PreprocessError) -> Option<String> {
    match error {
        PreprocessError::WrongSize { .. } => Some(" (--resize, --filter)".to_owned()),
        _ => None,
    }
}

/// The flags that decode elsewhere what a GPU does not.
pub(super) fn of_opening(error: &OpenError) -> Option<String> {
    let flags = match error {
        OpenError::Filter { .. } => "; choose another --filter, or --decode cpu",
        OpenError::Steps | OpenError::DctScale { .. } | OpenError::Decoder { .. } => {
            "; choose --decode cpu"
        }
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The flags that do without a library of the GPU's.
pub(super) fn of_cuda(error: &calibrant_cuda::Error) -> Option<String> {
    match error {
        // nvJPEG's, which alone is given batches.
        calibrant_cuda::Error::Batch { .. } => {
            Some(" (--decode cuda-exact, --decode cpu)".to_owned())
        }
        _ => None,
    }
}
