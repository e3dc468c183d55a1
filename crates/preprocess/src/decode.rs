//! From bytes to rows of 8-bit pixels: the format by its first bytes, the size checked before any
//! allocation, panics of the decoders caught.

mod jpeg;
mod layout;
mod luma;
mod png;
mod raster;
mod turn;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calibrant_jpeg::{ROW_SLACK, Reduction, Region};

use crate::error::PreprocessError;
use crate::geometry::Geometry;
use crate::recipe::{DctScale, JpegDecoder, MAX_PICTURE_SIDE_PX, Orientation, PixelRules, Size};
use crate::resize::{Rows, View};

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
pub(crate) struct Request<'a> {
    pub(crate) decoder: JpegDecoder,
    pub(crate) pixels: PixelRules,
    pub(crate) orientation: Orientation,
    pub(crate) max_pixels: u64,
    pub(crate) gray: bool,
    /// How a JPEG may be decoded smaller than it is stored.
    pub(crate) scaling: Option<Scaling<'a>>,
}

/// What the size that a JPEG is decoded to depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scaling<'a> {
    pub(crate) scale: DctScale,
    pub(crate) geometry: &'a Geometry,
}

impl Request<'_> {
    /// Returns how much smaller a JPEG of a stored size and an EXIF tag is decoded.
    fn reduction(&self, stored: Size, orientation: u8) -> Option<Reduction> {
        let Scaling { scale, geometry } = self.scaling?;
        let upright = match (self.orientation, orientation) {
            (Orientation::Exif, 5..=8) => Size::new(stored.height, stored.width),
            _ => stored,
        };
        geometry.reduction(scale, upright)
    }

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

/// What decoding keeps between pictures.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    jpeg: calibrant_jpeg::Decoder,
    decoded: Vec<u8>,
    turned: Vec<u8>,
    last_row: Vec<u8>,
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

/// An upright picture whose size is known and whose rows can be had once, from the top.
///
/// A gray picture has one channel; a colour picture three, or one of luma when gray is requested.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    origin: Origin<'a>,
    last_row: &'a mut Vec<u8>,
}

/// Where the rows come from.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each picture")]
enum Origin<'a> {
    /// From memory.
    Pixels(View<'a>),
    /// From the data, as they are decoded.
    Jpeg(jpeg::Common<'a>),
}

/// Reads as much of a picture as it takes to know its size: a JPEG's header, or everything.
///
/// # Errors
///
/// [`PreprocessError`] for anything but a picture within the limit; what is not read yet may still
/// be damaged.
pub(crate) fn open<'a>(
    encoded: &'a [u8],
    request: &Request<'_>,
    buffers: &'a mut Buffers,
) -> Result<Source<'a>, PreprocessError> {
    let format = Format::of(encoded)?;
    let Buffers { jpeg, decoded: buffer, turned, last_row } = buffers;
    // A panic may leave any bytes in the buffer; every decode overwrites all that it reports.
    let opened = caught(format, || match (format, request.decoder) {
        (Format::Jpeg, JpegDecoder::LibjpegTurbo) => jpeg::open(encoded, request, jpeg, buffer),
        _ => raster::decode(format, encoded, request, buffer).map(jpeg::Opened::Decoded),
    })?;
    let Decoded { size, channels, orientation } = match opened {
        jpeg::Opened::Common(picture) => {
            return Ok(Source { origin: Origin::Jpeg(picture), last_row });
        }
        jpeg::Opened::Decoded(decoded) => decoded,
    };
    let stored = View { data: &buffer[..size.area() * channels], size, channels };
    let upright = match request.orientation {
        Orientation::Exif if orientation != 1 => turn::upright(stored, orientation, turned),
        Orientation::Exif | Orientation::Stored => stored,
    };
    Ok(Source { origin: Origin::Pixels(upright), last_row })
}

/// Takes pixels that were decoded elsewhere, as luma where gray is requested.
pub(crate) fn adopt<'a>(
    stored: View<'a>,
    request: &Request<'_>,
    buffers: &'a mut Buffers,
) -> Source<'a> {
    let Buffers { decoded, last_row, .. } = buffers;
    if !request.gray || stored.channels == 1 {
        return Source { origin: Origin::Pixels(stored), last_row };
    }
    let pixels = room(decoded, stored.data.len());
    pixels.copy_from_slice(stored.data);
    let luma = luma::Luma::of_pixels(request.pixels);
    let channels =
        layout::narrow_channels(pixels, layout::Layout::Rgb, request.pixels, Some(&luma));
    let data = &pixels[..stored.size.area() * channels];
    Source { origin: Origin::Pixels(View { data, channels, ..stored }), last_row }
}

impl Source<'_> {
    pub(crate) fn size(&self) -> Size {
        match &self.origin {
            Origin::Pixels(view) => view.size,
            Origin::Jpeg(picture) => picture.size(),
        }
    }

    pub(crate) fn channels(&self) -> usize {
        match &self.origin {
            Origin::Pixels(view) => view.channels,
            Origin::Jpeg(picture) => picture.channels(),
        }
    }

    /// Calls `row` with the region's rows and [`ROW_SLACK`] bytes behind each.
    ///
    /// Outside of the region's columns the pixels may be anything.
    ///
    /// # Errors
    ///
    /// [`PreprocessError`] for a damaged picture; rows may have been given before that is found.
    pub(crate) fn rows(self, region: &Region, row: &mut Rows<'_>) -> Result<(), PreprocessError> {
        match self.origin {
            Origin::Jpeg(picture) => caught(Format::Jpeg, || picture.rows(region, row)),
            Origin::Pixels(view) => {
                let stride = view.size.width as usize * view.channels;
                for (y, bytes) in view.data.chunks_exact(stride).enumerate() {
                    if !region.wants_row(y) {
                        continue;
                    }
                    match view.data.get(y * stride..(y + 1) * stride + ROW_SLACK) {
                        Some(bytes) => row(y, bytes),
                        None => {
                            self.last_row.clear();
                            self.last_row.extend_from_slice(bytes);
                            self.last_row.resize(stride + ROW_SLACK, 0);
                            row(y, self.last_row);
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// Reads the whole picture for its errors alone.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub(crate) fn check(self) -> Result<(), PreprocessError> {
        let Size { width, height } = self.size();
        let mut nothing = Region::new();
        nothing.clear(width, height);
        self.rows(&nothing, &mut |_, _| {})
    }
}

/// Runs a decoder; its panic becomes an error.
fn caught<T>(
    format: Format,
    decode: impl FnOnce() -> Result<T, PreprocessError>,
) -> Result<T, PreprocessError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        Err(PreprocessError::DecoderPanicked { format, message: message(panic.as_ref()) })
    })
}

/// Buffers above this are given back before a smaller picture, so that one large photograph does
/// not stay in every worker's memory.
pub(crate) const KEEP_BYTES: usize = 64 << 20;

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
