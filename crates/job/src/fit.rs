//! Whether samples fit the model, and what to do where they do not.

use std::sync::Arc;

use calibrant_dataset::DatasetError;
use calibrant_preprocess::{Preprocess, Preset, Recipe};
use calibrant_tensor::{Dim, ElementType, Input, InputType, Layout, OtherFloat};

use crate::model::LoadedModel;
use crate::picture_input::{BatchAxis, NotAByte, PictureInput, PictureValues, check_bytes};

/// A side that is as short is no side of a picture but a number of channels.
const NO_SIDE_PX: usize = 4;

/// In what samples and model do not fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputProblem {
    /// Pictures go into one input of floats or bytes, and the model has another number of them.
    #[error(
        "pictures go into one input of floats or bytes, and this model has {}; give its inputs as an npz with one array per input",
        list(inputs)
    )]
    NotOnePictureInput {
        /// The model's inputs.
        inputs: Vec<String>,
    },
    /// The input has not the dimensions of pictures.
    #[error(
        "input {input} is no picture input, which has the dimensions of a picture, channels, height and width or height, width and channels, and may have a batch before them; give its samples as an npz"
    )]
    NotAPicture {
        /// The model's input.
        input: String,
    },
    /// Nothing says where the channels are, or what says it contradicts itself.
    #[error(
        "input {input} may be laid out NCHW, as channels, height and width, or NHWC, as height, width and channels: its dimensions and what reads it do not say which"
    )]
    OpenLayout {
        /// The model's input.
        input: String,
    },
    /// The model says another layout than was asked for.
    #[error("input {input} is laid out {}, and {} was asked for", layout_name(*stated), layout_name(*asked))]
    OtherLayout {
        /// The model's input.
        input: String,
        /// What its dimensions and what reads it say.
        stated: Layout,
        /// What was asked for.
        asked: Layout,
    },
    /// The input takes bytes, and the preprocessing makes other values.
    #[error("input {input} takes bytes, and the preprocessing makes {} in channel {}", value.value, value.channel)]
    NotBytes {
        /// The model's input.
        input: String,
        /// A value that is none.
        value: NotAByte,
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
    /// An array fits its input in no way.
    #[error(
        "the array for input {input} has shape {given:?}; it takes one more axis than the input, which counts samples, or as many, of which the batch counts them"
    )]
    Array {
        /// The model's input.
        input: String,
        /// The length of each of the array's axes.
        given: Vec<usize>,
    },
    /// Arrays hold other numbers of samples.
    #[error(
        "`{first}` holds {first_samples} samples and `{second}` holds {second_samples}; give arrays with one more axis each, which counts the samples, or each sample in a file of its own, in a folder"
    )]
    Counts {
        /// One input.
        first: String,
        /// Its samples.
        first_samples: usize,
        /// Another input.
        second: String,
        /// Its samples.
        second_samples: usize,
    },
    /// Inputs take other numbers of samples at once.
    #[error(
        "input `{first}` takes {first_batch} samples at once and input `{second}` takes {second_batch}"
    )]
    Batches {
        /// One input.
        first: String,
        /// Its batch.
        first_batch: usize,
        /// Another input.
        second: String,
        /// Its batch.
        second_batch: usize,
    },
    /// TensorRT's own calibrators read 32-bit floats.
    #[error(
        "input {input} holds {float}, and TensorRT's calibrators are fed float32; calibrate with a runtime instead, whose ranges TensorRT takes as well"
    )]
    NotForCalibrators {
        /// The model's input.
        input: String,
        /// What it holds.
        float: OtherFloat,
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

impl InputProblem {
    /// The problem that an error of opening samples holds.
    ///
    /// # Errors
    ///
    /// The error, where it is another.
    pub(crate) fn of(error: DatasetError) -> Result<Self, DatasetError> {
        match error {
            DatasetError::Unfit { path, source } => match source.downcast() {
                Ok(problem) => Ok(*problem),
                Err(source) => Err(DatasetError::Unfit { path, source }),
            },
            error => Err(error),
        }
    }
}

impl LoadedModel {
    /// The one input that pictures of this preprocessing go into, `asked` saying where channels are if the model does not.
    ///
    /// # Errors
    ///
    /// When there is not exactly one input of floats or bytes, it takes another shape, its layout is open, or the
    /// preprocessing makes other values than it takes.
    pub(crate) fn picture_input(
        &self,
        preprocess: &dyn Preprocess,
        asked: Option<Layout>,
    ) -> Result<PictureInput, InputProblem> {
        let [input] = self.inputs.as_slice() else { return Err(self.not_one_picture_input()) };
        let values = match input.element {
            InputType::Element(ElementType::F32) | InputType::Float(_) | InputType::Open => {
                PictureValues::Floats
            }
            InputType::Element(ElementType::U8) => PictureValues::Bytes,
            _ => return Err(self.not_one_picture_input()),
        };
        let chw = preprocess.shape();
        let (layout, batch) = layout_of(input, asked)?;
        if let Some([.., first, middle, last]) = input.shape.as_deref() {
            let sides = match layout {
                Layout::ChannelsFirst => [first, middle, last],
                Layout::ChannelsLast => [last, first, middle],
            };
            check_sides(input, sides, chw)?;
        }
        if values == PictureValues::Bytes {
            let no_bytes = |value| InputProblem::NotBytes { input: input.to_string(), value };
            check_bytes(preprocess).map_err(no_bytes)?;
        }
        Ok(PictureInput { name: Arc::clone(&input.name), values, layout, batch, chw })
    }

    /// Makes sure that TensorRT's own calibrators can be fed.
    ///
    /// # Errors
    ///
    /// When an input holds floats of another width than samples do.
    pub(crate) fn check_for_calibrators(&self) -> Result<(), InputProblem> {
        for input in &self.inputs {
            if let InputType::Float(float) = input.element {
                return Err(InputProblem::NotForCalibrators { input: input.to_string(), float });
            }
        }
        Ok(())
    }

    fn not_one_picture_input(&self) -> InputProblem {
        InputProblem::NotOnePictureInput {
            inputs: self.inputs.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Where the channels of pictures in this input are, and whether there is an axis before them.
fn layout_of(input: &Input, asked: Option<Layout>) -> Result<(Layout, BatchAxis), InputProblem> {
    let name = || input.to_string();
    let batch = match input.shape.as_deref() {
        None => return Ok((asked.unwrap_or(Layout::ChannelsFirst), BatchAxis::First)),
        Some([_, _, _, _]) => BatchAxis::First,
        // Three dimensions may be anything; they are a picture's where something says so.
        Some([_, _, _]) if input.layout.or(asked).is_some() => BatchAxis::None,
        Some(_) => return Err(InputProblem::NotAPicture { input: name() }),
    };
    match (input.layout, asked) {
        (Some(stated), Some(asked)) if stated != asked => {
            Err(InputProblem::OtherLayout { input: name(), stated, asked })
        }
        (stated, asked) => match stated.or(asked) {
            Some(layout) => Ok((layout, batch)),
            None => Err(InputProblem::OpenLayout { input: name() }),
        },
    }
}

/// Makes sure that channels, height and width are those that a preprocessing makes.
fn check_sides(
    input: &Input,
    [channels, height, width]: [&Dim; 3],
    given: [usize; 3],
) -> Result<(), InputProblem> {
    let other = |stated: &Dim, given: usize| stated.size().filter(|&size| size != given);
    if let Some(channels) = other(channels, given[0]) {
        let (input, given) = (input.to_string(), given[0]);
        return Err(InputProblem::Channels { input, channels, given });
    }
    if other(height, given[1]).is_some() || other(width, given[2]).is_some() {
        let size = |stated: &Dim, given: usize| stated.size().unwrap_or(given);
        let (height, width) = (size(height, given[1]), size(width, given[2]));
        let input = input.to_string();
        if height.min(width) <= NO_SIDE_PX {
            return Err(InputProblem::NotAPicture { input });
        }
        let presets = presets_that_make([given[0], height, width]);
        return Err(InputProblem::Size { input, given, width, height, presets });
    }
    Ok(())
}

fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::ChannelsFirst => "NCHW",
        Layout::ChannelsLast => "NHWC",
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
