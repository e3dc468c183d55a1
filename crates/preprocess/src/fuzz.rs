//! The body of the fuzz target: any bytes give a tensor or an error.

use crate::decode::{self, Request};
use crate::recipe::{JpegDecoder, Orientation, PixelRules};

/// Pixels that a fuzzed picture may have: enough for every path, little enough to be fast.
const MAX_PIXELS: u64 = 1 << 16;

/// Decodes `bytes` in every way a recipe can ask for.
///
/// # Panics
///
/// Never, whatever the bytes; that is what is tested. A decoder's own panic is an error here.
pub fn fuzz_decode(bytes: &[u8]) {
    let mut buffers = decode::Buffers::default();
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
                if let Ok(picture) = decode::decode(bytes, &request, &mut buffers) {
                    let expected = picture.size.area() * picture.channels;
                    assert_eq!(picture.data.len(), expected, "a picture is whole");
                    assert!(picture.size.pixels() <= MAX_PIXELS, "the limit holds");
                }
            }
        }
    }
}
