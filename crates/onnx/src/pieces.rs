//! A model's file, decoded while it is read.
//!
//! Each run of bytes, such as a weight, comes to lie in memory of its own, which can be freed on its own and begins where any
//! number may.

use std::io;

use buffa::bytes::{Buf, Bytes};
use calibrant_files::RegularFile;

/// Bytes that are read ahead.
const WINDOW_BYTES: usize = 64 << 10;

/// What is left of a file.
///
/// A decoder cannot be told that reading failed: it is given zeros from there on, and [`finish`](Self::finish) says so.
#[derive(Debug)]
pub(crate) struct Pieces<'f> {
    file: &'f RegularFile,
    /// Bytes that were not taken yet, those of the window among them.
    n_left: usize,
    window: Vec<u8>,
    /// Bytes of the window that were taken.
    n_taken: usize,
    window_bytes: usize,
    failure: Option<io::Error>,
}

impl<'f> Pieces<'f> {
    /// The whole file; `None` where it is longer than memory could be.
    pub(crate) fn new(file: &'f RegularFile) -> Option<Self> {
        Self::by_windows(file, WINDOW_BYTES)
    }

    fn by_windows(file: &'f RegularFile, window_bytes: usize) -> Option<Self> {
        let n_left = usize::try_from(file.length()).ok()?;
        let (window, n_taken, failure) = (Vec::new(), 0, None);
        let mut pieces = Self { file, n_left, window, n_taken, window_bytes, failure };
        pieces.fill();
        Some(pieces)
    }

    /// Whether all that was given stands in the file, which is still as long as it was.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn finish(self) -> io::Result<bool> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.file.file().metadata()?.len() == self.file.length()),
        }
    }

    /// Reads a window, where the last one is used up and there is more.
    fn fill(&mut self) {
        if self.n_taken < self.window.len() || self.n_left == 0 {
            return;
        }
        let mut window = std::mem::take(&mut self.window);
        window.resize(self.window_bytes.min(self.n_left), 0);
        self.read(self.n_left, &mut window);
        (self.window, self.n_taken) = (window, 0);
    }

    /// Reads bytes that begin so many before the end of the file.
    fn read(&mut self, before_end: usize, into: &mut [u8]) {
        let offset = self.file.length() - before_end as u64;
        if let Err(error) = self.file.read_exact_at(offset, into) {
            into.fill(0);
            self.failure.get_or_insert(error);
        }
    }
}

impl Buf for Pieces<'_> {
    fn remaining(&self) -> usize {
        self.n_left
    }

    fn chunk(&self) -> &[u8] {
        &self.window[self.n_taken..]
    }

    fn advance(&mut self, n_bytes: usize) {
        assert!(n_bytes <= self.n_left, "{n_bytes} of {} bytes", self.n_left);
        self.n_left -= n_bytes;
        self.n_taken = self.window.len().min(self.n_taken.saturating_add(n_bytes));
        self.fill();
    }

    fn copy_to_bytes(&mut self, n_bytes: usize) -> Bytes {
        assert!(n_bytes <= self.n_left, "{n_bytes} of {} bytes", self.n_left);
        let mut bytes = vec![0; n_bytes];
        let (ahead, rest) = bytes.split_at_mut(n_bytes.min(self.chunk().len()));
        ahead.copy_from_slice(&self.chunk()[..ahead.len()]);
        if !rest.is_empty() {
            self.read(self.n_left - ahead.len(), rest);
        }
        self.advance(n_bytes);
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_the_bytes_of_the_file(
            content in prop::collection::vec(any::<u8>(), 0..600),
            window_bytes in 1usize..70,
            steps in prop::collection::vec((0usize..90, 0..3), 0..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, &content).unwrap();
            let file = RegularFile::open(&path).unwrap();
            let mut pieces = Pieces::by_windows(&file, window_bytes).unwrap();
            let mut whole = Bytes::from(content);
            for (n_bytes, way) in steps {
                let n_bytes = n_bytes.min(whole.remaining());
                match way {
                    0 => prop_assert_eq!(pieces.copy_to_bytes(n_bytes), whole.copy_to_bytes(n_bytes)),
                    1 => {
                        let (mut found, mut expected) = (vec![0; n_bytes], vec![0; n_bytes]);
                        pieces.copy_to_slice(&mut found);
                        whole.copy_to_slice(&mut expected);
                        prop_assert_eq!(found, expected);
                    }
                    _ => {
                        pieces.advance(n_bytes);
                        whole.advance(n_bytes);
                    }
                }
                prop_assert_eq!(pieces.remaining(), whole.remaining());
                prop_assert!(whole.chunk().starts_with(pieces.chunk()));
                prop_assert_eq!(pieces.chunk().is_empty(), !whole.has_remaining());
            }
            prop_assert!(pieces.finish().unwrap());
        }
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let changed = |n_bytes: usize| {
            fs::write(&path, [7; 100]).unwrap();
            let file = RegularFile::open(&path).unwrap();
            let mut pieces = Pieces::by_windows(&file, 10).unwrap();
            fs::write(&path, vec![7; n_bytes]).unwrap();
            (pieces.copy_to_bytes(100), pieces.finish())
        };
        let (bytes, longer) = changed(101);
        assert_eq!((bytes, longer.unwrap()), (vec![7; 100].into(), false));
        let (bytes, shorter) = changed(50);
        assert_eq!(bytes[10..], [0; 90]);
        shorter.unwrap_err();
    }
}
