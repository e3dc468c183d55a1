//! Sums of neighbouring pixels of a row, weighted: tables that vectors can load, and the vectors.
//!
//! A pixel has three bytes, which no vector divides by; so every output pixel loads the bytes that
//! it sums and puts the equal colours of neighbours beside each other, where `pmaddwd` multiplies
//! and adds them. Both kernels are for three channels; the plain loops beside their callers do
//! everything else, and the tests hold the kernels to them.

use super::linear::Tap;
use super::taps::Taps;

/// Output pixels that a step of the vectors makes.
const STEP: usize = 4;

/// For each output pixel two neighbouring source pixels and their weights.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    fours: Vec<Four>,
}

/// Four output pixels.
#[derive(Debug, Clone, Copy)]
struct Four {
    /// Weights of the first and third pixel, and of the second and fourth: for each of three
    /// colours the two weights, then nothing.
    weights: [[i16; 16]; 2],
    /// Bytes of the row before the first source pixel.
    at: [usize; STEP],
}

impl Pairs {
    /// Takes over the taps of a row; the second of two pixels is the one after the first, or has
    /// no weight.
    pub(super) fn set(&mut self, taps: &[Tap]) {
        self.fours.clear();
        self.fours.extend(taps.chunks(STEP).map(|taps| {
            let mut four = Four { weights: [[0; 16]; 2], at: [0; STEP] };
            for (i, tap) in taps.iter().enumerate() {
                four.at[i] = 3 * tap.first;
                let weights = &mut four.weights[i % 2][i / 2 * 8..][..6];
                for pair in weights.as_chunks_mut().0 {
                    *pair = tap.weights.map(u16::cast_signed);
                }
            }
            four
        }));
    }

    /// Returns how long a slice of sums has to be: vectors write beyond the last pixel.
    pub(super) fn room(&self) -> usize {
        3 * STEP * self.fours.len() + 2
    }
}

/// For each output pixel a run of source pixels and their weights, filled up to whole quads.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Bytes of the row before the first source pixel, of four output pixels.
    at: Vec<[usize; STEP]>,
    /// For each four output pixels, the first and third and then the second and fourth: for each
    /// quad, its first and then its last two source pixels: the parts of their weights.
    weights: Vec<[i16; 16]>,
    /// Quads that each output pixel sums.
    n_quads: usize,
    /// Parts that a weight has: one where it fits 16 bits, otherwise two.
    n_parts: usize,
    precision: u32,
}

/// Bits of the lower part of a weight.
const PART_BITS: u32 = 11;

impl Runs {
    /// Takes over the taps of rows that begin at source position `start`.
    pub(super) fn set(&mut self, taps: &Taps<i32>, start: usize, precision: u32) {
        let fits =
            |(_, weights): (usize, &[i32])| weights.iter().all(|&w| i16::try_from(w).is_ok());
        self.n_parts = if taps.iter().all(fits) { 1 } else { 2 };
        self.n_quads = taps.iter().map(|(_, weights)| weights.len().div_ceil(4)).max().unwrap_or(0);
        self.precision = precision;
        let vectors = 2 * self.n_quads * self.n_parts;
        let n_steps = taps.len().div_ceil(STEP);
        self.at.clear();
        self.at.resize(n_steps, [0; STEP]);
        self.weights.clear();
        self.weights.resize(n_steps * 2 * vectors, [0; 16]);
        // Quads do not go beyond the last source pixel, unless there are no four.
        let last = (taps.reach().end - start).saturating_sub(4 * self.n_quads);
        for (d, (first, weights)) in taps.iter().enumerate() {
            let (step, i) = (d / STEP, d % STEP);
            let from = (first - start).min(last);
            self.at[step][i] = 3 * from;
            let vectors = &mut self.weights[(2 * step + i % 2) * vectors..][..vectors];
            for (place, &weight) in (first - start - from..).zip(weights) {
                for part in 0..self.n_parts {
                    let vector = &mut vectors[place / 2 * self.n_parts + part];
                    for colour in 0..3 {
                        vector[i / 2 * 8 + 2 * colour + place % 2] =
                            weight_part(weight, part, self.n_parts);
                    }
                }
            }
        }
    }

    /// Returns how long a slice of results has to be: vectors write beyond the last pixel.
    pub(super) fn room(&self) -> usize {
        3 * STEP * self.at.len() + 2
    }
}

/// Returns the weight, or of two parts the upper or the lower one.
#[expect(clippy::cast_possible_truncation, reason = "weights are below 2 in 22 bits")]
fn weight_part(weight: i32, part: usize, n_parts: usize) -> i16 {
    match (n_parts, part) {
        (1, _) => weight as i16,
        (_, 0) => (weight >> PART_BITS) as i16,
        (_, _) => (weight & ((1 << PART_BITS) - 1)) as i16,
    }
}

