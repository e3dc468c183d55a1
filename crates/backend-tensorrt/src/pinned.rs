//! Inputs of samples in pinned memory.

use std::fmt;
use std::sync::Arc;

use calibrant_cuda::{Device, Element, PinnedPiece};
use calibrant_tensor::{ElementType, NotWhole, Tensor, TensorData};

use crate::error::SlotError;
use crate::layout::{InputLayout, names};

/// The inputs of one sample, in memory that the device reads.
pub struct PinnedInputs {
    pieces: Vec<PinnedPiece>,
    layout: Arc<[InputLayout]>,
}

impl PinnedInputs {
    /// Memory for so many samples, full of zeros: each input's pieces are cut from one slab, in the order of the samples.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn cut_slabs(
        device: &Device,
        count: usize,
        layout: &[InputLayout],
    ) -> Result<Vec<Self>, calibrant_cuda::Error> {
        let layout: Arc<[InputLayout]> = layout.into();
        let cut = |input: &InputLayout| PinnedPiece::cut_slab(device, count, input.sample_bytes());
        let slabs: Vec<_> = layout.iter().map(cut).collect::<Result<_, _>>()?;
        let mut slabs: Vec<_> = slabs.into_iter().map(Vec::into_iter).collect();
        let inputs = |_| Self {
            pieces: slabs.iter_mut().filter_map(Iterator::next).collect(),
            layout: Arc::clone(&layout),
        };
        Ok((0..count).map(inputs).collect())
    }

    /// The memory of each input, in the order of the layout.
    pub fn pieces(&self) -> &[PinnedPiece] {
        &self.pieces
    }

    /// The values of an input, to be written; `None` where there is no such input or it has other values.
    pub fn values_mut<T: Element>(&mut self, input: usize) -> Option<&mut [T]> {
        self.pieces.get_mut(input)?.values_mut()
    }

    /// Writes a sample's tensors, found by the names of the inputs; others are left alone.
    ///
    /// Whole numbers and truth values go into an input of another such type where they fit; otherwise the types must be the
    /// same.
    ///
    /// # Errors
    ///
    /// [`SlotError`]: an input's tensor is missing, or does not fit. The memory then holds anything.
    pub fn write(&mut self, tensors: &[(Arc<str>, Tensor)]) -> Result<(), SlotError> {
        let layout = Arc::clone(&self.layout);
        for (input, memory) in layout.iter().zip(&mut self.pieces) {
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
        _ => match data.whole_as(input.element) {
            Some(Ok(converted)) => return write(input, memory, &converted),
            Some(Err(NotWhole { index, value })) => {
                return Err(SlotError::TooLarge { input: name(), value, index });
            }
            None => None,
        },
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

impl fmt::Debug for PinnedInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PinnedInputs").field(&names(&self.layout)).finish()
    }
}
