//! PNG, WebP and BMP through the `image` crate, and JPEG where the recipe asks for its decoder.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::{Decoded, Format, Request, room};
use crate::error::PreprocessError;

/// What a decoder may allocate beside the pixels that it is given room for.
const MAX_DECODER_BYTES: u64 = 384 << 20;

/// Where the first chunk of a PNG states its colour type; 0 is gray without an alpha channel.
const PNG_COLOR_TYPE: usize = 25;

/// Decodes to red, green, blue or to gray.
pub(super) fn decode(
    format: Format,
    encoded: &[u8],
    request: &Request<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let failed = |source| PreprocessError::Picture { format, source: Box::new(source) };
    let input = Cursor::new(encoded);
    let mut gamma = None;
    let mut decoder: Box<dyn ImageDecoder + '_> = match format {
        Format::Jpeg => {
            ends(encoded)?;
            Box::new(JpegDecoder::new(input).map_err(failed)?)
        }
        Format::Png => {
            gamma = stated_gamma(encoded);
            Box::new(PngDecoder::with_limits(input, limits()).map_err(failed)?)
        }
        Format::WebP => Box::new(WebPDecoder::new(input).map_err(failed)?),
        Format::Bmp => Box::new(BmpDecoder::new(input).map_err(failed)?),
    };
    let (width, height) = decoder.dimensions();
    let size = request.admit(width as usize, height as usize)?;
    decoder.set_limits(limits()).map_err(failed)?;
    let layout = match decoder.color_type() {
        ColorType::La16 if format == Format::Png && encoded.get(PNG_COLOR_TYPE) == Some(&0) => {
            Layout::KeyedGray16
        }
        color => Layout::of(color).ok_or_else(|| PreprocessError::UnsupportedPixels {
            format,
            kind: format!("{color:?}"),
        })?,
    };
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms).to_exif();
    let pixels = room(buffer, size.area() * layout.bytes_per_pixel());
    decoder.read_image(pixels).map_err(failed)?;
    let luma = request.gray.then(|| Luma::of(format, request.pixels, gamma));
    let channels = narrow_channels(pixels, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    limits
}

/// Returns the gamma that a PNG states before its pixels, in hundred-thousandths.
///
/// An `sRGB` chunk outweighs a `gAMA` chunk. (The decoder parses them and does not tell.)
fn stated_gamma(encoded: &[u8]) -> Option<u32> {
    const SIGNATURE_BYTES: usize = 8;
    const SRGB_GAMMA: u32 = 45_455;
    let mut gamma = None;
    let mut rest = encoded.get(SIGNATURE_BYTES..)?;
    while let Some((&[a, b, c, d, ref kind @ ..], data)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        match (kind, data) {
            (b"IDAT", _) => break,
            (b"sRGB", _) => return Some(SRGB_GAMMA),
            (b"gAMA", &[a, b, c, d, ..]) => gamma = Some(u32::from_be_bytes([a, b, c, d])),
            _ => {}
        }
        // Past the data and its checksum.
        rest = data.get(length.saturating_add(4)..)?;
    }
    gamma
}

/// Refuses a JPEG without an end: the `image` crate's decoder fills what is missing with gray.
fn ends(encoded: &[u8]) -> Result<(), PreprocessError> {
    if encoded.windows(2).any(|pair| pair == [0xff, 0xd9]) {
        return Ok(());
    }
    let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    Err(PreprocessError::Picture {
        format: Format::Jpeg,
        source: Box::new(ImageError::IoError(cut)),
    })
}
