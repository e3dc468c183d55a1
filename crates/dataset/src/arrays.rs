//! Arrays whose rows are samples.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_tensor::{Input, Tensor, TensorData};

use crate::layout::{BeyondFloat32, Layout};
use crate::npz::{self, Data, INFLATED_LIMIT_BYTES};
use crate::picture::HEAD_BYTES;
use crate::store::Store;
use crate::{ArrayError, DatasetError, FilesStay, ReadError, name, npy, safetensors};

/// The list of samples is what grows with their number, by some hundred bytes each; an array with
/// more rows has been laid out otherwise.
const ROWS_LIMIT: usize = 1 << 24;

/// One array per input, all with the same first axis; inputs in the order of their names.
#[derive(Debug)]
pub(crate) struct Arrays {
    arrays: Vec<Array>,
    n_rows: usize,
}

#[derive(Debug)]
struct Array {
    name: Arc<str>,
    layout: Layout,
    bytes: Bytes,
}

/// The bytes that a layout is of: a file, or a part of one.
#[derive(Debug, Clone)]
struct Bytes {
    store: Store,
    range: Range<usize>,
}

impl Arrays {
    /// Opens a folder of npy files, an npz, a safetensors or an npy.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let io_error = |source| DatasetError::Io { path: path.to_owned(), source };
        if fs::metadata(path).map_err(io_error)?.is_dir() {
            let (files, others) = npy_files(path).map_err(io_error)?;
            let part = |file: &PathBuf| Ok((stem(file), Bytes::of_file(file)?));
            let parts = files.iter().map(part).collect::<Result<_, DatasetError>>()?;
            return Self::of_npys(parts, others).map_err(|source| arrays_error(path, source));
        }
        Self::of_bytes(path, Bytes::of_file(path)?)
    }

    /// Finds the arrays of a file that is in memory; errors call it `path`.
    pub(crate) fn in_memory(path: &Path, bytes: Vec<u8>) -> Result<Self, DatasetError> {
        Self::of_bytes(path, Bytes::of(Store::of_bytes(bytes)))
    }

    fn of_bytes(path: &Path, bytes: Bytes) -> Result<Self, DatasetError> {
        let head = bytes.head(HEAD_BYTES).map_err(DatasetError::File)?;
        let arrays = if npz::begins(&head) {
            npz_parts(&bytes.store).and_then(|(parts, others)| Self::of_npys(parts, others))
        } else if is_safetensors(path, &head) {
            of_safetensors(&bytes).and_then(|arrays| Self::new(arrays, 0))
        } else {
            Self::of_npys(vec![(stem(path), bytes)], 0)
        };
        arrays.map_err(|source| arrays_error(path, source))
    }

    fn of_npys(parts: Vec<(String, Bytes)>, others: usize) -> Result<Self, ArrayError> {
        let arrays = parts.into_iter().map(|(name, bytes)| Array::of_npy(name, bytes));
        Self::new(arrays.collect::<Result<_, _>>()?, others)
    }

    /// `others` counts what lay beside the arrays, for the error when there is none.
    fn new(mut arrays: Vec<Array>, others: usize) -> Result<Self, ArrayError> {
        arrays.sort_by(|left, right| left.name.cmp(&right.name));
        if let Some([twin, _]) =
            arrays.array_windows().find(|[left, right]| left.name == right.name)
        {
            return Err(ArrayError::Twice { name: twin.name.to_string() });
        }
        let Some(first) = arrays.first() else { return Err(ArrayError::None { others }) };
        let n_rows = first.layout.n_rows();
        if n_rows > ROWS_LIMIT {
            let (name, rows, limit) = (first.name.to_string(), n_rows, ROWS_LIMIT);
            return Err(ArrayError::TooManyRows { name, rows, limit });
        }
        if let Some(other) = arrays.iter().find(|it| it.layout.n_rows() != n_rows) {
            return Err(ArrayError::RowsDiffer {
                first: first.name.to_string(),
                first_rows: n_rows,
                second: other.name.to_string(),
                second_rows: other.layout.n_rows(),
            });
        }
        Ok(Self { arrays, n_rows })
    }

    /// The number of samples, at least one.
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The inputs that the arrays are called after, fixed to what one sample of each is, with a leading axis of 1.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let input = |Array { name, layout, .. }: &Array| {
            Input::fixed(Arc::clone(name), layout.element_type(), layout.row_shape())
        };
        self.arrays.iter().map(input).collect()
    }

    /// Maps the files; see [`Store::map`].
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        self.arrays.iter().try_for_each(|array| array.bytes.store.map(stays))
    }

    /// Reads one row of every array, reusing the tensors' memory and the buffer.
    pub(crate) fn read_row(
        &self,
        row: usize,
        buffer: &mut Vec<u8>,
        tensors: &mut Vec<(Arc<str>, Tensor)>,
    ) -> Result<(), ReadError> {
        let blank = || Tensor { shape: Vec::new(), data: TensorData::U8(Vec::new()) };
        tensors.resize_with(self.arrays.len(), || (Arc::from(""), blank()));
        for (Array { name, layout, bytes }, (input, tensor)) in self.arrays.iter().zip(tensors) {
            input.clone_from(name);
            let stored = bytes.read(layout.row(row), buffer)?;
            layout.read_row(stored, tensor).map_err(|BeyondFloat32(value)| {
                ReadError::Float32Range { input: Arc::clone(name), row, value }
            })?;
        }
        Ok(())
    }
}

