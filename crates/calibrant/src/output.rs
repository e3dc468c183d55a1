//! The folder of results: one job at a time, each file complete, none left over from another job.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The calibration table.
pub const TABLE: &str = "calibration.json";
/// TensorRT's calibration cache.
pub const CACHE: &str = "calibration.cache";
/// What a calibration cache of TensorRT's own was made from.
pub const CACHE_MANIFEST: &str = "calibration.cache.json";
/// The rewritten model.
pub const MODEL: &str = "model.onnx";
/// The weights of a rewritten model that is too large for one file.
pub const MODEL_DATA: &str = "model.onnx.data";
/// TensorRT's plan.
pub const PLAN: &str = "engine.plan";
/// What was done.
pub const REPORT: &str = "report.json";

/// How the names of files begin that are not complete yet.
const UNFINISHED: &str = ".calibrant-";

/// Every file of a job, in the order in which they are made; each is made from those before it.
const IN_ORDER: [&str; 7] = [TABLE, CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, PLAN, REPORT];

/// A folder that belongs to one job until this is dropped.
#[derive(Debug)]
pub(crate) struct Output {
    folder: PathBuf,
    _lock: File,
}

/// Why a folder cannot take the results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It cannot be made, or is no folder.
    #[error("cannot use `{}` as the folder for the results; name another with --output", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another job writes into it.
    #[error("another job is writing into `{}`; wait for it, or name another folder with --output", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of an earlier job cannot be removed.
    #[error("cannot remove `{}`, which an earlier job left and which would not fit the new results", file.display())]
    Remove {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Output {
    /// Makes the folder when it is missing and claims it.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or another job has claimed it.
    pub(crate) fn claim(folder: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        // A folder can be locked like a file, and no lock file is left behind.
        let lock = File::open(folder).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {
                let output = Self { folder: folder.to_owned(), _lock: lock };
                output.sweep().map_err(failed)?;
                Ok(output)
            }
            Err(TryLockError::WouldBlock) => Err(OutputError::Busy { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Removes what a job that was killed had not finished.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The path of the result called `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes a result that would not fit the others any more.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), OutputError> {
        let file = self.path(name);
        match fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(OutputError::Remove { file, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes `first` and every result made from it, because a new `first` is about to take its place.
    ///
    /// # Errors
    ///
    /// When a file is there and cannot be removed.
    pub(crate) fn retire_from(&self, first: &str) -> Result<(), OutputError> {
        IN_ORDER.iter().skip_while(|name| **name != first).try_for_each(|name| self.remove(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_job_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let first = Output::claim(&folder).unwrap();
        assert!(matches!(Output::claim(&folder), Err(OutputError::Busy { .. })));
        drop(first);
        assert!(Output::claim(&folder).is_ok());
    }

    #[test]
    fn what_a_killed_job_left_unfinished_goes_when_the_next_begins() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder.path());
        let (_, path) = unfinished.unwrap().keep().unwrap();
        fs::write(folder.path().join(PLAN), "of an earlier job").unwrap();
        let output = Output::claim(folder.path()).unwrap();
        assert!(!path.exists() && output.path(PLAN).exists());
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Output::claim(file.path()), Err(OutputError::Folder { .. })));
    }

    #[test]
    fn a_new_result_retires_what_was_made_from_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        for name in IN_ORDER.into_iter().chain(["notes.txt"]) {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let output = Output::claim(folder.path()).unwrap();
        output.retire_from(MODEL).unwrap();
        let left = |name: &str| output.path(name).exists();
        assert_eq!(
            [TABLE, CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, PLAN, REPORT, "notes.txt"].map(left),
            [true, true, true, false, false, false, false, true]
        );
    }
}
