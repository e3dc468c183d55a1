//! What a device makes of the tables, pixel by pixel, equals what the pipeline makes.

use calibrant_preprocess::{
    Crop, Filter, Pipeline, Pixels, Recipe, ResizeKernel, ResizeKind, Sampling, Scratch, Settings,
    Size, Step,
};
use proptest::prelude::*;

/// A picture whose pixels are asked for one by one.
struct Source<'a> {
    data: &'a [u8],
    width: usize,
    channels: usize,
}

impl Source<'_> {
    fn at(&self, x: u32, y: u32, c: usize) -> u8 {
        self.data[(y as usize * self.width + x as usize) * self.channels + c]
    }
}

/// One entry of a table of runs: the first position and the weights.
fn run(table: &[u32], entry: usize) -> (u32, &[u32]) {
    let [first, at, count] = table[3 * entry..][..3] else { panic!("an entry has three words") };
    (first, &table[at as usize..][..count as usize])
}

fn clip(sum: i32, precision: u32) -> u8 {
    u8::try_from((sum >> precision).clamp(0, 255)).unwrap()
}

/// A pass of a convolution over values that begin at a position.
fn convolve(weights: &[u32], precision: u32, first: u32, value: impl Fn(u32) -> u8) -> u8 {
    let sum = (first..).zip(weights).fold(1 << (precision - 1), |sum: i32, (at, weight)| {
        sum.wrapping_add(i32::from(value(at)).wrapping_mul(weight.cast_signed()))
    });
    clip(sum, precision)
}

/// The value of a pixel of the window, by the documentation of [`ResizeKernel`].
#[expect(clippy::cast_possible_truncation, reason = "rounded values of pixels")]
fn pixel(s: &Sampling, source: &Source<'_>, x: usize, y: usize, c: usize) -> u8 {
    let (left, top) = (s.from.0 + x as u32, s.from.1 + y as u32);
    match s.kernel {
        ResizeKernel::Copy => source.at(left, top, c),
        ResizeKernel::Nearest => source.at(s.columns[x], s.rows[y], c),
        ResizeKernel::Linear => {
            let (column, row) = (&s.columns[4 * x..][..4], &s.rows[4 * y..][..4]);
            let sum = |y| {
                let at = |i: usize| u32::from(source.at(column[i], y, c)) * column[2 + i];
                (at(0) + at(1)) >> 4
            };
            let half = |i: usize| (sum(row[i]) * row[2 + i]) >> 16;
            ((half(0) + half(1) + 2) >> 2) as u8
        }
        ResizeKernel::Cubic { vectors } => {
            let (column, row) = (&s.columns[8 * x..][..8], &s.rows[8 * y..][..8]);
            let weight = |entry: &[u32], i: usize| entry[4 + i].cast_signed();
            let sums: [i32; 4] = std::array::from_fn(|j| {
                let at = |i| i32::from(source.at(column[i], row[j], c)) * weight(column, i);
                (0..4).map(at).sum()
            });
            if (left as usize * source.channels + c) < vectors as usize {
                let part = |j: usize| sums[j] as f32 * (weight(row, j) as f32 / 4_194_304.0);
                (part(0) + (part(1) + (part(2) + part(3)))).round_ties_even() as u8
            } else {
                let sum = (0..4).map(|j| sums[j] * weight(row, j)).sum::<i32>();
                clip(sum + (1 << 21), 22)
            }
        }
        ResizeKernel::Cells { across, down } => {
            let rows = top * down..(top + 1) * down;
            let row = |y| (left * across..(left + 1) * across).map(move |x| (x, y));
            let sum: u32 = rows.flat_map(row).map(|(x, y)| u32::from(source.at(x, y, c))).sum();
            match (across, down) {
                (2, 2) => ((sum + 2) >> 2) as u8,
                _ => (sum as f32 * (1.0 / (across * down) as f32)).round_ties_even() as u8,
            }
        }
        ResizeKernel::Parts => {
            let ((x, across), (y, down)) = (run(&s.columns, x), run(&s.rows, y));
            let mut total = 0.0_f32;
            for (y, weight) in (y..).zip(down) {
                let values = (x..).zip(across);
                let sum = values.fold(0.0_f32, |sum, (x, weight)| {
                    sum + f32::from(source.at(x, y, c)) * f32::from_bits(*weight)
                });
                total += f32::from_bits(*weight) * sum;
            }
            total.round_ties_even() as u8
        }
        ResizeKernel::Convolve { rows_first, precision: (px, py) } => {
            let ((x, across), (y, down)) = (run(&s.columns, x), run(&s.rows, y));
            if rows_first {
                convolve(across, px, x, |x| convolve(down, py, y, |y| source.at(x, y, c)))
            } else {
                convolve(down, py, y, |y| convolve(across, px, x, |x| source.at(x, y, c)))
            }
        }
        other => panic!("{other:?} is not known here"),
    }
}

