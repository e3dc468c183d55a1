//! The steps of a recipe and their TOML.

use serde::{Deserialize, Deserializer, Serialize};

use super::error::StepError;
use super::values::{Scale, Size};
use super::words::{
    Arithmetic, Color, CropAnchor, DctScale, Filter, JpegDecoder, Orientation, PadAnchor,
    PixelRules, Rounding,
};
use super::{DEFAULT_MAX_PIXELS, MAX_PICTURE_SIDE_PX};

/// One step of a [`Recipe`](super::Recipe): `step = "…"` in TOML, and what that kind of step says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// From the bytes of a file to 8-bit pixels.
    Decode(Decode),
    /// Pictures of one size only.
    Expect(Expect),
    /// A part of the picture.
    Crop(Crop),
    /// The picture in another size.
    Resize(Resize),
    /// Bars around the picture.
    Pad(Pad),
    /// From 8-bit pixels to values.
    Normalise(Normalise),
}

impl Step {
    /// Returns the word that `step` has in TOML.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Decode(_) => "decode",
            Self::Expect(_) => "expect",
            Self::Crop(_) => "crop",
            Self::Resize(_) => "resize",
            Self::Pad(_) => "pad",
            Self::Normalise(_) => "normalise",
        }
    }
}

/// Reads the steps one by one, so that what is wrong with one is said with its number.
///
/// # Errors
///
/// What the format says of a list, or of a step.
pub(crate) fn numbered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    let tables = Vec::<toml::Table>::deserialize(deserializer)?;
    let read = |(i, table): (usize, toml::Table)| {
        Step::deserialize(table)
            .map_err(|e| serde::de::Error::custom(format!("step {}: {}", i + 1, e.message())))
    };
    tables.into_iter().enumerate().map(read).collect()
}

/// How the bytes of a file become pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Decode {
    /// Which decoder reads JPEG; `libjpeg-turbo` when absent in TOML.
    #[serde(default = "exact")]
    pub jpeg: JpegDecoder,
    /// Whose rules turn gray, alpha, palette, 16-bit and CMYK pixels into 8-bit ones.
    pub pixels: PixelRules,
    /// Whether the picture is turned as its EXIF tag says.
    pub orientation: Orientation,
    /// Largest number of pixels a picture may have, checked on its header before any allocation;
    /// [`DEFAULT_MAX_PIXELS`] when absent in TOML.
    #[serde(default = "default_max_pixels")]
    pub max_pixels: u64,
    /// How much smaller a JPEG is decoded; as stored when absent in TOML.
    #[serde(default = "as_stored")]
    pub dct_scale: DctScale,
}

impl Decode {
    /// `cv2.imread`.
    pub const OPENCV: Self = Self {
        jpeg: JpegDecoder::LibjpegTurbo,
        pixels: PixelRules::Opencv,
        orientation: Orientation::Exif,
        max_pixels: DEFAULT_MAX_PIXELS,
        dct_scale: DctScale::Full,
    };

    /// `Image.open(…).convert(…)` of Pillow.
    pub const PILLOW: Self =
        Self { pixels: PixelRules::Pillow, orientation: Orientation::Stored, ..Self::OPENCV };

    pub(super) fn check(&self) -> Result<(), StepError> {
        const MOST: u64 = (MAX_PICTURE_SIDE_PX as u64).pow(2);
        if self.dct_scale != DctScale::Full && self.jpeg != JpegDecoder::LibjpegTurbo {
            return Err(StepError::CannotScale { jpeg: self.jpeg });
        }
        match self.max_pixels {
            1..=MOST => Ok(()),
            pixels => Err(StepError::BadMaxPixels { pixels, most: MOST }),
        }
    }
}

fn exact() -> JpegDecoder {
    JpegDecoder::LibjpegTurbo
}

fn as_stored() -> DctScale {
    DctScale::Full
}

fn default_max_pixels() -> u64 {
    DEFAULT_MAX_PIXELS
}

/// The one size that pictures may have; another is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Width and height.
    pub size: Size,
}

