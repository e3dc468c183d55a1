//! Samples in pinned memory.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use calibrant_cuda::{Device, Element, PinnedPiece};
use calibrant_tensor::{ElementType, Tensor, TensorData};

use crate::error::SlotError;
use crate::layout::{InputLayout, names};

/// One sample, in memory that the device reads.
pub struct Slot {
    /// Place in the ordered list of samples, from 0; skipped samples keep theirs.
    pub position: usize,
    /// Stable name of the sample.
    pub name: Arc<str>,
    inputs: Vec<PinnedPiece>,
    layout: Arc<[InputLayout]>,
}

/// The slots of a pipeline, allocated at once and handed out one by one.
///
/// Made for [`calibrant_prefetch::run`], whose slots stay together by the batch in the order in which they were made:
/// each input's slots are cut in that order from one slab.
#[derive(Debug)]
pub struct SlotStock {
    layout: Arc<[InputLayout]>,
    slots: Mutex<std::vec::IntoIter<Slot>>,
}

impl SlotStock {
    /// All slots of a pipeline of this many batches in flight: `batch_size × batches_in_flight`, full of zeros.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn new(
        device: &Device,
        layout: &[InputLayout],
        batch_size: NonZeroUsize,
        batches_in_flight: NonZeroUsize,
    ) -> Result<Self, calibrant_cuda::Error> {
        let layout: Arc<[InputLayout]> = layout.into();
        let n_slots = batch_size.saturating_mul(batches_in_flight).get();
        let cut =
            |input: &InputLayout| PinnedPiece::cut_slab(device, n_slots, input.sample_bytes());
        let slabs: Vec<_> = layout.iter().map(cut).collect::<Result<_, _>>()?;
        let mut slabs: Vec<_> = slabs.into_iter().map(Vec::into_iter).collect();
        let slot = |_| Slot {
            position: 0,
            name: Arc::default(),
            inputs: slabs.iter_mut().filter_map(Iterator::next).collect(),
            layout: Arc::clone(&layout),
        };
        let slots: Vec<_> = (0..n_slots).map(slot).collect();
        Ok(Self { layout, slots: Mutex::new(slots.into_iter()) })
    }

    /// What the slots hold.
    pub fn layout(&self) -> &Arc<[InputLayout]> {
        &self.layout
    }

    /// The next slot.
    ///
    /// # Panics
    ///
    /// When all have been handed out, which a pipeline of the size that was given never comes to.
    pub fn new_slot(&self) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.next().expect("no more slots than the pipeline's batches hold are asked for")
    }
}

impl Slot {
    /// What each input of the sample is.
    pub fn layout(&self) -> &[InputLayout] {
        &self.layout
    }

    /// The memory of each input, in the order of the layout.
    pub fn inputs(&self) -> &[PinnedPiece] {
        &self.inputs
    }

    /// The values of an input, to be written; `None` where there is no such input or it has other values.
    pub fn values_mut<T: Element>(&mut self, input: usize) -> Option<&mut [T]> {
        self.inputs.get_mut(input)?.values_mut()
    }

    /// Writes a sample's tensors, found by the names of the inputs; others are left alone.
    ///
    /// 64-bit integers go into an input of 32 bits where they fit; otherwise the types must be the same.
    ///
    /// # Errors
    ///
    /// [`SlotError`]: an input's tensor is missing, or does not fit. The slot then holds anything.
    pub fn write(&mut self, tensors: &[(Arc<str>, Tensor)]) -> Result<(), SlotError> {
        let layout = Arc::clone(&self.layout);
        for (input, memory) in layout.iter().zip(&mut self.inputs) {
            let Some((_, tensor)) = tensors.iter().find(|(name, _)| *name == input.name) else {
                let given = tensors.iter().map(|(name, _)| Arc::clone(name)).collect();
                return Err(SlotError::MissingInput { input: Arc::clone(&input.name), given });
            };
            write(input, memory, &tensor.data)?;
        }
        Ok(())
    }
}

fn write(
    input: &InputLayout,
    memory: &mut PinnedPiece,
    data: &TensorData,
) -> Result<(), SlotError> {
    let name = || Arc::clone(&input.name);
    let (expected, found) = (input.sample_len(), data.len());
    if expected != found {
        return Err(SlotError::WrongLength { input: name(), expected, found });
    }
    let outcome = match (input.element, data) {
        (ElementType::F32, TensorData::F32(values)) => copy(memory, values),
        (ElementType::I64, TensorData::I64(values)) => copy(memory, values),
        (ElementType::I32, TensorData::I32(values)) => copy(memory, values),
        (ElementType::U8, TensorData::U8(values)) => copy(memory, values),
        (ElementType::Bool, TensorData::Bool(values)) => fill(memory, values, |it| u8::from(*it)),
        (ElementType::I32, TensorData::I64(values)) => {
            let small = |value: &i64| i32::try_from(*value).is_ok();
            if let Some(index) = values.iter().position(|value| !small(value)) {
                return Err(SlotError::TooLarge { input: name(), value: values[index], index });
            }
            fill(memory, values, |value| i32::try_from(*value).unwrap_or_default())
        }
        _ => None,
    };
    outcome.ok_or_else(|| SlotError::WrongType {
        input: name(),
        expected: input.element,
        found: data.element_type(),
    })
}

fn copy<T: Element>(memory: &mut PinnedPiece, values: &[T]) -> Option<()> {
    memory.values_mut()?.copy_from_slice(values);
    Some(())
}

fn fill<V, T: Element>(
    memory: &mut PinnedPiece,
    values: &[V],
    convert: impl Fn(&V) -> T,
) -> Option<()> {
    let targets = memory.values_mut()?;
    targets.iter_mut().zip(values).for_each(|(target, value)| *target = convert(value));
    Some(())
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("position", &self.position)
            .field("name", &self.name)
            .field("inputs", &names(&self.layout))
            .finish()
    }
}
