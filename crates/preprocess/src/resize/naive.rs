//! The exact kernels once more, sample by sample from their formulas.

use super::View;
use crate::recipe::{Filter, Size};

/// Returns the whole scaled picture by the formulas of `filter`, which is an exact one.
pub(super) fn resized(filter: Filter, picture: View<'_>, to: Size) -> Vec<u8> {
    use Rounding::{Pillow, Torch};
    match filter {
        Filter::Cv2Linear => each(picture, to, |at, x, y, _| {
            let halved = (2 * to.width, 2 * to.height) == (picture.size.width, picture.size.height);
            if halved { area_sample(at, x, y) } else { linear_sample(at, x, y, centre) }
        }),
        Filter::Cv2Area => each(picture, to, |at, x, y, _| {
            let grows = to.width > picture.size.width || to.height > picture.size.height;
            if grows { linear_sample(at, x, y, overlap) } else { area_sample(at, x, y) }
        }),
        Filter::Cv2Nearest => each(picture, to, |at, x, y, _| at(corner(x), corner(y))),
        Filter::PilNearest => each(picture, to, |at, x, y, _| at(summed(x), summed(y))),
        Filter::Cv2Cubic => {
            let vectors = to.width as usize * picture.channels / 8 * 8;
            each(picture, to, |at, x, y, c| {
                let whole = x.d as usize * picture.channels + c >= vectors;
                cubic_sample(at, x, y, whole)
            })
        }
        Filter::PilBilinear => convolved(picture, to, Pillow, 1.0, triangle),
        Filter::PilBicubic => convolved(picture, to, Pillow, 2.0, cubic),
        Filter::PilLanczos => convolved(picture, to, Pillow, 3.0, lanczos),
        Filter::PilBox => convolved(picture, to, Pillow, 0.5, within),
        Filter::PilHamming => convolved(picture, to, Pillow, 1.0, hamming),
        Filter::TvBilinear => convolved(picture, to, Torch, 1.0, triangle),
        Filter::TvBicubic => convolved(picture, to, Torch, 2.0, cubic),
        Filter::TvLanczos => convolved(picture, to, Torch, 3.0, lanczos),
        other => panic!("{other} equals no framework"),
    }
}

/// An output position and the lengths of its axis.
#[derive(Clone, Copy)]
struct Place {
    d: u32,
    from: u32,
    to: u32,
}

impl Place {
    fn last(self) -> i64 {
        i64::from(self.from) - 1
    }

    fn ratio(self) -> f64 {
        1.0 / (f64::from(self.to) / f64::from(self.from))
    }
}

/// Computes every sample from a function that reads its channel.
fn each(
    picture: View<'_>,
    to: Size,
    compute: impl Fn(&dyn Fn(i64, i64) -> i64, Place, Place, usize) -> i64,
) -> Vec<u8> {
    let Size { width, height } = picture.size;
    let mut out = Vec::new();
    for y in 0..to.height {
        for x in 0..to.width {
            for c in 0..picture.channels {
                let across = Place { d: x, from: width, to: to.width };
                let down = Place { d: y, from: height, to: to.height };
                let value = compute(&|x, y| sample(picture, x, y, c), across, down, c);
                out.push(u8::try_from(value).unwrap());
            }
        }
    }
    out
}

/// Returns sample `c` of the pixel at `x`, `y`.
fn sample(picture: View<'_>, x: i64, y: i64, c: usize) -> i64 {
    let (x, y) = (usize::try_from(x).unwrap(), usize::try_from(y).unwrap());
    i64::from(picture.data[(y * picture.size.width as usize + x) * picture.channels + c])
}

fn linear_sample(
    at: &dyn Fn(i64, i64) -> i64,
    x: Place,
    y: Place,
    position: fn(Place) -> (i64, f32),
) -> i64 {
    let (mut x0, mut fx) = position(x);
    if x0 < 0 {
        (x0, fx) = (0, 0.0);
    } else if x0 >= x.last() {
        (x0, fx) = (x.last(), 0.0);
    }
    let (y0, fy) = position(y);
    let ([a, b], [above, below]) = ([1.0 - fx, fx].map(fixed), [1.0 - fy, fy].map(fixed));
    let row = |row: i64| {
        let row = row.clamp(0, y.last());
        (at(x0, row) * a + at((x0 + 1).min(x.last()), row) * b) / 16
    };
    (row(y0) * above / 65_536 + row(y0 + 1) * below / 65_536 + 2) / 4
}

