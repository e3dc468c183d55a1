//! PNG through the `png` crate, all checksums verified: those of the chunks, and the one over the
//! pixels, which the crate leaves alone unless it is asked to.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, DecodingError, Info, Limits, Transformations};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::raster::MAX_DECODER_BYTES;
use super::{Decoded, Format, Request, room};
use crate::error::PreprocessError;

/// Decodes to red, green, blue or to gray.
pub(super) fn decode(
    encoded: &[u8],
    request: &Request<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let failed = |source: DecodingError| PreprocessError::Png(Box::new(source));
    let mut decoder =
        Decoder::new_with_limits(Cursor::new(encoded), Limits { bytes: MAX_DECODER_BYTES });
    decoder.ignore_checksums(false);
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(failed)?;
    let info = reader.info();
    let size = request.admit(info.width as usize, info.height as usize)?;
    let is_keyed_gray = info.color_type == ColorType::Grayscale && info.trns.is_some();
    let orientation = orientation(info);
    let (color, depth) = reader.output_color_type();
    let layout = layout(color, depth, is_keyed_gray).ok_or_else(|| {
        let kind = format!("{color:?} of {} bits", depth as u8);
        PreprocessError::UnsupportedPixels { format: Format::Png, kind }
    })?;
    let pixels = room(buffer, size.area() * layout.bytes_per_pixel());
    reader.next_frame(pixels).map_err(failed)?;
    if depth == BitDepth::Sixteen {
        for sample in pixels.as_chunks_mut::<2>().0 {
            *sample = u16::from_be_bytes(*sample).to_ne_bytes();
        }
    }
    let luma = request.gray.then(|| Luma::of(Format::Png, request.pixels, stated_gamma(encoded)));
    let channels = narrow_channels(pixels, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation })
}

/// How the decoder lays pixels out after expansion.
fn layout(color: ColorType, depth: BitDepth, is_keyed_gray: bool) -> Option<Layout> {
    Some(match (color, depth) {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::Gray,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::GrayAlpha,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba,
        (ColorType::Grayscale, BitDepth::Sixteen) => Layout::Gray16,
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) if is_keyed_gray => Layout::KeyedGray16,
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => Layout::GrayAlpha16,
        (ColorType::Rgb, BitDepth::Sixteen) => Layout::Rgb16,
        (ColorType::Rgba, BitDepth::Sixteen) => Layout::Rgba16,
        _ => return None,
    })
}

/// The EXIF tag, 1 to 8, where it stands before the pixels.
fn orientation(info: &Info<'_>) -> u8 {
    let stated = info.exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    stated.unwrap_or(Orientation::NoTransforms).to_exif()
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
