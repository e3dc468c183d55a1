//! How the frameworks make luma of 8-bit red, green and blue.

use super::Format;
use crate::recipe::PixelRules;

/// One framework's formula.
#[derive(Debug, Clone)]
pub(super) enum Luma {
    /// A weighted sum of the stored values.
    Weighted(Weights),
    /// libpng's sum of linear light, where the file states its gamma.
    Linear(Box<Gamma>),
}

/// `(weights · rgb + round) >> shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weights {
    weights: [u32; 3],
    round: u32,
    shift: u32,
}

/// `convert("L")` of Pillow.
const PILLOW: Weights = Weights { weights: [19_595, 38_470, 7_471], round: 1 << 15, shift: 16 };
/// `cvtColor` of OpenCV, which its WebP reader calls.
const CVT_COLOR: Weights = Weights { weights: [9_798, 19_235, 3_735], round: 1 << 14, shift: 15 };
/// The conversion in OpenCV's readers of BMP and CMYK.
const READER: Weights = Weights { weights: [4_899, 9_617, 1_868], round: 1 << 13, shift: 14 };
/// `png_set_rgb_to_gray(0.299, 0.587)` of libpng, which OpenCV's PNG reader calls.
const LIBPNG: Weights = Weights { weights: [9_797, 19_234, 3_737], round: 0, shift: 15 };

impl Luma {
    /// Returns the formula of a framework's reader of this format.
    ///
    /// `gamma` is what a PNG file states in its `gAMA` or `sRGB` chunk, in hundred-thousandths.
    pub(super) fn of(format: Format, rules: PixelRules, gamma: Option<u32>) -> Self {
        Self::Weighted(match (rules, format) {
            (PixelRules::Pillow, _) => PILLOW,
            (PixelRules::Opencv, Format::Png) => match gamma.and_then(Gamma::new) {
                Some(gamma) => return Self::Linear(Box::new(gamma)),
                None => LIBPNG,
            },
            (PixelRules::Opencv, Format::WebP) => CVT_COLOR,
            (PixelRules::Opencv, Format::Bmp | Format::Jpeg) => READER,
        })
    }

    /// Returns the formula of a framework for pixels in memory: `cv2.cvtColor`, `convert("L")`.
    pub(super) fn of_pixels(rules: PixelRules) -> Self {
        Self::Weighted(match rules {
            PixelRules::Opencv => CVT_COLOR,
            PixelRules::Pillow => PILLOW,
        })
    }

    pub(super) fn gray(&self, rgb: [u8; 3]) -> u8 {
        match self {
            Self::Weighted(weights) => narrow(weights.sum(rgb.map(u32::from))),
            Self::Linear(gamma) => gamma.gray(rgb),
        }
    }

    /// As [`Self::gray`] on 16-bit samples, narrowed to their upper byte.
    ///
    /// Only libpng weighs before it narrows, with rounding. (Where the file states a gamma it
    /// also goes through 16-bit tables, which are not reproduced here.)
    pub(super) fn gray_of_16(&self, rgb: [u16; 3]) -> u8 {
        match self {
            Self::Weighted(weights) if *weights != LIBPNG => self.gray(rgb.map(upper)),
            Self::Weighted(_) | Self::Linear(_) => {
                let exact = Weights { round: 1 << 14, ..LIBPNG };
                narrow(exact.sum(rgb.map(u32::from)) >> 8)
            }
        }
    }
}

impl Weights {
    fn sum(&self, [r, g, b]: [u32; 3]) -> u32 {
        let [wr, wg, wb] = self.weights;
        (wr * r + wg * g + wb * b + self.round) >> self.shift
    }
}

/// The tables of `png_build_gamma_table` that `png_do_rgb_to_gray` uses.
#[derive(Debug, Clone)]
pub(super) struct Gamma {
    to_linear: [u8; 256],
    from_linear: [u8; 256],
}

impl Gamma {
    /// Returns the tables, or nothing where libpng takes the gamma for 1.
    fn new(gamma: u32) -> Option<Self> {
        // libpng computes in hundred-thousandths and takes reciprocals of rounded values.
        let file = f64::from(gamma);
        let reciprocal = |gamma: f64| (1e10 / gamma + 0.5).floor();
        let significant = |gamma: f64| !(95_000.0..=105_000.0).contains(&gamma);
        if file < 1.0 || !(significant(file) || significant(reciprocal(file))) {
            return None;
        }
        let back = reciprocal(reciprocal(file));
        Some(Self { to_linear: power_table(reciprocal(file)), from_linear: power_table(back) })
    }

    fn gray(&self, rgb: [u8; 3]) -> u8 {
        let [r, g, b] = rgb;
        if r == g && g == b {
            return r;
        }
        let exact = Weights { round: 1 << 14, ..LIBPNG };
        let linear = rgb.map(|v| u32::from(self.to_linear[usize::from(v)]));
        self.from_linear[exact.sum(linear) as usize]
    }
}

/// `png_gamma_8bit_correct` of every value; `gamma` in hundred-thousandths.
#[expect(clippy::cast_possible_truncation, reason = "a power of a number up to 1, times 255")]
fn power_table(gamma: f64) -> [u8; 256] {
    std::array::from_fn(|v| (255.0 * (v as f64 / 255.0).powf(gamma * 1e-5) + 0.5).floor() as u8)
}

/// Returns the upper byte.
pub(super) fn upper(sample: u16) -> u8 {
    narrow(u32::from(sample >> 8))
}

#[expect(clippy::cast_possible_truncation, reason = "every caller's value is below 256")]
pub(super) fn narrow(value: u32) -> u8 {
    value as u8
}