#[expect(clippy::cast_possible_truncation, reason = "a weight is at most a few thousand")]
fn fixed(weight: f32) -> i64 {
    (f64::from(weight) * 2048.0).round_ties_even() as i64
}

#[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
fn centre(place: Place) -> (i64, f32) {
    let f = ((f64::from(place.d) + 0.5) * place.ratio() - 0.5) as f32;
    (f.floor() as i64, f - f.floor())
}

#[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
fn overlap(place: Place) -> (i64, f32) {
    let d = f64::from(place.d);
    let first = (d * place.ratio()).floor();
    let f = ((d + 1.0) - (first + 1.0) * (f64::from(place.to) / f64::from(place.from))) as f32;
    (first as i64, if f > 0.0 { f - f.floor() } else { 0.0 })
}

#[expect(clippy::cast_possible_truncation, reason = "a position in a small picture")]
fn corner(place: Place) -> i64 {
    ((f64::from(place.d) * place.ratio()).floor() as i64).min(place.last())
}

#[expect(clippy::cast_possible_truncation, reason = "a position in a small picture")]
fn summed(place: Place) -> i64 {
    let scale = f64::from(place.from) / f64::from(place.to);
    let mut centre = scale * 0.5;
    for _ in 0..place.d {
        centre += scale;
    }
    centre as i64
}

/// What a position covers: source positions with the share of each.
#[expect(clippy::cast_possible_truncation, reason = "a position in a small picture")]
fn covered(place: Place) -> Vec<(i64, f32)> {
    let (begin, side) = (f64::from(place.d) * place.ratio(), f64::from(place.from));
    let (end, width) = (begin + place.ratio(), place.ratio().min(side - begin));
    let last = (end.floor() as i64).min(place.last());
    let first = (begin.ceil() as i64).min(last);
    let mut shares = Vec::new();
    if first as f64 - begin > 1e-3 {
        shares.push((first - 1, ((first as f64 - begin) / width) as f32));
    }
    shares.extend((first..last).map(|s| (s, (1.0 / width) as f32)));
    if end - last as f64 > 1e-3 {
        shares.push((last, ((end - last as f64).min(1.0).min(width) / width) as f32));
    }
    shares
}

/// The mean of what a sample covers, as whole numbers where both ratios are whole.
#[expect(clippy::cast_possible_truncation, reason = "a mean of bytes")]
fn area_sample(at: &dyn Fn(i64, i64) -> i64, x: Place, y: Place) -> i64 {
    let whole = |p: Place| (p.ratio() - p.ratio().round()).abs() < f64::EPSILON;
    if whole(x) && whole(y) {
        let (across, down) = (x.ratio().round() as i64, y.ratio().round() as i64);
        let (left, top) = (i64::from(x.d) * across, i64::from(y.d) * down);
        let sum: i64 =
            (0..down).map(|j| (0..across).map(|i| at(left + i, top + j)).sum::<i64>()).sum();
        return match (across, down) {
            (2, 2) => (sum + 2) / 4,
            _ => (sum as f32 * (1.0 / (across * down) as f32)).round_ties_even() as i64,
        };
    }
    let mut total = 0.0_f32;
    for (row, share) in covered(y) {
        let mut sum = 0.0_f32;
        for (column, share) in covered(x) {
            sum += at(column, row) as f32 * share;
        }
        total += share * sum;
    }
    (total.round_ties_even() as i64).clamp(0, 255)
}

/// Keys' cubic with a = -0.75 by OpenCV's expressions.
fn cubic_weights(x: f32) -> [i64; 4] {
    let a = -0.75_f32;
    let c0 = ((a * (x + 1.0) - 5.0 * a) * (x + 1.0) + 8.0 * a) * (x + 1.0) - 4.0 * a;
    let c1 = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    let c2 = ((a + 2.0) * (1.0 - x) - (a + 3.0)) * (1.0 - x) * (1.0 - x) + 1.0;
    [c0, c1, c2, 1.0 - c0 - c1 - c2].map(fixed)
}

#[expect(clippy::cast_possible_truncation, reason = "a few times 255")]
fn cubic_sample(at: &dyn Fn(i64, i64) -> i64, x: Place, y: Place, whole: bool) -> i64 {
    let ((x0, fx), (y0, fy)) = (centre(x), centre(y));
    let (across, down) = (cubic_weights(fx), cubic_weights(fy));
    let rows = [-1, 0, 1, 2].map(|j| {
        let row = (y0 + j).clamp(0, y.last());
        (-1..=2).zip(across).map(|(i, w)| at((x0 + i).clamp(0, x.last()), row) * w).sum::<i64>()
    });
    if whole {
        let sum: i64 = rows.iter().zip(down).map(|(row, w)| row * w).sum();
        return ((sum + (1 << 21)) >> 22).clamp(0, 255);
    }
    let mut sum = 0.0_f32;
    for (row, weight) in rows.iter().zip(down).rev() {
        sum += *row as f32 * (weight as f32 / 4_194_304.0);
    }
    (sum.round_ties_even() as i64).clamp(0, 255)
}

