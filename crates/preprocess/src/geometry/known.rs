//! What the steps say of a picture's size before there is one.

use super::CROP_FILL;
use crate::recipe::StepError;
use crate::recipe::{Crop, Fill, MAX_SIDE_PX, Pad, PadTo, Size, Step, Target};

/// The bounds of a picture's size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    least: Size,
    most: Option<Size>,
    /// Whether a crop may have filled a part of it.
    is_filled: bool,
}

impl Known {
    /// A picture as it was decoded.
    pub(super) const NOTHING: Self = Self { least: Size::new(1, 1), most: None, is_filled: false };

    /// Returns the size, if there is only one.
    pub(super) fn exactly(&self) -> Option<Size> {
        self.most.filter(|most| *most == self.least)
    }

    /// Returns what is known after a step.
    ///
    /// # Errors
    ///
    /// [`StepError`] when a number of the step is out of range or does not fit what is known.
    pub(super) fn after(self, step: &Step) -> Result<Self, StepError> {
        match *step {
            Step::Expect(expect) => Ok(Self::size(size("size", expect.size)?)),
            Step::Crop(crop) => self.cropped(crop),
            Step::Resize(resize) => self.resized(resize.target),
            Step::Pad(pad) => self.padded(pad),
            Step::Decode(_) | Step::Normalise(_) => Ok(self),
        }
    }

    fn size(size: Size) -> Self {
        Self { least: size, most: Some(size), is_filled: false }
    }

    fn cropped(self, crop: Crop) -> Result<Self, StepError> {
        match crop {
            Crop::Size { size: part, .. } => {
                let part = size("size", part)?;
                Ok(Self { is_filled: !fits(part, self.least), ..Self::size(part) })
            }
            Crop::Fraction(fraction) if fraction > 0.0 && fraction <= 1.0 => {
                let part = |size| crop.of(size).size;
                Ok(Self { least: part(self.least), most: self.most.map(part), ..self })
            }
            Crop::Fraction(fraction) => Err(StepError::BadFraction { fraction }),
        }
    }

    fn resized(self, target: Target) -> Result<Self, StepError> {
        let (least, most) = match target {
            Target::To(to) => return Ok(Self::size(size("to", to)?)),
            Target::ShorterSide { side: to, .. } => {
                let to = side("shorter-side", to)?;
                (Size::new(to, to), None)
            }
            Target::LongerSide { side: to, .. } => {
                let to = side("longer-side", to)?;
                (Size::new(1, 1), Some(Size::new(to, to)))
            }
            Target::Within { size: to, .. } => (Size::new(1, 1), Some(size("within", to)?)),
            Target::Line { size: to, .. } => {
                let to = size("line", to)?;
                (Size::new(1, to.height), Some(to))
            }
            Target::Limit { side: to, multiple } => {
                let (to, of) = (side("limit-side", to)?, side("multiple", multiple)?);
                if !to.is_multiple_of(of) {
                    return Err(StepError::LimitOffGrid { side: to, multiple: of });
                }
                (Size::new(of, of), Some(Size::new(to, to)))
            }
            Target::Edges { shortest, longest } => {
                let (_, to) = (side("shortest-edge", shortest)?, side("longest-edge", longest)?);
                // A larger one is refused when it comes.
                (Size::new(1, 1), Some(Size::new(to, to)))
            }
        };
        match self.exactly() {
            Some(size) => Ok(Self::size(target.of(size))),
            None => Ok(Self { least, most, is_filled: false }),
        }
    }

    fn padded(self, pad: Pad) -> Result<Self, StepError> {
        match pad.fill {
            Fill::Normalised(value) if !value.is_finite() => {
                let value = f64::from(value);
                return Err(StepError::BadNumber { field: "fill-normalised", value });
            }
            fill if self.is_filled && fill != CROP_FILL => return Err(StepError::TwoFills),
            _ => {}
        }
        match pad.to {
            PadTo::Size(to) => {
                let to = size("size", to)?;
                match self.most {
                    Some(most) if fits(most, to) => Ok(Self::size(to)),
                    Some(most) => Err(StepError::PadTooSmall { size: to, most }),
                    None => Err(StepError::PadWithoutLimit),
                }
            }
            PadTo::Multiple(of) => {
                side("multiple", of)?;
                let size = self.exactly().ok_or(StepError::OpenMultiple)?;
                Ok(Self::size(pad.to.of(size)))
            }
        }
    }
}

/// Returns whether one size lies inside the other.
fn fits(inner: Size, outer: Size) -> bool {
    inner.width <= outer.width && inner.height <= outer.height
}

fn size(field: &'static str, size: Size) -> Result<Size, StepError> {
    side(field, size.width).and(side(field, size.height)).map(|_| size)
}

fn side(field: &'static str, side: u32) -> Result<u32, StepError> {
    match side {
        1..=MAX_SIDE_PX => Ok(side),
        _ => Err(StepError::SideOutOfRange { field, side }),
    }
}
