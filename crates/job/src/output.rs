//! The folder of results: one job at a time, each file complete, none left over from another job, nobody else's touched.
//!
//! A job writes each result in a hidden folder inside ([`draft`](Output::draft)) and moves it to its name when it is
//! complete ([`finish`](Output::finish)); a name that somebody took meanwhile is left to them. With the first result that
//! is moved, those of earlier jobs go, the report first.
//!
//! Only what an earlier job wrote is ever removed. Its report says what that is, with digests, and of a job that did not
//! come to its report the journal does: written before each move and removed after the report. So a killed job can be
//! run again, and a file that anybody else put there or changed is refused before any work.

mod earlier;
mod error;
mod unfinished;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use calibrant_files::TEXT_LIMIT_BYTES;
use calibrant_tensor::digest_reader;
use tempfile::{TempDir, TempPath};

use crate::guard::{Inputs, Role};
use crate::report::FileReport;

use self::earlier::{Earlier, journal};
pub(crate) use self::earlier::{EarlierModel, seal};
pub use self::error::{OutputError, ReportProblem};

/// The calibration statistics.
pub const STATISTICS: &str = "calibration.stats";
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

/// The rewritten model, in the order in which its files appear: it is never there without its weights.
pub(crate) const MODEL_FILES: [&str; 2] = [MODEL_DATA, MODEL];

/// What a job that is under way has written.
const JOURNAL: &str = ".calibrant-job.json";

/// Every file of a job, in the order in which they appear: none is there without what it cannot be used without.
const IN_ORDER: [&str; 8] =
    [STATISTICS, TABLE, CACHE_MANIFEST, CACHE, MODEL_DATA, MODEL, PLAN, REPORT];

/// A folder that belongs to one job until this is dropped.
#[derive(Debug)]
pub(crate) struct Output {
    folder: PathBuf,
    inputs: Inputs,
    earlier: Earlier,
    /// What was found of earlier jobs when it was last looked at.
    seen: BTreeMap<&'static str, Seen>,
    /// Ranges that are read from the very place of a result: they stay as they are.
    read: BTreeSet<&'static str>,
    /// Results of earlier jobs that are this job's, too.
    kept: BTreeSet<&'static str>,
    /// What of earlier jobs is gone, once this one has begun to write.
    removed: Option<Vec<&'static str>>,
    written: Vec<FileReport>,
    drafts: Option<TempDir>,
    _lock: File,
}

