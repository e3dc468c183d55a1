//! The public API against libjpeg-turbo's pixels.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod damage;
mod fixtures;
mod regions;
mod synthetic;

use std::path::{Path, PathBuf};

use calibrant_jpeg::{Coding, Decoder, Error, Pixels};
use libjpeg_turbo_rs::PixelFormat;

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

/// Returns what `libjpeg-turbo-rs` makes of a picture, or its refusal.
fn reference(encoded: &[u8], pixels: Pixels) -> Result<Vec<u8>, String> {
    let format = match pixels {
        Pixels::Rgb => PixelFormat::Rgb,
        Pixels::Luma => PixelFormat::Grayscale,
    };
    libjpeg_turbo_rs::decompress_to(encoded, format)
        .map(|image| image.data)
        .map_err(|error| error.to_string())
}

/// Holds a picture to the reference, in colour and in luma.
fn compare(name: &str, encoded: &[u8]) {
    let mut decoder = Decoder::new();
    let coding = decoder.open(encoded).unwrap_or_else(|e| panic!("{name}: {e}")).header().coding;
    for pixels in [Pixels::Rgb, Pixels::Luma] {
        if pixels == Pixels::Luma && coding == Coding::Rgb {
            continue;
        }
        let found = decode(encoded, pixels).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = reference(encoded, pixels).unwrap();
        assert_eq!(found.len(), expected.len(), "{name} {pixels:?}");
        let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
        let told = differs.map(|i| (i, found[i], expected[i]));
        assert_eq!(told, None, "{name} {pixels:?}: place, ours, theirs");
    }
}
