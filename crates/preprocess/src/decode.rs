//! From bytes to 8-bit pixels: the format by its first bytes, the size checked before any
//! allocation, panics of the decoders caught.

mod jpeg;
mod layout;
mod luma;
mod raster;
mod turn;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calibrant_jpeg::Region;

use crate::error::PreprocessError;
use crate::recipe::{JpegDecoder, MAX_PICTURE_SIDE_PX, Orientation, PixelRules, Size};
use crate::resize::View;

/// A picture format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG; of an animation the default picture.
    Png,
    /// WebP; of an animation the first frame.
    WebP,
    /// Windows bitmap.
    Bmp,
}

impl Format {
    /// Returns the format that the first bytes announce; names and extensions do not matter.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::Empty`], [`PreprocessError::UnsupportedFormat`] or
    /// [`PreprocessError::UnknownFormat`].
    pub fn of(encoded: &[u8]) -> Result<Self, PreprocessError> {
        let named = |name| Err(PreprocessError::UnsupportedFormat { name });
        match encoded {
            [] => Err(PreprocessError::Empty),
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            [b'B', b'M', ..] => Ok(Self::Bmp),
            [b'G', b'I', b'F', b'8', ..] => named("GIF"),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => named("TIFF"),
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => {
                named("AVIF")
            }
            [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => named("HEIF"),
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => named("JPEG 2000"),
            [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => named("JPEG XL"),
            _ => Err(PreprocessError::UnknownFormat {
                start: encoded[..encoded.len().min(8)].to_vec(),
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
        })
    }
}

/// What a recipe asks of the decoders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) decoder: JpegDecoder,
    pub(crate) pixels: PixelRules,
    pub(crate) orientation: Orientation,
    pub(crate) max_pixels: u64,
    pub(crate) gray: bool,
}

impl Request {
    /// Refuses a size before anything is allocated for it.
    fn admit(&self, width: usize, height: usize) -> Result<Size, PreprocessError> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let size = Size::new(side(width), side(height));
        match size.pixels() {
            0 => Err(PreprocessError::NoPixels { size }),
            pixels if pixels > self.max_pixels => {
                Err(PreprocessError::TooManyPixels { size, max_pixels: self.max_pixels })
            }
            _ if size.width.max(size.height) > MAX_PICTURE_SIDE_PX => {
                Err(PreprocessError::SideTooLong { size })
            }
            _ => Ok(size),
        }
    }
}

/// Tells which part of an upright picture of some size will be read, by making the region that
/// part; returns whether that is worth the trouble, and otherwise the whole picture is made.
pub(crate) type Part<'a> = dyn Fn(Size, &mut Region) -> bool + 'a;

/// Pixel buffers kept between pictures.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    jpeg: jpeg::Buffers,
    decoded: Vec<u8>,
    turned: Vec<u8>,
}

/// A picture as its decoder left it in the first bytes of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decoded {
    size: Size,
    /// 1 or 3, interleaved; 3 are red, green, blue.
    channels: usize,
    /// The EXIF tag, 1 to 8.
    orientation: u8,
}

/// Decodes a picture of any format into `buffers` and returns a view of its upright pixels.
///
/// A gray picture has one channel; a colour picture three, or one of luma when gray is requested.
/// Outside of the part that will be read the pixels may be anything.
///
/// # Errors
///
/// [`PreprocessError`] for anything but a whole, undamaged picture within the limit.
pub(crate) fn decode<'a>(
    encoded: &[u8],
    request: &Request,
    part: &Part<'_>,
    buffers: &'a mut Buffers,
) -> Result<View<'a>, PreprocessError> {
    let format = Format::of(encoded)?;
    let Buffers { jpeg: of_jpeg, decoded: buffer, .. } = buffers;
    // A panic may leave any bytes in the buffer; every decode overwrites all that it reports.
    let decoded = catch_unwind(AssertUnwindSafe(|| match (format, request.decoder) {
        (Format::Jpeg, JpegDecoder::LibjpegTurbo) => {
            jpeg::decode(encoded, request, part, of_jpeg, buffer)
        }
        _ => raster::decode(format, encoded, request, buffer),
    }))
    .unwrap_or_else(|panic| {
        Err(PreprocessError::DecoderPanicked { format, message: message(panic.as_ref()) })
    })?;
    let len = decoded.size.area() * decoded.channels;
    let stored =
        View { data: &buffers.decoded[..len], size: decoded.size, channels: decoded.channels };
    Ok(match request.orientation {
        Orientation::Exif if decoded.orientation != 1 => {
            turn::upright(stored, decoded.orientation, &mut buffers.turned)
        }
        Orientation::Exif | Orientation::Stored => stored,
    })
}

/// Returns pixels that were decoded elsewhere, as luma where gray is requested.
pub(crate) fn adopt<'a>(stored: View<'a>, request: &Request, buffers: &'a mut Buffers) -> View<'a> {
    if !request.gray || stored.channels == 1 {
        return stored;
    }
    let pixels = room(&mut buffers.decoded, stored.data.len());
    pixels.copy_from_slice(stored.data);
    let luma = luma::Luma::of_pixels(request.pixels);
    let channels =
        layout::narrow_channels(pixels, layout::Layout::Rgb, request.pixels, Some(&luma));
    View { data: &pixels[..stored.size.area() * channels], channels, ..stored }
}

/// Buffers above this are given back before a smaller picture, so that one large photograph does
/// not stay in every worker's memory.
const KEEP_BYTES: usize = 64 << 20;

/// Returns the first `len` bytes of the buffer, grown as needed; they hold anything.
fn room(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() > KEEP_BYTES && len <= KEEP_BYTES {
        *buffer = Vec::new();
    }
    if buffer.len() < len {
        // What was there is of no use: do not copy it into a larger place.
        if buffer.capacity() < len {
            *buffer = Vec::new();
        }
        buffer.resize(len, 0);
    }
    &mut buffer[..len]
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