/// Which part of the picture is kept, always from its middle.
///
/// In TOML `size`, or `fraction`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CropFields", into = "CropFields")]
pub enum Crop {
    /// A part of this size; what the picture lacks is filled with 0, as torchvision does.
    Size {
        /// Width and height of the part.
        size: Size,
        /// Where it begins; `centre` when absent in TOML.
        anchor: CropAnchor,
    },
    /// This fraction of both sides, above 0 and at most 1: without `int((n - n * fraction) / 2)`
    /// pixels at each end, as `tf.image.central_crop`.
    #[doc(alias = "central_crop")]
    Fraction(f64),
}

/// The size that the picture gets, and the kernel that interpolates.
///
/// In TOML one of `to`, `shorter-side`, `longer-side`, `within`, `line`, `limit-side` and
/// `shortest-edge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ResizeFields", into = "ResizeFields")]
pub struct Resize {
    /// The size.
    pub target: Target,
    /// The kernel.
    pub filter: Filter,
}

/// The size that a picture of `w` × `h` pixels is resized to; no side is made shorter than 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Width and height each, whatever the picture's shape.
    To(Size),
    /// The shorter side gets a length, and the other follows: `side * long / short` cut, as
    /// torchvision's `Resize`, `side * (long / short)` rounded up, or `long * (side / short)` to the
    /// nearest.
    ShorterSide {
        /// The length.
        side: u32,
        /// How the other side is rounded; `down` when absent in TOML.
        rounding: Rounding,
    },
    /// The longer side gets a length, and the other follows: `side * short / long` cut,
    /// `side * (short / long)` rounded up, or `short * (side / long)` to the nearest.
    LongerSide {
        /// The length.
        side: u32,
        /// How the other side is rounded; `half-up`, as Segment Anything does, when absent in TOML.
        rounding: Rounding,
    },
    /// As large as it fits: both sides times `min(W / w, H / h)`.
    Within {
        /// What it has to fit into.
        size: Size,
        /// How both sides are rounded; `half-even`, as Ultralytics does, when absent in TOML.
        rounding: Rounding,
    },
    /// A line of text: the height is that of `size`, and the width follows, at most that of `size`,
    /// where a longer line is narrowed.
    Line {
        /// The height, and the largest width.
        size: Size,
        /// How the width is rounded; `ceil`, as PaddleOCR's `resize_norm_img` does, when absent in
        /// TOML.
        rounding: Rounding,
    },
    /// No side longer than a limit: both times `side / max(w, h)` and cut where one is, as they are
    /// where none is; then each to the nearest multiple, a half to the even one, at least to one.
    ///
    /// It is `resize_image_type0` of PaddleOCR with `limit_type="max"`.
    #[doc(alias = "limit_side_len")]
    Limit {
        /// The longest side, a multiple of `multiple`.
        side: u32,
        /// What the network divides both sides by.
        multiple: u32,
    },
    /// The shorter side gets a length, or less where the longer one would be longer than its own:
    /// `get_size_with_aspect_ratio` of transformers, after DETR.
    ///
    /// A picture whose shorter side has that length already stays as it is.
    Edges {
        /// The length of the shorter side: `shortest-edge` in TOML.
        shortest: u32,
        /// The greatest length of the longer side: `longest-edge`.
        longest: u32,
    },
}

/// Bars around the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PadFields", into = "PadFields")]
pub struct Pad {
    /// The size with the bars.
    pub to: PadTo,
    /// Where the picture lies; `centre` when absent in TOML.
    pub anchor: PadAnchor,
    /// What the bars hold.
    pub fill: Fill,
}

/// The size that a picture has with its bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PadTo {
    /// `size` in TOML.
    Size(Size),
    /// Both sides to the next multiple: `multiple` in TOML.
    Multiple(u32),
}

/// What bars hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// A pixel value, the same in every channel: `fill` in TOML.
    Pixel(u8),
    /// A value of the tensor, as of bars that are added after normalising: `fill-normalised`.
    Normalised(f32),
}

