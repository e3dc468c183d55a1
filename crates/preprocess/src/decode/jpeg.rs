//! JPEG through `libjpeg-turbo-rs`, whose pixels equal libjpeg-turbo's; truncated or damaged scans
//! are errors.

use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError, PixelFormat};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::{Decoded, Format, Request, room};
use crate::error::PreprocessError;
use crate::recipe::PixelRules;

/// More scans than any encoder writes; each one is a pass over all coefficients.
const MAX_SCANS: usize = 256;

/// Decodes to red, green, blue or to gray.
pub(super) fn decode(
    encoded: &[u8],
    request: &Request,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let limits = DecodeLimits {
        max_pixels: request.max_pixels,
        max_scans: MAX_SCANS,
        ..DecodeLimits::default()
    };
    // The header alone first: the walk over all scans must not come before the size is admitted.
    let header = Decoder::new_header_only(encoded, limits).map_err(failed)?;
    let size = request.admit(header.header().width(), header.header().height())?;
    let bits = header.header().precision;
    if bits != 8 {
        let kind = format!("{bits}-bit samples");
        return Err(PreprocessError::UnsupportedPixels { format: Format::Jpeg, kind });
    }
    let mut decoder = Decoder::new_with_limits(encoded, limits).map_err(failed)?;
    let layout = layout_of(decoder.jpeg_color_space(), request);
    decoder.set_output_format(match layout {
        Layout::Gray => PixelFormat::Grayscale,
        Layout::InvertedCmyk => PixelFormat::Cmyk,
        _ => PixelFormat::Rgb,
    });
    let bytes = size.area() * layout.bytes_per_pixel();
    let pixels = room(buffer, bytes);
    let info = decoder.decode_image_into(pixels).map_err(failed)?;
    if info.bytes_written != bytes {
        return Err(failed(JpegError::UnexpectedEof));
    }
    let orientation = decoder.exif_orientation().filter(|tag| (1..=8).contains(tag)).unwrap_or(1);
    let luma = request.gray.then(|| Luma::of(Format::Jpeg, request.pixels, None));
    let channels = narrow_channels(pixels, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation })
}

/// Chooses what the decoder is to deliver.
///
/// OpenCV lets the decoder make gray (luma as stored); Pillow makes it from red, green and blue.
fn layout_of(stored: ColorSpace, request: &Request) -> Layout {
    match stored {
        ColorSpace::Grayscale => Layout::Gray,
        ColorSpace::Cmyk | ColorSpace::Ycck => Layout::InvertedCmyk,
        _ if request.gray && request.pixels == PixelRules::Opencv => Layout::Gray,
        _ => Layout::Rgb,
    }
}

fn failed(error: JpegError) -> PreprocessError {
    PreprocessError::Jpeg(Box::new(error))
}