/// How the passes of a convolution keep their weights.
#[derive(Clone, Copy, PartialEq)]
enum Rounding {
    Pillow,
    Torch,
}

/// Two passes with every weight computed where it is used.
fn convolved(
    picture: View<'_>,
    to: Size,
    rounding: Rounding,
    support: f64,
    filter: fn(f64) -> f64,
) -> Vec<u8> {
    let pass = |picture: View<'_>, to: Size| -> Vec<u8> {
        let along_rows = to.height == picture.size.height;
        let (from, length) = match along_rows {
            true => (picture.size.width, to.width),
            false => (picture.size.height, to.height),
        };
        let axis = |d| weights(Place { d, from, to: length }, support, filter);
        let bits = match rounding {
            Rounding::Pillow => 22,
            Rounding::Torch => torch_bits((0..length).flat_map(|d| axis(d).1)),
        };
        each(picture, to, |at, x, y, _| {
            if along_rows {
                dot(axis(x.d), bits, |s| at(s, i64::from(y.d)))
            } else {
                dot(axis(y.d), bits, |s| at(i64::from(x.d), s))
            }
        })
    };
    let from = picture.size;
    let fewer_rows = i64::from(from.height) - i64::from(to.height);
    let fewer_columns = i64::from(from.width) - i64::from(to.width);
    let rows_first =
        rounding == Rounding::Pillow && fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
    let size = match rows_first {
        true => Size::new(from.width, to.height),
        false => Size::new(to.width, from.height),
    };
    let between = pass(picture, size);
    pass(View { data: &between, size, channels: picture.channels }, to)
}

/// The first source position and the normalised weights of an output position.
#[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
fn weights(place: Place, support: f64, filter: fn(f64) -> f64) -> (i64, Vec<f64>) {
    let scale = f64::from(place.from) / f64::from(place.to);
    let stretch = if scale < 1.0 { 1.0 } else { scale };
    let centre = (f64::from(place.d) + 0.5) * scale;
    let bound = |b: f64| ((b + 0.5) as i64).clamp(0, i64::from(place.from));
    let span = bound(centre - support * stretch)..bound(centre + support * stretch);
    let first = span.start;
    let raw: Vec<f64> = span.map(|s| filter((s as f64 - centre + 0.5) * (1.0 / stretch))).collect();
    let total = raw.iter().fold(0.0, |sum, w| sum + w);
    (first, raw.iter().map(|w| if total == 0.0 { *w } else { w / total }).collect())
}

/// The search of ATen for the precision that fits the largest weight into 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
fn torch_bits(weights: impl Iterator<Item = f64>) -> u32 {
    let largest = weights.fold(0.0, f64::max);
    let mut bits = 0;
    while bits < 22 {
        let next = (0.5 + largest * f64::from(1 << (bits + 1))) as i32;
        if next >= 1 << 15 {
            break;
        }
        bits += 1;
    }
    bits
}

#[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
fn dot((first, weights): (i64, Vec<f64>), bits: u32, at: impl Fn(i64) -> i64) -> i64 {
    let mut sum = 1_i64 << (bits - 1);
    for (s, weight) in (first..).zip(weights) {
        let half = if weight < 0.0 { -0.5 } else { 0.5 };
        sum += (weight * f64::from(1 << bits) + half) as i64 * at(s);
    }
    (sum >> bits).clamp(0, 255)
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys' cubic with a = -0.5, as Pillow spells it.
fn cubic(x: f64) -> f64 {
    let (a, x) = (-0.5, x.abs());
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| match x * std::f64::consts::PI {
        0.0 => 1.0,
        x => x.sin() / x,
    };
    if x.abs() < 3.0 || x == -3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn within(x: f64) -> f64 {
    f64::from(x > -0.5 && x <= 0.5)
}

fn hamming(x: f64) -> f64 {
    let t = x.abs() * std::f64::consts::PI;
    match x.abs() {
        0.0 => 1.0,
        far if far >= 1.0 => 0.0,
        _ => t.sin() / t * (f64::from(0.54_f32) + f64::from(0.46_f32) * t.cos()),
    }
}
