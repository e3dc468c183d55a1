//! The proof that the fast kernels give what the formulas give, for any size and window.

use proptest::prelude::*;

use calibrant_jpeg::{ROW_SLACK, Region};

use super::simd::Vectors;
use super::{Algorithm, Resizer, View, naive};
use crate::geometry::{CROP_FILL, Plan, Window};
use crate::recipe::{Filter, Size};

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

/// Returns the window of a picture, of which the resizer gets what it wants and nothing else.
fn window(filter: Filter, picture: View<'_>, plan: &Plan, resizer: &mut Resizer) -> Vec<u8> {
    let View { data, size, channels } = picture;
    let mut region = Region::new();
    resizer.begin(filter, size, channels, plan, &mut region).unwrap();
    let mut found = Vec::new();
    let bytes = plan.window.size.width as usize * channels;
    let mut line = |y: usize, line: &[u8]| {
        assert_eq!((found.len(), line.len()), (y * bytes, bytes), "whole lines, from the top");
        found.extend_from_slice(line);
    };
    for (y, row) in data.chunks_exact(size.width as usize * channels).enumerate() {
        if region.wants_row(y) {
            let slack = [0xa5; ROW_SLACK];
            resizer.row(y, &[row, &slack].concat(), &mut line);
        }
    }
    resizer.end(&mut line).unwrap();
    found
}

/// The whole picture in another size.
fn stretch(to: Size) -> Plan {
    Plan { scaled: to, window: Window::whole(to), at: (0, 0), fill: CROP_FILL }
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
            let plan = Plan { scaled: Size::new(w, h), window, at: (0, 0), fill: CROP_FILL };
            let from = Size::new(width, height);
            prop::collection::vec(any::<u8>(), from.area() * channels)
                .prop_map(move |pixels| Case { pixels, channels, from, plan })
        })
}

/// The same scaled size from a picture that many times as large: whole ratios, and a half.
fn multiplied(case: &Case, across: u32, down: u32) -> Case {
    let from = Size::new(across * case.plan.scaled.width, down * case.plan.scaled.height);
    let pixels = case.pixels.iter().copied().cycle().take(from.area() * case.channels).collect();
    Case { pixels, from, ..case.clone() }
}

fn check(filter: Filter, case: &Case, resizer: &mut Resizer) -> Result<(), TestCaseError> {
    let picture = View { data: &case.pixels, size: case.from, channels: case.channels };
    let to = case.plan.scaled;
    let whole = naive::resized(filter, picture, to);
    let expected = cut(&whole, to.width, case.channels, case.plan.window);
    let found = window(filter, picture, &case.plan, resizer);
    prop_assert_eq!(found, expected, "{}", filter);
    Ok(())
}

/// The filters that equal a framework.
fn exact() -> impl Iterator<Item = Filter> {
    let size = Size::new(1, 1);
    let exact = move |f: &Filter| !matches!(Algorithm::of(*f, size, size), Algorithm::Fir(_));
    Filter::ALL.iter().copied().filter(exact)
}

#[test]
fn fir_filters_are_the_inexact_ones() {
    let named = Filter::ALL.iter().filter(|filter| !filter.word().starts_with("fir-"));
    assert!(exact().eq(named.copied()));
}

proptest! {
    // Each case goes through every kernel four times, and the formulas take their time.
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn kernels_match_the_formulas(first in cases(), second in cases()) {
        // The second case finds the buffers as the first one left them.
        let mut resizer = Resizer::default();
        for filter in exact() {
            for case in [&first, &second, &multiplied(&first, 2, 2), &multiplied(&first, 3, 2)] {
                check(filter, case, &mut resizer)?;
            }
        }
    }

    #[test]
    fn processors_do_not_matter(case in cases()) {
        let picture = View { data: &case.pixels, size: case.from, channels: case.channels };
        let plan = &case.plan;
        for filter in exact() {
            let resized = |vectors| {
                let mut resizer = Resizer { vectors, ..Resizer::default() };
                window(filter, picture, plan, &mut resizer)
            };
            let plain = resized(Vectors::Plain);
            for vectors in Vectors::all() {
                prop_assert_eq!(&resized(vectors), &plain, "{} {:?}", filter, vectors);
            }
        }
    }
}

#[test]
fn a_picture_that_breaks_off_leaves_nothing_behind() {
    let from = Size::new(37, 29);
    let pixels: Vec<u8> = (0..=250_u8).cycle().step_by(89).take(from.area() * 3).collect();
    let picture = View { data: &pixels, size: from, channels: 3 };
    for &filter in Filter::ALL {
        for to in [Size::new(11, 7), Size::new(50, 60)] {
            let mut resizer = Resizer::default();
            let mut region = Region::new();
            resizer.begin(filter, from, 3, &stretch(to), &mut region).unwrap();
            for (y, row) in pixels.chunks_exact(37 * 3).enumerate().take(15) {
                if region.wants_row(y) {
                    resizer.row(y, &[row, &[0; ROW_SLACK]].concat(), &mut |_, _| {});
                }
            }
            let found = window(filter, picture, &stretch(to), &mut resizer);
            let expected = window(filter, picture, &stretch(to), &mut Resizer::default());
            assert_eq!(found, expected, "{filter} to {to}");
        }
    }
}

#[test]
fn very_many_rows_take_little_memory() {
    let from = Size::new(2, 1 << 17);
    let pixels: Vec<u8> = (0..=250_u8).cycle().step_by(97).take(from.area()).collect();
    let picture = View { data: &pixels, size: from, channels: 1 };
    let to = Size::new(300, 1);
    for filter in [Filter::PilBilinear, Filter::TvBilinear, Filter::Cv2Linear] {
        let found = window(filter, picture, &stretch(to), &mut Resizer::default());
        assert_eq!(found, naive::resized(filter, picture, to), "{filter}");
    }
}
