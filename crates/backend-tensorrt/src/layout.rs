//! What a sample of an input is in memory.

use std::sync::Arc;

use calibrant_tensor::ElementType;

/// One input of the model, as its memory on the device is laid out: row-major, one sample behind the other.
///
/// Unlike [`calibrant_tensor::Input`], which says what a model or a dataset states, it leaves nothing open, so that memory
/// can be cut by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputLayout {
    /// The input's name, as TensorRT asks for it.
    pub name: Arc<str>,
    /// The type that the network's input has. It need not be the samples': TensorRT before 10 makes 32-bit integers of
    /// a model's 64-bit inputs.
    pub element: ElementType,
    /// The shape of one sample, without the batch dimension.
    pub sample_shape: Vec<usize>,
}

impl InputLayout {
    /// How many values a sample has.
    pub fn sample_len(&self) -> usize {
        self.sample_shape.iter().product()
    }

    /// How many bytes a sample takes.
    pub fn sample_bytes(&self) -> usize {
        let element_bytes = match self.element {
            ElementType::F32 | ElementType::I32 => 4,
            ElementType::I64 => 8,
            ElementType::U8 | ElementType::Bool => 1,
        };
        self.sample_len().saturating_mul(element_bytes)
    }
}

/// The names of inputs, for messages.
pub(crate) fn names(layout: &[InputLayout]) -> Vec<Arc<str>> {
    layout.iter().map(|input| Arc::clone(&input.name)).collect()
}
