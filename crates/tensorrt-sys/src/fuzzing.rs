//! The body of the fuzz target: any file is looked at without a panic.

use std::io::Cursor;

use crate::elf::missing_bytes;

/// Looks at a shared library of these bytes, if they are one.
///
/// # Panics
///
/// When more is missing than a file can have.
pub fn elf(bytes: &[u8]) {
    if let Ok(Some(missing)) = missing_bytes(&mut Cursor::new(bytes)) {
        assert!(missing > 0);
    }
}
