//! The pictures that are measured on: a folder's, or made from `fixtures/photos`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use calibrant_dataset::{Content, Dataset, ReadBuffer};
use calibrant_preprocess::{Pipeline, Scratch, Settings};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use crate::args::Set;

const PHOTOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/photos");
/// A photograph as it is stretched, and how many of it, in a square, make one of 12 megapixels.
const WIDTH: usize = 500;
const HEIGHT: usize = 375;
const TILES: usize = 8;
/// Large ones are few: each takes as long as fifty.
const N_LARGE: usize = 8;

/// Files to measure on.
#[derive(Debug)]
pub(crate) struct Pictures {
    pub(crate) paths: Vec<PathBuf>,
    /// Of all of them together.
    pub(crate) bytes: u64,
}

impl Pictures {
    /// Finds a folder's pictures.
    ///
    /// # Errors
    ///
    /// When there are none, or they cannot be looked at.
    pub(crate) fn of_folder(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("{}", folder.display()))?;
        let dataset = Dataset::folder(&folder)?;
        let paths = dataset.samples().iter().filter_map(|sample| sample.path());
        let paths: Vec<PathBuf> = paths.map(Path::to_owned).collect();
        let size = |path: &PathBuf| {
            let metadata = fs::metadata(path).with_context(|| format!("{}", path.display()))?;
            Ok(metadata.len())
        };
        let bytes = paths.iter().map(size).sum::<anyhow::Result<u64>>()?;
        Ok(Self { paths, bytes })
    }

    /// Makes pictures of the set's size from the fixtures, in `folder`.
    ///
    /// # Errors
    ///
    /// When the fixtures cannot be read or the folder cannot be written.
    pub(crate) fn make(set: Set, folder: &Path) -> anyhow::Result<Self> {
        let photos = Dataset::folder(Path::new(PHOTOS))?;
        let stretch =
            "preset = 'raw'\nsize = '500x375'\nresize = 'stretch'\nfilter = 'pil-lanczos'";
        let pipeline = Settings::from_toml(stretch)?.recipe()?.compile()?;
        let (every, tiles, quality) = match set {
            Set::Small => (1, 1, 95),
            Set::Large => (photos.samples().len().div_ceil(N_LARGE), TILES, 90),
        };
        let folder = folder.join("pictures");
        fs::create_dir(&folder)?;
        let mut buffer = ReadBuffer::default();
        for (k, photo) in photos.samples().iter().step_by(every).enumerate() {
            let Content::Encoded(bytes) = photo.read(&mut buffer)? else { continue };
            let jpeg = remade(&pipeline, bytes, tiles, quality)
                .with_context(|| format!("{PHOTOS}/{}", photo.name()))?;
            fs::write(folder.join(format!("{k:05}.jpg")), jpeg)?;
        }
        Self::of_folder(&folder)
    }

    /// The mean size of a file in 1000 bytes.
    pub(crate) fn mean_kb(&self) -> f64 {
        self.bytes as f64 / self.paths.len() as f64 / 1000.0
    }

    /// `count` paths, one a line; from the first one again where there are fewer.
    pub(crate) fn list(&self, count: usize) -> String {
        let paths = self.paths.iter().cycle().take(count);
        paths.map(|path| format!("{}\n", path.display())).collect()
    }
}

/// The picture at 500 x 375, repeated `tiles` times each way, stored as cameras do: baseline, 4:2:0.
fn remade(pipeline: &Pipeline, bytes: &[u8], tiles: usize, quality: u8) -> anyhow::Result<Vec<u8>> {
    let tile = pipeline.picture(bytes, &mut Scratch::new())?.pixels;
    let rows = tile.chunks_exact(3 * WIDTH).map(|row| row.repeat(tiles));
    let pixels = rows.collect::<Vec<_>>().concat().repeat(tiles);
    let encoder = Encoder::new(&pixels, WIDTH * tiles, HEIGHT * tiles, PixelFormat::Rgb);
    Ok(encoder.subsampling(Subsampling::S420).quality(quality).encode()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_again_where_there_are_too_few() {
        let pictures = Pictures { paths: vec!["a.jpg".into(), "b.jpg".into()], bytes: 3000 };
        assert_eq!(pictures.list(3), "a.jpg\nb.jpg\na.jpg\n");
        assert!((pictures.mean_kb() - 1.5).abs() < 1e-9);
    }
}
