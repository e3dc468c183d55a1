//! Whether samples fit the model, and what to do where they do not.

use calibrant_preprocess::{Preprocess as _, Preset, Recipe};
use calibrant_tensor::{Dim, ElementType, Input, InputType, Layout};

use crate::model::LoadedModel;

/// In what samples and model do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// Pictures go into one float input, and the model has another number of them.
    #[error(
        "pictures go into one float input, and this model has {}; give its inputs as an npz with one array per input",
        list(inputs)
    )]
    NotOnePictureInput {
        /// The model's inputs.
        inputs: Vec<String>,
    },
    /// The input has not the dimensions of pictures.
    #[error(
        "input {input} is no picture input, which has four dimensions: batch, channels, height, width; give its samples as an npz"
    )]
    NotAPicture {
        /// The model's input.
        input: String,
    },
    /// The input has its channels last.
    #[error(
        "input {input} is laid out NHWC, as height, width and channels, and pictures become NCHW; export the model with an NCHW input, or give its samples as an npz of arrays in its own layout"
    )]
    ChannelsLast {
        /// The model's input.
        input: String,
    },
    /// The preprocessing makes another number of channels than the model takes.
    #[error("input {input} takes {channels} channels, and the preprocessing makes {given}")]
    Channels {
        /// The model's input.
        input: String,
        /// The channels that it takes.
        channels: usize,
        /// The channels that the preprocessing makes.
        given: usize,
    },
    /// The preprocessing makes pictures of another size than the model takes.
    #[error(
        "input {input} gets pictures of {}x{} from the preprocessing, and takes {width}x{height}",
        given[2],
        given[1]
    )]
    Size {
        /// The model's input.
        input: String,
        /// Channels, height and width that the preprocessing makes.
        given: [usize; 3],
        /// The width that would do.
        width: usize,
        /// The height that would do.
        height: usize,
        /// The presets that make such pictures.
        presets: Vec<&'static str>,
    },
    /// The model takes a fixed number of samples at once, and some would be left over.
    #[error("it takes {batch} samples at once and there are {n_samples}")]
    Count {
        /// The model's fixed batch.
        batch: usize,
        /// The number of samples.
        n_samples: usize,
    },
    /// The samples lack an input.
    #[error("there is no array for input `{input}`; the samples have {}", list(given))]
    Missing {
        /// The model's input.
        input: String,
        /// The arrays there are.
        given: Vec<String>,
    },
}

impl LoadedModel {
    /// The one input that pictures of this shape (channels, height, width) go into.
    ///
    /// # Errors
    ///
    /// When there is not exactly one float input, or it takes another shape.
    pub(crate) fn picture_input(&self, shape: [usize; 3]) -> Result<&Input, InputProblem> {
        let [input] = self.inputs.as_slice() else { return Err(self.not_one_picture_input()) };
        if !matches!(input.element, InputType::Element(ElementType::F32) | InputType::Open) {
            return Err(self.not_one_picture_input());
        }
        let Some(dims) = &input.shape else { return Ok(input) };
        let [_batch, channels, height, width] = dims.as_slice() else {
            return Err(InputProblem::NotAPicture { input: input.to_string() });
        };
        if input.layout == Some(Layout::ChannelsLast) {
            return Err(InputProblem::ChannelsLast { input: input.to_string() });
        }
        let other = |stated: &Dim, given: usize| stated.size().filter(|&size| size != given);
        if let Some(channels) = other(channels, shape[0]) {
            let (input, given) = (input.to_string(), shape[0]);
            return Err(InputProblem::Channels { input, channels, given });
        }
        if other(height, shape[1]).is_some() || other(width, shape[2]).is_some() {
            let size = |stated: &Dim, given: usize| stated.size().unwrap_or(given);
            let (height, width) = (size(height, shape[1]), size(width, shape[2]));
            let presets = presets_that_make([shape[0], height, width]);
            let input = input.to_string();
            return Err(InputProblem::Size { input, given: shape, width, height, presets });
        }
        Ok(input)
    }

    /// Makes sure that `n_samples` can be run without one left over.
    ///
    /// # Errors
    ///
    /// When the model's batch is fixed and does not divide them.
    pub(crate) fn check_count(&self, n_samples: usize) -> Result<(), InputProblem> {
        let batch = self.samples_per_run().get();
        if n_samples.is_multiple_of(batch) {
            return Ok(());
        }
        Err(InputProblem::Count { batch, n_samples })
    }

    /// Makes sure that every input has its array in the sample.
    ///
    /// # Errors
    ///
    /// When one has none.
    pub(crate) fn check_arrays(&self, arrays: &[String]) -> Result<(), InputProblem> {
        match self.inputs.iter().find(|input| !arrays.iter().any(|array| **array == *input.name)) {
            Some(input) => {
                Err(InputProblem::Missing { input: input.name.to_string(), given: arrays.to_vec() })
            }
            None => Ok(()),
        }
    }

    fn not_one_picture_input(&self) -> InputProblem {
        InputProblem::NotOnePictureInput {
            inputs: self.inputs.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The presets that make tensors of this shape.
fn presets_that_make(shape: [usize; 3]) -> Vec<&'static str> {
    let makes = |preset: &&Preset| {
        let recipe = Recipe::preset(preset.name).ok();
        let pipeline = recipe.and_then(|recipe| recipe.compile().ok());
        pipeline.is_some_and(|pipeline| pipeline.shape() == shape)
    };
    Preset::all().iter().filter(makes).map(|preset| preset.name).collect()
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
