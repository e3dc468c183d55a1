//! The stages of a recipe one after another: decode, turn, resize, normalise.

use crate::decode::{self, Request};
use crate::error::{PreprocessError, RecipeError};
use crate::geometry::{self, Plan};
use crate::normalise::{Canvas, Normaliser};
use crate::recipe::{Color, Recipe, Resize, Size};
use crate::resize::{self, View};

/// Turns the bytes of one picture into one tensor.
///
/// [`Pipeline`] implements it for every [`Recipe`]; implement it for pictures that need anything
/// else.
/// The result may depend on the bytes alone: what lies in `scratch` and in `out` must not matter.
pub trait Preprocess: Send + Sync {
    /// Returns channels, height and width of the tensor.
    fn shape(&self) -> [usize; 3];

    /// Returns the preprocessing as TOML, for the manifest: equal text means equal tensors.
    fn describe(&self) -> String;

    /// Decodes `encoded` and writes its tensor into `out`, which has the product of
    /// [`shape`](Self::shape) values.
    ///
    /// # Errors
    ///
    /// [`PreprocessError`] saying what is wrong with the picture; `out` then holds anything.
    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError>;
}

/// The buffers that a worker keeps between pictures.
#[derive(Debug, Default)]
pub struct Scratch {
    decode: decode::Buffers,
    resize: resize::Buffers,
}

impl Scratch {
    /// Returns empty buffers; they grow to what the pictures need.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A checked recipe with its tables; made by [`Recipe::compile`].
#[derive(Debug, Clone)]
pub struct Pipeline {
    recipe: Recipe,
    normaliser: Normaliser,
}

impl Pipeline {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, RecipeError> {
        recipe.validate()?;
        Ok(Self { recipe: recipe.clone(), normaliser: Normaliser::new(recipe) })
    }

    /// Returns the recipe that this pipeline follows.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }
}

impl Preprocess for Pipeline {
    fn shape(&self) -> [usize; 3] {
        let Size { width, height } = self.recipe.size;
        [self.recipe.channels(), height as usize, width as usize]
    }

    fn describe(&self) -> String {
        self.recipe.to_toml()
    }

    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        let expected = self.shape().iter().product();
        if out.len() != expected {
            return Err(PreprocessError::WrongLength { expected, found: out.len() });
        }
        let recipe = &self.recipe;
        let request = Request {
            decoder: recipe.decoder,
            pixels: recipe.pixels,
            orientation: recipe.orientation,
            max_pixels: recipe.max_pixels,
            gray: recipe.color == Color::Gray,
        };
        let picture = decode::decode(encoded, &request, &mut scratch.decode)?;
        let plan = plan(recipe, picture)?;
        let pixels = resize::window(recipe.filter, picture, &plan, &mut scratch.resize)?;
        let canvas =
            Canvas { size: recipe.size, window: plan.window, at: plan.at, fill: plan.fill };
        self.normaliser.write(pixels, picture.channels, &canvas, out);
        Ok(())
    }
}

fn plan(recipe: &Recipe, picture: View<'_>) -> Result<Plan, PreprocessError> {
    match recipe.resize {
        Resize::None if picture.size != recipe.size => {
            Err(PreprocessError::WrongSize { expected: recipe.size, found: picture.size })
        }
        Resize::None | Resize::Stretch => Ok(geometry::stretch(recipe.size)),
        Resize::ShorterCrop { shorter_side } => {
            Ok(geometry::shorter_crop(picture.size, shorter_side, recipe.size))
        }
        Resize::Letterbox { fill } => Ok(geometry::letterbox(picture.size, recipe.size, fill)),
    }
}
