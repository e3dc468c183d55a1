//! Odd and hostile pictures: what must be read is, what must not is refused with its reason.

use calibrant_preprocess::{Format, PreprocessError, Settings};

use crate::{bytes, chain, fixture, tensor};

/// One line of `edge_expected.csv`.
struct Case {
    name: String,
    expected: String,
    /// Width and height as stored, or `-`.
    size: String,
}

fn cases() -> Vec<Case> {
    let table = std::fs::read_to_string(fixture("edge/edge_expected.csv")).unwrap();
    let cases: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            Case { name: fields[0].into(), expected: fields[3].into(), size: fields[4].into() }
        })
        .collect();
    assert!(cases.len() > 60);
    cases
}

/// Decodes without resizing to a size that no picture has, so that the error tells the true one.
fn decoded_size(encoded: &[u8]) -> Result<String, PreprocessError> {
    let recipe = Settings::from_toml("preset = 'raw'\nsize = '7x7'").unwrap().recipe().unwrap();
    match tensor(&recipe.compile().unwrap(), encoded) {
        Err(PreprocessError::WrongSize { found, .. }) => Ok(found.to_string()),
        Err(error) => Err(error),
        Ok(_) => Ok("7x7".into()),
    }
}

#[test]
fn what_must_decode_does_to_its_size() {
    for case in cases().iter().filter(|c| c.expected == "ok") {
        let size = decoded_size(&bytes(&format!("edge/{}", case.name)));
        assert_eq!(size.unwrap(), case.size, "{}", case.name);
    }
}

#[test]
fn what_must_fail_does_for_both_decoders() {
    for decoder in ["libjpeg-turbo", "image"] {
        let text = format!("preset = 'imagenet'\njpeg = '{decoder}'");
        let pipeline = Settings::from_toml(&text).unwrap().recipe().unwrap().compile().unwrap();
        for case in cases().iter().filter(|c| c.expected == "fail" || c.expected == "skip") {
            let result = tensor(&pipeline, &bytes(&format!("edge/{}", case.name)));
            assert!(result.is_err(), "{} was decoded by {decoder}", case.name);
        }
    }
}

#[test]
fn other_formats_are_read_or_named() {
    let mut read = 0;
    for case in cases().iter().filter(|c| c.expected == "other") {
        match decoded_size(&bytes(&format!("edge/{}", case.name))) {
            Ok(size) => {
                read += 1;
                assert_eq!(size, case.size, "{}", case.name);
            }
            Err(error) => {
                let named = matches!(error, PreprocessError::UnsupportedFormat { .. });
                assert!(named, "{}: {error}", case.name);
            }
        }
    }
    assert_eq!(read, 3, "two WebP and a BMP");
}

#[test]
fn reasons_name_the_trouble() {
    for (name, reason) in [
        ("bad_zero_byte.jpg", "empty"),
        ("bad_text.jpg", "not a picture"),
        ("bad_truncated_60pct.jpg", "unexpected end of data"),
        ("bad_truncated_header.jpg", "unexpected end of data"),
        ("bad_truncated.png", "unexpected end of file"),
        ("bad_crc.png", "the PNG data cannot be decoded: "),
        ("bad_jpeg_zero_dim.jpg", "width or height is 0"),
        ("bomb_header_60000x60000.png", "60000x60000 px"),
        ("bomb_header_65500x65500.jpg", "65500x65500 px"),
        ("bomb_valid_30000x30000_1bit.png", "above the limit of 32000000"),
        ("other_animated.gif", "GIF pictures are not read"),
        ("other_photo.tif", "TIFF pictures are not read"),
    ] {
        let error = decoded_size(&bytes(&format!("edge/{name}"))).unwrap_err();
        let message = chain(&error);
        assert!(message.contains(reason), "{name}: {message}");
    }
}

#[test]
fn the_pixel_limit_is_the_recipe_s() {
    let picture = bytes("edge/ok_baseline.jpg");
    let with = |max_pixels: u64| {
        let text = format!("preset = 'imagenet'\nmax-pixels = {max_pixels}");
        let recipe = Settings::from_toml(&text).unwrap().recipe().unwrap();
        tensor(&recipe.compile().unwrap(), &picture)
    };
    assert!(with(480 * 269).is_ok());
    assert!(matches!(with(480 * 269 - 1), Err(PreprocessError::TooManyPixels { .. })));
}

#[test]
fn formats_are_told_by_their_bytes() {
    assert_eq!(Format::of(&bytes("edge/jpeg_named.png")).unwrap(), Format::Jpeg);
    assert_eq!(Format::of(&bytes("edge/png_named.jpg")).unwrap(), Format::Png);
    for (start, name) in [
        (&b"\0\0\0\x1cftypavif"[..], "AVIF"),
        (b"\0\0\0\x18ftypheic", "HEIF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x0a\0\0", "JPEG XL"),
    ] {
        let error = Format::of(start).unwrap_err();
        assert!(error.to_string().starts_with(name), "{error}");
    }
}
