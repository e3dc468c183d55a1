//! Pictures of which only the part is decoded that the resize reads: the tensor is the same.

use calibrant_preprocess::{Pixels, ResizeKind, Scratch, Settings, Size};
use libjpeg_turbo_rs::{PixelFormat, decompress_to};

use crate::{bytes, tensor};

#[test]
fn the_tensor_is_that_of_the_whole_picture() {
    for name in [
        "edge/ok_422_restart.jpg",
        "edge/ok_444.jpg",
        "edge/ok_odd_size.jpg",
        "photos/cut_13_life.jpg",
    ] {
        let encoded = bytes(name);
        let whole = decompress_to(&encoded, PixelFormat::Rgb).unwrap();
        let side = |side: usize| u32::try_from(side).unwrap();
        let size = Size::new(side(whole.width), side(whole.height));
        for (resize, shorter_side) in [
            (ResizeKind::Stretch, None),
            (ResizeKind::ShorterCrop, Some(61)),
            (ResizeKind::Letterbox, None),
        ] {
            for (width, height) in [(1, 1), (20, 60), (70, 40), (61, 61)] {
                let settings = Settings {
                    resize: Some(resize),
                    shorter_side,
                    size: Some(Size::new(width, height)),
                    ..Settings::preset("imagenet")
                };
                let pipeline = settings.recipe().unwrap().compile().unwrap();
                let found = tensor(&pipeline, &encoded).unwrap();
                let mut expected = vec![f32::NAN; found.len()];
                let pixels = Pixels::rgb(size, &whole.data).unwrap();
                let mut scratch = Scratch::new();
                pipeline.preprocess_pixels(pixels, &mut scratch, &mut expected).unwrap();
                assert_eq!(found, expected, "{name} {resize} {width}x{height}");
            }
        }
    }
}
