//! Results that are not complete yet: written in a hidden folder beside the place that they will have.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use calibrant_files::UNFINISHED;
use tempfile::TempDir;

use super::{IN_ORDER, JOURNAL};

/// How the name of the hidden folder begins; [`N_RANDOM`] letters and digits follow.
const PREFIX: &str = ".calibrant-unfinished-";

/// How many letters and digits end the name, so that nobody else's is taken for one.
const N_RANDOM: usize = 12;

/// Makes the hidden folder, which goes with what is still in it when it is dropped.
///
/// Being in the folder of the results, it is on the same disk, so that a rename is all that is left to be done.
pub(super) fn drafts(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(PREFIX).rand_bytes(N_RANDOM).tempdir_in(folder)
}

/// Removes the hidden folders that killed jobs left; the caller has claimed the folder, so no other job is alive.
///
/// Only what a job puts there is removed: a folder with anything else in it stays as it is.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_drafts(&entry.file_name()) && entry.file_type()?.is_dir() {
            clear(&entry.path())?;
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

fn is_drafts(name: &OsStr) -> bool {
    let random = name.as_encoded_bytes().strip_prefix(PREFIX.as_bytes());
    random.is_some_and(|it| it.len() == N_RANDOM && it.iter().all(u8::is_ascii_alphanumeric))
}

/// Whether a file is called like a result, or like one that its writer has not closed yet.
fn is_draft(name: &OsStr) -> bool {
    let is_unclosed = name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
    is_unclosed || name == JOURNAL || IN_ORDER.iter().any(|result| name == *result)
}

#[cfg(test)]
mod tests {
    use super::super::MODEL;
    use super::*;

    #[test]
    fn what_a_killed_job_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let killed = drafts(folder.path()).unwrap().keep();
        for name in [MODEL, JOURNAL, ".calibrant-Ab3xyZ"] {
            fs::write(killed.join(name), "").unwrap();
        }
        let others = [
            ".calibrant-backup",
            ".calibrant-unfinished-",
            ".calibrant-unfinished-business",
            ".calibrant-unfinished-0123456789ab.txt",
            "calibrant-unfinished-0123456789ab",
        ];
        others.iter().for_each(|name| fs::create_dir(folder.path().join(name)).unwrap());
        fs::write(folder.path().join(".calibrant-unfinished-0123456789ab"), "a file").unwrap();
        let used = folder.path().join(".calibrant-unfinished-0123456789AB");
        fs::create_dir(&used).unwrap();
        fs::write(used.join("notes.txt"), "").unwrap();
        sweep(folder.path()).unwrap();
        assert!(!killed.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), others.len() + 2);
        assert!(used.join("notes.txt").exists());
    }
}
