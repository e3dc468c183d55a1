//! The body of the fuzz target: any bytes give a tensor or an error.

use calibrant_jpeg::Region;

use crate::decode::{self, Request, Source};
use crate::pipeline::{Preprocess, Scratch};
use crate::recipe::{DctScale, Filter, JpegDecoder, Orientation, PixelRules, Size};
use crate::settings::Settings;

/// Pixels that a fuzzed picture may have: enough for every path, little enough to be fast.
const MAX_PIXELS: u64 = 1 << 16;

/// Decodes `bytes` in every way a recipe can ask for, and resizes them with every filter, from a
/// whole decode or a scaled one.
///
/// # Panics
///
/// Never, whatever the bytes; that is what is tested. A decoder's own panic is an error here.
pub fn fuzz_decode(bytes: &[u8]) {
    let mut buffers = decode::Buffers::default();
    let mut read = false;
    for decoder in JpegDecoder::ALL {
        for pixels in PixelRules::ALL {
            for gray in [false, true] {
                let request = Request {
                    decoder: *decoder,
                    pixels: *pixels,
                    orientation: Orientation::Exif,
                    max_pixels: MAX_PIXELS,
                    gray,
                    scaling: None,
                };
                if let Ok(source) = decode::open(bytes, &request, &mut buffers) {
                    read |= all_rows(source);
                }
            }
        }
    }
    if read {
        resize_all(bytes);
    }
}

/// Returns whether a picture gives all its rows.
fn all_rows(source: Source<'_>) -> bool {
    let (size, channels) = (source.size(), source.channels());
    assert!(size.pixels() <= MAX_PIXELS, "the limit holds");
    let mut region = Region::new();
    region.clear(size.width, size.height);
    region.want_columns(0..size.width as usize);
    region.want_rows(0..size.height as usize);
    let mut n_rows = 0;
    let outcome = source.rows(&region, &mut |y, row| {
        assert!(y == n_rows && row.len() >= size.width as usize * channels, "rows are whole");
        n_rows += 1;
    });
    assert!(outcome.is_err() || n_rows == size.height as usize, "a picture is whole");
    outcome.is_ok()
}

fn resize_all(bytes: &[u8]) {
    let size = Size::new(9, 5);
    let mut scratch = Scratch::new();
    for preset in ["imagenet", "timm", "ultralytics"] {
        for (&filter, &dct_scale) in Filter::ALL.iter().zip(DctScale::ALL.iter().cycle()) {
            let settings = Settings {
                size: Some(size),
                filter: Some(filter),
                dct_scale: Some(dct_scale),
                max_pixels: Some(MAX_PIXELS),
                ..Settings::preset(preset)
            };
            let Ok(pipeline) = settings.recipe().and_then(|recipe| recipe.compile()) else {
                continue;
            };
            let mut out = vec![f32::NAN; 3 * size.area()];
            if pipeline.preprocess(bytes, &mut scratch, &mut out).is_ok() {
                assert!(out.iter().all(|value| value.is_finite()), "every value is written");
            }
        }
    }
}
