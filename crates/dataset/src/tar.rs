//! Tar archives, as lists of where their members lie.
//!
//! What POSIX calls ustar and pax, GNU's long names and old archives are read; sparse members and
//! archives over several volumes are refused. The bytes of an archive are walked from header to
//! header and nothing between is touched. (The `tar` crate reads a stream: it takes an archive cut
//! short between two members for a whole one, allocates what a long name claims, and does not tell
//! where a fault lies.)

use std::borrow::Cow;
use std::ops::Range;

use crate::store::Store;
use crate::{ReadError, TarError, name};

/// Headers and members begin at multiples of this.
const BLOCK_BYTES: usize = 512;

/// What follows the end is looked through in pieces of this.
const PIECE_BYTES: usize = 1 << 16;

/// As much as the name or the extended header of one member is read of.
const EXTENSION_LIMIT_BYTES: usize = 1 << 20;

/// One thing in an archive that has a name of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The path, written as [`name`] writes paths.
    pub(crate) name: String,
    pub(crate) kind: MemberKind,
    /// Where its header begins.
    pub(crate) offset: usize,
    /// Where its bytes lie in the archive; empty unless it is a file.
    pub(crate) range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    File,
    Folder,
    /// A link, a device or a pipe, or of a kind that only other programs know.
    Other,
}

/// Whether a file with these first bytes is a tar archive; one in the format before ustar cannot be
/// told so.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The members of an archive, in its order.
///
/// # Errors
///
/// [`TarError`], with the place in the archive, also when the mark at its end is missing.
pub(crate) fn members(archive: &Store) -> Result<Vec<Member>, TarError> {
    let mut members = Vec::new();
    let mut at = 0;
    let mut said = Extensions::default();
    let mut buffer = Vec::new();
    loop {
        let Some(header) = block(archive, at, &mut buffer)? else {
            return Err(TarError::NoEnd { length: archive.n_bytes() });
        };
        if header.iter().all(|&byte| byte == 0) {
            check_end(archive, at)?;
            return Ok(members);
        }
        let header = Header { bytes: header, offset: at };
        header.check()?;
        let data = at + BLOCK_BYTES;
        let flag = header.flag();
        let extends = matches!(flag, b'L' | b'K' | b'x' | b'g' | b'X');
        // Those of links and folders say nothing of bytes in the archive.
        let has_data = !matches!(flag, b'1'..=b'6');
        let size = if extends { None } else { said.size.take() };
        let size = size.map_or_else(|| header.size(), Ok)?;
        let size = if has_data { size } else { 0 };
        let range = usize::try_from(size).ok().and_then(|size| Some(data..data.checked_add(size)?));
        let range = range.filter(|range| range.end <= archive.n_bytes());
        let range = range.ok_or_else(|| TarError::Cut {
            member: said.name(&header),
            offset: at,
            needed: size,
            left: archive.n_bytes() - data,
        })?;
        if extends {
            if range.len() > EXTENSION_LIMIT_BYTES {
                return Err(TarError::Extension { offset: at, limit: EXTENSION_LIMIT_BYTES });
            }
            said.read(&header, archive.read(range.clone(), &mut buffer)?)?;
        } else {
            let said = std::mem::take(&mut said);
            members.push(member(&header, &said, range.clone())?);
        }
        at = range.end.next_multiple_of(BLOCK_BYTES);
    }
}

/// The block at this place, if there is a whole one.
fn block(
    archive: &Store,
    at: usize,
    buffer: &mut Vec<u8>,
) -> Result<Option<[u8; BLOCK_BYTES]>, ReadError> {
    let places = at..at.saturating_add(BLOCK_BYTES);
    if places.end > archive.n_bytes() {
        return Ok(None);
    }
    Ok(archive.read(places, buffer)?.first_chunk().copied())
}

fn member(header: &Header, said: &Extensions, range: Range<usize>) -> Result<Member, TarError> {
    let (name, offset) = (said.name(header), header.offset);
    let kind = match header.flag() {
        b'S' => return Err(TarError::Sparse { member: name, offset }),
        _ if said.sparse => return Err(TarError::Sparse { member: name, offset }),
        b'M' => return Err(TarError::Volumes { member: name, offset }),
        b'5' => MemberKind::Folder,
        // Before ustar, a slash at the end told a folder.
        b'\0' if header.path().ends_with(b"/") => MemberKind::Folder,
        b'\0' | b'0' | b'7' => MemberKind::File,
        _ => MemberKind::Other,
    };
    let range = if kind == MemberKind::File { range } else { range.start..range.start };
    Ok(Member { name, kind, offset, range })
}

