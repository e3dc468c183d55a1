//! From a decoder's pixels to 8-bit RGB or gray, by OpenCV's or Pillow's rules, in place.

use image::ColorType;

use super::luma::{Luma, narrow, upper};
use crate::recipe::PixelRules;

/// How the bytes of a pixel lie; 16-bit samples are in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    Gray16,
    GrayAlpha16,
    /// Gray whose second sample says whether it equals the transparent gray of the file.
    KeyedGray16,
    Rgb16,
    Rgba16,
    /// Cyan, magenta, yellow, black with 255 for no ink, as Adobe writes and libjpeg delivers it.
    InvertedCmyk,
}

impl Layout {
    pub(super) fn of(color: ColorType) -> Option<Self> {
        Some(match color {
            ColorType::L8 => Self::Gray,
            ColorType::La8 => Self::GrayAlpha,
            ColorType::Rgb8 => Self::Rgb,
            ColorType::Rgba8 => Self::Rgba,
            ColorType::L16 => Self::Gray16,
            ColorType::La16 => Self::GrayAlpha16,
            ColorType::Rgb16 => Self::Rgb16,
            ColorType::Rgba16 => Self::Rgba16,
            _ => return None,
        })
    }

    pub(super) fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha | Self::Gray16 => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::GrayAlpha16 | Self::KeyedGray16 | Self::InvertedCmyk => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
        }
    }
}

/// Rewrites pixels to one channel or three, at the beginning of `pixels`; returns how many.
///
/// Colour stays colour unless there is a `luma`. Alpha is dropped, never blended, as both
/// frameworks do.
pub(super) fn narrow_channels(
    pixels: &mut [u8],
    layout: Layout,
    rules: PixelRules,
    luma: Option<&Luma>,
) -> usize {
    // Pillow reads 16-bit gray without alpha as mode I;16, which it clips when converting.
    let gray16 = match rules {
        PixelRules::Opencv => upper,
        PixelRules::Pillow => |v: u16| narrow(u32::from(v.min(255))),
    };
    let cmyk = match rules {
        PixelRules::Opencv => cmyk_opencv,
        PixelRules::Pillow => cmyk_pillow,
    };
    let first = |[a, b, _, _]: [u8; 4]| u16::from_ne_bytes([a, b]);
    match (layout, luma) {
        (Layout::Gray, _) => 1,
        (Layout::GrayAlpha, _) => rewrite(pixels, |[v, _]: [u8; 2]| [v]),
        (Layout::Gray16, _) => rewrite(pixels, |p: [u8; 2]| [gray16(u16::from_ne_bytes(p))]),
        (Layout::KeyedGray16, _) => rewrite(pixels, |p| [gray16(first(p))]),
        (Layout::GrayAlpha16, _) => rewrite(pixels, |p| [upper(first(p))]),
        (Layout::Rgb, None) => 3,
        (Layout::Rgb, Some(luma)) => rewrite(pixels, |p: [u8; 3]| [luma.gray(p)]),
        (Layout::Rgba, None) => rewrite(pixels, |[r, g, b, _]: [u8; 4]| [r, g, b]),
        (Layout::Rgba, Some(luma)) => {
            rewrite(pixels, |[r, g, b, _]: [u8; 4]| [luma.gray([r, g, b])])
        }
        (Layout::Rgb16, None) => rewrite(pixels, |p: [u8; 6]| rgb16(p).map(upper)),
        (Layout::Rgb16, Some(luma)) => rewrite(pixels, |p: [u8; 6]| [luma.gray_of_16(rgb16(p))]),
        (Layout::Rgba16, None) => rewrite(pixels, |p: [u8; 8]| rgb16(p).map(upper)),
        (Layout::Rgba16, Some(luma)) => rewrite(pixels, |p: [u8; 8]| [luma.gray_of_16(rgb16(p))]),
        (Layout::InvertedCmyk, None) => rewrite(pixels, cmyk),
        (Layout::InvertedCmyk, Some(luma)) => rewrite(pixels, |p| [luma.gray(cmyk(p))]),
    }
}

/// Replaces each pixel of `FROM` bytes by one of `TO`, packed at the beginning; returns `TO`.
fn rewrite<const FROM: usize, const TO: usize>(
    pixels: &mut [u8],
    convert: impl Fn([u8; FROM]) -> [u8; TO],
) -> usize {
    const { assert!(TO <= FROM, "a pixel is read before its place is written") };
    for i in 0..pixels.len() / FROM {
        let mut pixel = [0; FROM];
        pixel.copy_from_slice(&pixels[i * FROM..][..FROM]);
        pixels[i * TO..][..TO].copy_from_slice(&convert(pixel));
    }
    TO
}

/// Returns the first three 16-bit samples of a pixel.
fn rgb16<const BYTES: usize>(pixel: [u8; BYTES]) -> [u16; 3] {
    std::array::from_fn(|i| u16::from_ne_bytes([pixel[2 * i], pixel[2 * i + 1]]))
}

/// `icvCvt_CMYK2BGR_8u_C4C3R` of OpenCV on the stored, inverted inks.
fn cmyk_opencv([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let k = u32::from(k);
    [c, m, y].map(|ink| narrow(k - (((255 - u32::from(ink)) * k) >> 8)))
}

/// `cmyk2rgb` of Pillow, after it has inverted the inks back.
fn cmyk_pillow([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let k = u32::from(k);
    [c, m, y].map(|ink| {
        let product = (255 - u32::from(ink)) * k + 128;
        let covered = ((product >> 8) + product) >> 8;
        narrow(k - covered)
    })
}
