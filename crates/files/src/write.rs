//! Files that appear only when complete.

use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::error::WriteError;

/// How the names of files begin that are not complete yet.
pub const UNFINISHED: &str = ".calibrant-";

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
///
/// # Errors
///
/// The system's.
pub fn unfinished(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
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
