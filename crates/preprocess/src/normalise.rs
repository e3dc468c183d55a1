//! From 8-bit HWC rows to f32 CHW planes, through a table of 256 values for each channel.
//!
//! A table makes any order of operations free: it is filled with the framework's own, so tensors
//! are equal to the bit.

use crate::geometry::Plan;
use crate::recipe::{Arithmetic, Color, Recipe, Scale, Size};

/// The tables of a recipe, one for each channel of the tensor.
#[derive(Debug, Clone)]
pub(crate) struct Normaliser {
    tables: Vec<[f32; 256]>,
    /// Channel of an RGB picture that each plane takes.
    source: Vec<usize>,
}

/// The tensor's plane and what of it the window covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canvas {
    size: Size,
    window: Size,
    at: (u32, u32),
    fill: u8,
}

impl Canvas {
    pub(crate) fn new(size: Size, plan: &Plan) -> Self {
        Self { size, window: plan.window.size, at: plan.at, fill: plan.fill }
    }
}

impl Normaliser {
    pub(crate) fn new(recipe: &Recipe) -> Self {
        let of_channel = |values: &[f64], c: usize| values[if values.len() == 1 { 0 } else { c }];
        let tables = (0..recipe.channels())
            .map(|c| {
                let (mean, std) = (of_channel(&recipe.mean, c), of_channel(&recipe.std, c));
                table(recipe.arithmetic, recipe.scale, mean, std)
            })
            .collect();
        let source = match recipe.color {
            Color::Rgb => vec![0, 1, 2],
            Color::Bgr => vec![2, 1, 0],
            Color::Gray => vec![0],
        };
        Self { tables, source }
    }

    /// Returns each plane's source channel and table.
    pub(crate) fn planes(&self) -> impl Iterator<Item = (usize, &[f32; 256])> {
        self.source.iter().copied().zip(&self.tables)
    }

    /// Writes the fill around the window.
    pub(crate) fn bars(&self, canvas: &Canvas, out: &mut [f32]) {
        if canvas.window != canvas.size {
            for (table, plane) in self.tables.iter().zip(planes(canvas, out)) {
                plane.fill(table[usize::from(canvas.fill)]);
            }
        }
    }

    /// Writes line `y` of the window, of 1 or 3 interleaved channels.
    ///
    /// One channel is repeated over three planes, as gray pictures are in every framework.
    pub(crate) fn line(
        &self,
        y: usize,
        line: &[u8],
        channels: usize,
        canvas: &Canvas,
        out: &mut [f32],
    ) {
        let (left, top) = (canvas.at.0 as usize, canvas.at.1 as usize);
        let start = (top + y) * canvas.size.width as usize + left;
        let places = planes(canvas, out)
            .map(|plane| &mut plane[start..start + canvas.window.width as usize]);
        for ((table, &source), place) in self.tables.iter().zip(&self.source).zip(places) {
            match channels {
                1 => look_up::<1>(table, line, 0, place),
                _ => look_up::<3>(table, line, source, place),
            }
        }
    }
}

fn planes<'a>(canvas: &Canvas, out: &'a mut [f32]) -> std::slice::ChunksExactMut<'a, f32> {
    out.chunks_exact_mut(canvas.size.area())
}

fn look_up<const CHANNELS: usize>(
    table: &[f32; 256],
    line: &[u8],
    channel: usize,
    place: &mut [f32],
) {
    let (pixels, _) = line.as_chunks::<CHANNELS>();
    for (value, pixel) in place.iter_mut().zip(pixels) {
        *value = table[usize::from(pixel[channel])];
    }
}

/// Returns what each pixel value becomes, rounded after each step as the arithmetic does.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
fn table(arithmetic: Arithmetic, scale: Scale, mean: f64, std: f64) -> [f32; 256] {
    std::array::from_fn(|value| {
        let x = value as f32;
        let x = match scale {
            Scale::Times(factor) => x * factor as f32,
            Scale::Over(divisor) => x / divisor as f32,
        };
        match arithmetic {
            Arithmetic::F32 => (x - mean as f32) / std as f32,
            Arithmetic::NumpyF64 => {
                let centred = (f64::from(x) - mean) as f32;
                (f64::from(centred) / std) as f32
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{letterbox, stretch};

    /// The formula, spelled out for each value of the tensor.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is part of it")]
    fn naive(recipe: &Recipe, value: u8, channel: usize) -> f32 {
        let of = |values: &[f64]| *values.get(channel).unwrap_or(&values[0]);
        let (mean, std) = (of(&recipe.mean), of(&recipe.std));
        let x = match recipe.scale {
            Scale::Over(divisor) => f32::from(value) / divisor as f32,
            Scale::Times(factor) => f32::from(value) * factor as f32,
        };
        match recipe.arithmetic {
            Arithmetic::NumpyF64 => (f64::from((f64::from(x) - mean) as f32) / std) as f32,
            Arithmetic::F32 => (x - mean as f32) / std as f32,
        }
    }

    #[test]
    fn every_value_of_every_channel_follows_the_formula() {
        for name in ["imagenet", "torchvision", "caffe", "efficientnet-lite"] {
            let recipe = Recipe { size: Size::new(256, 1), ..Recipe::preset(name).unwrap() };
            let canvas = Canvas::new(recipe.size, &stretch(recipe.size));
            // Red rises, green falls, blue is turned by 100.
            let pixels: Vec<u8> =
                (0..=255_u8).flat_map(|v| [v, 255 - v, v.wrapping_add(100)]).collect();
            let mut out = vec![f32::NAN; 3 * 256];
            Normaliser::new(&recipe).line(0, &pixels, 3, &canvas, &mut out);
            for (i, value) in out.iter().enumerate() {
                let (plane, x) = (i / 256, i % 256);
                let channel = if recipe.color == Color::Bgr { 2 - plane } else { plane };
                let expected = naive(&recipe, pixels[3 * x + channel], plane);
                assert_eq!(value.to_bits(), expected.to_bits(), "{name} plane {plane} at {x}");
            }
        }
    }

    #[test]
    fn bars_surround_a_gray_picture_in_all_planes() {
        let recipe = Recipe { size: Size::new(4, 4), ..Recipe::preset("ultralytics").unwrap() };
        let canvas = Canvas::new(recipe.size, &letterbox(Size::new(2, 1), recipe.size, 51));
        let mut out = vec![f32::NAN; 48];
        let normaliser = Normaliser::new(&recipe);
        normaliser.bars(&canvas, &mut out);
        for y in 0..2 {
            normaliser.line(y, &[255; 4], 1, &canvas, &mut out);
        }
        let plane = [[0.2; 4], [1.0; 4], [1.0; 4], [0.2; 4]].concat();
        assert_eq!(out, [&plane[..], &plane, &plane].concat());
    }
}
