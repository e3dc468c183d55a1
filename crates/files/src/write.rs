//! Files that appear only when complete.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::WriteError;
use crate::regular::RegularFile;

/// How the names of files begin that are not complete yet; [`UNFINISHED_RANDOM`] letters and digits follow.
pub const UNFINISHED: &str = ".calibrant-unfinished-";

/// How many letters and digits end the name of a file that is not complete yet: so many that nobody
/// else's is taken for one.
pub const UNFINISHED_RANDOM: usize = 12;

/// Writes `contents` to `path` through a temporary file in the same folder, which takes the name only when it is on disk.
///
/// # Errors
///
/// When the folder is missing, cannot be written, or is full.
pub fn write_atomic(path: &Path, contents: &[u8]) -> Result<(), WriteError> {
    let write = || -> io::Result<()> {
        let mut file = unfinished(path)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| WriteError { path: path.to_owned(), source })
}

/// Returns a new file beside `path` that is removed unless it is persisted, to be written bit by bit.
///
/// A temporary file is private by default; this one is as readable as any file that the user makes.
/// It is locked while it is written, so that it [shows](is_abandoned) whether its writer is alive.
///
/// # Errors
///
/// The system's.
pub fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED).rand_bytes(UNFINISHED_RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    // Where files cannot be locked nothing is taken for abandoned either.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Returns whether a file or folder is called like one that is not complete yet.
#[must_use]
pub fn is_unfinished(name: &OsStr) -> bool {
    let random = name.as_encoded_bytes().strip_prefix(UNFINISHED.as_bytes());
    random.is_some_and(|random| {
        random.len() == UNFINISHED_RANDOM && random.iter().all(u8::is_ascii_alphanumeric)
    })
}

/// Returns whether the writer of an [`unfinished`] file is gone, and the file was left.
#[must_use]
pub fn is_abandoned(path: &Path) -> bool {
    RegularFile::open(path).is_ok_and(|file| file.file().try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        write_atomic(&path, b"first").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_a_writer_that_is_alive_is_not_abandoned() {
        let folder = tempfile::tempdir().unwrap();
        let file = unfinished(&folder.path().join("x")).unwrap();
        assert!(is_unfinished(file.path().file_name().unwrap()));
        assert!(!is_abandoned(file.path()));
        let (open, left) = file.keep().unwrap();
        drop(open);
        assert!(is_abandoned(&left));
        for name in
            [".calibrant-backup", ".calibrant-unfinished-", ".calibrant-unfinished-a.b.c.d.e.f"]
        {
            assert!(!is_unfinished(name.as_ref()), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomic(&ours, b"").unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(&folder.path().join("no/table.json"), b"").unwrap_err();
        assert!(error.to_string().ends_with("no/table.json`"), "{error}");
    }
}
