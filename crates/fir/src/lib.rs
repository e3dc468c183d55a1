//! The filters of `fast_image_resize`, for pictures of 8-bit pixels with one channel or three.
//!
//! The resampler is generic over the kind of pixel and of its arithmetic, and so is compiled where it is used: here, once,
//! apart from the filters that somebody waits for.

#![forbid(unsafe_code)]

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3};
use fast_image_resize::{ImageBufferError, PixelTrait, ResizeError, ResizeOptions, Resizer};

pub use fast_image_resize::{FilterType, ResizeAlg};

/// What the resampler refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A buffer that does not have the size of its picture.
    #[error("a pixel buffer has another length than its picture")]
    Buffer(#[from] ImageBufferError),
    /// Sizes or a crop that it does not take.
    #[error("the resampler refuses the sizes")]
    Resize(#[from] ResizeError),
}

/// What is to be made of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// The filter.
    pub algorithm: ResizeAlg,
    /// 1 or 3, of 8 bits each, side by side.
    pub channels: usize,
    /// Width and height of the picture, in pixels.
    pub from: [u32; 2],
    /// Left, top, width and height of the part that is resampled, in pixels of the picture.
    pub part: [f64; 4],
    /// Width and height of what it becomes, in pixels.
    pub to: [u32; 2],
}

/// The resampler, with what it keeps from picture to picture.
#[derive(Debug, Default)]
pub struct Resampler {
    resizer: Resizer,
}

impl Resampler {
    /// Resamples `pixels`, row by row from the top, into `out`, which is as long as what becomes of them.
    ///
    /// # Errors
    ///
    /// When a buffer has another length than its picture, or the part does not lie in the picture.
    pub fn resample(&mut self, job: &Job, pixels: &[u8], out: &mut [u8]) -> Result<(), Error> {
        match job.channels {
            1 => self.of::<U8>(job, pixels, out),
            _ => self.of::<U8x3>(job, pixels, out),
        }
    }

    /// Naming the kind of pixel keeps the compiler from building it for all others.
    fn of<P: InnerPixel + PixelTrait>(
        &mut self,
        job: &Job,
        pixels: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let [left, top, width, height] = job.part;
        let options = ResizeOptions::new().resize_alg(job.algorithm).crop(left, top, width, height);
        let from = TypedImageRef::<P>::from_buffer(job.from[0], job.from[1], pixels)?;
        let mut to = TypedImage::<P>::from_buffer(job.to[0], job.to[1], out)?;
        Ok(self.resizer.resize_typed(&from, &mut to, &options)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_of_halves_is_the_mean_of_four_pixels() {
        let algorithm = ResizeAlg::Convolution(FilterType::Box);
        for channels in [1, 3] {
            let job =
                Job { algorithm, channels, from: [4, 2], part: [0.0, 0.0, 4.0, 2.0], to: [2, 1] };
            let pixels: Vec<u8> =
                [0, 4, 8, 8, 4, 8, 16, 16].into_iter().flat_map(|it| vec![it; channels]).collect();
            let mut out = vec![0; 2 * channels];
            Resampler::default().resample(&job, &pixels, &mut out).unwrap();
            assert_eq!(out, [vec![4; channels], vec![12; channels]].concat());
            let short = Resampler::default().resample(&job, &pixels[1..], &mut out);
            assert!(matches!(short, Err(Error::Buffer(_))));
            let beyond = Job { part: [0.0, 0.0, 5.0, 2.0], ..job };
            let beyond = Resampler::default().resample(&beyond, &pixels, &mut out);
            assert!(matches!(beyond, Err(Error::Resize(_))));
        }
    }
}
