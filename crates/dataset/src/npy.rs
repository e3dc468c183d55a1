//! NumPy's npy format, versions 1 to 3: the header, and one row at a time.
//!
//! The format is `numpy/lib/format.py`'s: magic, version, the header's length, and the header,
//! which is a Python dictionary in text. (The `npyz` crate would read it, but compiles C through
//! its parser's stack guard, and allocates what a header's length field claims.)

use std::cell::Cell;
use std::path::Path;
use std::{fs, io};

use half::f16;

use crate::{ElementType, NpyError, Tensor, TensorData};

/// NumPy itself refuses to evaluate headers beyond 10 000 bytes; a plain array's takes 118.
const HEADER_LIMIT_BYTES: usize = 1 << 16;

/// How an array lies in the bytes of an npy file.
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
enum Stored {
    F16,
    F32,
    F64,
    I32,
    I64,
    U8,
    Bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// Whether a file with these first bytes is an npy.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\x93NUMPY")
}

/// Whether a folder holds an npy file, itself and not in a subfolder.
pub(crate) fn is_in(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if is_named_npy(&entry?.path()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether this is the path of a visible npy file, by its name.
pub(crate) fn is_named_npy(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|it| it.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|it| it.eq_ignore_ascii_case("npy"))
}

impl Layout {
    /// Reads the header and checks that the values are there, to the byte.
    ///
    /// Allocates for the shape alone, which is no longer than the header.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, NpyError> {
        if !begins(bytes) {
            return Err(NpyError::Magic);
        }
        let [major, minor] = take(bytes, 6)?;
        let (length, start) = match (major, minor) {
            (1, 0) => (usize::from(u16::from_le_bytes(take(bytes, 8)?)), 10),
            (2 | 3, 0) => {
                let length = u32::from_le_bytes(take(bytes, 8)?);
                (usize::try_from(length).unwrap_or(usize::MAX), 12)
            }
            _ => return Err(NpyError::Version { major, minor }),
        };
        if length > HEADER_LIMIT_BYTES {
            return Err(NpyError::HeaderLength { length, limit: HEADER_LIMIT_BYTES });
        }
        let header = bytes.get(start..start + length).ok_or(NpyError::HeaderTruncated)?;
        let Header { descr, fortran_order, shape } = crate::npy_header::parse(header)?;
        let (stored, order) = element(descr)?;
        if fortran_order {
            return Err(NpyError::FortranOrder);
        }
        Self::new(stored, order, &shape, start + length, bytes.len())
    }

    fn new(
        stored: Stored,
        order: ByteOrder,
        shape: &[usize],
        start: usize,
        n_bytes: usize,
    ) -> Result<Self, NpyError> {
        let [n_rows, row_axes @ ..] = shape else { return Err(NpyError::Scalar) };
        if shape.contains(&0) {
            return Err(NpyError::Empty { shape: shape.to_owned() });
        }
        let product =
            row_axes.iter().try_fold(stored.size_bytes(), |bytes, &axis| bytes.checked_mul(axis));
        let sizes = product.and_then(|row| Some((row, row.checked_mul(*n_rows)?)));
        let overflow = || NpyError::Overflow { shape: shape.to_owned() };
        let (row_bytes, expected) = sizes.ok_or_else(overflow)?;
        let found = n_bytes - start;
        if found != expected {
            return Err(NpyError::Size { shape: shape.to_owned(), expected, found });
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
            Stored::F16 | Stored::F32 | Stored::F64 => ElementType::F32,
            Stored::I32 => ElementType::I32,
            Stored::I64 => ElementType::I64,
            Stored::U8 => ElementType::U8,
            Stored::Bool => ElementType::Bool,
        }
    }

    /// Reads one row out of the bytes that the layout was parsed from, into the tensor's own memory
    /// if it has enough of it.
    ///
    /// # Panics
    ///
    /// When there is no such row, or the bytes are others.
    pub(crate) fn read_row(
        &self,
        bytes: &[u8],
        row: usize,
        tensor: &mut Tensor,
    ) -> Result<(), BeyondFloat32> {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        let bytes = &bytes[self.start + row * self.row_bytes..][..self.row_bytes];
        tensor.shape.clone_from(&self.row_shape);
        let (order, data) = (self.order, &mut tensor.data);
        match self.stored {
            Stored::F16 => decode(bytes, order, data, |it| f16::from_le_bytes(it).to_f32()),
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
    fn size_bytes(self) -> usize {
        match self {
            Self::U8 | Self::Bool => 1,
            Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

/// What the dictionary says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'text> {
    pub(crate) descr: &'text str,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

fn element(descr: &str) -> Result<(Stored, ByteOrder), NpyError> {
    let unsupported = || NpyError::Type { descr: descr.to_owned() };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unsupported)?;
    let stored = match kind {
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        "i4" => Stored::I32,
        "i8" => Stored::I64,
        "u1" => Stored::U8,
        "b1" => Stored::Bool,
        _ => return Err(unsupported()),
    };
    match order {
        "<" => Ok((stored, ByteOrder::Little)),
        ">" => Ok((stored, ByteOrder::Big)),
        "|" if stored.size_bytes() == 1 => Ok((stored, ByteOrder::Little)),
        _ => Err(unsupported()),
    }
}

fn take<const N: usize>(bytes: &[u8], start: usize) -> Result<[u8; N], NpyError> {
    bytes.get(start..).and_then(<[u8]>::first_chunk).copied().ok_or(NpyError::HeaderTruncated)
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
