//! Arrays whose values lie row by row in bytes: what one row is, and reading it.

use std::cell::Cell;
use std::ops::Range;

use half::{bf16, f16};

use calibrant_tensor::{ElementType, Tensor, TensorData};

use crate::LayoutError;

/// How an array lies in the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    stored: Stored,
    order: ByteOrder,
    n_rows: usize,
    /// The shape of one row, with a leading 1 in place of the first axis.
    row_shape: Vec<usize>,
    row_bytes: usize,
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
    /// When it has no axis or no value, or other bytes than these.
    pub(crate) fn new(
        stored: Stored,
        order: ByteOrder,
        shape: &[usize],
        start: usize,
        n_bytes: usize,
    ) -> Result<Self, LayoutError> {
        let [n_rows, row_axes @ ..] = shape else { return Err(LayoutError::Scalar) };
        if shape.contains(&0) {
            return Err(LayoutError::Empty { shape: shape.to_owned() });
        }
        let product =
            row_axes.iter().try_fold(stored.size_bytes(), |bytes, &axis| bytes.checked_mul(axis));
        let sizes = product.and_then(|row| Some((row, row.checked_mul(*n_rows)?)));
        let overflow = || LayoutError::Overflow { shape: shape.to_owned() };
        let (row_bytes, expected) = sizes.ok_or_else(overflow)?;
        let found = n_bytes - start;
        if found != expected {
            return Err(LayoutError::Size { shape: shape.to_owned(), expected, found });
        }
        let row_shape = [&[1], row_axes].concat();
        Ok(Self { stored, order, n_rows: *n_rows, row_shape, row_bytes, start })
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The shape of one row, with a leading 1 in place of the first axis.
    pub(crate) fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }

    /// The type that rows are read as.
    pub(crate) fn element_type(&self) -> ElementType {
        match self.stored {
            Stored::F16 | Stored::Bf16 | Stored::F32 | Stored::F64 => ElementType::F32,
            Stored::I32 => ElementType::I32,
            Stored::I64 => ElementType::I64,
            Stored::U8 => ElementType::U8,
            Stored::Bool => ElementType::Bool,
        }
    }

    /// Where a row lies in the bytes that the layout is of.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub(crate) fn row(&self, row: usize) -> Range<usize> {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        let start = self.start + row * self.row_bytes;
        start..start + self.row_bytes
    }

    /// Reads the bytes of one row into the tensor's own memory if it has enough of it.
    pub(crate) fn read_row(&self, bytes: &[u8], tensor: &mut Tensor) -> Result<(), BeyondFloat32> {
        tensor.shape.clone_from(&self.row_shape);
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