fn tensor(pipeline: &Pipeline, sampling: &Sampling, source: &Source<'_>) -> Vec<f32> {
    let Size { width, height } = pipeline.size();
    let mut out = Vec::new();
    for plane in pipeline.channels() {
        let c = if source.channels == 1 { 0 } else { plane.source };
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let x = x.checked_sub(sampling.at.0).filter(|x| *x < sampling.window.width);
            let y = y.checked_sub(sampling.at.1).filter(|y| *y < sampling.window.height);
            let value = x
                .zip(y)
                .map_or(sampling.fill, |(x, y)| pixel(sampling, source, x as usize, y as usize, c));
            out.push(plane.values[usize::from(value)]);
        }
    }
    out
}

fn area(size: Size) -> usize {
    size.width as usize * size.height as usize
}

/// A geometry, and its shorter side or the value of its bars.
fn resizes() -> impl Strategy<Value = Settings> {
    let of = |kind| Settings { resize: Some(kind), ..Settings::default() };
    prop_oneof![
        Just(of(ResizeKind::Stretch)),
        (1..70_u32).prop_map(move |side| Settings {
            shorter_side: Some(side),
            ..of(ResizeKind::ShorterCrop)
        }),
        any::<u8>()
            .prop_map(move |fill| Settings { fill: Some(fill), ..of(ResizeKind::Letterbox) }),
    ]
}

fn check(
    settings: &Settings,
    size: Size,
    channels: usize,
    data: &[u8],
) -> Result<(), TestCaseError> {
    let pipeline = settings.recipe().unwrap().compile().unwrap();
    let pixels = match channels {
        1 => Pixels::gray(size, data).unwrap(),
        _ => Pixels::rgb(size, data).unwrap(),
    };
    let mut expected = vec![0.0; pipeline.channels().count() * area(pipeline.size())];
    pipeline.preprocess_pixels(pixels, &mut Scratch::new(), &mut expected).unwrap();
    let sampling = pipeline.sampling(size, channels).unwrap().expect("an exact filter");
    let source = Source { data, width: size.width as usize, channels };
    let found = tensor(&pipeline, &sampling, &source);
    let bits = |values: &[f32]| values.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    prop_assert!(bits(&found) == bits(&expected), "{:?} {size}: {sampling:?}", settings.filter);
    Ok(())
}

fn exact_filters() -> Vec<Filter> {
    Filter::ALL.iter().copied().filter(|it| it.is_exact()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn tables_make_the_tensors_of_the_pipeline(
        filter in prop::sample::select(exact_filters()),
        resize in resizes(),
        (width, height) in (1..90_u32, 1..90_u32),
        (to_width, to_height) in (1..60_u32, 1..60_u32),
        channels in prop::sample::select(vec![1, 3_usize]),
        bgr in any::<bool>(),
        seed in any::<u32>(),
    ) {
        let preset = if bgr { "caffe" } else { "imagenet" };
        let size = Size::new(to_width, to_height);
        let changes = Settings { filter: Some(filter), size: Some(size), ..resize };
        let settings = Settings::preset(preset).overridden_by(changes);
        let picture = Size::new(width, height);
        let mut state = seed;
        let data: Vec<u8> = (0..area(picture) * channels)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        check(&settings, picture, channels, &data)?;
    }
}

/// Sizes that choose special cases: equal, halved, cells, one side alone.
#[test]
fn tables_know_the_special_cases() {
    for (from, to) in [
        ((24, 18), (24, 18)),
        ((24, 18), (12, 9)),
        ((24, 18), (8, 9)),
        ((24, 18), (24, 9)),
        ((7, 61), (30, 2)),
        ((1, 1), (5, 4)),
    ] {
        let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
        let data: Vec<u8> = (0..from.pixels() * 3).map(|i| (i * i * 37 % 251) as u8).collect();
        for filter in exact_filters() {
            let preset = Settings::preset("imagenet");
            let settings = Settings { filter: Some(filter), size: Some(to), ..preset };
            check(&settings, from, 3, &data).unwrap();
        }
    }
}

#[test]
fn filters_of_no_framework_have_no_tables() {
    let settings = Settings { filter: Some(Filter::FirLanczos3), ..Settings::preset("imagenet") };
    let pipeline = settings.recipe().unwrap().compile().unwrap();
    assert_eq!(pipeline.sampling(Size::new(500, 375), 3).unwrap(), None);
    assert_eq!(Filter::ALL.iter().filter(|it| it.is_exact()).count(), 13);
}

#[test]
fn what_no_table_says_has_none() {
    let steps =
        |toml: &str| Settings::from_toml(toml).unwrap().recipe().unwrap().compile().unwrap();
    let late = steps("preset = 'segment-anything'");
    assert_eq!(late.sampling(Size::new(500, 375), 3).unwrap(), None);
    let mut cut = Recipe::preset("imagenet").unwrap();
    cut.steps.insert(1, Step::Crop(Crop::Fraction(0.5)));
    assert_eq!(cut.compile().unwrap().sampling(Size::new(500, 375), 3).unwrap(), None);
}
