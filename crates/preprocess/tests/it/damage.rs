//! Truncated and altered files: an error, or the very picture; never a panic.

use calibrant_preprocess::{DctScale, Settings, Size, fuzz_decode};
use proptest::prelude::*;

use crate::{bytes, tensor};

/// The part of a file that may be missing without changing a pixel: the end marker of JPEG, the
/// end chunk of PNG and its checksums, the padding of BMP and WebP.
fn cut_anywhere(name: &str) {
    cut_scaled(name, DctScale::Full);
}

fn cut_scaled(name: &str, dct_scale: DctScale) {
    let whole = bytes(&format!("preprocess/pictures/{name}"));
    let settings = Settings {
        size: Some(Size::new(24, 16)),
        dct_scale: Some(dct_scale),
        ..Settings::preset("imagenet")
    };
    let pipeline = settings.recipe().unwrap().compile().unwrap();
    let expected = tensor(&pipeline, &whole).unwrap();
    let mut decoded = 0;
    for len in 0..whole.len() {
        if let Ok(found) = tensor(&pipeline, &whole[..len]) {
            assert_eq!(found, expected, "{name} cut to {len} of {} bytes", whole.len());
            decoded += 1;
        }
    }
    assert!(decoded < 64, "{name}: {decoded} cuts were read");
}

#[test]
fn a_cut_jpeg_is_never_filled_up() {
    for name in [
        "q30_420.jpg",
        "q95_444.jpg",
        "progressive.jpg",
        "restart.jpg",
        "gray.jpg",
        "cmyk.jpg",
        "cmyk_progressive.jpg",
        "rgb_coded.jpg",
    ] {
        cut_anywhere(name);
    }
}

#[test]
fn a_cut_jpeg_is_never_filled_up_by_a_scaled_decode() {
    cut_scaled("q30_420.jpg", DctScale::Half);
    cut_scaled("progressive.jpg", DctScale::Quarter);
}

#[test]
fn a_cut_png_is_never_filled_up() {
    for name in ["odd_53x37.png", "palette.png", "gray16.png", "bit.png"] {
        cut_anywhere(name);
    }
}

#[test]
fn a_cut_webp_or_bmp_is_never_filled_up() {
    for name in ["lossy.webp", "alpha.webp", "rgb.bmp"] {
        cut_anywhere(name);
    }
}

const SEEDS: &[&str] = &[
    "q30_420.jpg",
    "progressive.jpg",
    "restart.jpg",
    "cmyk.jpg",
    "exif_6.jpg",
    "odd_53x37.png",
    "palette_keyed.png",
    "rgba16.png",
    "exif_6.png",
    "lossy.webp",
    "alpha.webp",
    "palette.bmp",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn altered_files_never_panic(
        seed in prop::sample::select(SEEDS),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut file = bytes(&format!("preprocess/pictures/{seed}"));
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len() + 1));
        }
        fuzz_decode(&file);
    }

    #[test]
    fn any_bytes_never_panic(
        start in prop::sample::select(vec![
            &b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"BM", b"",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        fuzz_decode(&[start, &rest].concat());
    }
}
