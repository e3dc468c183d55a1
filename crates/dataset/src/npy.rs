//! NumPy's npy format, versions 1 to 3: the header.
//!
//! The format is `numpy/lib/format.py`'s: magic, version, the header's length, and the header,
//! which is a Python dictionary in text. (The `npyz` crate would read it, but compiles C through
//! its parser's stack guard, and allocates what a header's length field claims.)

use std::path::Path;
use std::{fs, io};

use crate::layout::{ByteOrder, Layout, Stored};
use crate::{LayoutError, NpyError};

/// NumPy itself refuses to evaluate headers beyond 10 000 bytes; a plain array's takes 118.
const HEADER_LIMIT_BYTES: usize = 1 << 16;

/// As many bytes as hold every header.
pub(crate) const HEAD_BYTES: usize = 12 + HEADER_LIMIT_BYTES;

/// Whether a file with these first bytes is an npy.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\x93NUMPY")
}

/// Whether a folder holds an npy file of such a name without its extension, itself and not in a subfolder.
pub(crate) fn any_in(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_named_npy(&path) && is_wanted(&stem(&path)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The file's name without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |it| crate::name::of_path(Path::new(it)))
}

/// Whether this is the path of a visible npy file, by its name.
pub(crate) fn is_named_npy(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|it| it.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|it| it.eq_ignore_ascii_case("npy"))
}

/// Reads the header and checks that the values are there, to the byte.
///
/// `head` are the first [`HEAD_BYTES`] of the `n_bytes` that there are, or all. Allocates for the
/// shape alone, which is no longer than the header.
pub(crate) fn parse(head: &[u8], n_bytes: usize) -> Result<Layout, NpyError> {
    if !begins(head) {
        return Err(NpyError::Magic);
    }
    let [major, minor] = take(head, 6)?;
    let (length, start) = match (major, minor) {
        (1, 0) => (usize::from(u16::from_le_bytes(take(head, 8)?)), 10),
        (2 | 3, 0) => {
            let length = u32::from_le_bytes(take(head, 8)?);
            (usize::try_from(length).unwrap_or(usize::MAX), 12)
        }
        _ => return Err(NpyError::Version { major, minor }),
    };
    if length > HEADER_LIMIT_BYTES {
        return Err(NpyError::HeaderLength { length, limit: HEADER_LIMIT_BYTES });
    }
    let header = head.get(start..start + length).ok_or(NpyError::HeaderTruncated)?;
    let Header { descr, fortran_order, shape } = crate::npy_header::parse(header)?;
    let (stored, order) = element(descr)?;
    if fortran_order {
        return Err(NpyError::FortranOrder);
    }
    Ok(Layout::new(stored, order, &shape, start + length, n_bytes)?)
}

/// What the dictionary says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header<'text> {
    pub(crate) descr: &'text str,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

fn element(descr: &str) -> Result<(Stored, ByteOrder), LayoutError> {
    let unsupported = || LayoutError::Type { descr: descr.to_owned() };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unsupported)?;
    let stored = match kind {
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        "i4" => Stored::I32,
        "i8" => Stored::I64,
        "u1" => Stored::U8,
        "b1" => Stored::Bool,
        _ => return Err(unsupported()),
    };
    match order {
        "<" => Ok((stored, ByteOrder::Little)),
        ">" => Ok((stored, ByteOrder::Big)),
        "|" if stored.size_bytes() == 1 => Ok((stored, ByteOrder::Little)),
        _ => Err(unsupported()),
    }
}

fn take<const N: usize>(bytes: &[u8], start: usize) -> Result<[u8; N], NpyError> {
    bytes.get(start..).and_then(<[u8]>::first_chunk).copied().ok_or(NpyError::HeaderTruncated)
}
