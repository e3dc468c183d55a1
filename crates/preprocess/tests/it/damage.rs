//! Truncated and altered files: an error, or the very picture; never a panic.

use calibrant_preprocess::{DctScale, Settings, Size, fuzz_decode};
use proptest::prelude::*;

use crate::{bytes, chain, tensor};

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

/// Offsets of what a PNG's chunks hold, by kind.
fn chunks(png: &[u8]) -> Vec<([u8; 4], std::ops::Range<usize>)> {
    let (mut chunks, mut at) = (Vec::new(), 8);
    while let Some((&[a, b, c, d, ref kind @ ..], _)) = png[at..].split_first_chunk::<8>() {
        let data = at + 8..at + 8 + u32::from_be_bytes([a, b, c, d]) as usize;
        at = data.end + 4;
        chunks.push((*kind, data));
    }
    chunks
}

/// ISO 3309's, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8)
            .fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ 0xedb8_8320 & (crc & 1).wrapping_neg())
    })
}

/// The checksum over the pixels is the last of the compressed data; that of the chunk around it is right.
#[test]
fn a_png_with_a_wrong_checksum_over_its_pixels_is_refused() {
    let pipeline = Settings { size: Some(Size::new(24, 16)), ..Settings::preset("imagenet") };
    let pipeline = pipeline.recipe().unwrap().compile().unwrap();
    for name in ["odd_53x37.png", "palette.png", "gray16.png", "bit.png", "rgba16.png"] {
        let mut png = bytes(&format!("preprocess/pictures/{name}"));
        tensor(&pipeline, &png).unwrap();
        let is_pixels = |(kind, _): &&([u8; 4], _)| kind == b"IDAT";
        let (_, data) = chunks(&png).iter().rfind(is_pixels).unwrap().clone();
        png[data.end - 1] ^= 1;
        let crc = crc32(&png[data.start - 4..data.end]);
        png[data.end..data.end + 4].copy_from_slice(&crc.to_be_bytes());
        let error = chain(&tensor(&pipeline, &png).expect_err(name));
        assert!(error.starts_with("the PNG data cannot be decoded: "), "{error}");
    }
}

/// What libjpeg gives up on, in pictures that the general decoder takes.
#[test]
fn a_jpeg_with_damaged_markers_is_refused() {
    let pipeline = Settings { size: Some(Size::new(24, 16)), ..Settings::preset("imagenet") };
    let pipeline = pipeline.recipe().unwrap().compile().unwrap();
    for name in ["progressive.jpg", "cmyk.jpg", "cmyk_progressive.jpg", "q30_420.jpg", "gray.jpg"] {
        let whole = bytes(&format!("preprocess/pictures/{name}"));
        tensor(&pipeline, &whole).unwrap();
        let place = |markers: &[u8]| {
            let is = |pair: &[u8]| pair[0] == 0xff && markers.contains(&pair[1]);
            whole.windows(2).position(is).unwrap()
        };
        let (tables, frame) = (place(&[0xc4]), place(&[0xc0, 0xc1, 0xc2]));
        let unknown = [&whole[..tables], &[0xff, 0x44, 0, 4, 1, 2], &whole[tables..]].concat();
        let mut renamed = whole.clone();
        renamed[tables + 1] = 0x44;
        // Five bytes more than the components take, and there.
        let length = usize::from(u16::from_be_bytes([whole[frame + 2], whole[frame + 3]]));
        let end = frame + 2 + length;
        let mut longer = [&whole[..end], &[0; 5], &whole[end..]].concat();
        longer[frame + 3] += 5;
        for (what, damaged) in [("unknown", unknown), ("renamed", renamed), ("longer", longer)] {
            let error = chain(&tensor(&pipeline, &damaged).expect_err(&format!("{name}, {what}")));
            assert!(error.starts_with("the JPEG data cannot be decoded: "), "{name}: {error}");
        }
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
