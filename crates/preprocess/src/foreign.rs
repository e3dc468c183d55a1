//! Preprocessing that other programs keep in files of their own, as steps.
//!
//! Whoever calls reads the file: `hf:PATH`, `hf-pil:PATH` and `deepstream:PATH` name a kind and a path.
//! What a file asks for and the steps cannot do to the bit is refused by the name of its key.

mod deepstream;
mod hugging_face;

use crate::recipe::Step;
use hugging_face::Backend;

/// A kind of file that says how pictures become tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// An image processor of transformers as it is by default, on torchvision (`hf:`).
    #[doc(alias = "preprocessor_config.json")]
    HuggingFace,
    /// The same on Pillow and NumPy, the "slow" one (`hf-pil:`).
    HuggingFacePil,
    /// A configuration of DeepStream's `nvinfer` (`deepstream:`).
    #[doc(alias = "net-scale-factor")]
    DeepStream,
}

impl Foreign {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::HuggingFace, Self::HuggingFacePil, Self::DeepStream];

    /// Returns the kind and the path that a preset names, if it names a file.
    #[must_use]
    pub fn of(preset: &str) -> Option<(Self, &str)> {
        let (prefix, path) = preset.split_once(':')?;
        Some((Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)?, path))
    }

    /// Returns what stands before the colon.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::HuggingFace => "hf",
            Self::HuggingFacePil => "hf-pil",
            Self::DeepStream => "deepstream",
        }
    }

    /// Returns what it is, in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::HuggingFace => {
                "what transformers' image processor does on torchvision, its default: hf:preprocessor_config.json"
            }
            Self::HuggingFacePil => "the same on Pillow and NumPy, as the slow processors of old",
            Self::DeepStream => {
                "what DeepStream's nvinfer does: deepstream:config_infer_primary.txt"
            }
        }
    }

    /// Returns the steps that the text of such a file stands for.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] with the key that cannot be read, is missing, or asks for what no steps do.
    pub fn steps(self, text: &str) -> Result<Vec<Step>, ForeignError> {
        match self {
            Self::HuggingFace => hugging_face::steps(text, Backend::Torchvision),
            Self::HuggingFacePil => hugging_face::steps(text, Backend::Pil),
            Self::DeepStream => deepstream::steps(text),
        }
    }
}

/// A file of another program that no steps can be made of.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// No JSON.
    #[error("it is no JSON")]
    Json(#[from] serde_json::Error),
    /// JSON that is no image processor.
    #[error(
        "it names no class: an image processor has `image_processor_type` or `feature_extractor_type`"
    )]
    NoClass,
    /// A class whose arithmetic is not known here.
    #[error(
        "the steps of `{class}` are not known here; known are {}. Write what it does as a list of steps",
        .known.join(", ")
    )]
    UnknownClass {
        /// As the file spells it.
        class: String,
        /// The classes that are known.
        known: Vec<&'static str>,
    },
    /// A line that is neither a group, a key with its value, nor a comment.
    #[error("line {line}, `{text}`, is neither a group nor a key with its value")]
    Line {
        /// From 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// No group of that name.
    #[error("it has no group `{0}`")]
    NoGroup(&'static str),
    /// A key that has to be there.
    #[error("it has no `{key}`{way_out}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What to do about it, behind a semicolon; may be empty.
        way_out: &'static str,
    },
    /// A value of another kind.
    #[error("`{key}` is `{found}`, and should be {wanted}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A value that asks for what the steps cannot do exactly.
    #[error("`{key}` of `{found}` is not done here: {why}")]
    NotDone {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// What is in the way, or what to do.
        why: &'static str,
    },
}
