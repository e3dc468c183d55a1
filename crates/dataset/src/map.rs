//! The memory map: the one unsafe operation of this crate.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

/// When the pages of a map are brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// At once: all of the file is about to be read.
    Now,
    /// As they are touched: little of a large file is read at a time.
    Touched,
}

/// Maps the first `length` bytes of a regular file, which the caller has just seen to have them.
///
/// # Errors
///
/// The system's, and when the address space is too small for the file.
pub(crate) fn map(file: &File, length: u64, pages: Pages) -> io::Result<Mmap> {
    let mut options = MmapOptions::new();
    options.len(usize::try_from(length).map_err(io::Error::other)?);
    if pages == Pages::Now {
        options.populate();
    }
    // SAFETY: a map is sound as long as nobody writes to the file or cuts it short while the map is
    // alive, and no operating system lets one process rule that out for another. It is the user who
    // guarantees it: the crate's documentation asks for files that stay as they are. What a program
    // that breaks this meets: bytes that change under a decoder, which takes any bytes; on Unix, a
    // SIGBUS at the first touch beyond the new end, which ends the process before it can write a
    // result (outputs are renamed into place when complete); on Windows the system refuses to cut a
    // mapped file. A file that shrank before is found by the caller, who has asked this descriptor
    // for its length.
    #[expect(unsafe_code, reason = "mapping a file is the one thing this crate cannot do safely")]
    unsafe {
        options.map(file)
    }
}
