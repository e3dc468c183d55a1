//! Where a picture comes to lie in the tensor: the steps between `decode` and `normalise`, reduced
//! to one scaled size, a window of it and its place, in whole pixels.

mod known;
mod sizes;

use calibrant_jpeg::Reduction;

use crate::error::PreprocessError;
use crate::recipe::{
    Crop, DctScale, Fill, Filter, MAX_SIDE_PX, Pad, PadAnchor, Resize, Size, Step,
};
use crate::recipe::{RecipeError, StepError};
use known::Known;

/// A part of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) size: Size,
}

impl Window {
    /// Returns all of a picture.
    pub(crate) fn whole(size: Size) -> Self {
        Self { left: 0, top: 0, size }
    }
}

/// What to compute of the scaled picture and where it goes in the tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// Size that the whole picture would be scaled to; only `window` of it is computed.
    pub(crate) scaled: Size,
    pub(crate) window: Window,
    /// Column and row of the tensor where the window begins.
    pub(crate) at: (u32, u32),
    /// What lies around the window.
    pub(crate) fill: Fill,
}

/// What becomes of a picture of some size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// The part that is scaled, as if there were nothing around it; in most recipes all of it.
    pub(crate) source: Window,
    /// What becomes of that part.
    pub(crate) plan: Plan,
}

/// The geometric steps of a recipe, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Geometry {
    expected: Option<Size>,
    /// A crop before the resize.
    first: Option<Crop>,
    resize: Option<Resize>,
    /// A crop after the resize, or without one.
    crop: Option<Crop>,
    pad: Option<Pad>,
    /// The tensor's size.
    size: Size,
}

impl Geometry {
    /// Checks the steps, of which the first is the recipe's `first`-th.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Step`] naming the step that does not fit the ones before it,
    /// [`RecipeError::OpenSize`] where the picture would decide on the size of the tensor,
    /// [`RecipeError::TensorTooLarge`].
    pub(crate) fn new(steps: &[Step], first: usize) -> Result<Self, RecipeError> {
        let size = Size::new(1, 1);
        let mut geometry =
            Self { expected: None, first: None, resize: None, crop: None, pad: None, size };
        let mut known = Known::NOTHING;
        for (i, step) in steps.iter().enumerate() {
            known = known
                .after(step)
                .and_then(|known| geometry.take(step).map(|()| known))
                .map_err(|source| RecipeError::step(first + i, step, source))?;
        }
        let size = known.exactly().ok_or(RecipeError::OpenSize)?;
        match [size.width, size.height].into_iter().find(|side| *side > MAX_SIDE_PX) {
            Some(side) => Err(RecipeError::TensorTooLarge { side }),
            None => Ok(Self { size, ..geometry }),
        }
    }

    /// Takes the step, if its turn has not gone.
    fn take(&mut self, step: &Step) -> Result<(), StepError> {
        match *step {
            _ if self.pad.is_some() => return Err(StepError::AfterPad),
            Step::Expect(_) if self.crop.is_some() || self.resize.is_some() => {
                return Err(StepError::ExpectLate);
            }
            Step::Expect(_) if self.expected.is_some() => return Err(StepError::Again),
            Step::Crop(_) if self.crop.is_some() => return Err(StepError::Again),
            Step::Resize(_) if self.resize.is_some() => return Err(StepError::Again),
            Step::Decode(_) | Step::Normalise(_) => return Err(StepError::Again),
            Step::Expect(expect) => self.expected = Some(expect.size),
            Step::Crop(crop) => self.crop = Some(crop),
            Step::Resize(resize) => {
                self.first = self.crop.take();
                self.resize = Some(resize);
            }
            Step::Pad(pad) => self.pad = Some(pad),
        }
        Ok(())
    }

    /// Returns the size of the tensor.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Returns what interpolates; where nothing is resized, a kernel that copies.
    pub(crate) fn filter(&self) -> Filter {
        self.resize.map_or(Filter::Cv2Nearest, |resize| resize.filter)
    }

    /// Returns whether all of a picture is resized, and its bars are pixels.
    pub(crate) fn is_plain(&self) -> bool {
        self.first.is_none() && !matches!(self.pad, Some(Pad { fill: Fill::Normalised(_), .. }))
    }

    /// Returns how many times smaller a picture of this size is decoded: `Image.draft` of Pillow, of
    /// what is scaled.
    pub(crate) fn reduction(&self, scale: DctScale, picture: Size) -> Option<Reduction> {
        let times = match scale {
            DctScale::Full => return None,
            DctScale::Half => return Some(Reduction::Half),
            DctScale::Quarter => return Some(Reduction::Quarter),
            DctScale::Eighth => return Some(Reduction::Eighth),
            DctScale::Draft => {
                // A picture that the recipe refuses is refused as it is.
                let Placement { source: Window { size, .. }, plan } = self.plan(picture).ok()?;
                (size.width / plan.scaled.width).min(size.height / plan.scaled.height)
            }
        };
        match times {
            0 | 1 => None,
            2 | 3 => Some(Reduction::Half),
            4..=7 => Some(Reduction::Quarter),
            _ => Some(Reduction::Eighth),
        }
    }

    /// Returns what becomes of a picture of this size.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::WrongSize`] where the recipe expects another one,
    /// [`PreprocessError::TooSmall`] for a crop before the resize.
    pub(crate) fn plan(&self, picture: Size) -> Result<Placement, PreprocessError> {
        if let Some(expected) = self.expected
            && expected != picture
        {
            return Err(PreprocessError::WrongSize { expected, found: picture });
        }
        let source = match self.first {
            None => Window::whole(picture),
            Some(crop) => {
                let part = crop.of(picture);
                if part.window.size != part.size {
                    return Err(PreprocessError::TooSmall { crop: part.size, found: picture });
                }
                part.window
            }
        };
        let scaled = self.resize.map_or(source.size, |resize| resize.target.of(source.size));
        let is_longer = scaled.width > self.size.width || scaled.height > self.size.height;
        if self.pad.is_some() && self.crop.is_none() && is_longer {
            return Err(PreprocessError::TooLarge { found: picture, scaled, size: self.size });
        }
        let part = match self.crop {
            None => sizes::Part { size: scaled, window: Window::whole(scaled), at: (0, 0) },
            Some(crop) => crop.of(scaled),
        };
        let (anchor, fill) = match self.pad {
            None => (PadAnchor::TopLeft, CROP_FILL),
            Some(pad) => (pad.anchor, pad.fill),
        };
        let before = |outer: u32, inner: u32| match anchor {
            PadAnchor::Centre => (outer - inner) / 2,
            PadAnchor::TopLeft => 0,
        };
        let across = part.at.0 + before(self.size.width, part.size.width);
        let down = part.at.1 + before(self.size.height, part.size.height);
        let plan = Plan { scaled, window: part.window, at: (across, down), fill };
        Ok(Placement { source, plan })
    }
}

/// What a crop puts where the picture is smaller.
pub(crate) const CROP_FILL: Fill = Fill::Pixel(0);
