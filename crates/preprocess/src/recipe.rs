//! The recipe of a tensor: every choice between a picture's bytes and the values a network sees.
//!
//! A [`Recipe`] is a list of steps and says nothing by silence; [`Settings`](crate::Settings) is the
//! form that presets, files and flags are written in.

mod error;
mod steps;
mod values;
mod words;

use serde::{Deserialize, Serialize};

pub use error::{RecipeError, StepError};
pub(crate) use steps::numbered;
pub use steps::{Crop, Decode, Expect, Fill, Normalise, Pad, PadTo, Resize, Step, Target};
pub use values::{Scale, Size};
pub use words::{
    Arithmetic, Color, CropAnchor, DctScale, Filter, JpegDecoder, Orientation, PadAnchor,
    PixelRules, ResizeKind, Rounding,
};

use crate::geometry;

/// Pixels that a picture may have unless the recipe says otherwise.
///
/// It keeps the memory of one decode under 512 MiB: a progressive CMYK JPEG, the most expensive
/// kind, takes 16 bytes a pixel.
pub const DEFAULT_MAX_PIXELS: u64 = 32_000_000;

/// Longest side that a picture may have: the weights of a resampled side take memory too.
pub const MAX_PICTURE_SIDE_PX: u32 = 1 << 20;

/// Longest side that a tensor may have, and longest that a step may name.
pub const MAX_SIDE_PX: u32 = 16_384;

/// Everything between the bytes of a picture and its tensor, one step after another.
///
/// `decode` comes first and `normalise` last. Between them may stand, each at most once and in
/// this order, `expect`, `crop`, `resize`, `crop`, `pad`; together they must lead to one size,
/// which is the tensor's.
///
/// In TOML it is a list of tables called `steps`; reading back what [`to_toml`](Self::to_toml)
/// wrote gives the same recipe.
///
/// ```
/// use calibrant_preprocess::{Recipe, Settings};
///
/// let recipe = Settings::from_toml("
///     [[steps]]
///     step = 'decode'
///     pixels = 'opencv'
///     orientation = 'exif'
///
///     [[steps]]
///     step = 'resize'
///     to = '256x256'
///     filter = 'cv2-linear'
///
///     [[steps]]
///     step = 'crop'
///     size = '224x224'
///
///     [[steps]]
///     step = 'normalise'
///     color = 'bgr'
///     scale = 1.0
///     mean = [104.0, 117.0, 123.0]
///     std = [1.0]
///     arithmetic = 'f32'
/// ")?.recipe()?;
/// assert_eq!(Settings::from_toml(&recipe.to_toml())?.recipe()?, recipe);
/// # Ok::<(), calibrant_preprocess::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The steps; their numbers in errors begin at 1.
    #[serde(deserialize_with = "numbered")]
    pub steps: Vec<Step>,
}

impl Recipe {
    /// Returns the recipe as TOML, every field named: the form kept in manifests.
    ///
    /// # Panics
    ///
    /// Never for a recipe that compiles: every field is a word, a number that TOML has, or a list
    /// of numbers.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("words, numbers and lists of numbers are TOML")
    }

    /// Returns the last step, unless the list ends without it.
    #[must_use]
    pub fn normalise(&self) -> Option<&Normalise> {
        match self.steps.last() {
            Some(Step::Normalise(normalise)) => Some(normalise),
            _ => None,
        }
    }

    /// Takes the list apart and checks every part.
    pub(crate) fn parts(&self) -> Result<Parts<'_>, RecipeError> {
        let of_step = |number: usize| {
            move |source| RecipeError::step(number, &self.steps[number - 1], source)
        };
        let (decode, rest) = match self.steps.as_slice() {
            [] => return Err(RecipeError::NoSteps),
            [Step::Decode(decode), rest @ ..] => (decode, rest),
            [_, ..] => return Err(of_step(1)(StepError::NotDecode)),
        };
        decode.check().map_err(of_step(1))?;
        let is_geometric = |step: &&Step| !matches!(step, Step::Normalise(_));
        let (steps, rest) = rest.split_at(rest.iter().take_while(is_geometric).count());
        let geometry = geometry::Geometry::new(steps, 2);
        let number = steps.len() + 2;
        let normalise = match rest {
            [Step::Normalise(normalise)] => normalise,
            [_, _, ..] => return Err(of_step(number + 1)(StepError::AfterNormalise)),
            [] | [_] => return Err(RecipeError::NoNormalise { number }),
        };
        normalise.check().map_err(of_step(number))?;
        Ok(Parts { decode, geometry: geometry?, normalise })
    }
}

/// The three parts of a recipe, checked.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) decode: &'a Decode,
    pub(crate) geometry: geometry::Geometry,
    pub(crate) normalise: &'a Normalise,
}
