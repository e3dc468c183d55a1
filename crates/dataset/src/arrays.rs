//! Arrays that samples are parts of: where they lie, and reading them.

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
use crate::{ArrayError, DatasetError, FilesStay, Part, ReadError, npy, safetensors};

/// The arrays of one file or folder, in the order of their names.
#[derive(Debug)]
pub(crate) struct Arrays {
    arrays: Vec<Array>,
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
            let part = |file: &PathBuf| Ok((npy::stem(file), Bytes::of_file(file)?));
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
            Self::of_npys(vec![(npy::stem(path), bytes)], 0)
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
        if arrays.is_empty() {
            return Err(ArrayError::None { others });
        }
        Ok(Self { arrays })
    }

    /// What the arrays are called and look like.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let input = |Array { name, layout, .. }: &Array| {
            Input::fixed(Arc::clone(name), layout.element_type(), layout.shape())
        };
        self.arrays.iter().map(input).collect()
    }

    /// Maps the files; see [`Store::map`].
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        self.arrays.iter().try_for_each(|array| array.bytes.store.map(stays))
    }

    /// Whether another has arrays of the same names, types and shapes.
    pub(crate) fn is_like(&self, other: &[Input]) -> bool {
        self.inputs() == other
    }

    /// Reads one sample's parts, reusing the tensors' memory and the buffer.
    pub(crate) fn read(
        &self,
        parts: &[Part],
        sample: usize,
        buffer: &mut Vec<u8>,
        tensors: &mut Vec<(Arc<str>, Tensor)>,
    ) -> Result<(), ReadError> {
        let blank = || Tensor { shape: Vec::new(), data: TensorData::U8(Vec::new()) };
        tensors.resize_with(parts.len(), || (Arc::from(""), blank()));
        for (part, (input, tensor)) in parts.iter().zip(tensors) {
            let Array { layout, bytes, .. } = &self.arrays[part.array];
            input.clone_from(&part.input);
            let mut pieces = layout.pieces(part.division, sample);
            let read = match (pieces.next(), pieces.next()) {
                (Some(whole), None) => {
                    layout.read(part.division, bytes.read(whole, buffer)?, tensor)
                }
                (first, second) => {
                    let mut gathered = Vec::new();
                    for piece in first.into_iter().chain(second).chain(pieces) {
                        gathered.extend_from_slice(bytes.read(piece, buffer)?);
                    }
                    layout.read(part.division, &gathered, tensor)
                }
            };
            read.map_err(|BeyondFloat32(value)| {
                let input = Arc::clone(&part.input);
                ReadError::Float32Range { input, row: sample, value }
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

fn arrays_error(path: &Path, source: ArrayError) -> DatasetError {
    DatasetError::Arrays { path: path.to_owned(), source }
}
