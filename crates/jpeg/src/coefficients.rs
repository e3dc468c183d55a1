//! Coefficients instead of pixels, for whoever transforms them elsewhere.

use crate::decoder::{Picture, Sink, quantization};
use crate::entropy::{CHUNK, Chunk};
use crate::error::Error;
use crate::rows::{Geometry, Pixels};

/// How the coefficients of a picture lie in memory: component after component, each of them whole
/// rows of blocks, each block 64 values row by row.
///
/// The blocks are those of whole MCUs, so that the last ones may lie beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// The components, of which the first [`n_planes`](Self::n_planes) are there.
    pub planes: [Plane; 3],
    /// 1 for luma alone, else 3.
    pub n_planes: usize,
}

/// The blocks of one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plane {
    /// Blocks before those of this component.
    pub first: usize,
    /// Blocks in a row.
    pub across: usize,
    /// Rows of blocks.
    pub down: usize,
    /// What each coefficient is multiplied with modulo 2^16, row by row.
    pub quantization: [i16; 64],
}

impl Blocks {
    /// Returns the number of blocks of all components.
    #[must_use]
    pub fn count(&self) -> usize {
        self.planes[..self.n_planes].iter().map(|plane| plane.across * plane.down).sum()
    }
}

impl Picture<'_> {
    /// Returns how [`coefficients`](Self::coefficients) lays out what `pixels` are made of.
    #[must_use]
    pub fn blocks(&self, pixels: Pixels) -> Blocks {
        let segments = self.segments();
        let geometry = Geometry::of(&segments.header);
        let n_planes = if pixels == Pixels::Luma { 1 } else { segments.n_components };
        let steps = quantization(segments);
        let mut before = 0;
        let planes = std::array::from_fn(|component| {
            let (h, v) = geometry.blocks(component);
            let (across, down) = (geometry.mcus_across() * h, geometry.mcus_down() * v);
            let first = before;
            before += across * down;
            Plane { first, across, down, quantization: steps[component] }
        });
        Blocks { planes, n_planes }
    }

    /// Returns whether the data is followed by the end of the image, and has the restart markers that
    /// are due before it and no others: whether the file is all there.
    ///
    /// Damage inside the data is not looked for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let segments = self.segments();
        let geometry = Geometry::of(&segments.header);
        let n_mcus = geometry.mcus_across() * geometry.mcus_down();
        let n_restarts = match segments.restart_interval {
            0 => 0,
            interval => n_mcus.div_ceil(interval) - 1,
        };
        let (mut rest, mut restarts) = (&self.encoded()[segments.scan..], 0);
        loop {
            let Some(at) = rest.iter().position(|&byte| byte == 0xff) else { return false };
            rest = &rest[at + 1..];
            match rest.first() {
                Some(0 | 0xff) => {}
                Some(&marker @ 0xd0..=0xd7) if usize::from(marker & 7) == restarts % 8 => {
                    restarts += 1;
                }
                Some(0xd9) => return restarts == n_restarts,
                _ => return false,
            }
        }
    }

    /// Writes the quantized coefficients of all blocks into `out`, 64 for each of
    /// [`blocks`](Self::blocks).
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode): what it refuses is refused here with the same error.
    pub fn coefficients(self, pixels: Pixels, out: &mut [i16]) -> Result<(), Error> {
        let blocks = self.blocks(pixels);
        let (out, rest) = out.as_chunks_mut::<64>();
        if (out.len(), rest.len()) != (blocks.count(), 0) {
            let (expected, found) = (64 * blocks.count(), 64 * out.len() + rest.len());
            return Err(Error::WrongLength { expected, found });
        }
        self.with_job(pixels, None, |job, decoder| {
            job.coefficients(decoder, &mut Copy { geometry: job.geometry, blocks, out })
        })
    }
}

/// Puts the blocks of each chunk into their places.
struct Copy<'a> {
    geometry: Geometry,
    blocks: Blocks,
    out: &'a mut [[i16; 64]],
}

