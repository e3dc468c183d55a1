//! Pictures of every subsampling, size, quality and arrangement, made by `libjpeg-turbo-rs`.

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use proptest::prelude::*;

use crate::compare;

/// What a synthetic picture is like.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) subsampling: Subsampling,
    pub(crate) gray: bool,
    pub(crate) quality: u8,
    pub(crate) optimized: bool,
    /// In MCUs, 0 for none.
    pub(crate) restarts: u16,
    /// From smooth to noise, 0 to 255.
    pub(crate) roughness: u8,
    pub(crate) seed: u32,
}

impl Kind {
    /// Returns smooth colours with noise over them.
    fn pixels(&self) -> Vec<u8> {
        let mut state = self.seed | 1;
        let mut noise = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        };
        let channels = if self.gray { 1 } else { 3 };
        let mut pixels = Vec::new();
        for i in 0..self.width * self.height * channels {
            let (place, channel) = (i / channels, i % channels);
            let (x, y) = (place % self.width, place / self.width);
            let phase = (7 * x + 4 * y * (channel + 1) + self.seed as usize % 512) % 512;
            let wave = u8::try_from(phase.min(511 - phase)).unwrap();
            // Between two waves, one of them of noise.
            let rough = u16::from(self.roughness) * u16::from(noise());
            let smooth = u16::from(255 - self.roughness) * u16::from(wave);
            pixels.push((rough / 255 + smooth / 255).to_le_bytes()[0]);
        }
        pixels
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let pixels = self.pixels();
        let format = if self.gray { PixelFormat::Grayscale } else { PixelFormat::Rgb };
        Encoder::new(&pixels, self.width, self.height, format)
            .subsampling(self.subsampling)
            .quality(self.quality)
            .optimize_huffman(self.optimized)
            .restart_blocks(self.restarts)
            .encode()
            .unwrap()
    }
}

pub(crate) const SUBSAMPLINGS: [Subsampling; 4] =
    [Subsampling::S444, Subsampling::S422, Subsampling::S420, Subsampling::S440];

pub(crate) fn kinds() -> impl Strategy<Value = Kind> {
    let size = prop_oneof![1..20_usize, 1..150_usize];
    (
        (size.clone(), size),
        prop::sample::select(SUBSAMPLINGS.to_vec()),
        (prop::bool::weighted(0.1), any::<bool>()),
        1..=100_u8,
        prop_oneof![2 => Just(0), 1 => 1..40_u16],
        any::<u8>(),
        any::<u32>(),
    )
        .prop_map(
            |(
                (width, height),
                subsampling,
                (gray, optimized),
                quality,
                restarts,
                roughness,
                seed,
            )| {
                Kind {
                    width,
                    height,
                    subsampling,
                    gray,
                    quality,
                    optimized,
                    restarts,
                    roughness,
                    seed,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn pictures_are_libjpeg_turbo_s(kind in kinds()) {
        compare("synthetic", &kind.encode());
    }
}

#[test]
fn every_small_size_is_libjpeg_turbo_s() {
    for subsampling in SUBSAMPLINGS {
        for (width, height) in (0..18 * 18).map(|i| (1 + i % 18, 1 + i / 18)) {
            let kind = Kind {
                width,
                height,
                subsampling,
                gray: false,
                quality: 92,
                optimized: false,
                restarts: 0,
                roughness: 60,
                seed: 5,
            };
            compare(&format!("{kind:?}"), &kind.encode());
        }
    }
}
