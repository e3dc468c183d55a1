//! The filters of `fast_image_resize`, for recipes that equal no framework.

use calibrant_fir::{Resampler, ResizeAlg};
use calibrant_jpeg::Region;

use super::{Job, Rows, want};
use crate::decode::KEEP_BYTES;
use crate::geometry::Plan;
use crate::recipe::Size;

/// What the resampler refuses.
#[derive(Debug, thiserror::Error)]
pub enum FirError {
    /// A shape so long that the picture between its passes would fill the memory.
    #[error(
        "a picture so long needs {bytes} bytes between the passes; use cv2-linear or a pil-* filter"
    )]
    Elongated {
        /// What it would take.
        bytes: usize,
    },
    /// The resampler refuses the picture.
    #[error(transparent)]
    Resample(#[from] calibrant_fir::Error),
}

/// Bytes that the resampler may take for the picture between its two passes.
const BETWEEN_BYTES: usize = 256 << 20;

/// The resampler, which takes a picture whole: its rows are kept until the last has come.
#[derive(Debug, Default)]
pub(super) struct Fir {
    job: Option<Whole>,
    resampler: Resampler,
    pixels: Vec<u8>,
    out: Vec<u8>,
}

/// What is to be done with the picture when it is whole.
#[derive(Debug, Clone, Copy)]
struct Whole {
    algorithm: ResizeAlg,
    from: Size,
    channels: usize,
    plan: Plan,
}

impl Fir {
    pub(super) fn begin(
        &mut self,
        job: Job,
        algorithm: ResizeAlg,
        region: &mut Region,
    ) -> Result<(), FirError> {
        let Job { from, channels, plan, .. } = job;
        // Either pass may come first.
        let Size { width, height } = plan.window.size;
        let between =
            (from.height as usize * width as usize).max(from.width as usize * height as usize);
        let bytes = between * channels;
        if bytes > BETWEEN_BYTES {
            return Err(FirError::Elongated { bytes });
        }
        self.job = Some(Whole { algorithm, from, channels, plan });
        self.pixels.clear();
        want(region, 0..from.width as usize, 0..from.height as usize);
        Ok(())
    }

    pub(super) fn row(&mut self, row: &[u8]) {
        if let Some(Whole { from, channels, .. }) = self.job {
            self.pixels.extend_from_slice(&row[..from.width as usize * channels]);
        }
    }

    pub(super) fn end(&mut self, lines: &mut Rows<'_>) -> Result<(), FirError> {
        let Some(job) = self.job.take() else { return Ok(()) };
        let window = job.plan.window.size;
        self.out.resize(window.area() * job.channels, 0);
        let Self { resampler, pixels, out, .. } = self;
        resampler.resample(&job.resampled(), pixels, out)?;
        let all = out.chunks_exact(window.width as usize * job.channels);
        all.enumerate().for_each(|(y, line)| lines(y, line));
        if pixels.capacity() > KEEP_BYTES {
            *pixels = Vec::new();
        }
        Ok(())
    }
}

impl Whole {
    fn resampled(&self) -> calibrant_fir::Job {
        let (from, to, window) = (self.from, self.plan.scaled, self.plan.window);
        // The window in the source's coordinates: all of it, or the part that a crop keeps.
        let x = f64::from(from.width) / f64::from(to.width);
        let y = f64::from(from.height) / f64::from(to.height);
        let (left, top) = (f64::from(window.left) * x, f64::from(window.top) * y);
        // Products may end a rounding error beyond the border, which the resampler refuses.
        let width = (f64::from(window.size.width) * x).min(f64::from(from.width) - left);
        let height = (f64::from(window.size.height) * y).min(f64::from(from.height) - top);
        calibrant_fir::Job {
            algorithm: self.algorithm,
            channels: self.channels,
            from: [from.width, from.height],
            part: [left, top, width, height],
            to: [window.size.width, window.size.height],
        }
    }
}