/// A file as it was when it was last read.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Output {
    /// Makes the folder when it is missing and claims it.
    ///
    /// # Errors
    ///
    /// When it cannot be made, another job has claimed it, or a file lies under the name of a result that is one of
    /// `inputs` or that no earlier job wrote.
    pub(crate) fn claim(folder: &Path, inputs: Inputs) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        // A folder can be locked like a file, and no lock file is left behind.
        let lock = File::open(folder).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OutputError::Busy { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut output = Self {
            folder: folder.to_owned(),
            inputs,
            earlier: Earlier::default(),
            seen: BTreeMap::new(),
            read: BTreeSet::new(),
            kept: BTreeSet::new(),
            removed: None,
            written: Vec::new(),
            drafts: None,
            _lock: lock,
        };
        // The plainest reason first: a model of the user's has no report beside it.
        output.spare([])?;
        output.check()?;
        unfinished::sweep(folder).map_err(failed)?;
        Ok(output)
    }

    /// Takes note of further files that the job reads.
    ///
    /// # Errors
    ///
    /// When a result would take the place of one.
    pub(crate) fn spare(
        &mut self,
        inputs: impl IntoIterator<Item = (Role, PathBuf)>,
    ) -> Result<(), OutputError> {
        self.inputs.extend(inputs);
        let paths = IN_ORDER.map(|name| self.path(name));
        for ((name, file), role) in IN_ORDER.into_iter().zip(&paths).zip(self.inputs.roles(&paths))
        {
            match role {
                Some(Role::Ranges) => {
                    self.read.insert(name);
                }
                Some(role) => return Err(OutputError::Input { file: file.clone(), role }),
                None => {}
            }
        }
        Ok(())
    }

    /// Makes sure that every result of an earlier job is what that job wrote.
    fn check(&mut self) -> Result<(), OutputError> {
        self.earlier = Earlier::read(&self.folder)?;
        // The report has vouched for itself.
        let is_open = |name: &&str| *name != REPORT && !self.read.contains(name);
        for name in IN_ORDER.into_iter().filter(is_open) {
            let file = self.path(name);
            let metadata = match fs::symlink_metadata(&file) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(OutputError::Unread { file, source }),
            };
            if !metadata.is_file() {
                return Err(OutputError::Foreign { file });
            }
            let now = Seen { bytes: metadata.len(), modified: metadata.modified().ok() };
            if self.seen.get(name) != Some(&now) {
                self.earlier.vouch(name, &file)?;
                self.seen.insert(name, now);
            }
        }
        Ok(())
    }

    /// The path of the result called `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the result called `name` is written until it is complete.
    ///
    /// # Errors
    ///
    /// When the folder takes no files.
    pub(crate) fn draft(&mut self, name: &str) -> Result<PathBuf, OutputError> {
        let drafts = match &self.drafts {
            Some(drafts) => drafts,
            None => {
                let failed = |source| OutputError::Folder { folder: self.folder.clone(), source };
                self.drafts.insert(unfinished::drafts(&self.folder).map_err(failed)?)
            }
        };
        Ok(drafts.path().join(name))
    }

    /// Has a file go with the results of earlier jobs that was looked at for ranges and has none for this job.
    pub(crate) fn release(&mut self, name: &str) {
        self.read.remove(name);
    }

    /// Has results of an earlier job stay, because they are this job's as they are.
    pub(crate) fn keep(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.kept.extend(names);
    }

    /// Writes a result that lies in memory.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or its place is taken: by ranges that were read from there and are others, too.
    pub(crate) fn publish(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), OutputError> {
        if self.read.contains(name) {
            let file = self.path(name);
            return match calibrant_files::read(&file, TEXT_LIMIT_BYTES.max(bytes.len() as u64)) {
                Ok(found) if found == bytes => Ok(()),
                Ok(_) => Err(OutputError::Input { file, role: Role::Ranges }),
                Err(source) => Err(OutputError::Unread { file, source }),
            };
        }
        self.write_draft(name, bytes)?;
        self.finish(&[name])
    }

    /// Moves those of the named results that were drafted to their places, in this order.
    ///
    /// # Errors
    ///
    /// When that is not possible, or a place was taken meanwhile.
    pub(crate) fn finish(&mut self, names: &[&'static str]) -> Result<(), OutputError> {
        self.begin()?;
        let mut moves = Vec::new();
        for name in names {
            let (draft, file) = (self.draft(name)?, self.path(name));
            let unread = |source| OutputError::Unread { file: draft.clone(), source };
            match File::open(&draft) {
                Ok(open) => {
                    let bytes = open.metadata().map_err(unread)?.len();
                    let sha256 = digest_reader(open).map_err(unread)?;
                    self.written.push(FileReport { path: file.clone(), sha256, bytes });
                    moves.push((draft, file));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(unread(source)),
            }
        }
        self.write_journal()?;
        moves.into_iter().try_for_each(|(draft, file)| put(draft, file))
    }

    /// Writes the report and ends the journal, whose place it takes.
    ///
    /// # Errors
    ///
    /// When that is not possible.
    pub(crate) fn report(&mut self, json: &str) -> Result<(), OutputError> {
        self.begin()?;
        let draft = self.write_draft(REPORT, json.as_bytes())?;
        put(draft, self.path(REPORT))?;
        remove(&self.path(JOURNAL)).map(drop)
    }

    /// What this job wrote or kept, in order.
    ///
    /// # Errors
    ///
    /// When results of earlier jobs, which have to go first, cannot be removed.
    pub(crate) fn files(&mut self) -> Result<Vec<FileReport>, OutputError> {
        self.begin()?;
        let place = |file: &FileReport| IN_ORDER.iter().position(|name| file.name() == Some(name));
        self.written.sort_by_key(place);
        Ok(self.written.clone())
    }

    /// The results of earlier jobs that are gone and that this job has not made anew, in order.
    pub(crate) fn gone(&self) -> Vec<&'static str> {
        let removed = self.removed.as_deref().unwrap_or_default();
        let is_new = |name: &str| self.written.iter().any(|file| file.name() == Some(name));
        let gone = |name: &&str| *name != REPORT && removed.contains(name) && !is_new(name);
        IN_ORDER.into_iter().filter(gone).collect()
    }

    /// The model of the last job that ended here.
    pub(crate) fn earlier_model(&self) -> Option<&EarlierModel> {
        self.earlier.model.as_ref()
    }

    /// Removes the results of earlier jobs, before the first of this one takes its place.
    fn begin(&mut self) -> Result<(), OutputError> {
        if self.removed.is_some() {
            return Ok(());
        }
        // Whatever the job took, somebody may have put a file here meanwhile.
        self.check()?;
        self.write_journal()?;
        let stay = &self.read | &self.kept;
        let removed = self.removed.get_or_insert_default();
        for name in IN_ORDER.into_iter().rev().filter(|name| !stay.contains(name)) {
            if remove(&self.folder.join(name))? {
                removed.push(name);
            }
        }
        for name in stay {
            let path = self.path(name);
            // Ranges of the user's own stay the user's.
            if let Ok(file) = self.earlier.vouch(name, &path) {
                self.written.push(FileReport { path, ..file.clone() });
            }
        }
        self.earlier.files.clear();
        Ok(())
    }

    /// Says in the folder what lies there or is about to.
    fn write_journal(&mut self) -> Result<(), OutputError> {
        let files = self.earlier.files.iter().chain(&self.written).cloned().collect();
        let draft = self.write_draft(JOURNAL, journal(files).as_bytes())?;
        let file = self.path(JOURNAL);
        fs::rename(&draft, &file).map_err(|source| OutputError::Write { file, source })
    }

    /// Writes a draft that lies in memory, and returns when it is on disk.
    fn write_draft(&mut self, name: &str, bytes: &[u8]) -> Result<PathBuf, OutputError> {
        let draft = self.draft(name)?;
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|source| OutputError::Write { file: self.path(name), source })?;
        Ok(draft)
    }
}

