//! Sixty-four values of a plane at a time, looked up in vectors: AVX-512 with its byte permutes.
//!
//! A permute looks up 128 bytes, so that each byte of the values takes two and a choice between
//! them; whatever the table holds comes out to the bit. For a tensor of 224 × 224 they take half the
//! time of loads one by one, and most of that waits for memory.

/// A table as vectors hold it; made only where the processor has them.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Wide {
    /// For each byte of a value, the lowest first, that of 64 values after the other.
    bytes: [[[u8; 64]; 4]; 4],
}

impl Wide {
    /// Returns the vectors of a table, where the processor has any.
    pub(super) fn of(table: &[f32; 256]) -> Option<Box<Self>> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi") {
            let values = table.as_chunks::<64>().0;
            let bytes = std::array::from_fn(|byte| {
                std::array::from_fn(|i| values[i].map(|value| value.to_le_bytes()[byte]))
            });
            return Some(Box::new(Self { bytes }));
        }
        let _ = table;
        None
    }

    /// Writes a channel of a line of `CHANNELS`; returns how many values: all, or none where there
    /// are fewer than a vector takes.
    pub(super) fn write<const CHANNELS: usize>(
        &self,
        line: &[u8],
        channel: usize,
        place: &mut [f32],
    ) -> usize {
        #[cfg(target_arch = "x86_64")]
        #[expect(unsafe_code, reason = "it calls what is compiled for these processors")]
        {
            // SAFETY: the processor has AVX-512 BW and VBMI, or there were no `self`.
            unsafe { avx512::write::<CHANNELS>(self, line, channel, place) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = (line, channel, place);
            0
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vectors are loaded and stored through references of their size")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::Wide;

    /// Values of a step.
    const STEP: usize = 64;

    /// The pixel at each place of a vector, so that unpacking its bytes to values puts them in
    /// order: a quarter of the vector unpacks into four vectors.
    #[expect(clippy::cast_possible_truncation, reason = "below 64")]
    const ORDER: [u8; STEP] = {
        let mut order = [0; STEP];
        let mut place = 0;
        while place < STEP {
            let (quarter, vector, value) = (place / 16, place / 4 % 4, place % 4);
            order[place] = (16 * vector + 4 * quarter + value) as u8;
            place += 1;
        }
        order
    };

    /// For each of three interleaved channels, which byte goes where: first of 128 bytes, and then
    /// of these and of 64 more.
    #[expect(clippy::cast_possible_truncation, reason = "below 192")]
    static CHANNEL: [[[u8; STEP]; 2]; 3] = {
        let mut channels = [[[0; STEP]; 2]; 3];
        let mut i = 0;
        while i < 3 * STEP {
            let (channel, place) = (i / STEP, i % STEP);
            let byte = 3 * ORDER[place] + channel as u8;
            let [first, second] = &mut channels[channel];
            (first[place], second[place]) = match byte {
                0..128 => (byte, place as u8),
                _ => (0, byte - 64),
            };
            i += 1;
        }
        channels
    };

    #[target_feature(enable = "avx512bw,avx512vbmi")]
    pub(super) fn write<const CHANNELS: usize>(
        wide: &Wide,
        line: &[u8],
        channel: usize,
        place: &mut [f32],
    ) -> usize {
        let n = place.len();
        if n < STEP {
            return 0;
        }
        let mut table = [[_mm512_setzero_si512(); 4]; 4];
        for (vectors, bytes) in table.iter_mut().zip(&wide.bytes) {
            for (vector, bytes) in vectors.iter_mut().zip(bytes) {
                *vector = load(bytes);
            }
        }
        for at in (0..n).step_by(STEP) {
            // The last step goes back, and writes some values again.
            let at = at.min(n - STEP);
            let pixels = pixels::<CHANNELS>(&line[CHANNELS * at..][..CHANNELS * STEP], channel);
            look_up(&table, pixels, &mut place[at..][..STEP]);
        }
        n
    }

    /// Returns a channel of 64 pixels, in [`ORDER`].
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn pixels<const CHANNELS: usize>(pixels: &[u8], channel: usize) -> __m512i {
        match pixels.as_chunks().0 {
            [all] => _mm512_permutexvar_epi8(load(&ORDER), load(all)),
            [first, second, third] => {
                let [from_two, from_three] = &CHANNEL[channel];
                let two = _mm512_permutex2var_epi8(load(first), load(from_two), load(second));
                _mm512_permutex2var_epi8(two, load(from_three), load(third))
            }
            _ => unreachable!("pixels have {CHANNELS} channels"),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi")]
    fn look_up(table: &[[__m512i; 4]; 4], pixels: __m512i, values: &mut [f32]) {
        let upper = _mm512_movepi8_mask(pixels);
        let mut bytes = [_mm512_setzero_si512(); 4];
        for (bytes, [a, b, c, d]) in bytes.iter_mut().zip(table) {
            let from_lower = _mm512_permutex2var_epi8(*a, pixels, *b);
            let from_upper = _mm512_permutex2var_epi8(*c, pixels, *d);
            *bytes = _mm512_mask_blend_epi8(upper, from_lower, from_upper);
        }
        let [a, b, c, d] = bytes;
        let (low, high) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
        let [to_0, to_1, to_2, to_3] = values.as_chunks_mut().0 else {
            unreachable!("64 values are four times 16");
        };
        store(_mm512_unpacklo_epi16(low, high), to_0);
        store(_mm512_unpackhi_epi16(low, high), to_1);
        let (low, high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
        store(_mm512_unpacklo_epi16(low, high), to_2);
        store(_mm512_unpackhi_epi16(low, high), to_3);
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn load(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: the reference is to 64 initialised bytes.
        unsafe { _mm512_loadu_si512(std::ptr::from_ref(bytes).cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512bw")]
    fn store(vector: __m512i, values: &mut [f32; 16]) {
        // SAFETY: the reference is to 64 bytes that are ours to write, and any bits are a value.
        unsafe { _mm512_storeu_si512(std::ptr::from_mut(values).cast(), vector) }
    }
}
