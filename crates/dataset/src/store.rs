//! The bytes that several samples lie in: a file that is read at their places, or memory.
//!
//! Files are read and not mapped unless somebody promised that they stay as they are: one that is
//! cut short under a map ends the process with a signal.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use calibrant_files::{RegularFile, Unusable};
use memmap2::Mmap;

use crate::map::map;
use crate::{FilesStay, ReadError};

/// A buffer above this is given back before a smaller read, so that one large sample does not stay
/// in every worker's memory.
const KEEP_BYTES: usize = 64 << 20;

/// Bytes at places from 0 on, as many as there were when it was opened.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    File(Arc<File>),
    Memory(Arc<Vec<u8>>),
}

/// A regular file with the path that it is called in errors.
#[derive(Debug)]
pub(crate) struct File {
    path: Box<Path>,
    pub(crate) open: RegularFile,
    n_bytes: usize,
    map: OnceLock<Mmap>,
}

impl File {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let open = open_regular(path)?;
        let (length, limit) = (open.length(), usize::MAX as u64);
        let n_bytes = usize::try_from(length)
            .map_err(|_| read_error(path, Unusable::TooLarge { n_bytes: length, limit }.into()))?;
        Ok(Self { path: path.into(), open, n_bytes, map: OnceLock::new() })
    }

    /// Has the file looked at in the memory map from now on.
    ///
    /// # Errors
    ///
    /// When the system does not map it, or it has become too short.
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        let failed = |source| read_error(&self.path, source);
        let found = self.open.file().metadata().map_err(failed)?.len();
        if found < self.n_bytes as u64 {
            return Err(failed(Unusable::Changed { expected: self.n_bytes as u64, found }.into()));
        }
        // Of nothing there is no map.
        if self.n_bytes > 0 && self.map.get().is_none() {
            let map = map(self.open.file(), self.n_bytes, stays).map_err(failed)?;
            // Another thread's is as good.
            let _ = self.map.set(map);
        }
        Ok(())
    }

    /// The bytes at these places, in the memory map or read into the buffer, which is used from read
    /// to read.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has become too short.
    ///
    /// # Panics
    ///
    /// When the file is mapped and the places are not among those it had when it was opened.
    pub(crate) fn read<'bytes>(
        &'bytes self,
        places: Range<usize>,
        buffer: &'bytes mut Vec<u8>,
    ) -> Result<&'bytes [u8], ReadError> {
        if let Some(map) = self.map.get() {
            return Ok(&map[places]);
        }
        let room = places.len();
        make_room(buffer, room);
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        let bytes = &mut buffer[..room];
        let read = self.open.read_exact_at(places.start as u64, bytes);
        read.map_err(|source| read_error(&self.path, source))?;
        Ok(bytes)
    }
}

impl Store {
    /// Opens a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self::File(Arc::new(File::open(path)?)))
    }

    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::new(bytes))
    }

    pub(crate) fn n_bytes(&self) -> usize {
        match self {
            Self::File(file) => file.n_bytes,
            Self::Memory(bytes) => bytes.len(),
        }
    }

    /// [Maps](File::map) a file; what is in memory stays there.
    ///
    /// # Errors
    ///
    /// As [`File::map`].
    pub(crate) fn map(&self, stays: FilesStay) -> Result<(), ReadError> {
        match self {
            Self::File(file) => file.map(stays),
            Self::Memory(_) => Ok(()),
        }
    }

    /// The bytes at these places, in memory or [read](File::read) into the buffer.
    ///
    /// # Errors
    ///
    /// As [`File::read`].
    ///
    /// # Panics
    ///
    /// As [`File::read`], and when the places are not among those in memory.
    pub(crate) fn read<'bytes>(
        &'bytes self,
        places: Range<usize>,
        buffer: &'bytes mut Vec<u8>,
    ) -> Result<&'bytes [u8], ReadError> {
        match self {
            Self::Memory(bytes) => Ok(&bytes[places]),
            Self::File(file) => file.read(places, buffer),
        }
    }
}

/// Gives a large buffer back where a small one will do.
pub(crate) fn make_room(buffer: &mut Vec<u8>, n_bytes: usize) {
    if buffer.len() > KEEP_BYTES && n_bytes <= KEEP_BYTES {
        *buffer = Vec::new();
    }
}

/// Opens a regular file.
pub(crate) fn open_regular(path: &Path) -> Result<RegularFile, ReadError> {
    RegularFile::open(path).map_err(|source| read_error(path, source))
}

/// An error of reading this file.
pub(crate) fn read_error(path: &Path, source: std::io::Error) -> ReadError {
    let path = path.to_owned();
    match Unusable::of(&source) {
        Some(&Unusable::Changed { expected, found }) => {
            ReadError::Changed { path, expected, found }
        }
        _ if source.kind() == std::io::ErrorKind::NotFound => ReadError::Gone { path },
        _ => ReadError::Io { path, source },
    }
}