impl Array {
    fn of_npy(name: String, bytes: Bytes) -> Result<Self, ArrayError> {
        match npy::parse(&bytes.head(npy::HEAD_BYTES)?, bytes.range.len()) {
            Ok(layout) => Ok(Self { name: name.into(), layout, bytes }),
            Err(source) => Err(ArrayError::Npy { name, source }),
        }
    }
}

impl Bytes {
    fn of_file(path: &Path) -> Result<Self, DatasetError> {
        Ok(Self::of(Store::open(path).map_err(DatasetError::File)?))
    }

    fn of(store: Store) -> Self {
        Self { range: 0..store.n_bytes(), store }
    }

    /// The bytes at these places, counted from its own beginning.
    fn read<'bytes>(
        &'bytes self,
        places: Range<usize>,
        buffer: &'bytes mut Vec<u8>,
    ) -> Result<&'bytes [u8], ReadError> {
        let start = self.range.start;
        self.store.read(start + places.start..start + places.end, buffer)
    }

    /// The first bytes, `n_bytes` or all.
    fn head(&self, n_bytes: usize) -> Result<Vec<u8>, ReadError> {
        let mut buffer = Vec::new();
        let head = self.read(0..n_bytes.min(self.range.len()), &mut buffer)?;
        Ok(head.to_owned())
    }
}

/// The visible npy files of a folder itself, and the number of its other entries.
fn npy_files(folder: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    let (arrays, others): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|it| npy::is_named_npy(it));
    Ok((arrays, others.len()))
}

/// The members of an archive, and the number of its other entries; uncompressed members stay where
/// they are.
fn npz_parts(archive: &Store) -> Result<(Vec<(String, Bytes)>, usize), ArrayError> {
    let (members, others) = npz::members(archive, INFLATED_LIMIT_BYTES)?;
    let bytes = |data| match data {
        Data::Inflated(bytes) => Bytes::of(Store::of_bytes(bytes)),
        Data::Stored(range) => Bytes { store: archive.clone(), range },
    };
    let parts = members.into_iter().map(|it| (it.name, bytes(it.data))).collect();
    Ok((parts, others))
}

/// Whether a file is a safetensors, by its first bytes or, when those are damaged, by its name.
pub(crate) fn is_safetensors(path: &Path, head: &[u8]) -> bool {
    safetensors::begins(head)
        || path.extension().is_some_and(|it| it.eq_ignore_ascii_case("safetensors"))
}

/// The tensors of a file, all of them in its one store.
fn of_safetensors(file: &Bytes) -> Result<Vec<Array>, ArrayError> {
    let first = file.head(safetensors::LENGTH_BYTES)?;
    let head = file.head(safetensors::head_bytes(&first))?;
    let tensors = safetensors::parse(&head, file.range.len())?.into_iter();
    let array =
        |(name, layout): (String, _)| Array { name: name.into(), layout, bytes: file.clone() };
    Ok(tensors.map(array).collect())
}

/// The file's name without its extension.
fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |it| name::of_path(Path::new(it)))
}

fn arrays_error(path: &Path, source: ArrayError) -> DatasetError {
    DatasetError::Arrays { path: path.to_owned(), source }
}
