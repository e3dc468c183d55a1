//! [`Pairs`](super::rgb::Pairs) for AVX-512 with its byte permutes (VBMI): sixteen values of a row,
//! whatever their pixels and colours, from one load.
//!
//! That reaches as far as their source pixels lie within a vector: to pictures shrunk to somewhat
//! less than a third. Those spend three fifths of the time here that the AVX2 version takes.

use super::linear::Tap;
use super::simd::Vectors;

/// Values of a vector of sums.
const STEP: usize = 16;
/// Bytes that a vector loads.
const REACH: usize = 64;

/// For each value the places of its two source pixels and their weights; empty where some lie too
/// far from each other.
#[derive(Debug, Default)]
pub(super) struct WidePairs {
    /// Those of two vectors of sums, which are stored at once.
    steps: Vec<[Sixteen; 2]>,
    /// Bytes of the row before those that each vector loads.
    at: Vec<[usize; 2]>,
}

/// Sixteen values; the vectors of two lines of the cache would cost as much again.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Sixteen {
    /// For each value which of them are multiplied, each with a byte of zeros behind it.
    places: [u8; 64],
    /// For each value the two weights.
    weights: [i16; 32],
}

impl WidePairs {
    /// Takes over the taps of a row of three channels, if there are vectors that sum them.
    pub(super) fn set(&mut self, vectors: Vectors, taps: &[Tap]) {
        self.steps.clear();
        self.at.clear();
        if !vectors.permute_bytes() {
            return;
        }
        let row_bytes = taps.iter().map(|tap| 3 * (tap.second + 1)).max().unwrap_or(0);
        let n_steps = (3 * taps.len()).div_ceil(2 * STEP);
        for step in 0..n_steps {
            let [first, second] = [0, 1].map(|i| sixteen(taps, (2 * step + i) * STEP, row_bytes));
            let (Some(first), Some(second)) = (first, second) else {
                return self.steps.clear();
            };
            self.at.push([first.0, second.0]);
            self.steps.push([first.1, second.1]);
        }
    }

    /// Returns how long a slice of sums has to be: vectors write beyond the last value.
    pub(super) fn room(&self) -> usize {
        2 * STEP * self.steps.len()
    }
}

/// Returns where a vector for sixteen values begins and what it does, unless their source pixels lie
/// too far apart.
fn sixteen(taps: &[Tap], start: usize, row_bytes: usize) -> Option<(usize, Sixteen)> {
    let values = || (start..(start + STEP).min(3 * taps.len())).map(|i| (&taps[i / 3], i % 3));
    // Nothing is read behind the last pixel.
    let first = values().map(|(tap, _)| 3 * tap.first).min().unwrap_or(0);
    let at = first.min(row_bytes.checked_sub(REACH)?);
    let mut sixteen = Sixteen { places: [0; 64], weights: [0; 32] };
    for (i, (tap, colour)) in values().enumerate() {
        for (j, pixel) in [tap.first, tap.second].into_iter().enumerate() {
            let place = 3 * pixel + colour - at;
            sixteen.places[4 * i + 2 * j] =
                u8::try_from(place).ok().filter(|&p| usize::from(p) < REACH)?;
            sixteen.weights[2 * i + j] = tap.weights[j].cast_signed();
        }
    }
    Some((at, sixteen))
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the horizontal pass is 1.6 times as fast as with AVX2")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::super::simd::Avx512;
    use super::{REACH, STEP, Sixteen, WidePairs};

    impl WidePairs {
        /// Returns whether there is nothing that could be summed.
        pub(in super::super) fn is_empty(&self) -> bool {
            self.steps.is_empty()
        }

        /// Writes the sums of a row, narrowed by 4 bits.
        pub(in super::super) fn sums(&self, _: Avx512, row: &[u8], sums: &mut [u16]) {
            // SAFETY: the caller has the proof that the processor has these features.
            unsafe { pair_sums(&self.steps, &self.at, row, sums) }
        }
    }

    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn pair_sums(steps: &[[Sixteen; 2]], at: &[[usize; 2]], row: &[u8], sums: &mut [u16]) {
        /// The lower halves of two vectors of sums.
        static LOWER: [i16; 2 * STEP] = {
            let mut places = [0; 2 * STEP];
            let mut i: i16 = 0;
            while i < 32 {
                places[i as usize] = 2 * i;
                i += 1;
            }
            places
        };
        let lower = load_i16(&LOWER);
        let sum = |Sixteen { places, weights }: &Sixteen, at: usize| {
            let bytes = row[at..].first_chunk().expect("the row has all the pixels of its taps");
            let places = load(places);
            let pixels = _mm512_maskz_permutexvar_epi8(0x5555_5555_5555_5555, places, load(bytes));
            _mm512_srli_epi32::<4>(_mm512_madd_epi16(pixels, load_i16(weights)))
        };
        for (([a, b], at), sums) in steps.iter().zip(at).zip(sums.as_chunks_mut().0) {
            store(_mm512_permutex2var_epi16(sum(a, at[0]), lower, sum(b, at[1])), sums);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load(bytes: &[u8; REACH]) -> __m512i {
        // SAFETY: the reference is to 64 initialised bytes.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load_i16(values: &[i16; 2 * STEP]) -> __m512i {
        // SAFETY: the reference is to 64 initialised bytes.
        unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn store(vector: __m512i, to: &mut [u16; 2 * STEP]) {
        // SAFETY: the reference is to 64 bytes that are ours to write.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) }
    }
}
