//! From a place of the output to a place of the input, in float32 as ONNX Runtime computes it.

/// `coordinate_transformation_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    TfHalfPixelForNn,
    AlignCorners,
    Asymmetric,
    CropAndResize,
}

/// `nearest_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
    /// Of before opset 11: up where the output is smaller, else down.
    Simple,
}

impl Coordinates {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "half_pixel" => Self::HalfPixel,
            "half_pixel_symmetric" => Self::HalfPixelSymmetric,
            "pytorch_half_pixel" => Self::PytorchHalfPixel,
            "tf_half_pixel_for_nn" => Self::TfHalfPixelForNn,
            "align_corners" => Self::AlignCorners,
            "asymmetric" => Self::Asymmetric,
            "tf_crop_and_resize" => Self::CropAndResize,
            _ => return None,
        })
    }
}

impl Nearest {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "round_prefer_floor" => Self::RoundPreferFloor,
            "round_prefer_ceil" => Self::RoundPreferCeil,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            "simple" => Self::Simple,
            _ => return None,
        })
    }

    /// The whole number that stands for a place.
    pub(super) fn of_place(self, place: f32, is_smaller: bool) -> f32 {
        match self {
            // Half way cases are rounded away from 0 by `round`.
            Self::RoundPreferFloor if place == place.trunc() + 0.5 => place.floor(),
            Self::RoundPreferFloor | Self::RoundPreferCeil => place.round(),
            Self::Floor => place.floor(),
            Self::Ceil => place.ceil(),
            Self::Simple if is_smaller => place.ceil(),
            Self::Simple => place.trunc(),
        }
    }
}

/// An axis on its way from one size to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// As it is given, or the ratio of the sizes.
    pub(super) scale: f32,
    /// Start and end of the part that is cut out, of a whole of 1.
    pub(super) part: (f32, f32),
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the operator computes sizes and places in float32; casts saturate, and what is too large is refused"
)]
impl Line {
    /// An axis that stays as it is.
    pub(super) fn same(size: usize) -> Self {
        Self { from: size, to: size, scale: 1.0, part: (0.0, 1.0) }
    }

    /// `None` for a scale that has no meaning.
    pub(super) fn scaled(from: usize, scale: f32) -> Option<Self> {
        let to = (scale * from as f32) as usize;
        (scale > 0.0 && scale.is_finite()).then_some(Self { to, scale, ..Self::same(from) })
    }

    /// `None` where something is to be made of nothing.
    pub(super) fn sized(from: usize, to: usize) -> Option<Self> {
        let scale = if from == 0 { 1.0 } else { to as f32 / from as f32 };
        (from > 0 || to == 0).then_some(Self { to, scale, ..Self::same(from) })
    }

    /// The size that is nearest to the scaled one.
    pub(super) fn rounded(from: usize, scale: f32) -> Option<Self> {
        let to = (scale * from as f32).round() as usize;
        (scale > 0.0 && scale.is_finite()).then_some(Self { to, scale, ..Self::same(from) })
    }

    /// Whether every element stays where it is.
    pub(super) fn is_same(&self) -> bool {
        self.from == self.to && self.scale == 1.0
    }

    /// The place in the input of that of the output.
    pub(super) fn place(&self, coordinates: Coordinates, at: usize) -> f32 {
        let (at, scale) = (at as f32, self.scale);
        if scale == 1.0 {
            return at;
        }
        let (to, from) = (self.to as f32, self.from as f32);
        match coordinates {
            Coordinates::HalfPixel => (at + 0.5) / scale - 0.5,
            Coordinates::PytorchHalfPixel if self.to <= 1 => 0.0,
            Coordinates::PytorchHalfPixel => (at + 0.5) / scale - 0.5,
            Coordinates::TfHalfPixelForNn => (at + 0.5) / scale,
            Coordinates::AlignCorners if self.to == 1 => 0.0,
            Coordinates::AlignCorners => at * (from - 1.0) / (to - 1.0),
            Coordinates::Asymmetric => at / scale,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = to / (scale * from);
                let offset = from / 2.0 * (1.0 - adjustment);
                let place = f64::from(offset) + (f64::from(at) + 0.5) / f64::from(scale) - 0.5;
                place as f32
            }
            Coordinates::CropAndResize => {
                let (start, end) = self.part;
                if self.to > 1 {
                    start * (from - 1.0) + at * (end - start) * (from - 1.0) / (to - 1.0)
                } else {
                    (0.5 * f64::from(start + end) * f64::from(from - 1.0)) as f32
                }
            }
        }
    }

    /// Whether a place lies outside the input.
    pub(super) fn is_outside(&self, place: f32) -> bool {
        place < 0.0 || place > self.from as f32 - 1.0
    }

    /// The element of this number, or the outermost one.
    pub(super) fn clamped(&self, place: f32) -> usize {
        (place.max(0.0) as usize).min(self.from.saturating_sub(1))
    }
}
