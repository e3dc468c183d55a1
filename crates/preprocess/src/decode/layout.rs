//! From a decoder's pixels to 8-bit RGB or gray, by OpenCV's or Pillow's rules, in place.

use image::ColorType;

use super::{Format, Request};
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
            Self::Rgba | Self::GrayAlpha16 | Self::InvertedCmyk => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
        }
    }
}

/// How a framework makes luma of 8-bit red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Luma {
    weights: [u32; 3],
    round: u32,
    shift: u32,
}

impl Luma {
    /// `convert("L")` of Pillow.
    const PILLOW: Self = Self { weights: [19_595, 38_470, 7_471], round: 0x8000, shift: 16 };
    /// `cvtColor` of OpenCV, which its WebP reader calls.
    const CVT_COLOR: Self = Self { weights: [9_798, 19_235, 3_735], round: 1 << 14, shift: 15 };
    /// The conversion in OpenCV's readers of BMP and CMYK.
    const READER: Self = Self { weights: [4_899, 9_617, 1_868], round: 1 << 13, shift: 14 };
    /// `png_set_rgb_to_gray(0.299, 0.587)` of libpng, which OpenCV's PNG reader calls.
    const LIBPNG: Self = Self { weights: [9_797, 19_234, 3_737], round: 0, shift: 15 };

    fn of(format: Format, rules: PixelRules) -> Self {
        match (rules, format) {
            (PixelRules::Pillow, _) => Self::PILLOW,
            (PixelRules::Opencv, Format::Png) => Self::LIBPNG,
            (PixelRules::Opencv, Format::WebP) => Self::CVT_COLOR,
            (PixelRules::Opencv, Format::Bmp | Format::Jpeg) => Self::READER,
        }
    }

    fn gray(self, [r, g, b]: [u8; 3]) -> u8 {
        let [wr, wg, wb] = self.weights;
        let sum = wr * u32::from(r) + wg * u32::from(g) + wb * u32::from(b) + self.round;
        narrow(sum >> self.shift)
    }

    /// As [`Self::gray`] on 16-bit samples, the upper byte of the result.
    ///
    /// Only libpng weighs before it narrows, with rounding.
    fn gray_of_16(self, rgb: [u16; 3]) -> u8 {
        if self != Self::LIBPNG {
            return self.gray(rgb.map(upper));
        }
        let sum: u32 = self.weights.iter().zip(rgb).map(|(w, v)| w * u32::from(v)).sum();
        narrow((sum + (1 << 14)) >> 23)
    }
}

/// Rewrites a JPEG's pixels to one channel or three, at the beginning of `pixels`.
pub(super) fn to_rgb_or_gray(pixels: &mut [u8], layout: Layout, request: &Request) -> usize {
    to_rgb_or_gray_of(Format::Jpeg, pixels, layout, request)
}

/// Rewrites pixels to one channel or three, at the beginning of `pixels`; returns how many.
///
/// Alpha is dropped, never blended, as both frameworks do.
pub(super) fn to_rgb_or_gray_of(
    format: Format,
    pixels: &mut [u8],
    layout: Layout,
    request: &Request,
) -> usize {
    let rules = request.pixels;
    let luma = Luma::of(format, rules);
    let cmyk = match rules {
        PixelRules::Opencv => cmyk_opencv,
        PixelRules::Pillow => cmyk_pillow,
    };
    // Pillow reads 16-bit gray as mode I;16, which it clips when converting.
    let gray16 = match rules {
        PixelRules::Opencv => upper,
        PixelRules::Pillow => |v: u16| narrow(u32::from(v.min(255))),
    };
    match (layout, request.gray) {
        (Layout::Gray, _) => 1,
        (Layout::Rgb, false) => 3,
        (Layout::GrayAlpha, _) => rewrite(pixels, |[v, _]: [u8; 2]| [v]),
        (Layout::Gray16, _) => rewrite(pixels, |p: [u8; 2]| [gray16(u16::from_ne_bytes(p))]),
        (Layout::GrayAlpha16, _) => {
            rewrite(pixels, |[a, b, _, _]: [u8; 4]| [upper(u16::from_ne_bytes([a, b]))])
        }
        (Layout::Rgb, true) => rewrite(pixels, |p: [u8; 3]| [luma.gray(p)]),
        (Layout::Rgba, true) => rewrite(pixels, |[r, g, b, _]: [u8; 4]| [luma.gray([r, g, b])]),
        (Layout::Rgba, false) => rewrite(pixels, |[r, g, b, _]: [u8; 4]| [r, g, b]),
        (Layout::Rgb16, true) => rewrite(pixels, |p: [u8; 6]| [luma.gray_of_16(rgb16(p))]),
        (Layout::Rgb16, false) => rewrite(pixels, |p: [u8; 6]| rgb16(p).map(upper)),
        (Layout::Rgba16, true) => rewrite(pixels, |p: [u8; 8]| [luma.gray_of_16(rgb16(p))]),
        (Layout::Rgba16, false) => rewrite(pixels, |p: [u8; 8]| rgb16(p).map(upper)),
        (Layout::InvertedCmyk, true) => rewrite(pixels, |p| [luma.gray(cmyk(p))]),
        (Layout::InvertedCmyk, false) => rewrite(pixels, cmyk),
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

fn upper(sample: u16) -> u8 {
    narrow(u32::from(sample >> 8))
}

#[expect(clippy::cast_possible_truncation, reason = "every caller's value is below 256")]
fn narrow(value: u32) -> u8 {
    value as u8
}

/// `icvCvt_CMYK2BGR_8u_C4C3R` of OpenCV on the stored, inverted inks.
fn cmyk_opencv([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let k = i32::from(k);
    [c, m, y].map(|ink| {
        let value = k - (((255 - i32::from(ink)) * k) >> 8);
        narrow(value.cast_unsigned())
    })
}

/// `cmyk2rgb` of Pillow, after it has inverted the inks back.
fn cmyk_pillow([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    [c, m, y].map(|ink| {
        let product = (255 - i32::from(ink)) * i32::from(k) + 128;
        let covered = ((product >> 8) + product) >> 8;
        narrow((i32::from(k) - covered).max(0).cast_unsigned())
    })
}
