//! From 8-bit HWC rows to f32 CHW planes, through a table of 256 values for each channel.
//!
//! A table makes any order of operations free: it is filled with the framework's own, so tensors
//! are equal to the bit. [`Arithmetic::Fast`] needs none, and takes it where no vectors reach or
//! those of the table do.

mod fused;
mod wide;

use crate::geometry::Plan;
use crate::recipe::{Arithmetic, Color, Fill, Normalise, Scale, Size};
use fused::Fused;
use wide::Wide;

/// What a recipe does to each channel of the tensor.
#[derive(Debug, Clone)]
pub(crate) struct Normaliser {
    planes: Vec<Plane>,
}

/// What becomes of the pixel values of a plane.
#[derive(Debug, Clone)]
struct Plane {
    table: [f32; 256],
    vectors: Vectors,
    /// Channel of an RGB picture that the plane takes.
    source: usize,
}

/// How the values of the table come many at a time.
#[derive(Debug, Clone)]
enum Vectors {
    None,
    /// From the table itself.
    Wide(Box<Wide>),
    /// Without the table.
    Fused(Fused),
}

/// The tensor's plane and what of it the window covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canvas {
    size: Size,
    window: Size,
    at: (u32, u32),
    fill: Fill,
}

impl Canvas {
    pub(crate) fn new(size: Size, plan: &Plan) -> Self {
        Self { size, window: plan.window.size, at: plan.at, fill: plan.fill }
    }
}

impl Normaliser {
    pub(crate) fn new(recipe: &Normalise) -> Self {
        let of_channel = |values: &[f64], c: usize| values[if values.len() == 1 { 0 } else { c }];
        let sources: &[usize] = match recipe.color {
            Color::Rgb => &[0, 1, 2],
            Color::Bgr => &[2, 1, 0],
            Color::Gray => &[0],
        };
        let plane = |(c, &source)| {
            let (mean, std) = (of_channel(&recipe.mean, c), of_channel(&recipe.std, c));
            let table = table(recipe.arithmetic, recipe.scale, mean, std);
            let vectors = match (Wide::of(&table), recipe.arithmetic) {
                (Some(wide), _) => Vectors::Wide(wide),
                (None, Arithmetic::Fast) => Vectors::Fused(Fused::new(recipe.scale, mean, std)),
                (None, _) => Vectors::None,
            };
            Plane { table, vectors, source }
        };
        Self { planes: sources.iter().enumerate().map(plane).collect() }
    }

    /// Returns each plane's source channel and table.
    pub(crate) fn planes(&self) -> impl Iterator<Item = (usize, &[f32; 256])> {
        self.planes.iter().map(|plane| (plane.source, &plane.table))
    }

    /// Writes the fill around the window.
    pub(crate) fn bars(&self, canvas: &Canvas, out: &mut [f32]) {
        if canvas.window != canvas.size {
            for (Plane { table, .. }, place) in self.planes.iter().zip(places(canvas, out)) {
                place.fill(match canvas.fill {
                    Fill::Pixel(value) => table[usize::from(value)],
                    Fill::Normalised(value) => value,
                });
            }
        }
    }

    /// Returns the pixel, red, green, blue or gray, that becomes the fill, or comes closest to it.
    pub(crate) fn pixel(&self, fill: Fill) -> [u8; 3] {
        let fill = match fill {
            Fill::Pixel(value) => return [value; 3],
            Fill::Normalised(fill) => fill,
        };
        let mut pixel = [0; 3];
        for (source, table) in self.planes() {
            let distance = |value: &u8| (table[usize::from(*value)] - fill).abs();
            let closest = (0..=u8::MAX).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            pixel[source] = closest.unwrap_or_default();
        }
        pixel
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
        let (stride, width) = (canvas.size.width as usize, canvas.window.width as usize);
        let start = (top + y) * stride + left;
        for (plane, place) in self.planes.iter().zip(places(canvas, out)) {
            if let Some(next) = place.get(start + stride..start + stride + width) {
                fetch(next);
            }
            let place = &mut place[start..start + width];
            match channels {
                1 => plane.write::<1>(line, 0, place),
                _ => plane.write::<3>(line, plane.source, place),
            }
        }
    }
}