/// From a pixel value `x` (0 to 255) to `(x · scale − mean) / std`, computed in the order and the
/// precision of the arithmetic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// Channels of the tensor and their order.
    pub color: Color,
    /// What a pixel value is multiplied with first.
    pub scale: Scale,
    /// What is subtracted then: one value, or one for each channel in the tensor's order.
    pub mean: Vec<f64>,
    /// What is divided by last: one value, or one for each channel in the tensor's order.
    pub std: Vec<f64>,
    /// Order and precision of the floating-point operations.
    pub arithmetic: Arithmetic,
}

impl Normalise {
    pub(super) fn check(&self) -> Result<(), StepError> {
        let (Scale::Times(factor) | Scale::Over(factor)) = self.scale;
        if !factor.is_finite() || factor == 0.0 {
            return Err(StepError::BadNumber { field: "scale", value: factor });
        }
        let channels = self.color.channels();
        for (field, values) in [("mean", &self.mean), ("std", &self.std)] {
            let found = values.len();
            if found != 1 && found != channels {
                return Err(StepError::ChannelCount { field, found, color: self.color, channels });
            }
            let bad = |v: &&f64| !v.is_finite() || (field == "std" && **v == 0.0);
            if let Some(&value) = values.iter().find(bad) {
                return Err(StepError::BadNumber { field, value });
            }
        }
        Ok(())
    }
}

/// [`Crop`] as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CropFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<CropAnchor>,
}

impl TryFrom<CropFields> for Crop {
    type Error = StepError;

    fn try_from(fields: CropFields) -> Result<Self, StepError> {
        match fields {
            CropFields { size: Some(size), fraction: None, anchor } => {
                Ok(Self::Size { size, anchor: anchor.unwrap_or(CropAnchor::Centre) })
            }
            CropFields { size: None, fraction: Some(fraction), anchor: None } => {
                Ok(Self::Fraction(fraction))
            }
            CropFields { fraction: Some(_), anchor: Some(_), .. } => {
                Err(StepError::Superfluous { field: "anchor", beside: "fraction" })
            }
            _ => Err(StepError::OneOf { fields: "`size` and `fraction`" }),
        }
    }
}

impl From<Crop> for CropFields {
    fn from(crop: Crop) -> Self {
        match crop {
            Crop::Size { size, anchor } => {
                Self { size: Some(size), anchor: Some(anchor), fraction: None }
            }
            Crop::Fraction(fraction) => Self { fraction: Some(fraction), ..Self::default() },
        }
    }
}

/// [`Resize`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ResizeFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shorter_side: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longer_side: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_side: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shortest_edge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_edge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rounding: Option<Rounding>,
    filter: Filter,
}

impl TryFrom<ResizeFields> for Resize {
    type Error = StepError;

    fn try_from(fields: ResizeFields) -> Result<Self, StepError> {
        let ResizeFields { to, shorter_side, longer_side, within, line, .. } = fields;
        let ResizeFields { limit_side, multiple, shortest_edge, longest_edge, .. } = fields;
        let ResizeFields { rounding, filter, .. } = fields;
        let or = |usual: Rounding| rounding.unwrap_or(usual);
        let targets = [
            to.map(Target::To),
            shorter_side.map(|side| Target::ShorterSide { side, rounding: or(Rounding::Down) }),
            longer_side.map(|side| Target::LongerSide { side, rounding: or(Rounding::HalfUp) }),
            within.map(|size| Target::Within { size, rounding: or(Rounding::HalfEven) }),
            line.map(|size| Target::Line { size, rounding: or(Rounding::Ceil) }),
            limit_side.map(|side| Target::Limit { side, multiple: multiple.unwrap_or(1) }),
            shortest_edge
                .zip(longest_edge)
                .map(|(shortest, longest)| Target::Edges { shortest, longest }),
        ];
        if shortest_edge.is_some() != longest_edge.is_some() {
            return Err(StepError::Pair { fields: "`shortest-edge` and `longest-edge`" });
        }
        let mut targets = targets.into_iter().flatten();
        let (Some(target), None) = (targets.next(), targets.next()) else {
            let fields = "`to`, `shorter-side`, `longer-side`, `within`, `line`, `limit-side` and `shortest-edge`";
            return Err(StepError::OneOf { fields });
        };
        let superfluous = |field, beside| Err(StepError::Superfluous { field, beside });
        match target {
            Target::To(_) | Target::Limit { .. } | Target::Edges { .. } if rounding.is_some() => {
                superfluous("rounding", target.field())
            }
            Target::Limit { .. } => Ok(Self { target, filter }),
            other if multiple.is_some() => superfluous("multiple", other.field()),
            _ => Ok(Self { target, filter }),
        }
    }
}