/// Behind the end there may be zeros alone: whoever joins two archives with `cat` hides the second.
fn check_end(archive: &Store, end: usize) -> Result<(), TarError> {
    let mut buffer = Vec::new();
    for start in (end..archive.n_bytes()).step_by(PIECE_BYTES) {
        let piece = start..archive.n_bytes().min(start + PIECE_BYTES);
        if let Some(zeros) = archive.read(piece, &mut buffer)?.iter().position(|&byte| byte != 0) {
            return Err(TarError::Behind { end, offset: start + zeros });
        }
    }
    Ok(())
}

/// A block that describes a member.
struct Header {
    bytes: [u8; BLOCK_BYTES],
    offset: usize,
}

impl Header {
    /// Compares the checksum: the sum of the bytes with blanks in its own place, which old programs
    /// took of signed bytes.
    fn check(&self) -> Result<(), TarError> {
        let found = self.octal(148..156);
        let blank = |(idx, &byte)| if (148..156).contains(&idx) { b' ' } else { byte };
        let bytes = self.bytes.iter().enumerate().map(blank);
        let unsigned = bytes.clone().map(i64::from).sum::<i64>();
        let signed = bytes.map(|byte| i64::from(byte.cast_signed())).sum::<i64>();
        let found = found.and_then(|found| i64::try_from(found).ok());
        if found.is_some_and(|found| found == unsigned || found == signed) {
            Ok(())
        } else {
            Err(TarError::NoHeader { offset: self.offset })
        }
    }

    /// What kind of member it is, as POSIX numbers them.
    fn flag(&self) -> u8 {
        self.bytes[156]
    }

    /// The bytes that the member takes: octal digits, or GNU's big-endian number where those are
    /// too few.
    fn size(&self) -> Result<u64, TarError> {
        let field = &self.bytes[124..136];
        let size = match field {
            [0x80, 0, 0, 0, low @ ..] => low.first_chunk().map(|it| u64::from_be_bytes(*it)),
            _ => self.octal(124..136),
        };
        size.ok_or(TarError::Size { offset: self.offset })
    }

    fn octal(&self, place: Range<usize>) -> Option<u64> {
        let field = &self.bytes[place];
        let digits = field.split(|&byte| byte == 0).next().unwrap_or_default().trim_ascii();
        digits.iter().try_fold(0_u64, |number, digit| match digit {
            b'0'..=b'7' => Some(number.checked_mul(8)? + u64::from(digit - b'0')),
            _ => None,
        })
    }

    /// The path, which POSIX divides over two fields; GNU has other things in the second.
    fn path(&self) -> Cow<'_, [u8]> {
        let text = |place: Range<usize>| {
            let field = &self.bytes[place];
            field.split(|&byte| byte == 0).next().unwrap_or_default()
        };
        let is_posix = self.bytes[257..263] == *b"ustar\0";
        match (text(0..100), text(345..500)) {
            (name, prefix) if is_posix && !prefix.is_empty() => {
                [prefix, b"/", name].concat().into()
            }
            (name, _) => name.into(),
        }
    }
}

