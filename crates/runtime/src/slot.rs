//! What a batch consists of: samples in slots, whatever memory their inputs lie in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::IntoIter;

use calibrant_tensor::Tensor;

/// A sample's tensors on the host, by the names of the model's inputs, each with a leading axis of 1.
pub type Tensors = Vec<(Arc<str>, Tensor)>;

/// One sample on the host, ready for the network.
pub type Sample = Slot<Tensors>;

/// The place of one sample in a batch, with its inputs in memory of some kind: [`Tensors`] on the host, or what a device
/// reads or makes tensors of.
///
/// A pipeline fills the same slots again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot<I> {
    /// Place in the ordered list of samples, from 0; skipped samples keep theirs.
    pub position: usize,
    /// Stable name, as `calibrant_dataset::SampleRef::name` gives it.
    pub name: Arc<str>,
    /// What the network is fed, or what that is made of.
    pub inputs: I,
}

impl<I> Slot<I> {
    /// A slot that no sample is in yet.
    pub fn new(inputs: I) -> Self {
        Self { position: 0, name: Arc::default(), inputs }
    }
}

/// The memory alone, for what knows no samples.
impl<I> AsRef<I> for Slot<I> {
    fn as_ref(&self) -> &I {
        &self.inputs
    }
}

/// The slots of a pipeline whose memory was allocated at once, handed out one by one.
///
/// Made for [`calibrant_prefetch::run`], whose slots stay together by the batch in the order in which they were made:
/// memory that was cut from one slab in order gives batches that lie one behind the other.
pub struct SlotStock<I>(Mutex<IntoIter<I>>);

impl<I> SlotStock<I> {
    /// A slot for each piece of memory, in their order; a pipeline takes
    /// [`n_slots`](calibrant_prefetch::Config::n_slots).
    pub fn new(memory: Vec<I>) -> Self {
        Self(Mutex::new(memory.into_iter()))
    }

    /// The next slot.
    ///
    /// # Panics
    ///
    /// When all have been handed out, which a pipeline of the size that was given never comes to.
    pub fn new_slot(&self) -> Slot<I> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner).next();
        Slot::new(memory.expect("no more slots than the pipeline's batches hold are asked for"))
    }
}

impl<I> fmt::Debug for SlotStock<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        write!(f, "{left} slots")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_hands_its_memory_out_in_order() {
        let stock = SlotStock::new(vec!["first", "second"]);
        assert_eq!(format!("{stock:?}"), "2 slots");
        let slots = [stock.new_slot(), stock.new_slot()];
        assert_eq!(slots.map(|slot| *slot.as_ref()), ["first", "second"]);
    }
}