const _: () = assert!(calibrant_jpeg::ROW_SLACK >= 16, "a vector may begin at any pixel");

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vectors make the horizontal passes 3 to 8 times as fast")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::super::simd::Avx2;
    use super::{Four, PART_BITS, Pairs, Runs, STEP};

    impl Pairs {
        /// Writes the sums of a row, narrowed by 4 bits.
        ///
        /// The row is readable 16 bytes from each pixel on.
        pub(in super::super) fn sums(&self, _: Avx2, row: &[u8], sums: &mut [u16]) {
            // SAFETY: the caller has the proof that the processor has AVX2.
            unsafe { pair_sums(&self.fours, row, sums) }
        }
    }

    #[target_feature(enable = "avx2")]
    fn pair_sums(fours: &[Four], row: &[u8], sums: &mut [u16]) {
        /// Of six bytes of two pixels the equal colours beside each other, each in 16 bits.
        const PAIRED: [i8; 16] = [0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1];
        /// Of four values of 16 bits the first three, twice.
        const PACKED: [i8; 16] = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1];
        let (paired, packed) = (both(&PAIRED), both(&PACKED));
        for (i, Four { weights, at }) in fours.iter().enumerate() {
            let sum = |first: usize, second: usize, weights: &[i16; 16]| {
                let pixels = _mm256_set_m128i(load_16(row, second), load_16(row, first));
                let colours = _mm256_shuffle_epi8(pixels, paired);
                _mm256_srli_epi32::<4>(_mm256_madd_epi16(colours, load(weights)))
            };
            let even = sum(at[0], at[2], &weights[0]);
            let odd = sum(at[1], at[3], &weights[1]);
            let four = _mm256_shuffle_epi8(_mm256_packus_epi32(even, odd), packed);
            // Two zeros behind each half, which the next half overwrites.
            let to = &mut sums[3 * STEP * i..][..14];
            store_8(_mm256_castsi256_si128(four), to, 0);
            store_8(_mm256_extracti128_si256::<1>(four), to, 6);
        }
    }

    impl Runs {
        /// Writes the sums of a row, rounded to 8 bits.
        ///
        /// The row is readable 16 bytes behind its last pixel.
        pub(in super::super) fn sums(&self, _: Avx2, row: &[u8], out: &mut [u8]) {
            match self.n_parts {
                // SAFETY: the caller has the proof that the processor has AVX2.
                1 => unsafe { run_sums::<1>(self, row, out) },
                // SAFETY: as above.
                _ => unsafe { run_sums::<2>(self, row, out) },
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn run_sums<const PARTS: usize>(runs: &Runs, row: &[u8], out: &mut [u8]) {
        /// Of two values of four bytes each the first three.
        const PACKED: [i8; 16] = [0, 1, 2, 4, 5, 6, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];
        let packed = both(&PACKED);
        let mut weights = runs.weights.chunks_exact(2 * PARTS * runs.n_quads);
        for (i, at) in runs.at.iter().enumerate() {
            let (Some(even), Some(odd)) = (weights.next(), weights.next()) else { break };
            let even = run_sum::<PARTS>(runs, row, [at[0], at[2]], even);
            let odd = run_sum::<PARTS>(runs, row, [at[1], at[3]], odd);
            let four = _mm256_packs_epi32(even, odd);
            let four = _mm256_shuffle_epi8(_mm256_packus_epi16(four, four), packed);
            // Two zeros behind each half, which the next half overwrites.
            let to = &mut out[3 * STEP * i..][..14];
            let (low, high) = (_mm256_castsi256_si128(four), _mm256_extracti128_si256::<1>(four));
            to[..8].copy_from_slice(&_mm_cvtsi128_si64(low).to_le_bytes());
            to[6..].copy_from_slice(&_mm_cvtsi128_si64(high).to_le_bytes());
        }
    }

    /// Sums the runs of two output pixels, one in either half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn run_sum<const PARTS: usize>(
        runs: &Runs,
        row: &[u8],
        at: [usize; 2],
        weights: &[[i16; 16]],
    ) -> __m256i {
        /// Of four pixels the first two, and the last two, the equal colours beside each other.
        const FIRST: [i8; 16] = [0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1];
        const LAST: [i8; 16] = [6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1];
        let (first, last) = (both(&FIRST), both(&LAST));
        let mut sums = [_mm256_setzero_si256(); PARTS];
        for (quad, weights) in weights.chunks_exact(2 * PARTS).enumerate() {
            let [a, b] = at.map(|at| at + 12 * quad);
            let pixels = _mm256_set_m128i(load_16(row, b), load_16(row, a));
            let (a, b) = (_mm256_shuffle_epi8(pixels, first), _mm256_shuffle_epi8(pixels, last));
            for part in 0..PARTS {
                let a = _mm256_madd_epi16(a, load(&weights[part]));
                let b = _mm256_madd_epi16(b, load(&weights[PARTS + part]));
                sums[part] = _mm256_add_epi32(sums[part], _mm256_add_epi32(a, b));
            }
        }
        let sum = match sums[..] {
            [upper, lower] => {
                _mm256_add_epi32(_mm256_slli_epi32::<{ PART_BITS as i32 }>(upper), lower)
            }
            _ => sums[0],
        };
        let sum = _mm256_add_epi32(sum, _mm256_set1_epi32(1 << (runs.precision - 1)));
        _mm256_sra_epi32(sum, _mm_cvtsi32_si128(runs.precision.cast_signed()))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn both(half: &[i8; 16]) -> __m256i {
        // SAFETY: the reference is to 16 initialised bytes.
        let half = unsafe { _mm_loadu_si128(std::ptr::from_ref(half).cast()) };
        _mm256_broadcastsi128_si256(half)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_16(row: &[u8], at: usize) -> __m128i {
        let bytes = &row[at..][..16];
        // SAFETY: the slice has 16 bytes.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(weights: &[i16; 16]) -> __m256i {
        // SAFETY: the reference is to 32 initialised bytes.
        unsafe { _mm256_loadu_si256(std::ptr::from_ref(weights).cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store_8(vector: __m128i, to: &mut [u16], at: usize) {
        let place = &mut to[at..][..8];
        // SAFETY: the slice has 8 values of 16 bits, which are ours to write.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), vector) }
    }
}
