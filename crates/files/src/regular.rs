//! Regular files: opened without waiting, read within bounds.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::{Kind, Unusable};

/// The largest file of text that is read as a whole: lists, tables of labels, recipes, calibration
/// tables and caches. A list of a million pictures has a third of it.
pub const TEXT_LIMIT_BYTES: u64 = 256 << 20;

/// A regular file that is open for reading, and its length when it was opened.
#[derive(Debug)]
pub struct RegularFile {
    file: File,
    length: u64,
}

impl RegularFile {
    /// Opens a file for reading, if it is a regular one.
    ///
    /// It is looked at before it is opened, because opening a device can do things to it, and after,
    /// because another may stand in its place by then; opening does not wait for a pipe's writer.
    ///
    /// # Errors
    ///
    /// The system's, and [`Unusable::Kind`].
    pub fn open(path: &Path) -> io::Result<Self> {
        check(&fs::metadata(path)?)?;
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
            options.custom_flags(flags.bits().cast_signed());
        }
        let file = options.open(path)?;
        let metadata = file.metadata()?;
        check(&metadata)?;
        Ok(Self { file, length: metadata.len() })
    }

    /// Returns the length in bytes that the file had when it was opened.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Fills the buffer with the bytes from `offset` on, as far as there are any, and returns how
    /// many there were; several threads may read at once.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match read_at(&self.file, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n_bytes) => filled += n_bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Fills the whole buffer with the bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// The system's, and [`Unusable::Changed`] where the file has fewer bytes by now.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let found = self.read_at(offset, buffer)?;
        if found == buffer.len() {
            return Ok(());
        }
        // It may end before the offset by now.
        let found = self.file.metadata()?.len().min(offset + found as u64);
        Err(Unusable::Changed { expected: self.length, found }.into())
    }

    /// Reads the whole file into the first bytes of a buffer, which keeps its length from file to
    /// file so that nothing is cleared, and returns how many there are.
    ///
    /// # Errors
    ///
    /// The system's; [`Unusable::Changed`] where the file has become shorter or longer, and
    /// [`Unusable::TooLarge`] where no memory could hold it.
    pub fn read_into(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        // One byte more than expected tells a file that grew, without reading on for as long as it
        // grows.
        let room = self.length.checked_add(1).and_then(|room| usize::try_from(room).ok());
        let limit = usize::MAX as u64;
        let room = room.ok_or(Unusable::TooLarge { n_bytes: self.length, limit })?;
        if buffer.len() < room {
            buffer.try_reserve(room - buffer.len()).map_err(io::Error::other)?;
            buffer.resize(room, 0);
        }
        let found = self.read_at(0, &mut buffer[..room])?;
        if found as u64 == self.length {
            return Ok(found);
        }
        Err(Unusable::Changed { expected: self.length, found: found as u64 }.into())
    }

    /// Reads the whole file, which has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`read_into`](Self::read_into), and [`Unusable::TooLarge`].
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.length > limit {
            return Err(Unusable::TooLarge { n_bytes: self.length, limit }.into());
        }
        let mut bytes = Vec::new();
        let found = self.read_into(&mut bytes)?;
        bytes.truncate(found);
        Ok(bytes)
    }
}

/// Returns the bytes of a regular file that has at most `limit`.
///
/// # Errors
///
/// As [`RegularFile::open`] and [`RegularFile::read`].
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    RegularFile::open(path)?.read(limit)
}

/// Returns the text in a regular file that has at most [`TEXT_LIMIT_BYTES`].
///
/// # Errors
///
/// As [`read`], and [`Unusable::NotUtf8`].
pub fn read_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path, TEXT_LIMIT_BYTES)?);
    text.map_err(|error| Unusable::NotUtf8 { valid_up_to: error.utf8_error().valid_up_to() }.into())
}

/// Returns the first bytes of a regular file, `n_bytes` or as many as it has.
///
/// # Errors
///
/// As [`RegularFile::open`] and [`RegularFile::read_at`].
pub fn head(path: &Path, n_bytes: usize) -> io::Result<Vec<u8>> {
    let file = RegularFile::open(path)?;
    let mut head = vec![0; n_bytes];
    let found = file.read_at(0, &mut head)?;
    head.truncate(found);
    Ok(head)
}

fn check(metadata: &Metadata) -> io::Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(Unusable::Kind { kind: Kind::of(metadata.file_type()) }.into()),
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unusable(result: io::Result<impl std::fmt::Debug>) -> Unusable {
        Unusable::of(&result.unwrap_err()).expect("this crate's own error").clone()
    }

    #[test]
    fn a_file_is_read_whole_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "bytes").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"bytes");
        assert_eq!(read_text(&path).unwrap(), "bytes");
        assert_eq!(unusable(read(&path, 4)), Unusable::TooLarge { n_bytes: 5, limit: 4 });
        assert_eq!(
            (head(&path, 2).unwrap(), head(&path, 9).unwrap()),
            (b"by".into(), b"bytes".into())
        );
        fs::write(&path, b"by\xFFtes").unwrap();
        assert_eq!(unusable(read_text(&path)), Unusable::NotUtf8 { valid_up_to: 2 });
        let missing = read(&folder.path().join("none"), 5).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_changes_its_length_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "bytes").unwrap();
        let file = RegularFile::open(&path).unwrap();
        let mut two = [0; 2];
        file.read_exact_at(3, &mut two).unwrap();
        assert_eq!(&two, b"es");
        let writer = OpenOptions::new().write(true).open(&path).unwrap();
        writer.set_len(4).unwrap();
        let changed = |found| Unusable::Changed { expected: 5, found };
        assert_eq!(unusable(file.read_exact_at(3, &mut two)), changed(4));
        assert_eq!(unusable(file.read(5)), changed(4));
        writer.set_len(100).unwrap();
        assert_eq!(unusable(file.read(5)), changed(6));
    }

    #[test]
    fn a_buffer_is_used_again_without_being_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let (long, short) = (folder.path().join("long"), folder.path().join("short"));
        fs::write(&long, "a long file").unwrap();
        fs::write(&short, "short").unwrap();
        let mut buffer = Vec::new();
        for (path, text) in [(&long, "a long file"), (&short, "short"), (&long, "a long file")] {
            let found = RegularFile::open(path).unwrap().read_into(&mut buffer).unwrap();
            assert_eq!(&buffer[..found], text.as_bytes());
        }
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unusable(read(folder.path(), 1)), Unusable::Kind { kind: Kind::Folder });
    }

    /// Nobody writes into the pipe, and `/dev/zero` never ends: that this returns is the point.
    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_sockets_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, socket) = (folder.path().join("pipe"), folder.path().join("socket"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let cases = [
            (pipe.as_path(), Kind::Pipe),
            (&socket, Kind::Socket),
            (Path::new("/dev/zero"), Kind::Device),
        ];
        for (path, kind) in cases {
            assert_eq!(unusable(read(path, 1)), Unusable::Kind { kind }, "{}", path.display());
            assert_eq!(unusable(head(path, 1)), Unusable::Kind { kind });
        }
    }
}
