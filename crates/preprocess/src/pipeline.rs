//! The stages of a recipe, row by row: decode, resize, normalise.
//!
//! Rows flow from the decoder through the resizer into the caller's slice, so that each stage finds
//! in the cache what the one before it made.

use calibrant_jpeg::Region;

use crate::decode::{self, Request, Source};
use crate::error::{PreprocessError, RecipeError};
use crate::geometry::{self, Plan};
use crate::normalise::{Canvas, Normaliser};
use crate::pixels::{Picture, Pixels};
use crate::recipe::{Color, JpegDecoder, Recipe, Resize, Size};
use crate::resize::{self, Resizer, Rows, Sampling};

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

    /// Returns the pipeline that makes exactly these tensors, where there is one: a device may then make
    /// them instead.
    fn pipeline(&self) -> Option<&Pipeline> {
        None
    }

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
    resize: Resizing,
}

/// What a picture goes through, and what has to come of it.
#[derive(Debug, Default)]
struct Resizing {
    region: Region,
    resizer: Resizer,
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
        if recipe.decoder == JpegDecoder::Nvjpeg {
            return Err(RecipeError::NeedsGpu);
        }
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
        let source = decode::open(encoded, &self.request(), &mut scratch.decode)?;
        let run = self.begin(source, &mut scratch.resize)?;
        let (plan, channels) = (run.plan, run.channels);
        let mut picture = Picture::filled(self.recipe.size, self.recipe.channels(), plan.fill);
        run.lines(&mut |y, line| picture.lay(y, line, channels, &plan))?;
        Ok(picture)
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
        let source = decode::adopt(pixels.view(), &self.request(), &mut scratch.decode);
        self.fill(source, &mut scratch.resize, out)
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

    fn check(&self, out: &[f32]) -> Result<(), PreprocessError> {
        let expected = self.shape().iter().product();
        if out.len() == expected {
            Ok(())
        } else {
            Err(PreprocessError::WrongLength { expected, found: out.len() })
        }
    }

    /// Makes everything ready for the rows of a picture.
    fn begin<'a>(
        &self,
        source: Source<'a>,
        buffers: &'a mut Resizing,
    ) -> Result<Run<'a>, PreprocessError> {
        let (size, channels) = (source.size(), source.channels());
        let Resizing { region, resizer } = buffers;
        let begun = plan(&self.recipe, size).and_then(|plan| {
            let begun = resizer.begin(self.recipe.filter, size, channels, &plan, region);
            begun.map_err(|source| PreprocessError::Resize { found: size, source })?;
            Ok(plan)
        });
        match begun {
            Ok(plan) => Ok(Run { source, plan, channels, region, resizer }),
            // Damage is told before a size that does not fit.
            Err(error) => source.check().and(Err(error)),
        }
    }

    fn fill(
        &self,
        source: Source<'_>,
        buffers: &mut Resizing,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        let run = self.begin(source, buffers)?;
        let (channels, canvas) = (run.channels, Canvas::new(self.recipe.size, &run.plan));
        self.normaliser.bars(&canvas, out);
        run.lines(&mut |y, line| self.normaliser.line(y, line, channels, &canvas, out))
    }
}

/// A picture on its way from rows to lines.
struct Run<'a> {
    source: Source<'a>,
    plan: Plan,
    channels: usize,
    region: &'a Region,
    resizer: &'a mut Resizer,
}

impl Run<'_> {
    /// Calls `line` with each line of the window as soon as its rows are decoded.
    fn lines(self, line: &mut Rows<'_>) -> Result<(), PreprocessError> {
        let found = self.source.size();
        self.source.rows(self.region, &mut |y, row| self.resizer.row(y, row, line))?;
        self.resizer.end(line).map_err(|source| PreprocessError::Resize { found, source })
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

    fn pipeline(&self) -> Option<&Pipeline> {
        Some(self)
    }

    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        self.check(out)?;
        let source = decode::open(encoded, &self.request(), &mut scratch.decode)?;
        self.fill(source, &mut scratch.resize, out)
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
