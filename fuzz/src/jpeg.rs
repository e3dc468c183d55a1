//! JPEG, decoded twice.

use calibrant_jpeg::{Decoder, Pixels};
use libjpeg_turbo_rs::{PixelFormat, decompress_to, read_coefficients};

/// Pixels that a fuzzed picture may have: enough for every path, little enough to be fast.
const MAX_PIXELS: u32 = 1 << 18;

/// Decodes bytes as a baseline JPEG; what decodes has the pixels that the general decoder gives it.
///
/// # Panics
///
/// When it has not.
pub fn jpeg(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    let Ok(picture) = decoder.open(bytes) else { return };
    let (width, height) = (picture.header().width, picture.header().height);
    if width.saturating_mul(height) > MAX_PIXELS {
        return;
    }
    let mut found = vec![0; 3 * width as usize * height as usize];
    if picture.decode(Pixels::Rgb, &mut found).is_err() {
        return;
    }
    let expected =
        decompress_to(bytes, PixelFormat::Rgb).expect("the general decoder reads it too");
    assert!(found == expected.data || overflows(bytes), "other pixels than the general decoder's");
}

/// Whether a block has values that no encoder writes, so large that the transform overflows its 16 bits.
///
/// There the general decoder is not libjpeg-turbo's equal; `fixtures/jpeg/overflow_37x53.jpg` is such a picture.
fn overflows(bytes: &[u8]) -> bool {
    /// Eight times what samples of 8 bits transform to.
    const LIMIT: i64 = 8 * 1024;
    let read = read_coefficients(bytes).expect("the general decoder reads it too");
    read.components.iter().any(|component| {
        let steps = &read.quant_tables[usize::from(component.quant_table_index)];
        let largest = steps.iter().copied().max().map_or(0, i64::from);
        component.blocks.iter().any(|block| {
            largest * block.iter().map(|&value| i64::from(value).abs()).sum::<i64>() > LIMIT
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{jpeg, overflows};
    use crate::damage;

    #[test]
    fn baseline_pictures_are_the_general_decoder_s_or_refused() {
        for name in
            ["q30_420", "q30_422", "q30_444", "q95_420", "q95_444", "restart", "gray", "exif_6"]
        {
            damage::run(
                jpeg,
                &damage::file(&format!("fixtures/preprocess/pictures/{name}.jpg")),
                400,
            );
        }
    }

    #[test]
    fn a_picture_that_overflows_is_told() {
        assert!(overflows(&damage::file("fixtures/jpeg/overflow_37x53.jpg")));
        assert!(!overflows(&damage::file("fixtures/photos/cut_20_sunset.jpg")));
    }
}
