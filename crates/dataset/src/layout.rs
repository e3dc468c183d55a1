//! Arrays whose values lie row by row in bytes: what one row is, and reading it.

use std::cell::Cell;
use std::ops::Range;

use half::{bf16, f16};

use calibrant_tensor::{ElementType, Tensor, TensorData};

use crate::{Division, LayoutError};

/// How an array lies in the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    stored: Stored,
    order: ByteOrder,
    shape: Vec<usize>,
    /// Where the values begin.
    start: usize,
}

/// A value that no 32-bit float comes near.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BeyondFloat32(pub(crate) f64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    F16,
    Bf16,
    F32,
    F64,
    I32,
    I64,
    U8,
    Bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl Layout {
    /// The layout of an array of this shape whose values fill the bytes from `start` to `n_bytes`.
    ///
    /// # Errors
    ///
    /// When it has other bytes than these.
    pub(crate) fn new(
        stored: Stored,
        order: ByteOrder,
        shape: &[usize],
        start: usize,
        n_bytes: usize,
    ) -> Result<Self, LayoutError> {
        // As if no axis were empty, so that what is left out of a product cannot overflow it later.
        let mut counted = shape.iter().map(|&axis| axis.max(1));
        let largest = counted.try_fold(stored.size_bytes(), |bytes, axis| bytes.checked_mul(axis));
        let overflow = || LayoutError::Overflow { shape: shape.to_owned() };
        let largest = largest.ok_or_else(overflow)?;
        let expected = if shape.contains(&0) { 0 } else { largest };
        let found = n_bytes - start;
        if found != expected {
            return Err(LayoutError::Size { shape: shape.to_owned(), expected, found });
        }
        Ok(Self { stored, order, shape: shape.to_owned(), start })
    }

    /// The length of each axis.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type that values are read as.
    pub(crate) fn element_type(&self) -> ElementType {
        match self.stored {
            Stored::F16 | Stored::Bf16 | Stored::F32 | Stored::F64 => ElementType::F32,
            Stored::I32 => ElementType::I32,
            Stored::I64 => ElementType::I64,
            Stored::U8 => ElementType::U8,
            Stored::Bool => ElementType::Bool,
        }
    }

    /// Where a sample's part of the array lies, in pieces of the same length one behind the other.
    ///
    /// # Panics
    ///
    /// When the array has no such part.
    pub(crate) fn pieces(
        &self,
        division: Division,
        sample: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        let size = |axes: &[usize]| axes.iter().product::<usize>();
        let (n_pieces, stride, length, first) = match division {
            Division::Stacked | Division::Along(_) => {
                let axis = division.axis();
                let (n, inner) =
                    (self.shape[axis], self.stored.size_bytes() * size(&self.shape[axis + 1..]));
                assert!(sample < n, "part {sample} of {n}");
                (size(&self.shape[..axis]), n * inner, inner, sample * inner)
            }
            Division::Whole | Division::Added(_) => {
                (1, 0, self.stored.size_bytes() * size(&self.shape), 0)
            }
        };
        let start = self.start + first;
        (0..n_pieces).map(move |piece| start + piece * stride..start + piece * stride + length)
    }

    /// Reads the bytes of one sample's part into the tensor's own memory if it has enough of it.
    pub(crate) fn read(
        &self,
        division: Division,
        bytes: &[u8],
        tensor: &mut Tensor,
    ) -> Result<(), BeyondFloat32> {
        tensor.shape = division.shape(&self.shape);
        let (order, data) = (self.order, &mut tensor.data);
        match self.stored {
            Stored::F16 => decode(bytes, order, data, |it| f16::from_le_bytes(it).to_f32()),
            Stored::Bf16 => decode(bytes, order, data, |it| bf16::from_le_bytes(it).to_f32()),
            Stored::F32 => decode(bytes, order, data, f32::from_le_bytes),
            Stored::F64 => return decode_f64(bytes, order, data),
            Stored::I32 => decode(bytes, order, data, i32::from_le_bytes),
            Stored::I64 => decode(bytes, order, data, i64::from_le_bytes),
            Stored::U8 => decode(bytes, order, data, |[it]| it),
            Stored::Bool => decode(bytes, order, data, |[it]| it != 0),
        }
        Ok(())
    }
}

impl Stored {
    pub(crate) fn size_bytes(self) -> usize {
        match self {
            Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

fn decode<const N: usize, V>(
    bytes: &[u8],
    order: ByteOrder,
    data: &mut TensorData,
    from_le: impl Fn([u8; N]) -> V,
) where
    TensorData: From<Vec<V>>,
    Vec<V>: TryFrom<TensorData>,
{
    let (chunks, _) = bytes.as_chunks::<N>();
    let old = std::mem::replace(data, TensorData::U8(Vec::new()));
    let mut values = Vec::try_from(old).unwrap_or_default();
    values.clear();
    match order {
        ByteOrder::Little => values.extend(chunks.iter().map(|&it| from_le(it))),
        ByteOrder::Big => values.extend(chunks.iter().map(|&(mut it)| {
            it.reverse();
            from_le(it)
        })),
    }
    *data = values.into();
}

fn decode_f64(bytes: &[u8], order: ByteOrder, data: &mut TensorData) -> Result<(), BeyondFloat32> {
    let beyond = Cell::new(None);
    decode(bytes, order, data, |it| {
        let double = f64::from_le_bytes(it);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to float32 is what is asked for"
        )]
        let single = double as f32;
        if single.is_infinite() && double.is_finite() {
            beyond.set(Some(BeyondFloat32(double)));
        }
        single
    });
    beyond.get().map_or(Ok(()), Err)
}
