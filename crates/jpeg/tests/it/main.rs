//! The public API against libjpeg-turbo's pixels.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod damage;
mod fixtures;
mod regions;
mod synthetic;

use std::path::{Path, PathBuf};

use calibrant_jpeg::{Coding, Decoder, Error, Pixels, ROW_SLACK, Reduction};
use libjpeg_turbo_rs::{PixelFormat, ScalingFactor};

/// Returns a path under `fixtures/`.
fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

/// Returns the JPEG files of a folder under `fixtures/`, by their names.
fn jpegs(folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(fixture(folder)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
        })
        .filter(|(_, bytes)| bytes.starts_with(&[0xff, 0xd8, 0xff]))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no picture in {folder}");
    files
}

/// Returns all pixels.
fn decode(encoded: &[u8], pixels: Pixels) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new();
    let picture = decoder.open(encoded)?;
    let (width, height) = (picture.header().width, picture.header().height);
    let mut out = vec![0xaa; width as usize * height as usize * pixels.bytes()];
    picture.decode(pixels, &mut out)?;
    Ok(out)
}

/// Returns all pixels of a reduced picture, or nothing if it is not reducible.
fn reduced(encoded: &[u8], pixels: Pixels, reduction: Reduction) -> Result<Option<Vec<u8>>, Error> {
    let mut decoder = Decoder::new();
    let picture = decoder.open(encoded)?;
    if !picture.is_reducible() {
        return Ok(None);
    }
    let (width, height) = (picture.header().width, picture.header().height);
    let bytes = reduction.of(width) as usize * pixels.bytes();
    let mut out = Vec::new();
    picture.reduced_rows(pixels, reduction, |y, row| {
        assert_eq!((out.len(), row.len()), (y * bytes, bytes + ROW_SLACK), "rows come in order");
        out.extend_from_slice(&row[..bytes]);
    })?;
    assert_eq!(out.len(), reduction.of(height) as usize * bytes, "all rows come");
    Ok(Some(out))
}

/// Returns what `libjpeg-turbo-rs` makes of a picture, or its refusal.
fn reference(encoded: &[u8], pixels: Pixels) -> Result<Vec<u8>, String> {
    reference_at(encoded, pixels, 1)
}

/// The same of a picture that is so many times smaller.
fn reference_at(encoded: &[u8], pixels: Pixels, times: u32) -> Result<Vec<u8>, String> {
    let mut decoder = libjpeg_turbo_rs::Decoder::new(encoded).map_err(|error| error.to_string())?;
    decoder.set_output_format(match pixels {
        Pixels::Rgb => PixelFormat::Rgb,
        Pixels::Luma => PixelFormat::Grayscale,
    });
    decoder.set_scale(ScalingFactor::try_new(1, times).unwrap());
    decoder.decode_image().map(|image| image.data).map_err(|error| error.to_string())
}

/// Holds a picture to the reference, in colour and in luma, whole and reduced.
fn compare(name: &str, encoded: &[u8]) {
    let mut decoder = Decoder::new();
    let coding = decoder.open(encoded).unwrap_or_else(|e| panic!("{name}: {e}")).header().coding;
    for pixels in [Pixels::Rgb, Pixels::Luma] {
        if pixels == Pixels::Luma && coding == Coding::Rgb {
            continue;
        }
        let found = decode(encoded, pixels).unwrap_or_else(|e| panic!("{name}: {e}"));
        equal(&format!("{name} {pixels:?}"), &found, &reference(encoded, pixels).unwrap());
        for (reduction, times) in
            [(Reduction::Half, 2), (Reduction::Quarter, 4), (Reduction::Eighth, 8)]
        {
            if let Some(found) = reduced(encoded, pixels, reduction).unwrap() {
                let expected = reference_at(encoded, pixels, times).unwrap();
                equal(&format!("{name} {pixels:?} 1/{times}"), &found, &expected);
            }
        }
    }
}

fn equal(what: &str, found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let differs = found.iter().zip(expected).position(|(a, b)| a != b);
    let told = differs.map(|i| (i, found[i], expected[i]));
    assert_eq!(told, None, "{what}: place, ours, theirs");
}
