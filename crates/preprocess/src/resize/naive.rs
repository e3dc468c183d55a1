//! The exact kernels once more, pixel by pixel from their formulas, and the proof that the fast
//! ones give the same for any size and window.

use proptest::prelude::*;

use super::{Buffers, View, convolve, linear, window};
use crate::geometry::{Plan, Window};
use crate::recipe::{Filter, Size};

/// Returns sample `c` of the pixel at `x`, `y`.
fn sample(picture: View<'_>, x: i64, y: i64, c: usize) -> i64 {
    let (x, y) = (usize::try_from(x).unwrap(), usize::try_from(y).unwrap());
    i64::from(picture.data[(y * picture.size.width as usize + x) * picture.channels + c])
}

/// `INTER_LINEAR`, or `INTER_AREA` where both sides halve.
fn linear_naive(picture: View<'_>, to: Size) -> Vec<u8> {
    let from = picture.size;
    let mut out = Vec::new();
    for y in 0..to.height {
        for x in 0..to.width {
            for c in 0..picture.channels {
                let at = |x: i64, y: i64| sample(picture, x, y, c);
                let value = if (2 * to.width, 2 * to.height) == (from.width, from.height) {
                    let (x, y) = (2 * i64::from(x), 2 * i64::from(y));
                    (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4
                } else {
                    linear_sample(at, (x, from.width, to.width), (y, from.height, to.height))
                };
                out.push(u8::try_from(value).unwrap());
            }
        }
    }
    out
}

fn linear_sample(
    at: impl Fn(i64, i64) -> i64,
    (x, from_w, to_w): (u32, u32, u32),
    (y, from_h, to_h): (u32, u32, u32),
) -> i64 {
    let (mut x0, mut fx) = position(x, from_w, to_w);
    let (last_x, last_y) = (i64::from(from_w) - 1, i64::from(from_h) - 1);
    if x0 < 0 {
        (x0, fx) = (0, 0.0);
    } else if x0 >= last_x {
        (x0, fx) = (last_x, 0.0);
    }
    let (y0, fy) = position(y, from_h, to_h);
    #[expect(clippy::cast_possible_truncation, reason = "a weight is at most 2048")]
    let weights = |f: f32| [1.0 - f, f].map(|w| (f64::from(w) * 2048.0).round_ties_even() as i64);
    let ([a, b], [above, below]) = (weights(fx), weights(fy));
    let row = |y: i64| {
        let y = y.clamp(0, last_y);
        (at(x0, y) * a + at((x0 + 1).min(last_x), y) * b) / 16
    };
    (row(y0) * above / 65_536 + row(y0 + 1) * below / 65_536 + 2) / 4
}

fn position(d: u32, from: u32, to: u32) -> (i64, f32) {
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    #[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
    let f = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
    #[expect(clippy::cast_possible_truncation, reason = "a position in a small picture")]
    let floor = f.floor() as i64;
    (floor, f - f.floor())
}

/// Pillow's two passes with every weight computed where it is used.
fn convolve_naive(picture: View<'_>, to: Size, support: f64, filter: fn(f64) -> f64) -> Vec<u8> {
    let (from, channels) = (picture.size, picture.channels);
    let pass = |picture: View<'_>, to: Size| -> Vec<u8> {
        let mut out = Vec::new();
        for y in 0..to.height {
            for x in 0..to.width {
                for c in 0..channels {
                    out.push(if to.height == picture.size.height {
                        let at = |x: i64| sample(picture, x, i64::from(y), c);
                        convolve_sample(at, (x, picture.size.width, to.width), support, filter)
                    } else {
                        let at = |y: i64| sample(picture, i64::from(x), y, c);
                        convolve_sample(at, (y, picture.size.height, to.height), support, filter)
                    });
                }
            }
        }
        out
    };
    let fewer_rows = i64::from(from.height) - i64::from(to.height);
    let fewer_columns = i64::from(from.width) - i64::from(to.width);
    let vertical_first = fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
    let size = match vertical_first {
        true => Size::new(from.width, to.height),
        false => Size::new(to.width, from.height),
    };
    let between = pass(picture, size);
    pass(View { data: &between, size, channels }, to)
}

