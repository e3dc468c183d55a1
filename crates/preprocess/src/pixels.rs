//! Pixels that come from outside, and pixels for people to look at.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use crate::error::PreprocessError;
use crate::geometry::Plan;
use crate::recipe::{MAX_PICTURE_SIDE_PX, Size};
use crate::resize::View;

/// 8-bit pixels that a decoder of the caller's own has made: upright rows from the top, packed.
///
/// See [`Pipeline::preprocess_pixels`](crate::Pipeline::preprocess_pixels).
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a>(View<'a>);

impl<'a> Pixels<'a> {
    /// Returns pixels of three interleaved channels: red, green, blue.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::PixelCount`] when `data` has another length than `size` asks for,
    /// [`PreprocessError::NoPixels`] or [`PreprocessError::SideTooLong`].
    pub fn rgb(size: Size, data: &'a [u8]) -> Result<Self, PreprocessError> {
        Self::new(View { data, size, channels: 3 })
    }

    /// Returns pixels of one channel.
    ///
    /// # Errors
    ///
    /// As of [`Self::rgb`].
    pub fn gray(size: Size, data: &'a [u8]) -> Result<Self, PreprocessError> {
        Self::new(View { data, size, channels: 1 })
    }

    fn new(view: View<'a>) -> Result<Self, PreprocessError> {
        let View { data, size, channels } = view;
        if size.pixels() == 0 {
            return Err(PreprocessError::NoPixels { size });
        }
        if size.width.max(size.height) > MAX_PICTURE_SIDE_PX {
            return Err(PreprocessError::SideTooLong { size });
        }
        let expected = size.area() * channels;
        if data.len() != expected {
            return Err(PreprocessError::PixelCount {
                size,
                channels,
                expected,
                found: data.len(),
            });
        }
        Ok(Self(view))
    }

    pub(crate) fn view(self) -> View<'a> {
        self.0
    }
}

/// What a network sees of a picture, before normalisation: scaled, cut and with its bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width and height of the tensor.
    pub size: Size,
    /// 1 for gray, or 3: red, green, blue, whatever their order in the tensor.
    pub channels: usize,
    /// Interleaved rows from the top, `height × width × channels`.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Returns a picture of equal pixels.
    pub(crate) fn filled(size: Size, pixel: &[u8]) -> Self {
        Self { size, channels: pixel.len(), pixels: pixel.repeat(size.area()) }
    }

    /// Lays line `y` of the plan's window on it; one channel is repeated where it has three.
    pub(crate) fn lay(&mut self, y: usize, line: &[u8], channels: usize, plan: &Plan) {
        let first = (plan.at.1 as usize + y) * self.size.width as usize + plan.at.0 as usize;
        let width = plan.window.size.width as usize;
        let place = &mut self.pixels[first * self.channels..][..width * self.channels];
        if channels == self.channels {
            place.copy_from_slice(line);
        } else {
            let repeated = place.chunks_exact_mut(self.channels).zip(line);
            repeated.for_each(|(pixel, &value)| pixel.fill(value));
        }
    }

    /// Returns the picture as a PNG file.
    ///
    /// # Panics
    ///
    /// Never for a picture of [`Pipeline::picture`](crate::Pipeline::picture): its size is that of
    /// its pixels, and memory takes any number of bytes.
    #[must_use]
    pub fn to_png(&self) -> Vec<u8> {
        let color =
            if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(&self.pixels, self.size.width, self.size.height, color)
            .expect("a whole picture is written to memory");
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{CROP_FILL, Window};

    #[test]
    fn bars_surround_a_gray_picture_in_three_channels() {
        let size = Size::new(2, 4);
        let window = Window::whole(Size::new(2, 1));
        let plan = Plan { scaled: window.size, window, at: (0, 1), fill: CROP_FILL };
        let mut picture = Picture::filled(size, &[7, 8, 9]);
        picture.lay(0, &[1, 2], 1, &plan);
        let bar = [7, 8, 9, 7, 8, 9];
        assert_eq!(picture.pixels, [&bar[..], &[1, 1, 1, 2, 2, 2], &bar, &bar].concat());
    }

    #[test]
    fn pixels_must_be_as_many_as_the_size_says() {
        let size = Size::new(2, 3);
        assert!(Pixels::rgb(size, &[0; 18]).is_ok() && Pixels::gray(size, &[0; 6]).is_ok());
        let message = Pixels::rgb(size, &[0; 17]).unwrap_err().to_string();
        assert_eq!(message, "2x3 px of 3 channels take 18 bytes, and there are 17");
        let none = Pixels::gray(Size::new(0, 3), &[]).unwrap_err();
        assert!(matches!(none, PreprocessError::NoPixels { .. }));
    }
}
