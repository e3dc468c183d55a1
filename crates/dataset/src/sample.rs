//! One sample: where it lies, and reading it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;

use crate::arrays::Arrays;
use crate::map::{Pages, map};
use crate::{Label, ReadError, Tensor};

/// Files of this many bytes and more are mapped, smaller ones are read: a map costs page faults and
/// a process-wide lock, which only a large file repays.
pub const MAP_FROM_BYTES: u64 = 1 << 20;

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
    /// The inputs of a model by name, each with a leading axis of 1.
    ///
    /// Whoever swaps them for tensors that are no longer needed spares the next read its
    /// allocations.
    Tensors(&'buffer mut Vec<(Arc<str>, Tensor)>),
}

/// Memory for one sample at a time, reused from read to read; one per thread.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: Vec<u8>,
    map: Option<Mmap>,
    /// What a sample in an archive is read from, which its bytes keep alive.
    shard: Option<Arc<Mmap>>,
    tensors: Vec<(Arc<str>, Tensor)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(Arc<Path>),
    Row(Arc<Arrays>, usize),
    /// A part of an archive; the sample's name begins with the archive's, of `n_shard` bytes with
    /// its slash.
    Member {
        shard: Arc<Mmap>,
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

    /// The file it lies in, alone; `None` for a shard's member or a row of arrays.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Row(..) | Place::Member { .. } => None,
        }
    }

    /// The first folder of its path: within the archive, where it lies in one.
    pub(crate) fn first_folder(&self) -> Option<&str> {
        let path = match &self.place {
            Place::Member { n_shard, .. } => &self.name[*n_shard..],
            Place::File(_) | Place::Row(..) => &self.name,
        };
        path.split_once('/').map(|(folder, _)| folder)
    }

    /// Reads it into the buffer, in place of what was there.
    ///
    /// # Errors
    ///
    /// [`ReadError`], which names the file or the row.
    pub fn read<'buffer>(
        &self,
        buffer: &'buffer mut ReadBuffer,
    ) -> Result<Content<'buffer>, ReadError> {
        match &self.place {
            Place::File(path) => {
                let ReadBuffer { bytes, map, .. } = buffer;
                read_file(path, bytes, map).map(Content::Encoded)
            }
            Place::Member { shard, range, .. } => {
                let shard = buffer.shard.insert(Arc::clone(shard));
                Ok(Content::Encoded(&shard[range.clone()]))
            }
            Place::Row(arrays, row) => {
                arrays.read_row(*row, &mut buffer.tensors)?;
                Ok(Content::Tensors(&mut buffer.tensors))
            }
        }
    }

    /// Has the system fetch its file, where it has one of its own; what is wrong with the file shows
    /// when it is read.
    ///
    /// Shards and arrays are mapped, and the system reads ahead in maps by itself.
    pub(crate) fn fetch(&self) {
        #[cfg(target_os = "linux")]
        if let Place::File(path) = &self.place
            && let Ok((file, _)) = open_regular(path)
        {
            use rustix::fs::{Advice, fadvise};
            // It is advice: without it the file comes when it is read.
            let _ = fadvise(&file, 0, None, Advice::WillNeed);
        }
    }

    pub(crate) fn set_label(&mut self, label: Arc<Label>) {
        self.label = Some(label);
    }
}

impl Content<'_> {
    /// The sample's identity: of a file, of its bytes; of tensors, see
    /// [`digest_tensors`](crate::digest_tensors).
    pub fn digest(&self) -> crate::Digest {
        match self {
            Self::Encoded(bytes) => crate::digest(bytes),
            Self::Tensors(tensors) => crate::digest_tensors(tensors),
        }
    }
}

/// Opens a regular file and says how long it is.
///
/// It is looked at before it is opened, because opening a pipe waits for its writer, and after,
/// because it may have been replaced.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64), ReadError> {
    let metadata = fs::metadata(path).map_err(|source| read_error(path, source))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(|source| read_error(path, source))?;
    let metadata = file.metadata().map_err(|source| read_error(path, source))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned() });
    }
    Ok((file, metadata.len()))
}

fn read_file<'buffer>(
    path: &Path,
    bytes: &'buffer mut Vec<u8>,
    mapped: &'buffer mut Option<Mmap>,
) -> Result<&'buffer [u8], ReadError> {
    // The file before need not stay mapped while this one is opened.
    *mapped = None;
    let (file, length) = open_regular(path)?;
    if length >= MAP_FROM_BYTES {
        let map = map(&file, length, Pages::Now);
        return Ok(mapped.insert(map.map_err(|source| read_error(path, source))?));
    }
    let read = fill(&file, length, bytes);
    let found = read.map_err(|source| read_error(path, source))?;
    if found as u64 != length {
        return Err(ReadError::Changed {
            path: path.to_owned(),
            expected: length,
            found: found as u64,
        });
    }
    Ok(&bytes[..found])
}

/// Reads a file that should have `expected` bytes into the first of a buffer, which keeps its length
/// from file to file, so that nothing is cleared; returns how many there were.
///
/// One more than expected tells a file that grew, without reading on for as long as it grows.
fn fill(mut file: &File, expected: u64, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let room = usize::try_from(expected + 1).map_err(io::Error::other)?;
    if bytes.len() < room {
        bytes.resize(room, 0);
    }
    let mut found = 0;
    while found < room {
        match file.read(&mut bytes[found..room]) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn read_error(path: &Path, source: io::Error) -> ReadError {
    let path = PathBuf::from(path);
    match source.kind() {
        io::ErrorKind::NotFound => ReadError::Gone { path },
        _ => ReadError::Io { path, source },
    }
}