fn convolve_sample(
    at: impl Fn(i64) -> i64,
    (d, from, to): (u32, u32, u32),
    support: f64,
    filter: fn(f64) -> f64,
) -> u8 {
    let scale = f64::from(from) / f64::from(to);
    let stretch = if scale < 1.0 { 1.0 } else { scale };
    let centre = (f64::from(d) + 0.5) * scale;
    #[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
    let bound = |b: f64| ((b + 0.5) as i64).clamp(0, i64::from(from));
    let span = bound(centre - support * stretch)..bound(centre + support * stretch);
    let raw = |s: i64| filter((s as f64 - centre + 0.5) * (1.0 / stretch));
    let total: f64 = span.clone().map(raw).fold(0.0, |sum, w| sum + w);
    let mut sum = 1_i64 << 21;
    for s in span {
        let weight = if total == 0.0 { raw(s) } else { raw(s) / total };
        #[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
        let fixed = (weight * 4_194_304.0 + if weight < 0.0 { -0.5 } else { 0.5 }) as i64;
        sum += fixed * at(s);
    }
    u8::try_from((sum >> 22).clamp(0, 255)).unwrap()
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

/// Returns the window of a packed picture.
fn cut(whole: &[u8], width: u32, channels: usize, window: Window) -> Vec<u8> {
    let rows = whole.chunks_exact(width as usize * channels);
    let bytes =
        window.left as usize * channels..(window.left + window.size.width) as usize * channels;
    rows.skip(window.top as usize)
        .take(window.size.height as usize)
        .flat_map(|row| row[bytes.clone()].to_vec())
        .collect()
}

#[derive(Debug, Clone)]
struct Case {
    pixels: Vec<u8>,
    channels: usize,
    from: Size,
    plan: Plan,
}

/// A size and a part of it.
fn size_and_part() -> impl Strategy<Value = (u32, u32, u32)> {
    (1..40_u32)
        .prop_flat_map(|n| (Just(n), 0..n))
        .prop_flat_map(|(n, start)| (Just(n), Just(start), 1..=n - start))
}

fn cases() -> impl Strategy<Value = Case> {
    let side = 1..40_u32;
    (prop::sample::select(vec![1, 3]), side.clone(), side, size_and_part(), size_and_part())
        .prop_flat_map(|(channels, width, height, (w, left, part_w), (h, top, part_h))| {
            let window = Window { left, top, size: Size::new(part_w, part_h) };
            let plan = Plan { scaled: Size::new(w, h), window, at: (0, 0), fill: 0 };
            let from = Size::new(width, height);
            prop::collection::vec(any::<u8>(), from.area() * channels)
                .prop_map(move |pixels| Case { pixels, channels, from, plan })
        })
}

/// Doubles the scaled size, so that the special case of halving occurs.
fn halved(case: &Case) -> Case {
    let from = Size::new(2 * case.plan.scaled.width, 2 * case.plan.scaled.height);
    let pixels = case.pixels.iter().copied().cycle().take(from.area() * case.channels).collect();
    Case { pixels, from, ..case.clone() }
}

fn check(filter: Filter, case: &Case, buffers: &mut Buffers) -> Result<(), TestCaseError> {
    let picture = View { data: &case.pixels, size: case.from, channels: case.channels };
    let to = case.plan.scaled;
    let whole = match filter {
        Filter::PilBilinear => convolve_naive(picture, to, 1.0, triangle),
        Filter::PilBicubic => convolve_naive(picture, to, 2.0, cubic),
        _ => linear_naive(picture, to),
    };
    let expected = cut(&whole, to.width, case.channels, case.plan.window);
    let found = window(filter, picture, &case.plan, buffers).unwrap();
    prop_assert_eq!(found, &expected[..]);
    Ok(())
}

const EXACT: [Filter; 3] = [Filter::Cv2Linear, Filter::PilBilinear, Filter::PilBicubic];

proptest! {
    #[test]
    fn kernels_match_the_formulas(first in cases(), second in cases()) {
        // The second case finds the buffers as the first one left them.
        let mut buffers = Buffers::default();
        for filter in EXACT {
            for case in [&first, &second, &halved(&first)] {
                check(filter, case, &mut buffers)?;
            }
        }
    }

    #[test]
    fn processors_do_not_matter(case in cases()) {
        let picture = View { data: &case.pixels, size: case.from, channels: case.channels };
        let mut fast = vec![0; case.plan.window.size.area() * case.channels];
        let mut plain = fast.clone();
        let mut buffers = convolve::Buffers::default();
        convolve::resize(convolve::BICUBIC, picture, &case.plan, &mut buffers, &mut fast);
        let (kernel, passes) = (convolve::BICUBIC, convolve::passes);
        convolve::resize_with(passes, kernel, picture, &case.plan, &mut buffers, &mut plain);
        prop_assert_eq!(fast, plain);
    }
}

#[test]
fn strips_do_not_show() {
    // 2^17 rows of 300 columns of one byte would take more than a strip may.
    let from = Size::new(2, 1 << 17);
    let pixels: Vec<u8> = (0..=250_u8).cycle().step_by(97).take(from.area()).collect();
    let picture = View { data: &pixels, size: from, channels: 1 };
    let to = Size::new(300, 1);
    let plan = crate::geometry::stretch(to);
    let mut out = vec![0; to.area()];
    convolve::resize(convolve::BILINEAR, picture, &plan, &mut Default::default(), &mut out);
    assert_eq!(out, convolve_naive(picture, to, 1.0, triangle));
    let mut out = vec![0; to.area()];
    linear::resize(picture, &plan, &mut Default::default(), &mut out);
    assert_eq!(out, linear_naive(picture, to));
}
