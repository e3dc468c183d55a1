//! Pixels that come from outside, and pixels for people to look at.

use calibrant_preprocess::{Pipeline, Pixels, Preprocess, Scratch, Settings, Size};

use crate::{bytes, tensor};

fn pipeline(toml: &str) -> Pipeline {
    Settings::from_toml(toml).unwrap().recipe().unwrap().compile().unwrap()
}

#[test]
fn pixels_from_another_decoder_give_the_same_tensor() {
    let encoded = bytes("preprocess/pictures/rgb.bmp");
    let decoded = image::load_from_memory(&encoded).unwrap().to_rgb8();
    let pixels = Pixels::rgb(Size::new(decoded.width(), decoded.height()), decoded.as_raw());
    for toml in [
        "preset = 'imagenet'",
        "preset = 'torchvision-v2'",
        "preset = 'timm'\ncolor = 'gray'\nmean = [0.5]\nstd = [0.5]",
        "preset = 'ultralytics'\nsize = '40x24'",
    ] {
        let pipeline = pipeline(toml);
        let mut found = vec![f32::NAN; pipeline.shape().iter().product()];
        pipeline
            .preprocess_pixels(pixels.as_ref().copied().unwrap(), &mut Scratch::new(), &mut found)
            .unwrap();
        assert_eq!(found, tensor(&pipeline, &encoded).unwrap(), "{toml}");
    }
}

#[test]
fn gray_of_colour_pixels_is_the_framework_s() {
    // cv2.cvtColor(…, COLOR_RGB2GRAY) and Image.convert("L") of this pixel.
    let pixels = Pixels::rgb(Size::new(1, 1), &[228, 205, 35]).unwrap();
    for (preset, expected) in [("imagenet", 193.0), ("timm", 192.0)] {
        let raw = "size = '1x1'\nscale = 1.0\nmean = [0.0]\nstd = [1.0]\ncolor = 'gray'";
        let mut out = [f32::NAN];
        pipeline(&format!("preset = '{preset}'\n{raw}"))
            .preprocess_pixels(pixels, &mut Scratch::new(), &mut out)
            .unwrap();
        assert_eq!(out, [expected], "{preset}");
    }
}

#[test]
fn the_picture_shown_is_the_tensor_before_its_arithmetic() {
    for (name, toml) in [
        ("odd_53x37.png", "preset = 'timm'\nsize = '20x18'"),
        ("gray.png", "preset = 'ultralytics'\nsize = '17x40'"),
        ("exif_6.jpg", "preset = 'imagenet'\nsize = '9x7'\ncolor = 'bgr'"),
        ("wide_64x9.png", "preset = 'timm'\nsize = '30x30'\nshorter-side = 12\ncolor = 'gray'"),
    ] {
        let encoded = bytes(&format!("preprocess/pictures/{name}"));
        let plain = format!("{toml}\nscale = 1.0\nmean = [0.0]\nstd = [1.0]");
        let pipeline = pipeline(&plain);
        let planes = tensor(&pipeline, &encoded).unwrap();
        let picture = pipeline.picture(&encoded, &mut Scratch::new()).unwrap();
        let bgr = toml.contains("bgr");
        for (i, &value) in picture.pixels.iter().enumerate() {
            let (pixel, channel) = (i / picture.channels, i % picture.channels);
            let plane = if bgr { 2 - channel } else { channel };
            let area = picture.pixels.len() / picture.channels;
            assert_eq!(planes[plane * area + pixel], f32::from(value), "{name} at {i}");
        }
        let read = image::load_from_memory(&picture.to_png()).unwrap();
        assert_eq!(read.as_bytes(), picture.pixels, "{name}");
    }
}
