//! Sets of arrays that are divided among samples.

use std::path::Path;
use std::sync::Arc;

use calibrant_tensor::{Dim, Input, Tensor};

use crate::arrays::Arrays;
use crate::store::open_regular;
use crate::{ArrayError, DatasetError, Divide, Division, FilesStay, LayoutError, Part, ReadError};

/// The list of samples is what grows with their number, by some hundred bytes each; an array with
/// more of them has been laid out otherwise.
const SAMPLES_LIMIT: usize = 1 << 24;

/// The arrays of one file or folder, and what of them each sample has.
#[derive(Debug)]
pub(crate) struct Set {
    held: Held,
    /// What the arrays are called and look like.
    arrays: Vec<Input>,
    parts: Vec<Part>,
    n_samples: usize,
}

/// How a set's arrays are at hand.
#[derive(Debug)]
enum Held {
    /// They are open.
    Open(Arrays),
    /// They are opened when one is read: a folder may hold more files than can be open at once.
    File(Arc<Path>),
}

/// The arrays of the file that was read last.
#[derive(Debug, Default)]
pub(crate) struct Opened(Option<(Arc<Path>, Arrays)>);

impl Set {
    /// Divides arrays, which lie at `path`; at least one sample comes of it.
    ///
    /// # Errors
    ///
    /// When they are not what samples can be made of.
    pub(crate) fn open(
        path: &Path,
        arrays: Arrays,
        divide: &dyn Divide,
    ) -> Result<Self, DatasetError> {
        let inputs = arrays.inputs();
        let parts = divide
            .divide(&inputs)
            .map_err(|source| DatasetError::Unfit { path: path.to_owned(), source })?;
        let n_samples = n_samples(&inputs, &parts)
            .map_err(|source| DatasetError::Arrays { path: path.to_owned(), source })?;
        Ok(Self { held: Held::Open(arrays), arrays: inputs, parts, n_samples })
    }

    /// The same, of a file that is opened again whenever a sample of it is read.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn of_file(path: &Path, divide: &dyn Divide) -> Result<Self, DatasetError> {
        let set = Self::open(path, Arrays::open(path)?, divide)?;
        Ok(Self { held: Held::File(path.into()), ..set })
    }

    pub(crate) fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// What the tensors of a sample are called and look like.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let input = |part: &Part| {
            let array = &self.arrays[part.array];
            let shape = array.fixed_shape().unwrap_or_default();
            let shape = part.division.shape(&shape).into_iter().map(Dim::Fixed).collect();
            Input { name: Arc::clone(&part.input), shape: Some(shape), ..array.clone() }
        };
        self.parts.iter().map(input).collect()
    }

    /// The file that is opened for each sample.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.held {
            Held::Open(_) => None,
            Held::File(path) => Some(path),
        }
    }

    /// Maps the files that are open.
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        match &self.held {
            Held::Open(arrays) => arrays.map(stays),
            Held::File(_) => Ok(()),
        }
    }

    /// Reads one sample, reusing the tensors' memory and the buffer.
    pub(crate) fn read(
        &self,
        sample: usize,
        opened: &mut Opened,
        buffer: &mut Vec<u8>,
        tensors: &mut Vec<(Arc<str>, Tensor)>,
    ) -> Result<(), ReadError> {
        let arrays = match &self.held {
            Held::Open(arrays) => arrays,
            Held::File(path) => opened.arrays(path, &self.arrays)?,
        };
        arrays.read(&self.parts, sample, buffer, tensors)
    }
}

impl Opened {
    /// The arrays of the file at `path`, which had these when the set was opened.
    fn arrays(&mut self, path: &Arc<Path>, expected: &[Input]) -> Result<&Arrays, ReadError> {
        let arrays = match self.0.take() {
            Some((held, arrays)) if Arc::ptr_eq(&held, path) => arrays,
            _ => {
                open_regular(path)?;
                let failed = |source| ReadError::Arrays {
                    path: path.to_path_buf(),
                    source: Box::new(source),
                };
                Arrays::open(path).map_err(failed)?
            }
        };
        if !arrays.is_like(expected) {
            return Err(ReadError::OtherArrays { path: path.to_path_buf() });
        }
        Ok(&self.0.insert((Arc::clone(path), arrays)).1)
    }
}

/// How many samples arrays have, divided so.
fn n_samples(arrays: &[Input], parts: &[Part]) -> Result<usize, ArrayError> {
    let mut first: Option<(&Part, usize)> = None;
    for part in parts {
        let shape = arrays[part.array].fixed_shape().unwrap_or_default();
        let name = || part.input.to_string();
        let of_layout = |source| ArrayError::Division { name: name(), source };
        let n_samples = match part.division {
            Division::Whole | Division::Added(_) => continue,
            Division::Along(_) if shape.contains(&0) => {
                return Err(of_layout(LayoutError::Empty { shape }));
            }
            Division::Along(axis) => shape.get(axis).copied(),
            Division::Stacked => shape.first().copied(),
        };
        let n_samples = n_samples.ok_or_else(|| of_layout(LayoutError::Scalar))?;
        if n_samples == 0 {
            return Err(of_layout(LayoutError::Empty { shape }));
        }
        if n_samples > SAMPLES_LIMIT {
            let (rows, limit) = (n_samples, SAMPLES_LIMIT);
            return Err(ArrayError::TooManyRows { name: name(), rows, limit });
        }
        match first {
            Some((other, n_others)) if n_others != n_samples => {
                return Err(ArrayError::RowsDiffer {
                    first: other.input.to_string(),
                    first_rows: n_others,
                    second: name(),
                    second_rows: n_samples,
                });
            }
            _ => first = Some((part, n_samples)),
        }
    }
    Ok(first.map_or(1, |(_, n_samples)| n_samples))
}
