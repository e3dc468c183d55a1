//! What goes to the device before the coefficients of a picture: its job and its tables.

use calibrant_jpeg::{Blocks, Coding, Header};
use calibrant_preprocess::{Pipeline, PreprocessError, ResizeKernel, Sampling, Size};

use crate::pictures::PictureJob;

/// The part of a blob that all pictures of one size share.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    job: PictureJob,
    words: Vec<u32>,
}

/// Coefficients begin at a multiple of so many words, and tables are padded to it.
const ALIGNMENT_WORDS: usize = 64;

impl Template {
    /// The job and the tables for upright pictures of a size and 1 or 3 channels; `None` for a filter
    /// that has no tables.
    pub(crate) fn new(
        pipeline: &Pipeline,
        picture: Size,
        channels: usize,
    ) -> Result<Option<Self>, PreprocessError> {
        let Some(sampling) = pipeline.sampling(picture, channels)? else { return Ok(None) };
        let Some(mut job) = job(&sampling) else { return Ok(None) };
        job.width = picture.width;
        job.height = picture.height;
        job.channels = word(channels);
        let mut words = vec![0; PictureJob::TABLES_AT];
        let values = words[PictureJob::VALUES_AT..].chunks_exact_mut(256);
        for ((plane, values), source) in pipeline.channels().zip(values).zip(&mut job.plane_source)
        {
            // A picture of one channel has the same value in all.
            *source = if channels == 1 { 0 } else { word(plane.source) };
            for (word, value) in values.iter_mut().zip(plane.values) {
                *word = value.to_bits();
            }
        }
        job.columns = word(words.len());
        words.extend(&sampling.columns);
        job.rows = word(words.len());
        words.extend(&sampling.rows);
        words.resize(words.len().next_multiple_of(ALIGNMENT_WORDS), 0);
        Ok(Some(Self { job, words }))
    }

    /// How many bytes it takes.
    pub(crate) fn len_bytes(&self) -> usize {
        4 * self.words.len()
    }

    /// Writes the blob of coefficients that follow it.
    pub(crate) fn write_coefficients(
        &self,
        header: &Header,
        orientation: u8,
        blocks: &Blocks,
        out: &mut [u32],
    ) {
        let (across, down) = header.subsampling;
        let luma = blocks.planes[0];
        let job = PictureJob {
            source: 0,
            coding: match (blocks.n_planes, header.coding) {
                (1, _) => 0,
                (_, Coding::Rgb) => 2,
                _ => 1,
            },
            across: across.into(),
            down: down.into(),
            mcus_across: word(luma.across / usize::from(across)),
            mcus_down: word(luma.down / usize::from(down)),
            n_planes: word(blocks.n_planes),
            blocks: word(self.words.len()),
            ..self.stored(Size::new(header.width, header.height), orientation)
        };
        self.write(&job, out);
        let steps = out[PictureJob::QUANTIZATION_AT..].chunks_exact_mut(32);
        for (plane, steps) in blocks.planes[..blocks.n_planes].iter().zip(steps) {
            for (word, [low, high]) in steps.iter_mut().zip(plane.quantization.as_chunks().0) {
                *word = u32::from(low.cast_unsigned()) | u32::from(high.cast_unsigned()) << 16;
            }
        }
    }

    /// Writes the blob of interleaved pixels, which lie elsewhere.
    pub(crate) fn write_pixels(&self, stored: Size, orientation: u8, out: &mut [u32]) {
        let job = PictureJob { source: 1, ..self.stored(stored, orientation) };
        self.write(&job, out);
    }

    fn stored(&self, size: Size, orientation: u8) -> PictureJob {
        PictureJob {
            stored_width: size.width,
            stored_height: size.height,
            orientation: orientation.into(),
            ..self.job
        }
    }

    fn write(&self, job: &PictureJob, out: &mut [u32]) {
        out[..self.words.len()].copy_from_slice(&self.words);
        let words = job.words();
        out[..words.len()].copy_from_slice(&words);
    }
}

/// The job of a kernel, as the programs number them; `None` for one that they do not know.
fn job(sampling: &Sampling) -> Option<PictureJob> {
    let mut job = PictureJob {
        window_width: sampling.window.width,
        window_height: sampling.window.height,
        from_x: sampling.from.0,
        from_y: sampling.from.1,
        at_x: sampling.at.0,
        at_y: sampling.at.1,
        fill: sampling.fill.into(),
        ..PictureJob::default()
    };
    job.method = match sampling.kernel {
        ResizeKernel::Copy => 0,
        ResizeKernel::Nearest => 1,
        ResizeKernel::Linear => 2,
        ResizeKernel::Cubic { vectors } => {
            job.vectors = vectors;
            3
        }
        ResizeKernel::Cells { across, down } => {
            (job.cell_across, job.cell_down) = (across, down);
            4
        }
        ResizeKernel::Parts => 5,
        ResizeKernel::Convolve { rows_first, precision } => {
            (job.precision_columns, job.precision_rows) = precision;
            if rows_first { 7 } else { 6 }
        }
        _ => return None,
    };
    Some(job)
}

fn word(number: usize) -> u32 {
    u32::try_from(number).expect("a picture has fewer words than 2^32")
}