/// Moves a complete file to its place, where nothing may be.
fn put(draft: PathBuf, file: PathBuf) -> Result<(), OutputError> {
    let moved = TempPath::try_from_path(draft)
        .and_then(|draft| draft.persist_noclobber(&file).map_err(|refused| refused.error));
    match moved {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(OutputError::Foreign { file })
        }
        Err(source) => Err(OutputError::Write { file, source }),
    }
}

/// Removes a file and says whether it was there.
fn remove(file: &Path) -> Result<bool, OutputError> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(OutputError::Remove { file: file.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::REPORT_SCHEMA_VERSION;

    fn claim(folder: &Path) -> Result<Output, OutputError> {
        Output::claim(folder, Inputs::default())
    }

    /// A job that writes results of these names, and its report if it comes to that.
    fn job(folder: &Path, names: &[&'static str], text: &str, ends: bool) -> Output {
        let mut output = claim(folder).unwrap();
        names.iter().for_each(|name| output.publish(name, text.as_bytes()).unwrap());
        if ends {
            let files = serde_json::to_string(&output.files().unwrap()).unwrap();
            let model = r#"{"path": "m", "sha256": "MODEL"}"#.replace("MODEL", &"0".repeat(64));
            let json = format!(
                "{{\"schema_version\": {REPORT_SCHEMA_VERSION}, \"program\": \"calibrant 0\", \"model\": {model}, \"files\": {files}}}"
            );
            output.report(&seal(&json)).unwrap();
        }
        output
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_belongs_to_one_job_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let first = claim(&folder).unwrap();
        assert!(matches!(claim(&folder), Err(OutputError::Busy { .. })));
        drop(first);
        assert!(claim(&folder).is_ok());
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(claim(file.path()), Err(OutputError::Folder { .. })));
    }

    #[test]
    fn the_first_new_result_retires_all_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        drop(job(folder.path(), &[TABLE, CACHE, MODEL, PLAN], "old", true));
        assert_eq!(names(folder.path()), [CACHE, TABLE, PLAN, MODEL, REPORT]);
        let second = job(folder.path(), &[CACHE, MODEL], "new", false);
        assert_eq!(names(folder.path()).iter().filter(|name| !name.starts_with('.')).count(), 2);
        assert_eq!(second.gone(), [TABLE, PLAN]);
        assert_eq!(fs::read(second.path(CACHE)).unwrap(), b"new");
    }

    #[test]
    fn a_job_that_did_not_end_vouches_by_its_journal() {
        let folder = tempfile::tempdir().unwrap();
        drop(job(folder.path(), &[TABLE, PLAN], "old", true));
        drop(job(folder.path(), &[TABLE], "new", false));
        assert_eq!(names(folder.path()), [JOURNAL, TABLE]);
        drop(job(folder.path(), &[TABLE], "newest", true));
        assert_eq!(names(folder.path()), [TABLE, REPORT]);
        assert_eq!(fs::read(folder.path().join(TABLE)).unwrap(), b"newest");
    }

    #[test]
    fn what_somebody_puts_there_while_a_job_runs_is_left_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join(MODEL);
        let mut output = claim(folder.path()).unwrap();
        fs::write(&theirs, "mine").unwrap();
        assert!(matches!(output.publish(TABLE, b""), Err(OutputError::Foreign { .. })));
        fs::remove_file(&theirs).unwrap();
        output.publish(TABLE, b"").unwrap();
        fs::write(&theirs, "mine").unwrap();
        let error = output.publish(MODEL, b"").unwrap_err();
        assert!(matches!(error, OutputError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(&theirs).unwrap(), b"mine");
    }

    #[test]
    fn a_journal_of_others_vouches_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{}", r#"{"program": "other", "files": []}"#] {
            fs::write(folder.path().join(JOURNAL), text).unwrap();
            assert!(matches!(claim(folder.path()), Err(OutputError::Foreign { .. })), "{text}");
        }
    }
}
