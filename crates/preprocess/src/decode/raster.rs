//! WebP and BMP through the `image` crate, and JPEG where the recipe asks for its decoder.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageError, Limits};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::{Decoded, Format, Request, png, room};
use crate::error::PreprocessError;

/// What a decoder may allocate beside the pixels that it is given room for.
pub(super) const MAX_DECODER_BYTES: usize = 384 << 20;

/// Decodes to red, green, blue or to gray.
pub(super) fn decode(
    format: Format,
    encoded: &[u8],
    request: &Request<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let failed = |source| PreprocessError::Picture { format, source: Box::new(source) };
    let input = Cursor::new(encoded);
    let mut decoder: Box<dyn ImageDecoder + '_> = match format {
        Format::Jpeg => {
            ends(encoded)?;
            Box::new(JpegDecoder::new(input).map_err(failed)?)
        }
        Format::Png => return png::decode(encoded, request, buffer),
        Format::WebP => Box::new(WebPDecoder::new(input).map_err(failed)?),
        Format::Bmp => Box::new(BmpDecoder::new(input).map_err(failed)?),
    };
    let (width, height) = decoder.dimensions();
    let size = request.admit(width as usize, height as usize)?;
    decoder.set_limits(limits()).map_err(failed)?;
    let color = decoder.color_type();
    let layout = Layout::of(color)
        .ok_or_else(|| PreprocessError::UnsupportedPixels { format, kind: format!("{color:?}") })?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms).to_exif();
    let pixels = room(buffer, size.area() * layout.bytes_per_pixel());
    decoder.read_image(pixels).map_err(failed)?;
    let luma = request.gray.then(|| Luma::of(format, request.pixels, None));
    let channels = narrow_channels(pixels, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES as u64);
    limits
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