impl Target {
    /// Returns the field of TOML that says it.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::To(_) => "to",
            Self::ShorterSide { .. } => "shorter-side",
            Self::LongerSide { .. } => "longer-side",
            Self::Within { .. } => "within",
            Self::Line { .. } => "line",
            Self::Limit { .. } => "limit-side",
            Self::Edges { .. } => "shortest-edge",
        }
    }

    /// Returns how it rounds, where a recipe has a say in that.
    pub(crate) fn rounding_mut(&mut self) -> Option<&mut Rounding> {
        match self {
            Self::ShorterSide { rounding, .. }
            | Self::LongerSide { rounding, .. }
            | Self::Within { rounding, .. }
            | Self::Line { rounding, .. } => Some(rounding),
            Self::To(_) | Self::Limit { .. } | Self::Edges { .. } => None,
        }
    }
}

impl From<Resize> for ResizeFields {
    fn from(Resize { mut target, filter }: Resize) -> Self {
        let none = Self {
            to: None,
            shorter_side: None,
            longer_side: None,
            within: None,
            line: None,
            limit_side: None,
            multiple: None,
            shortest_edge: None,
            longest_edge: None,
            rounding: target.rounding_mut().copied(),
            filter,
        };
        match target {
            Target::To(size) => Self { to: Some(size), ..none },
            Target::ShorterSide { side, .. } => Self { shorter_side: Some(side), ..none },
            Target::LongerSide { side, .. } => Self { longer_side: Some(side), ..none },
            Target::Within { size, .. } => Self { within: Some(size), ..none },
            Target::Line { size, .. } => Self { line: Some(size), ..none },
            Target::Limit { side, multiple } => {
                Self { limit_side: Some(side), multiple: Some(multiple), ..none }
            }
            Target::Edges { shortest, longest } => {
                Self { shortest_edge: Some(shortest), longest_edge: Some(longest), ..none }
            }
        }
    }
}

/// [`Pad`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PadFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multiple: Option<u32>,
    anchor: Option<PadAnchor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill_normalised: Option<f32>,
}

impl TryFrom<PadFields> for Pad {
    type Error = StepError;

    fn try_from(fields: PadFields) -> Result<Self, StepError> {
        let to = match (fields.size, fields.multiple) {
            (Some(size), None) => PadTo::Size(size),
            (None, Some(multiple)) => PadTo::Multiple(multiple),
            _ => return Err(StepError::OneOf { fields: "`size` and `multiple`" }),
        };
        let fill = match (fields.fill, fields.fill_normalised) {
            (Some(value), None) => Fill::Pixel(value),
            (None, Some(value)) => Fill::Normalised(value),
            _ => return Err(StepError::OneOf { fields: "`fill` and `fill-normalised`" }),
        };
        Ok(Self { to, anchor: fields.anchor.unwrap_or(PadAnchor::Centre), fill })
    }
}

impl From<Pad> for PadFields {
    fn from(pad: Pad) -> Self {
        let (size, multiple) = match pad.to {
            PadTo::Size(size) => (Some(size), None),
            PadTo::Multiple(multiple) => (None, Some(multiple)),
        };
        let (fill, fill_normalised) = match pad.fill {
            Fill::Pixel(value) => (Some(value), None),
            Fill::Normalised(value) => (None, Some(value)),
        };
        Self { size, multiple, anchor: Some(pad.anchor), fill, fill_normalised }
    }
}
