//! What can be wrong with a recipe, and what can be wrong with a picture.

use std::num::ParseFloatError;

use crate::decode::Format;
use crate::preset::Preset;
use crate::recipe::{Color, MAX_PICTURE_SIDE_PX, MAX_SIDE_PX, Size};

/// A recipe that cannot be used; found before any picture is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Neither a preset nor complete settings were given.
    #[error("no preset given; choose one of:\n{}", Preset::listing())]
    NoPreset,
    /// The preset's name is none of ours.
    #[error("there is no preset `{name}`; choose one of:\n{}", Preset::listing())]
    UnknownPreset {
        /// The name as given.
        name: String,
    },
    /// A field that has no value anywhere.
    #[error("the recipe has no `{field}`: give --{field}, or `{field} = …` in the TOML file")]
    Missing {
        /// The field as TOML and flags spell it.
        field: &'static str,
    },
    /// A word that is none of the values of its field.
    #[error("`{text}` is no {what}; known are {}", .known.join(", "))]
    UnknownWord {
        /// The field.
        what: &'static str,
        /// The word as given.
        text: String,
        /// The words that would do.
        known: &'static [&'static str],
    },
    /// A size that is not `WxH`.
    #[error("`{text}` is no size: write WxH in pixels, as in 224x224")]
    BadSize {
        /// The text as given.
        text: String,
    },
    /// A scale that is neither a number nor `1/number`.
    #[error("`{text}` is no scale: write a number, or 1/255 to divide by 255")]
    BadScale {
        /// The text as given.
        text: String,
        /// What the number's parser says.
        source: ParseFloatError,
    },
    /// A side of zero or beyond the limit.
    #[error("{field} of {side} px is out of range: 1 to {MAX_SIDE_PX}")]
    SideOutOfRange {
        /// The field.
        field: &'static str,
        /// The side as given.
        side: u32,
    },
    /// `max-pixels = 0`.
    #[error("max-pixels of 0 refuses every picture")]
    NoPixelsAllowed,
    /// A number that is not finite, or zero where one divides by it.
    #[error("{field} cannot be {value}")]
    BadNumber {
        /// The field.
        field: &'static str,
        /// The number as given.
        value: f64,
    },
    /// `mean` or `std` of another length than the channels.
    #[error(
        "{field} has {found} values, but {color} has {channels} channels: give 1 or {channels} values with --{field}"
    )]
    ChannelCount {
        /// The field.
        field: &'static str,
        /// How many values it has.
        found: usize,
        /// The recipe's colour.
        color: Color,
        /// How many channels that colour has.
        channels: usize,
    },
    /// A decoder that is no processor's.
    #[error("the decoder `nvjpeg` needs a GPU: give --decode cuda, or take another decoder")]
    NeedsGpu,
    /// TOML that does not parse, or has a field that a recipe has not.
    #[error("the preprocessing file does not parse")]
    Toml(#[from] toml::de::Error),
}

/// A picture that gives no tensor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The first bytes are those of no picture format we know.
    #[error(
        "not a picture: the first bytes {start:02x?} are of no known format (JPEG, PNG, WebP and BMP are read)"
    )]
    UnknownFormat {
        /// Up to eight bytes from the beginning.
        start: Vec<u8>,
    },
    /// A picture, in a format that is not read.
    #[error("{name} pictures are not read: convert to JPEG, PNG, WebP or BMP")]
    UnsupportedFormat {
        /// The format's name.
        name: &'static str,
    },
    /// A width or height of zero.
    #[error("the header claims a picture of {size} px")]
    NoPixels {
        /// The size that the header claims.
        size: Size,
    },
    /// A picture so long that no recipe takes it, told by the header.
    #[error("the header claims {size} px, and no side may be longer than {MAX_PICTURE_SIDE_PX} px")]
    SideTooLong {
        /// The size that the header claims.
        size: Size,
    },
    /// More pixels than the recipe allows, told by the header.
    #[error("the header claims {size} px, {} pixels, above the limit of {max_pixels} (raise max-pixels if the picture is genuine)", .size.pixels())]
    TooManyPixels {
        /// The size that the header claims.
        size: Size,
        /// The recipe's limit.
        max_pixels: u64,
    },
    /// The JPEG decoder refused the data: damaged, truncated or of an unsupported kind.
    #[error("the JPEG data cannot be decoded")]
    Jpeg(#[source] Box<libjpeg_turbo_rs::JpegError>),
    /// The data of a baseline JPEG is damaged or truncated.
    #[error("the JPEG data cannot be decoded")]
    JpegData(#[from] calibrant_jpeg::Error),
    /// The decoder of another format refused the data.
    #[error("the {format} data cannot be decoded")]
    Picture {
        /// The format.
        format: Format,
        /// What its decoder says.
        source: Box<image::ImageError>,
    },
    /// A kind of pixel that the rules do not cover.
    #[error("{format} pixels of kind {kind} are not supported: convert the picture to 8-bit RGB")]
    UnsupportedPixels {
        /// The format.
        format: Format,
        /// The kind of pixel as the decoder calls it.
        kind: String,
    },
    /// The decoder panicked; the picture is to blame and no state is kept.
    #[error("the {format} decoder panicked: {message}")]
    DecoderPanicked {
        /// The format.
        format: Format,
        /// The panic's message.
        message: String,
    },
    /// `resize = "none"` and a picture of another size.
    #[error(
        "the picture is {found} px and the recipe takes {expected} px without resizing: choose --resize stretch, shorter-crop or letterbox"
    )]
    WrongSize {
        /// The tensor's size.
        expected: Size,
        /// The picture's size.
        found: Size,
    },
    /// The resampler refused the sizes.
    #[error("the picture of {found} px cannot be resized")]
    Resize {
        /// The picture's size.
        found: Size,
        /// What the resampler says.
        source: crate::resize::FirError,
    },
    /// Pixels of the caller's own that are not as many as their size says.
    #[error("{size} px of {channels} channels take {expected} bytes, and there are {found}")]
    PixelCount {
        /// The picture's size.
        size: Size,
        /// 1 or 3.
        channels: usize,
        /// Width × height × channels.
        expected: usize,
        /// The length of the slice.
        found: usize,
    },
    /// A [`Preprocess`](crate::Preprocess) of the caller's own says why.
    #[error(transparent)]
    Custom(Box<dyn std::error::Error + Send + Sync>),
    /// The caller's slice has another length than the tensor.
    #[error("the output slice has {found} values, the tensor has {expected}")]
    WrongLength {
        /// Channels × height × width.
        expected: usize,
        /// The length of the slice.
        found: usize,
    },
}
