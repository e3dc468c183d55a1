//! What brings samples to the device: as they lie in pinned memory, or by a way of the caller's.

use std::ops::Range;
use std::sync::Arc;

use calibrant_cuda::{Device, DeviceBuffer, Error, Held, Upload};
use calibrant_prefetch::Batch;
use calibrant_runtime::Slot;

use crate::layout::InputLayout;
use crate::pinned::PinnedInputs;

/// Brings samples of a kind into the buffers of a batch.
///
/// [`Inputs`] copies [`PinnedInputs`]; implement it for samples that become tensors on the device.
pub trait Loader: Send {
    /// One sample, as the pipeline makes it.
    type Sample: Send + Sync + 'static;

    /// Returns the buffers of a batch: one an input in the order of the layout, and behind them what else
    /// [`load`](Self::load) needs.
    ///
    /// # Errors
    ///
    /// When the device has no room.
    fn buffers(&self, device: &Device, batch_size: usize) -> Result<Vec<DeviceBuffer>, Error>;

    /// Puts a part of a batch into the stream, as rows behind those that are there; returns what holds it
    /// meanwhile and how many bytes cross the bus.
    ///
    /// # Errors
    ///
    /// What the device reports.
    fn load(
        &mut self,
        upload: &mut Upload,
        part: Part<Self::Sample>,
    ) -> Result<(Loading<Self::Sample>, usize), Error>;
}

/// A batch that the device reads.
pub type Loading<T> = Held<Arc<Batch<T>>>;

/// Samples that become rows of a batch.
#[derive(Debug)]
pub struct Part<T> {
    /// The batch of the source that holds them.
    pub batch: Arc<Batch<T>>,
    /// Which of it they are.
    pub range: Range<usize>,
    /// The row of the first.
    pub row: usize,
}

/// Copies samples that are tensors already.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'feed> {
    /// What the samples hold.
    pub layout: &'feed [InputLayout],
}

impl Loader for Inputs<'_> {
    type Sample = Slot<PinnedInputs>;

    fn buffers(&self, device: &Device, batch_size: usize) -> Result<Vec<DeviceBuffer>, Error> {
        let buffer = |input: &InputLayout| {
            DeviceBuffer::new(device, input.sample_bytes().saturating_mul(batch_size))
        };
        self.layout.iter().map(buffer).collect()
    }

    fn load(
        &mut self,
        upload: &mut Upload,
        Part { batch, range, .. }: Part<Self::Sample>,
    ) -> Result<(Loading<Self::Sample>, usize), Error> {
        let n_inputs = self.layout.len();
        let sample_bytes: usize = self.layout.iter().map(InputLayout::sample_bytes).sum();
        let copied_bytes = range.len() * sample_bytes;
        let held = upload.append(batch, |batch, rows| {
            for input in 0..n_inputs {
                let slots = batch[range.clone()].iter();
                slots.for_each(|slot| rows.push(input, &slot.inputs.pieces()[input]));
            }
        })?;
        Ok((held, copied_bytes))
    }
}
