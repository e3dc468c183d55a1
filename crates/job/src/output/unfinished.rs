//! Results that are not complete yet: written in a hidden folder beside the place that they will have.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use calibrant_files::{UNFINISHED, UNFINISHED_RANDOM, is_abandoned, is_unfinished};
use tempfile::TempDir;

use super::{IN_ORDER, JOURNAL};

/// Makes the hidden folder, which goes with what is still in it when it is dropped.
///
/// Being in the folder of the results, it is on the same disk, so that a rename is all that is left to be done.
pub(super) fn drafts(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(UNFINISHED).rand_bytes(UNFINISHED_RANDOM).tempdir_in(folder)
}

/// Removes what killed writers left: the hidden folders of jobs, of which none is alive while the caller has claimed the
/// folder, and single files that nobody is writing any more.
///
/// Only what a job puts there is removed: a folder with anything else in it stays as it is.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_unfinished(&entry.file_name()) {
            continue;
        }
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            clear(&path)?;
        } else if kind.is_file() && is_abandoned(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn clear(drafts: &Path) -> io::Result<()> {
    let entries = fs::read_dir(drafts)?.collect::<io::Result<Vec<_>>>()?;
    if !entries.iter().all(|entry| is_draft(&entry.file_name())) {
        return Ok(());
    }
    entries.iter().try_for_each(|entry| fs::remove_file(entry.path()))?;
    fs::remove_dir(drafts)
}

/// Whether a file is called like a result, or like one that its writer has not closed yet.
fn is_draft(name: &OsStr) -> bool {
    is_unfinished(name) || name == JOURNAL || IN_ORDER.iter().any(|result| name == *result)
}

#[cfg(test)]
mod tests {
    use super::super::MODEL;
    use super::*;

    #[test]
    fn what_a_killed_job_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let killed = drafts(folder.path()).unwrap().keep();
        for name in [MODEL, JOURNAL, ".calibrant-unfinished-Ab3xyZAb3xyZ"] {
            fs::write(killed.join(name), "").unwrap();
        }
        let alive = calibrant_files::unfinished(&folder.path().join("alive.plan")).unwrap();
        let left = calibrant_files::unfinished(&folder.path().join("left.plan")).unwrap();
        let (_, left) = left.keep().unwrap();
        let others = [
            ".calibrant-backup",
            ".calibrant-unfinished-",
            ".calibrant-unfinished-business",
            ".calibrant-unfinished-0123456789a",
            ".calibrant-unfinished-0123456789ab.txt",
            "calibrant-unfinished-0123456789ab",
        ];
        others.iter().for_each(|name| fs::create_dir(folder.path().join(name)).unwrap());
        let used = folder.path().join(".calibrant-unfinished-0123456789AB");
        fs::create_dir(&used).unwrap();
        fs::write(used.join("notes.txt"), "").unwrap();
        sweep(folder.path()).unwrap();
        assert!(!killed.exists() && !left.exists() && alive.path().exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 2);
        assert!(used.join("notes.txt").exists());
    }
}