impl Sink for Copy<'_> {
    fn take(&mut self, chunk: &Chunk, [mcu_x, mcu_y]: [usize; 2], n: usize) {
        let mut first = 0;
        for (component, plane) in self.blocks.planes[..self.blocks.n_planes].iter().enumerate() {
            let (h, v) = self.geometry.blocks(component);
            for line in 0..v {
                let from = &chunk.blocks[first + line * CHUNK * h..][..n * h];
                let at = plane.first + (mcu_y * v + line) * plane.across + mcu_x * h;
                for (out, block) in self.out[at..at + n * h].iter_mut().zip(from) {
                    *out = block.0;
                }
            }
            first += CHUNK * h * v;
        }
    }

    fn end_row(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Decoder;
    use crate::entropy::Block;
    use crate::kernels::{Plane as Samples, scalar};

    /// The samples of the first component, by the plain transform of every block.
    fn luma(planes: &Blocks, coefficients: &[i16], width: usize, height: usize) -> Vec<u8> {
        let plane = &planes.planes[0];
        let stride = 8 * plane.across;
        let mut samples = vec![0; stride * 8 * plane.down];
        let mut out = Samples { samples: &mut samples, stride };
        for (i, block) in
            coefficients.as_chunks().0.iter().take(plane.across * plane.down).enumerate()
        {
            let at = i / plane.across * 8 * stride + i % plane.across * 8;
            let block = Block(*block);
            scalar::idct([&block; 2], &plane.quantization, &mut out, [at; 2]);
        }
        samples.chunks_exact(stride).take(height).flat_map(|row| &row[..width]).copied().collect()
    }

    #[test]
    fn coefficients_make_the_samples_that_the_decoder_makes() {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/preprocess/pictures");
        let mut decoder = Decoder::new();
        let mut seen = 0;
        for entry in folder.read_dir().unwrap() {
            let encoded = std::fs::read(entry.unwrap().path()).unwrap();
            let Ok(picture) = decoder.open(&encoded) else { continue };
            let (width, height) =
                (picture.header().width as usize, picture.header().height as usize);
            let blocks = picture.blocks(Pixels::Luma);
            let mut coefficients = vec![0; 64 * blocks.count()];
            let outcome = picture.coefficients(Pixels::Luma, &mut coefficients);
            let mut expected = vec![0; width * height];
            let pixels = decoder.open(&encoded).unwrap().decode(Pixels::Luma, &mut expected);
            assert_eq!(outcome, pixels, "the same errors");
            if outcome.is_ok() {
                assert_eq!(luma(&blocks, &coefficients, width, height), expected);
                seen += 1;
            }
        }
        assert!(seen > 5, "{seen} pictures were compared");
    }

    #[test]
    fn a_file_that_ends_early_is_not_whole() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/preprocess/pictures");
        let mut decoder = Decoder::new();
        let mut seen = 0;
        for entry in Path::new(folder).read_dir().unwrap() {
            let encoded = std::fs::read(entry.unwrap().path()).unwrap();
            let Ok(picture) = decoder.open(&encoded) else { continue };
            let (start, whole) = (picture.segments().scan, picture.is_whole());
            let mut out = vec![0; 64 * picture.blocks(Pixels::Luma).count()];
            if picture.coefficients(Pixels::Luma, &mut out).is_err() {
                continue;
            }
            assert!(whole);
            for len in (start..encoded.len() - 1).step_by(97) {
                let picture = decoder.open(&encoded[..len]).unwrap();
                assert!(!picture.is_whole(), "cut to {len}");
            }
            seen += 1;
        }
        assert!(seen > 5, "{seen} pictures were looked at");
    }

    #[test]
    fn room_must_be_as_large_as_the_picture() {
        let encoded = include_bytes!("../../../fixtures/preprocess/pictures/q95_420.jpg");
        let mut decoder = Decoder::new();
        let expected = 64 * decoder.open(encoded).unwrap().blocks(Pixels::Rgb).count();
        for found in [0, expected - 64, expected + 1] {
            let outcome =
                decoder.open(encoded).unwrap().coefficients(Pixels::Rgb, &mut vec![0; found]);
            assert_eq!(outcome, Err(Error::WrongLength { expected, found }));
        }
    }
}
