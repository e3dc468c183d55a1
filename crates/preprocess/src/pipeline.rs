//! The stages of a recipe, row by row: decode, resize, normalise.
//!
//! Rows flow from the decoder through the resizer into the caller's slice, so that each stage finds
//! in the cache what the one before it made.

use calibrant_jpeg::Region;

use crate::decode::{self, Request, Scaling, Source};
use crate::error::PreprocessError;
use crate::geometry::{Geometry, Placement, Plan, Window};
use crate::normalise::{Canvas, Normaliser};
use crate::pixels::{Picture, Pixels};
use crate::recipe::{Color, Decode, Filter, JpegDecoder, Parts, Recipe, Size};
use crate::recipe::{RecipeError, StepError};
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
    decode: Decode,
    geometry: Geometry,
    color: Color,
    normaliser: Normaliser,
}

impl Recipe {
    /// Checks the steps, reduces the geometric ones to one, and prepares the tables.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] naming the step that is out of range or contradicts another one.
    pub fn compile(&self) -> Result<Pipeline, RecipeError> {
        Pipeline::new(self)
    }
}

impl Pipeline {
    fn new(recipe: &Recipe) -> Result<Self, RecipeError> {
        let Parts { decode, geometry, normalise } = recipe.parts()?;
        if decode.jpeg == JpegDecoder::Nvjpeg {
            return Err(RecipeError::step(1, &recipe.steps[0], StepError::NeedsGpu));
        }
        Ok(Self {
            recipe: recipe.clone(),
            decode: *decode,
            geometry,
            color: normalise.color,
            normaliser: Normaliser::new(normalise),
        })
    }

    /// Returns the recipe that this pipeline follows.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Returns the step that decodes.
    #[must_use]
    pub fn decode(&self) -> &Decode {
        &self.decode
    }

    /// Returns what interpolates; where nothing is resized, a filter that copies.
    #[must_use]
    pub fn filter(&self) -> Filter {
        self.geometry.filter()
    }

    /// Returns the channels of the tensor and their order.
    #[must_use]
    pub fn color(&self) -> Color {
        self.color
    }

    /// Returns width and height of the tensor.
    #[must_use]
    pub fn size(&self) -> Size {
        self.geometry.size()
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
        let bars = self.normaliser.pixel(plan.fill);
        let mut picture = Picture::filled(self.size(), &bars[..self.color.channels()]);
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
    /// pipeline does; `None` for the `fir-*` filters, which are no whole-number recipes, for a crop
    /// before the resize, and for bars that are no pixels.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::WrongSize`] where the recipe expects another size,
    /// [`PreprocessError::TooSmall`] for a crop before the resize.
    pub fn sampling(
        &self,
        picture: Size,
        channels: usize,
    ) -> Result<Option<Sampling>, PreprocessError> {
        let Placement { plan, .. } = self.geometry.plan(picture)?;
        let tables = || resize::sampling(self.filter(), picture, channels, &plan);
        Ok(self.has_sampling().then(tables).flatten())
    }

    /// Returns whether [`sampling`](Self::sampling) has tables for pictures of any size.
    #[must_use]
    pub fn has_sampling(&self) -> bool {
        self.filter().is_exact() && self.geometry.is_plain()
    }

    /// Returns the planes of the tensor, in order.
    pub fn channels(&self) -> impl Iterator<Item = Channel<'_>> {
        self.normaliser.planes().map(|(source, values)| Channel { source, values })
    }

    fn request(&self) -> Request<'_> {
        let Decode { jpeg, pixels, orientation, max_pixels, dct_scale } = self.decode;
        let gray = self.color == Color::Gray;
        let scaling = Scaling { scale: dct_scale, geometry: &self.geometry };
        Request { decoder: jpeg, pixels, orientation, max_pixels, gray, scaling: Some(scaling) }
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
        let begun = self.geometry.plan(size).and_then(|placement| {
            let Placement { source: Window { left, top, size: part }, plan } = placement;
            let begun = resizer.begin(self.filter(), part, channels, &plan, region);
            begun.map_err(|source| PreprocessError::Resize { found: size, source })?;
            region.embed(size.width, size.height, (left, top));
            Ok((plan, (left as usize, top as usize)))
        });
        match begun {
            Ok((plan, from)) => Ok(Run { source, from, plan, channels, region, resizer }),
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
        let (channels, canvas) = (run.channels, Canvas::new(self.size(), &run.plan));
        self.normaliser.bars(&canvas, out);
        run.lines(&mut |y, line| self.normaliser.line(y, line, channels, &canvas, out))
    }
}

/// A picture on its way from rows to lines.
struct Run<'a> {
    source: Source<'a>,
    /// Column and row of the picture where the part begins that is resized.
    from: (usize, usize),
    plan: Plan,
    channels: usize,
    region: &'a Region,
    resizer: &'a mut Resizer,
}

impl Run<'_> {
    /// Calls `line` with each line of the window as soon as its rows are decoded.
    fn lines(self, line: &mut Rows<'_>) -> Result<(), PreprocessError> {
        let found = self.source.size();
        let (before, top) = (self.from.0 * self.channels, self.from.1);
        let resizer = self.resizer;
        self.source.rows(self.region, &mut |y, row| resizer.row(y - top, &row[before..], line))?;
        resizer.end(line).map_err(|source| PreprocessError::Resize { found, source })
    }
}

impl Preprocess for Pipeline {
    fn shape(&self) -> [usize; 3] {
        let Size { width, height } = self.size();
        [self.color.channels(), height as usize, width as usize]
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
