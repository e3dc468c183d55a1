//! Eight values of a plane at a time: one multiply-add for each.
//!
//! The same values stand in the tables, which do what is left of a line and everything where the
//! processor lacks the vectors.

use crate::recipe::Scale;

/// What a pixel value is multiplied with and what is added, rounded once at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fused {
    slope: f32,
    offset: f32,
}

impl Fused {
    /// Returns the factors of `(x · scale − mean) / std`.
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
    pub(super) fn new(scale: Scale, mean: f64, std: f64) -> Self {
        let slope = match scale {
            Scale::Times(factor) => factor / std,
            Scale::Over(divisor) => 1.0 / (divisor * std),
        };
        Self { slope: slope as f32, offset: (-mean / std) as f32 }
    }

    /// Returns what a pixel value becomes.
    pub(super) fn value(self, x: u8) -> f32 {
        f32::from(x).mul_add(self.slope, self.offset)
    }

    /// Writes a channel of a line of three as far as vectors reach; returns how many values.
    pub(super) fn write(self, line: &[u8], channel: usize, place: &mut [f32]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has just said that it has both.
            #[expect(unsafe_code, reason = "vectors take a third of the time of the tables")]
            return unsafe { avx2::write(self, line, channel, place) };
        }
        let _ = (line, channel, place);
        0
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vectors are loaded and stored through references of their size")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Fused;

    /// Values of a vector.
    const STEP: usize = 8;

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn write(fused: Fused, line: &[u8], channel: usize, place: &mut [f32]) -> usize {
        let (slope, offset) = (_mm256_set1_ps(fused.slope), _mm256_set1_ps(fused.offset));
        // Of each of four pixels the channel, widened.
        let first = i32::try_from(channel).unwrap_or(0);
        let every_third = _mm_add_epi32(
            _mm_setr_epi32(-0x100, 3 - 0x100, 6 - 0x100, 9 - 0x100),
            _mm_set1_epi32(first),
        );
        let spread = _mm256_broadcastsi128_si256(every_third);
        let mut written = 0;
        for (i, values) in place.as_chunks_mut::<STEP>().0.iter_mut().enumerate() {
            let Some(pixels) = line.get(3 * STEP * i..).and_then(<[u8]>::first_chunk::<28>) else {
                break;
            };
            let bytes = _mm256_set_m128i(load(pixels, 12), load(pixels, 0));
            let x = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, spread));
            store(_mm256_fmadd_ps(x, slope, offset), values);
            written += STEP;
        }
        written
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(pixels: &[u8; 28], at: usize) -> __m128i {
        let bytes = &pixels[at..at + 16];
        // SAFETY: the slice has 16 bytes.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store(vector: __m256, values: &mut [f32; STEP]) {
        // SAFETY: the reference is to eight values that are ours to write.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), vector) }
    }
}
