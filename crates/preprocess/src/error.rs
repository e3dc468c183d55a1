//! What can be wrong with a picture.

use crate::decode::Format;
use crate::recipe::{MAX_PICTURE_SIDE_PX, Size};

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
    /// The PNG decoder refused the data: damaged, truncated or with a wrong checksum.
    #[error("the PNG data cannot be decoded")]
    Png(#[source] Box<png::DecodingError>),
    /// The decoder of another format refused the data.
    #[error("the {format} data cannot be decoded")]
    Picture {
        /// What the first bytes say it is.
        format: Format,
        /// What its decoder says.
        source: Box<image::ImageError>,
    },
    /// A kind of pixel that the rules do not cover.
    #[error("{format} pixels of kind {kind} are not supported: convert the picture to 8-bit RGB")]
    UnsupportedPixels {
        /// What the first bytes say it is.
        format: Format,
        /// The kind of pixel as the decoder calls it.
        kind: String,
    },
    /// The decoder panicked; the picture is to blame and no state is kept.
    #[error("the {format} decoder panicked: {message}")]
    DecoderPanicked {
        /// What the first bytes say it is.
        format: Format,
        /// The panic's message.
        message: String,
    },
    /// A picture of another size than the step `expect` names.
    #[error(
        "the picture is {found} px and the recipe expects {expected} px: choose the geometry `stretch`, `shorter-crop` or `letterbox`, with a filter"
    )]
    WrongSize {
        /// The size that pictures may have.
        expected: Size,
        /// The picture's size.
        found: Size,
    },
    /// A crop before the resize that the picture cannot fill.
    #[error(
        "the picture is {found} px, too small for the crop to {crop} px that is resized: crop by a `fraction`, or after the resize"
    )]
    TooSmall {
        /// The size of the crop.
        crop: Size,
        /// The picture's size.
        found: Size,
    },
    /// A picture that is larger when it is resized than the tensor with its bars.
    #[error(
        "the picture of {found} px becomes {scaled} px, larger than the {size} px of the tensor: pad to a larger size"
    )]
    TooLarge {
        /// The picture's size.
        found: Size,
        /// Its size when it is resized.
        scaled: Size,
        /// The tensor's size.
        size: Size,
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
