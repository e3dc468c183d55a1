//! The inner loops, and which of their versions this processor runs.
//!
//! Every kernel has a scalar twin; both give the same bytes on any input, and the tests hold them
//! to that.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vectors make the whole decoder 4.7 times as fast")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "coefficients become pixels in two fifths of the time that AVX2 takes"
)]
mod avx512;
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "with vectors the decoder takes a fifth of the instructions")]
mod neon;
pub(crate) mod reduced;
pub(crate) mod scalar;

use crate::entropy::{Block, DecodeMcus};

/// Pixels that the widest kernels of colour take at a time: rows are readable up to a multiple of it.
pub(crate) const LANES: usize = 64;

/// Steps of quantization, row by row.
///
/// They have 16 bits of any sign: products are taken modulo 2^16, as libjpeg-turbo's are.
pub(crate) type Quantization = [i16; 64];

/// Copies bytes up to the first 0xff and returns how many.
///
/// It goes by steps of [`STEP`](crate::scan::STEP) bytes, and leaves what is less to the caller.
pub(crate) type CopyClean = fn(from: &[u8], to: &mut [u8]) -> usize;

/// Transforms blocks side by side into 8 × 8 samples each, the first at a place of the plane.
///
/// `lengths` are those of the coefficients up to the last that is not zero. Blocks that are not
/// wanted may be left out.
pub(crate) type Transform =
    fn(&[Block], lengths: &[u8], wanted: &[bool], &Quantization, &mut Plane<'_>, at: usize);

/// Adds three times one row and once another.
pub(crate) type Sums = fn(near: &[u8], far: &[u8], sums: &mut [u16]);

/// Makes a row of pixels of luma and of sums of the differences, half as many and one more at
/// either end.
///
/// The row of luma and the sums are readable up to a multiple of [`LANES`] pixels.
pub(crate) type RgbOfSums =
    fn(luma: &[u8], blue: &[u16], red: &[u16], rounding: Rounding, rgb: &mut [u8]);

/// Makes a row of pixels of as many samples of each component, readable up to a multiple of
/// [`LANES`].
pub(crate) type RgbOfRows = fn(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]);

/// A plane of samples.
#[derive(Debug)]
pub(crate) struct Plane<'a> {
    pub(crate) samples: &'a mut [u8],
    pub(crate) stride: usize,
}

impl Plane<'_> {
    /// Returns row `y` of the block at a place.
    #[inline(always)]
    pub(crate) fn row(&mut self, at: usize, y: usize) -> &mut [u8; 8] {
        let row = &mut self.samples[at + y * self.stride..];
        row.first_chunk_mut().expect("a block lies in its plane")
    }
}

/// What is added before the division by 16, for even and for odd pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounding {
    pub(crate) even: u16,
    pub(crate) odd: u16,
}

/// The versions of one processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernels {
    pub(crate) copy_clean: CopyClean,
    pub(crate) decode_mcus: DecodeMcus,
    pub(crate) transform: Transform,
    pub(crate) reduce: reduced::Reduce,
    pub(crate) sums: Sums,
    pub(crate) rgb_of_sums: RgbOfSums,
    pub(crate) rgb_of_rows: RgbOfRows,
}

impl Kernels {
    /// Returns the fastest versions that this processor runs.
    pub(crate) fn best() -> &'static Self {
        Self::all().next().unwrap_or(&scalar::KERNELS)
    }

    /// Returns all versions that this processor runs, the fastest first.
    fn all() -> impl Iterator<Item = &'static Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [avx512::kernels(), avx2::kernels()];
        #[cfg(target_arch = "aarch64")]
        let vectors = [neon::kernels()];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let vectors = [];
        vectors.into_iter().flatten().chain([&scalar::KERNELS])
    }
}

#[cfg(test)]
mod tests;
