//! NumPy's npz: a zip archive of npy files.

use std::io::{self, BufReader, Cursor, Read, Seek};
use std::ops::Range;

use zip::{CompressionMethod, ZipArchive};

use crate::ArrayError;
use crate::store::Store;

/// As much as the compressed members of one npz may unpack to, all together: they stay in memory,
/// unlike uncompressed ones.
pub const INFLATED_LIMIT_BYTES: u64 = 1 << 30;

/// One npy file in an archive.
#[derive(Debug)]
pub(crate) struct Member {
    /// The member's name without `.npy`.
    pub(crate) name: String,
    pub(crate) data: Data,
}

/// Where a member's bytes are.
#[derive(Debug)]
pub(crate) enum Data {
    /// In the archive, as they are.
    Stored(Range<usize>),
    /// Here, unpacked.
    Inflated(Vec<u8>),
}

/// Whether a file with these first bytes is a zip archive.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// The npy members of an archive, in its order, and the number of other entries.
pub(crate) fn members(archive: &Store, limit: u64) -> Result<(Vec<Member>, usize), ArrayError> {
    match archive {
        Store::Memory(bytes) => members_of(Cursor::new(bytes.as_slice()), bytes.len(), limit),
        Store::File(file) => members_of(BufReader::new(file.open.file()), archive.n_bytes(), limit),
    }
}

fn members_of(
    archive: impl Read + Seek,
    n_bytes: usize,
    limit: u64,
) -> Result<(Vec<Member>, usize), ArrayError> {
    let mut zip = ZipArchive::new(archive).map_err(ArrayError::Zip)?;
    let mut members: Vec<Member> = Vec::new();
    let mut others = 0;
    let mut left = limit;
    for idx in 0..zip.len() {
        let mut file = zip.by_index(idx).map_err(ArrayError::Zip)?;
        let member = file.name().map_err(ArrayError::Zip)?.into_owned();
        let Some(name) = member.strip_suffix(".npy") else {
            others += 1;
            continue;
        };
        let name = name.to_owned();
        let data = if file.compression() == CompressionMethod::Stored {
            let range = file.data_start().and_then(|start| range(start, file.size(), n_bytes));
            let range = range.ok_or_else(|| ArrayError::Member {
                member,
                source: io::Error::from(io::ErrorKind::UnexpectedEof),
            })?;
            Data::Stored(range)
        } else {
            let mut bytes = Vec::new();
            let read = file.by_ref().take(left + 1).read_to_end(&mut bytes);
            let n_inflated = read.map_err(|source| ArrayError::Member { member, source })? as u64;
            left = left.checked_sub(n_inflated).ok_or(ArrayError::Inflated { limit })?;
            Data::Inflated(bytes)
        };
        members.push(Member { name, data });
    }
    Ok((members, others))
}

fn range(start: u64, length: u64, n_bytes: usize) -> Option<Range<usize>> {
    let range = usize::try_from(start).ok()?..usize::try_from(start.checked_add(length)?).ok()?;
    (range.end <= n_bytes).then_some(range)
}
