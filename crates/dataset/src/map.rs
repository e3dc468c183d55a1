//! Files in the memory map, for those who own them: the one unsafe operation of this crate.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// The promise that the files of a set stay as they are while it is in use.
///
/// It takes somebody who owns them: no operating system lets a program rule out that another writes to a file.
#[derive(Debug, Clone, Copy)]
pub struct FilesStay(());

impl FilesStay {
    /// Gives the promise.
    ///
    /// # Safety
    ///
    /// Nobody may write to a file of the set or cut it short while the set is in use. What happens otherwise is bytes
    /// that change while they are looked at and, on Unix, a SIGBUS that ends the process.
    #[must_use]
    #[expect(unsafe_code, reason = "it is for the caller to promise")]
    pub const unsafe fn promised() -> Self {
        Self(())
    }
}

/// Maps the first `n_bytes` of a regular file, which the caller has just seen to have them.
///
/// # Errors
///
/// The system's.
pub(crate) fn map(file: &File, n_bytes: usize, _: FilesStay) -> io::Result<Mmap> {
    let mut options = MmapOptions::new();
    options.len(n_bytes);
    // SAFETY: a map is sound as long as nobody writes to the file or cuts it short, which whoever made the
    // `FilesStay` has promised; that it has these bytes now the caller has seen.
    #[expect(unsafe_code, reason = "mapping a file is the one thing this crate cannot do safely")]
    unsafe {
        options.map(file)
    }
}
