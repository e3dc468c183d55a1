//! The stages of a recipe one after another: decode, turn, resize, normalise.

use calibrant_jpeg::Region;

use crate::decode::{self, Request};
use crate::error::{PreprocessError, RecipeError};
use crate::geometry::{self, Plan};
use crate::normalise::{Canvas, Normaliser};
use crate::pixels::{Picture, Pixels};
use crate::recipe::{Color, Recipe, Resize, Size};
use crate::resize::{self, Sampling, View};

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

/// One plane of a tensor.
#[derive(Debug, Clone, Copy)]
pub struct Channel<'a> {
    /// Which channel of red, green and blue it is made of; of a picture of one channel, that one.
    pub source: usize,
    /// The value of the tensor for each value of a pixel.
    pub values: &'a [f32; 256],
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

    /// Decodes `encoded` and returns what the network sees of it, before normalisation.
    ///
    /// # Errors
    ///
    /// [`PreprocessError`] as of [`Preprocess::preprocess`].
    pub fn picture(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Picture, PreprocessError> {
        let picture = self.decode(encoded, &mut scratch.decode)?;
        let (plan, window) = self.scale(picture, &mut scratch.resize)?;
        Ok(Picture::new(self.recipe.size, self.recipe.channels(), &plan, window))
    }

    /// Does what follows decoding: scales and normalises pixels into `out`.
    ///
    /// For a [`Preprocess`] with a decoder of its own. The recipe's decoder, orientation and
    /// pixel limit do not apply; its pixel rules only where it makes gray of colour, as
    /// `cv2.cvtColor` or Pillow's `convert("L")` do.
    ///
    /// # Errors
    ///
    /// [`PreprocessError`] when the sizes do not fit the recipe or `out` the tensor.
    pub fn preprocess_pixels(
        &self,
        pixels: Pixels<'_>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        self.check(out)?;
        let picture = decode::adopt(pixels.view(), &self.request(), &mut scratch.decode);
        self.fill(picture, &mut scratch.resize, out)
    }

    /// Returns what a device needs to resize upright pictures of a size and 1 or 3 channels as this
    /// pipeline does; `None` for the `fir-*` filters, which are no whole-number recipes.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::WrongSize`] where the recipe does not resize.
    pub fn sampling(
        &self,
        picture: Size,
        channels: usize,
    ) -> Result<Option<Sampling>, PreprocessError> {
        let plan = plan(&self.recipe, picture)?;
        Ok(resize::sampling(self.recipe.filter, picture, channels, &plan))
    }

    /// Returns the planes of the tensor, in order.
    pub fn channels(&self) -> impl Iterator<Item = Channel<'_>> {
        self.normaliser.planes().map(|(source, values)| Channel { source, values })
    }

    fn request(&self) -> Request {
        let Recipe { decoder, pixels, orientation, max_pixels, color, .. } = self.recipe;
        Request { decoder, pixels, orientation, max_pixels, gray: color == Color::Gray }
    }

    fn decode<'a>(
        &self,
        encoded: &[u8],
        buffers: &'a mut decode::Buffers,
    ) -> Result<View<'a>, PreprocessError> {
        let part = |size: Size, region: &mut Region| {
            let filter = self.recipe.filter;
            plan(&self.recipe, size).is_ok_and(|plan| resize::part(filter, size, &plan, region))
        };
        decode::decode(encoded, &self.request(), &part, buffers)
    }

    fn check(&self, out: &[f32]) -> Result<(), PreprocessError> {
        let expected = self.shape().iter().product();
        if out.len() == expected {
            Ok(())
        } else {
            Err(PreprocessError::WrongLength { expected, found: out.len() })
        }
    }

    fn scale<'a>(
        &self,
        picture: View<'a>,
        buffers: &'a mut resize::Buffers,
    ) -> Result<(Plan, View<'a>), PreprocessError> {
        let plan = plan(&self.recipe, picture.size)?;
        let data = resize::window(self.recipe.filter, picture, &plan, buffers)?;
        Ok((plan, View { data, size: plan.window.size, ..picture }))
    }

    fn fill(
        &self,
        picture: View<'_>,
        buffers: &mut resize::Buffers,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        let (Plan { window, at, fill, .. }, scaled) = self.scale(picture, buffers)?;
        let canvas = Canvas { size: self.recipe.size, window, at, fill };
        self.normaliser.write(scaled.data, scaled.channels, &canvas, out);
        Ok(())
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
        self.check(out)?;
        let picture = self.decode(encoded, &mut scratch.decode)?;
        self.fill(picture, &mut scratch.resize, out)
    }
}

fn plan(recipe: &Recipe, picture: Size) -> Result<Plan, PreprocessError> {
    match recipe.resize {
        Resize::None if picture != recipe.size => {
            Err(PreprocessError::WrongSize { expected: recipe.size, found: picture })
        }
        Resize::None | Resize::Stretch => Ok(geometry::stretch(recipe.size)),
        Resize::ShorterCrop { shorter_side } => {
            Ok(geometry::shorter_crop(picture, shorter_side, recipe.size))
        }
        Resize::Letterbox { fill } => Ok(geometry::letterbox(picture, recipe.size, fill)),
    }
}
