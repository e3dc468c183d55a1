//! JPEG with libjpeg-turbo's pixels: the common kind through `calibrant-jpeg` where that has vector
//! kernels for the processor, every other through `libjpeg-turbo-rs`; truncated or damaged scans are
//! errors in both.

use calibrant_jpeg::{Coding, Picture, Pixels, Region};
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError, PixelFormat};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::{Decoded, Format, Part, Request, room};
use crate::error::PreprocessError;
use crate::recipe::{Orientation, PixelRules};

/// More scans than any encoder writes; each one is a pass over all coefficients.
const MAX_SCANS: usize = 256;

/// What decoding keeps between pictures.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    decoder: calibrant_jpeg::Decoder,
    region: Region,
}

/// Decodes to red, green, blue or to gray; of the common kind perhaps no more than the part that
/// will be read.
pub(super) fn decode(
    encoded: &[u8],
    request: &Request,
    part: &Part<'_>,
    Buffers { decoder, region }: &mut Buffers,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    // What is wrong with a header is for the general decoder to say.
    if decoder.is_vectorised()
        && let Ok(picture) = decoder.open(encoded)
        && is_common(&picture, request)
    {
        return common(picture, request, part, region, buffer);
    }
    general(encoded, request, buffer)
}

/// Returns whether the common decoder delivers what is asked for: it makes no luma of red, green
/// and blue.
fn is_common(picture: &Picture<'_>, request: &Request) -> bool {
    let coding = picture.header().coding;
    coding != Coding::Rgb || layout_of(stored_in(coding), request) == Layout::Rgb
}

fn stored_in(coding: Coding) -> ColorSpace {
    match coding {
        Coding::Gray => ColorSpace::Grayscale,
        Coding::Rgb => ColorSpace::Rgb,
        _ => ColorSpace::YCbCr,
    }
}

fn common(
    picture: Picture<'_>,
    request: &Request,
    part: &Part<'_>,
    region: &mut Region,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let header = *picture.header();
    let size = request.admit(header.width as usize, header.height as usize)?;
    let layout = layout_of(stored_in(header.coding), request);
    let pixels = if layout == Layout::Gray { Pixels::Luma } else { Pixels::Rgb };
    let stride = size.width as usize * pixels.bytes();
    let out = room(buffer, size.area() * pixels.bytes());
    let is_turned = request.orientation == Orientation::Exif && header.orientation != 1;
    if !is_turned && part(size, region) {
        picture.rows(pixels, region, |y, row| out[y * stride..][..stride].copy_from_slice(row))?;
    } else {
        picture.decode(pixels, out)?;
    }
    let luma = request.gray.then(|| Luma::of(Format::Jpeg, request.pixels, None));
    let channels = narrow_channels(out, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation: header.orientation })
}

fn general(
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
