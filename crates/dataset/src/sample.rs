//! One sample: where it lies, and reading it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use calibrant_files::Unusable;
use calibrant_tensor::{Digest, Tensor, digest, digest_tensors};

use crate::set::{Opened, Set};
use crate::store::{File, make_room, open_regular, read_error};
use crate::{FilesStay, Label, ReadError};

/// The largest file that is read as a sample; no picture that can be decoded is as large.
pub const SAMPLE_LIMIT_BYTES: u64 = 1 << 30;

/// Where a sample lies: in a file of its own, in a shard, or in a row of arrays. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SampleRef {
    name: Arc<str>,
    label: Option<Arc<Label>>,
    place: Place,
}

/// What a sample is, once read.
#[derive(Debug)]
pub enum Content<'buffer> {
    /// The bytes of a file or of a shard's member: a picture still encoded.
    Encoded(&'buffer [u8]),
    /// The inputs of a model by name, each with a leading axis of 1 unless the arrays were divided otherwise.
    ///
    /// Whoever swaps them for tensors that are no longer needed spares the next read its
    /// allocations.
    Tensors(&'buffer mut Vec<(Arc<str>, Tensor)>),
}

/// Memory for one sample at a time, reused from read to read; one per thread.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: Vec<u8>,
    tensors: Vec<(Arc<str>, Tensor)>,
    opened: Opened,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(Arc<Path>),
    Part(Arc<Set>, usize),
    /// A part of an archive; the sample's name begins with the archive's, of `n_shard` bytes with
    /// its slash.
    Member {
        shard: Arc<File>,
        range: Range<usize>,
        n_shard: usize,
    },
}

impl SampleRef {
    pub(crate) fn new(name: &str, place: Place) -> Self {
        Self { name: name.into(), label: None, place }
    }

    /// The name within the set, the same wherever the set lies: the path relative to the folder or
    /// the list with `/` between its parts, `shard.tar/key.jpg` for a shard's member, or
    /// `arrays.npz[7]` for a row.
    ///
    /// Bytes of a path that are not UTF-8 are written `\xFF`, backslashes doubled.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name, to keep.
    pub fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// The class it belongs to, where that is known.
    pub fn label(&self) -> Option<&Label> {
        self.label.as_deref()
    }

    /// The file it lies in, alone or with others of a folder of such files; `None` for a shard's member or a row of
    /// arrays.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Part(set, _) => set.path(),
            Place::Member { .. } => None,
        }
    }

    /// The first folder of its path: within the archive, where it lies in one.
    pub(crate) fn first_folder(&self) -> Option<&str> {
        let path = match &self.place {
            Place::Member { n_shard, .. } => &self.name[*n_shard..],
            Place::File(_) | Place::Part(..) => &self.name,
        };
        path.split_once('/').map(|(folder, _)| folder)
    }

    /// Reads it into the buffer, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which names the file or the row.
    pub fn read<'buffer>(
        &'buffer self,
        buffer: &'buffer mut ReadBuffer,
    ) -> Result<Content<'buffer>, ReadError> {
        match &self.place {
            Place::File(path) => read_file(path, &mut buffer.bytes).map(Content::Encoded),
            Place::Member { shard, range, .. } => {
                check_length(range.len() as u64, Path::new(&*self.name))?;
                shard.read(range.clone(), &mut buffer.bytes).map(Content::Encoded)
            }
            Place::Part(set, sample) => {
                let ReadBuffer { bytes, tensors, opened } = buffer;
                set.read(*sample, opened, bytes, tensors)?;
                Ok(Content::Tensors(tensors))
            }
        }
    }

    /// Has the system fetch its file, where it has one of its own; what is wrong with the file shows
    /// when it is read.
    ///
    /// In shards and arrays the system reads ahead by itself.
    pub(crate) fn fetch(&self) {
        #[cfg(target_os = "linux")]
        if let Some(path) = self.path()
            && let Ok(file) = open_regular(path)
        {
            use rustix::fs::{Advice, fadvise};
            // It is advice: without it the file comes when it is read.
            let _ = fadvise(file.file(), 0, None, Advice::WillNeed);
        }
    }

    /// Maps the shard or the arrays that it lies in; a file of its own is read whole, and stays as it is.
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        match &self.place {
            Place::File(_) => Ok(()),
            Place::Member { shard, .. } => shard.map(stays),
            Place::Part(set, _) => set.map(stays),
        }
    }

    pub(crate) fn set_label(&mut self, label: Arc<Label>) {
        self.label = Some(label);
    }
}

impl Content<'_> {
    /// The sample's identity: of a file, of its bytes; of tensors, see
    /// [`digest_tensors`].
    pub fn digest(&self) -> Digest {
        match self {
            Self::Encoded(bytes) => digest(bytes),
            Self::Tensors(tensors) => digest_tensors(tensors),
        }
    }
}

fn read_file<'buffer>(
    path: &Path,
    bytes: &'buffer mut Vec<u8>,
) -> Result<&'buffer [u8], ReadError> {
    let file = open_regular(path)?;
    check_length(file.length(), path)?;
    make_room(bytes, usize::try_from(file.length()).unwrap_or(0));
    let found = file.read_into(bytes).map_err(|source| read_error(path, source))?;
    Ok(&bytes[..found])
}

fn check_length(n_bytes: u64, path: &Path) -> Result<(), ReadError> {
    let limit = SAMPLE_LIMIT_BYTES;
    if n_bytes > limit {
        return Err(read_error(path, Unusable::TooLarge { n_bytes, limit }.into()));
    }
    Ok(())
}