/// What the headers before a member's own say of it.
#[derive(Debug, Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl Extensions {
    fn name(&self, header: &Header) -> String {
        match &self.path {
            Some(path) => name::of_bytes(path),
            None => name::of_bytes(&header.path()),
        }
    }

    /// Reads a GNU long name or link (`L`, `K`), or a pax header of the next member (`x`, and `X` of
    /// Solaris) or of all to come (`g`).
    fn read(&mut self, header: &Header, data: &[u8]) -> Result<(), TarError> {
        let offset = header.offset;
        match header.flag() {
            b'L' => self.path = data.split(|&byte| byte == 0).next().map(<[u8]>::to_owned),
            b'K' => {}
            flag => {
                let mut said = Self::default();
                said.read_pax(data).ok_or(TarError::Pax { offset })?;
                if flag != b'g' {
                    *self = Self { path: said.path.or(self.path.take()), ..said };
                } else if said.path.is_some() || said.size.is_some() || said.sparse {
                    // One name for all members, or one size: nobody means that.
                    return Err(TarError::Pax { offset });
                }
            }
        }
        Ok(())
    }

    /// Reads records `LENGTH KEYWORD=VALUE` that end in a line feed; the length is that of the
    /// whole record.
    fn read_pax(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let blank = records.iter().position(|&byte| byte == b' ')?;
            let length: usize = str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
            let (record, rest) = records.split_at_checked(length)?;
            records = rest;
            let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|&byte| byte == b'=')?;
            let (keyword, value) = (&record[..equals], &record[equals + 1..]);
            match keyword {
                b"path" => self.path = Some(value.to_owned()),
                b"size" => self.size = Some(str::from_utf8(value).ok()?.parse().ok()?),
                _ => self.sparse |= keyword.starts_with(b"GNU.sparse."),
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(name: &str, flag: u8, size: usize) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[156] = flag;
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    fn members(archive: &[u8]) -> Result<Vec<Member>, TarError> {
        super::members(&Store::of_bytes(archive.to_owned()))
    }

    fn archive(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, flag, data) in members {
            archive.extend(block(name, *flag, data.len()));
            archive.extend(*data);
            archive.resize(archive.len().next_multiple_of(BLOCK_BYTES), 0);
        }
        archive.resize(archive.len() + BLOCK_BYTES, 0);
        archive
    }

    fn names(archive: &[u8]) -> Vec<String> {
        members(archive).unwrap().into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn what_is_said_of_a_member_is_said_of_the_next_alone() {
        let records = b"13 path=long\n23 comment=a\nb=c d e f\n";
        let archive = archive(&[
            ("x", b'x', records),
            ("a", b'0', b"1"),
            ("b", b'0', b"2"),
            ("l", b'L', b"./longer\0"),
            ("k", b'K', b"link\0"),
            ("c", b'0', b"3"),
            ("g", b'g', b"12 comment=\n"),
            ("d", b'0', b"4"),
        ]);
        assert_eq!(names(&archive), ["long", "b", "longer", "d"]);
    }

    /// A size in an extended header counts in place of the header's own.
    #[test]
    fn pax_says_how_large_a_member_is() {
        let mut archive = archive(&[("x", b'x', b"12 size=600\n"), ("a", b'0', b"")]);
        archive.truncate(3 * BLOCK_BYTES);
        archive.extend([7; 600]);
        archive.resize(5 * BLOCK_BYTES, 0);
        archive.extend(self::archive(&[("b", b'0', b"")]));
        let members = members(&archive).unwrap();
        let ranges: Vec<_> = members.iter().map(|it| it.range.clone()).collect();
        assert_eq!(ranges, [1536..2136, 3072..3072]);
    }

    #[test]
    fn what_links_and_folders_claim_takes_no_room() {
        let mut archive = block("link", b'2', 4096);
        archive.extend(block("folder/", b'5', 4096));
        archive.extend(self::archive(&[("a", b'0', b"1")]));
        assert_eq!(names(&archive), ["link", "folder", "a"]);
    }

    #[test]
    fn a_name_that_never_ends_is_not_read() {
        let long = vec![b'a'; EXTENSION_LIMIT_BYTES + 1];
        let error = members(&archive(&[("l", b'L', &long), ("a", b'0', b"")])).unwrap_err();
        assert!(matches!(error, TarError::Extension { offset: 0, .. }), "{error}");
        assert_eq!(names(&archive(&[("l", b'L', &long[1..]), ("a", b'0', b"")]))[0].len(), 1 << 20);
    }

    #[test]
    fn records_that_lie_are_refused() {
        for record in [
            "",
            "x",
            "5 a=b\n",
            "6 a=b",
            "0 a=b\n",
            "4 ab\n",
            "99999999999999999999 a=b\n",
            "9 size=x\n",
            " a=b\n",
        ] {
            let archive = archive(&[("x", b'x', record.as_bytes()), ("a", b'0', b"")]);
            let is_refused = matches!(members(&archive), Err(TarError::Pax { offset: 0 }));
            assert_eq!(is_refused, !record.is_empty(), "{record:?}");
        }
    }

    /// The sum of signed bytes, as old programs took it, is taken for names beyond ASCII.
    #[test]
    fn either_checksum_will_do() {
        let mut archive = archive(&[("\u{e9}", b'0', b"")]);
        assert_eq!(names(&archive), ["\u{e9}"]);
        archive[148..156].fill(b' ');
        let sum: i32 = archive[..BLOCK_BYTES].iter().map(|it| i32::from(it.cast_signed())).sum();
        archive[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        assert_eq!(names(&archive), ["\u{e9}"]);
        archive[150] ^= 1;
        assert!(matches!(members(&archive), Err(TarError::NoHeader { offset: 0 })));
    }
}