impl Plane {
    /// Writes a channel of a line of `CHANNELS`.
    fn write<const CHANNELS: usize>(&self, line: &[u8], channel: usize, place: &mut [f32]) {
        let done = match &self.vectors {
            Vectors::Wide(wide) => wide.write::<CHANNELS>(line, channel, place),
            Vectors::Fused(fused) if CHANNELS == 3 => fused.write(line, channel, place),
            Vectors::Fused(_) | Vectors::None => 0,
        };
        look_up::<CHANNELS>(&self.table, &line[CHANNELS * done..], channel, &mut place[done..]);
    }
}

/// Returns the places of the planes.
fn places<'a>(canvas: &Canvas, out: &'a mut [f32]) -> impl Iterator<Item = &'a mut [f32]> {
    out.chunks_exact_mut(canvas.size.area())
}

/// Brings values that are going to be written into the cache: tensors are larger than it, and
/// stores wait for what they overwrite.
fn fetch(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for values in values.chunks(64 / size_of::<f32>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor of the target has SSE, and nothing is read.
        #[expect(unsafe_code, reason = "it takes a twentieth off the time of a photograph")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
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
    let scaled = |x: u8| match scale {
        Scale::Times(factor) => f32::from(x) * factor as f32,
        Scale::Over(divisor) => f32::from(x) / divisor as f32,
    };
    let value = |x: u8| match arithmetic {
        Arithmetic::F32 => (scaled(x) - mean as f32) / std as f32,
        Arithmetic::F32Reciprocal => (scaled(x) - mean as f32) * (1.0 / std) as f32,
        Arithmetic::NumpyF64 => {
            let centred = (f64::from(scaled(x)) - mean) as f32;
            (f64::from(centred) / std) as f32
        }
        Arithmetic::Fast => Fused::new(scale, mean, std).value(x),
    };
    std::array::from_fn(|x| value(x as u8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::Window;
    use crate::preset::Preset;
    use crate::recipe::Step;

    /// The last step of a preset.
    fn of_preset(name: &str) -> Normalise {
        match Preset::named(name).unwrap().steps().pop() {
            Some(Step::Normalise(normalise)) => normalise,
            other => panic!("{other:?} ends {name}"),
        }
    }

    fn canvas(size: Size, window: Size, at: (u32, u32), fill: Fill) -> Canvas {
        Canvas::new(size, &Plan { scaled: window, window: Window::whole(window), at, fill })
    }

    /// A canvas that the window fills.
    fn whole(size: Size) -> Canvas {
        canvas(size, size, (0, 0), Fill::Pixel(0))
    }

    /// The formula, spelled out for each value of the tensor.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is part of it")]
    fn naive(recipe: &Normalise, value: u8, channel: usize) -> f32 {
        let of = |values: &[f64]| *values.get(channel).unwrap_or(&values[0]);
        let (mean, std) = (of(&recipe.mean), of(&recipe.std));
        let x = match recipe.scale {
            Scale::Over(divisor) => f32::from(value) / divisor as f32,
            Scale::Times(factor) => f32::from(value) * factor as f32,
        };
        match recipe.arithmetic {
            Arithmetic::NumpyF64 => (f64::from((f64::from(x) - mean) as f32) / std) as f32,
            Arithmetic::F32 => (x - mean as f32) / std as f32,
            Arithmetic::F32Reciprocal => (x - mean as f32) * (1.0 / std) as f32,
            Arithmetic::Fast => panic!("it has no formula of its own"),
        }
    }

    /// How far the fast arithmetic may be from the others, of the largest number that is rounded on
    /// the way: `(x + mean) / std`, of which little may be left when `x` is near the mean.
    const FAST: f64 = 3e-7;

    proptest! {
        #[test]
        fn vectors_find_what_the_table_holds(
            bits in prop::collection::vec(any::<u32>(), 256),
            line in prop::collection::vec(any::<u8>(), 0..600),
            channel in 0..3_usize,
        ) {
            let table = std::array::from_fn(|i| f32::from_bits(bits[i]));
            if let Some(wide) = Wide::of(&table) {
                let written = |channels: usize| {
                    let mut place = vec![0.0_f32; line.len() / channels];
                    let done = match channels {
                        1 => wide.write::<1>(&line, 0, &mut place),
                        _ => wide.write::<3>(&line, channel, &mut place),
                    };
                    prop_assert_eq!(done, if place.len() < 64 { 0 } else { place.len() });
                    for (pixel, value) in line.chunks(channels).zip(&place[..done]) {
                        let expected = bits[usize::from(pixel[channel % channels])];
                        prop_assert_eq!(value.to_bits(), expected);
                    }
                    Ok(())
                };
                written(1)?;
                written(3)?;
            }
        }

        #[test]
        fn fast_arithmetic_is_close_and_the_same_everywhere(
            means in prop::array::uniform3(0.0..1.0),
            stds in prop::array::uniform3(0.1..1.0),
            bgr: bool,
            width in 1..60_u32,
            seed: u8,
        ) {
            let size = Size::new(width, 1);
            let line: Vec<u8> = (0..=250_u8).cycle().step_by(89).map(|x| x ^ seed)
                .take(3 * size.area()).collect();
            let written = |arithmetic| {
                let color = if bgr { Color::Bgr } else { Color::Rgb };
                let (mean, std) = (means.to_vec(), stds.to_vec());
                let scale = Scale::Over(255.0);
                let recipe = Normalise { color, scale, mean, std, arithmetic };
                let normaliser = Normaliser::new(&recipe);
                let mut out = vec![f32::NAN; 3 * size.area()];
                normaliser.line(0, &line, 3, &whole(size), &mut out);
                (normaliser, out)
            };
            let (normaliser, fast) = written(Arithmetic::Fast);
            let reached = means.iter().zip(&stds).map(|(mean, std)| (1.0 + mean) / std);
            let largest = reached.fold(0.0, f64::max);
            for exact in [Arithmetic::NumpyF64, Arithmetic::F32] {
                let (_, exact) = written(exact);
                for (fast, exact) in fast.iter().zip(&exact) {
                    prop_assert!(f64::from((fast - exact).abs()) <= FAST * largest, "{fast} for {exact}");
                }
            }
            let looked_up = normaliser.planes().flat_map(|(source, table)| {
                line.iter().skip(source).step_by(3).map(|&x| table[usize::from(x)])
            });
            let same = fast.iter().zip(looked_up).all(|(a, b)| a.to_bits() == b.to_bits());
            prop_assert!(same, "vectors and tables");
            // Also where tables have vectors.
            for (c, (source, table)) in normaliser.planes().enumerate() {
                let mut place = vec![f32::NAN; size.area()];
                let fused = Fused::new(Scale::Over(255.0), means[c], stds[c]);
                let done = fused.write(&line, source, &mut place);
                for (pixel, value) in line.chunks(3).zip(&place[..done]) {
                    prop_assert_eq!(value.to_bits(), table[usize::from(pixel[source])].to_bits());
                }
            }
        }
    }

    #[test]
    fn fast_arithmetic_of_imagenet_is_within_3e_7_of_numpy_s() {
        let imagenet = of_preset("imagenet");
        let fast = Normalise { arithmetic: Arithmetic::Fast, ..imagenet.clone() };
        let (exact, fast) = (Normaliser::new(&imagenet), Normaliser::new(&fast));
        for ((_, exact), (_, fast)) in exact.planes().zip(fast.planes()) {
            let farthest = exact.iter().zip(fast).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(farthest > 0.0 && f64::from(farthest) <= FAST, "{farthest}");
        }
    }

    #[test]
    fn every_value_of_every_channel_follows_the_formula() {
        for name in ["imagenet", "torchvision", "caffe", "efficientnet-lite", "arcface"] {
            let recipe = of_preset(name);
            let canvas = whole(Size::new(256, 1));
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
        let normaliser = Normaliser::new(&of_preset("ultralytics"));
        for fill in [Fill::Pixel(51), Fill::Normalised(0.2)] {
            let canvas = canvas(Size::new(4, 4), Size::new(4, 2), (0, 1), fill);
            let mut out = vec![f32::NAN; 48];
            normaliser.bars(&canvas, &mut out);
            for y in 0..2 {
                normaliser.line(y, &[255; 4], 1, &canvas, &mut out);
            }
            let plane = [[0.2; 4], [1.0; 4], [1.0; 4], [0.2; 4]].concat();
            assert_eq!(out, [&plane[..], &plane, &plane].concat());
        }
    }

    #[test]
    fn the_pixel_shown_comes_closest_to_the_fill() {
        let bgr = Normaliser::new(&of_preset("caffe"));
        assert_eq!(bgr.pixel(Fill::Normalised(0.0)), [124, 117, 104]);
        assert_eq!(bgr.pixel(Fill::Normalised(-1e9)), [0; 3]);
        assert_eq!(bgr.pixel(Fill::Pixel(9)), [9; 3]);
    }
}
