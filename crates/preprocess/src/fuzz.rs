//! The body of the fuzz target: any bytes give a tensor or an error.

use crate::decode::{self, Request};
use crate::pipeline::{Preprocess, Scratch};
use crate::recipe::{Filter, JpegDecoder, Orientation, PixelRules, Recipe, Size};

/// Pixels that a fuzzed picture may have: enough for every path, little enough to be fast.
const MAX_PIXELS: u64 = 1 << 16;

/// Decodes `bytes` in every way a recipe can ask for, and resizes them with every filter.
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
                };
                if let Ok(picture) = decode::decode(bytes, &request, &|_, _| false, &mut buffers) {
                    let expected = picture.size.area() * picture.channels;
                    assert_eq!(picture.data.len(), expected, "a picture is whole");
                    assert!(picture.size.pixels() <= MAX_PIXELS, "the limit holds");
                    read = true;
                }
            }
        }
    }
    if read {
        resize_all(bytes);
    }
}

fn resize_all(bytes: &[u8]) {
    let size = Size::new(9, 5);
    let mut scratch = Scratch::new();
    for preset in ["imagenet", "timm", "ultralytics"] {
        let Ok(base) = Recipe::preset(preset) else { continue };
        for &filter in Filter::ALL {
            let recipe = Recipe { size, filter, max_pixels: MAX_PIXELS, ..base.clone() };
            let Ok(pipeline) = recipe.compile() else { continue };
            let mut out = vec![f32::NAN; 3 * size.area()];
            if pipeline.preprocess(bytes, &mut scratch, &mut out).is_ok() {
                assert!(out.iter().all(|value| value.is_finite()), "every value is written");
            }
        }
    }
}
