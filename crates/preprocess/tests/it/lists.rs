//! Properties of any list of steps: its TOML gives it back, changes change it once.

use calibrant_preprocess::{
    Arithmetic, Color, Crop, CropAnchor, DctScale, Decode, Expect, Fill, Filter, JpegDecoder,
    Normalise, Orientation, Pad, PadAnchor, PadTo, PixelRules, Preprocess, Recipe, Resize,
    ResizeKind, Rounding, Scale, Settings, Size, Step, Target,
};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

fn size() -> impl Strategy<Value = Size> {
    (1..900_u32, 1..900_u32).prop_map(|(width, height)| Size::new(width, height))
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-1e3..1e3, any::<f64>().prop_filter("finite", |v| v.is_finite())]
}

fn divisor() -> impl Strategy<Value = f64> {
    number().prop_filter("not zero", |v| *v != 0.0)
}

fn decode() -> impl Strategy<Value = Decode> {
    let jpeg = prop_oneof![
        select(DctScale::ALL).prop_map(|scale| (JpegDecoder::LibjpegTurbo, scale)),
        Just((JpegDecoder::Image, DctScale::Full)),
    ];
    let words = (jpeg, select(PixelRules::ALL), select(Orientation::ALL));
    (words, 1..1_u64 << 40).prop_map(|(((jpeg, dct_scale), pixels, orientation), max_pixels)| {
        Decode { jpeg, pixels, orientation, max_pixels, dct_scale }
    })
}

fn crop() -> impl Strategy<Value = Crop> {
    prop_oneof![
        (size(), select(CropAnchor::ALL)).prop_map(|(size, anchor)| Crop::Size { size, anchor }),
        (0.0..1.0_f64).prop_map(|fraction| Crop::Fraction(1.0 - fraction)),
    ]
}

fn resize() -> impl Strategy<Value = Resize> {
    let rounding = || select(Rounding::ALL);
    let target = prop_oneof![
        size().prop_map(Target::To),
        (1..900_u32, rounding())
            .prop_map(|(side, rounding)| Target::ShorterSide { side, rounding }),
        (1..900_u32, rounding()).prop_map(|(side, rounding)| Target::LongerSide { side, rounding }),
        (size(), rounding()).prop_map(|(size, rounding)| Target::Within { size, rounding }),
        (size(), rounding()).prop_map(|(size, rounding)| Target::Line { size, rounding }),
        (1..900_u32, 1..900_u32)
            .prop_map(|(shortest, longest)| Target::Edges { shortest, longest }),
        (1..29_u32, 1..33_u32)
            .prop_map(|(n, multiple)| Target::Limit { side: n * multiple, multiple }),
    ];
    (target, select(Filter::ALL)).prop_map(|(target, filter)| Resize { target, filter })
}

fn pad() -> impl Strategy<Value = Pad> {
    let to = prop_oneof![
        // As large as anything before it may be.
        size().prop_map(|size| PadTo::Size(Size::new(size.width + 900, size.height + 900))),
        (1..99_u32).prop_map(PadTo::Multiple),
    ];
    let fill = prop_oneof![
        any::<u8>().prop_map(Fill::Pixel),
        any::<f32>().prop_filter("finite", |v| v.is_finite()).prop_map(Fill::Normalised),
    ];
    (to, select(PadAnchor::ALL), fill).prop_map(|(to, anchor, fill)| Pad { to, anchor, fill })
}

fn normalise() -> impl Strategy<Value = Normalise> {
    let scale = prop_oneof![divisor().prop_map(Scale::Times), divisor().prop_map(Scale::Over)];
    (select(Color::ALL), scale, select(Arithmetic::ALL)).prop_flat_map(
        |(color, scale, arithmetic)| {
            let channels = color.channels();
            let values = move |n: usize| if n == 0 { 1 } else { channels };
            let mean =
                (0..2_usize).prop_flat_map(move |n| prop::collection::vec(number(), values(n)));
            let std =
                (0..2_usize).prop_flat_map(move |n| prop::collection::vec(divisor(), values(n)));
            (mean, std).prop_map(move |(mean, std)| Normalise {
                color,
                scale,
                mean,
                std,
                arithmetic,
            })
        },
    )
}

/// Lists that compile.
fn recipes() -> impl Strategy<Value = Recipe> {
    let geometry = (of(size()), of(crop()), of(resize()), of(crop()), of(pad()));
    (decode(), geometry, normalise())
        .prop_map(|(decode, (expect, before, resize, after, pad), normalise)| {
            let mut steps = vec![Step::Decode(decode)];
            steps.extend(expect.map(|size| Step::Expect(Expect { size })));
            steps.extend(before.map(Step::Crop));
            steps.extend(resize.map(Step::Resize));
            steps.extend(after.map(Step::Crop));
            steps.extend(pad.map(Step::Pad));
            steps.push(Step::Normalise(normalise));
            Recipe { steps }
        })
        .prop_filter("it compiles", |recipe| recipe.compile().is_ok())
}

/// Changes, of which some find nothing to change.
fn changes() -> impl Strategy<Value = Settings> {
    let sides = (of(1..900_u32), of(select(Rounding::ALL)));
    let geometry = (of(size()), of(select(ResizeKind::ALL)), sides, of(any::<u8>()));
    let words = (of(select(Filter::ALL)), of(select(PixelRules::ALL)), of(1..1_u64 << 40));
    let values = (of(divisor().prop_map(Scale::Over)), of(number()), of(divisor()));
    (geometry, words, values).prop_map(
        |(
            (size, resize, (shorter_side, rounding), fill),
            (filter, pixels, max_pixels),
            (scale, mean, std),
        )| {
            Settings {
                size,
                resize,
                shorter_side,
                rounding,
                fill,
                filter,
                pixels,
                max_pixels,
                scale,
                mean: mean.map(|v| vec![v]),
                std: std.map(|v| vec![v]),
                ..Settings::default()
            }
        },
    )
}

fn changed(recipe: &Recipe, changes: &Settings) -> Option<Recipe> {
    let base = Settings { steps: Some(recipe.steps.clone()), ..Settings::default() };
    base.overridden_by(changes.clone()).recipe().ok()
}

proptest! {
    #[test]
    fn toml_gives_the_recipe_back(recipe in recipes()) {
        let text = recipe.to_toml();
        prop_assert_eq!(&Settings::from_toml(&text).unwrap().recipe().unwrap(), &recipe, "{}", text);
        prop_assert_eq!(recipe.compile().unwrap().describe(), text);
    }

    #[test]
    fn nothing_changes_nothing(recipe in recipes()) {
        prop_assert_eq!(changed(&recipe, &Settings::default()), Some(recipe));
    }

    #[test]
    fn what_is_changed_once_is_changed(recipe in recipes(), changes in changes()) {
        if let Some(once) = changed(&recipe, &changes) {
            prop_assert_eq!(changed(&once, &changes), Some(once));
        }
    }

    #[test]
    fn a_size_is_the_tensor_s(recipe in recipes(), size in size()) {
        let sized = changed(&recipe, &Settings { size: Some(size), ..Settings::default() });
        if let Some(sized) = sized {
            prop_assert_eq!(sized.compile().unwrap().size(), size);
        }
    }
}
