//! What earlier jobs wrote into a folder, as far as they say so: their report, or the journal of one that did not end.

use std::fs;
use std::io;
use std::path::Path;

use calibrant_files::{RegularFile, TEXT_LIMIT_BYTES};
use calibrant_tensor::{Digest, digest, digest_reader};
use serde::{Deserialize, Serialize};

use super::{JOURNAL, OutputError, REPORT, ReportProblem};
use crate::report::{FileReport, PROGRAM, REPORT_SCHEMA_VERSION};

/// How the name of every version of this program begins in a report.
const PROGRAM_NAME: &str = "calibrant ";

/// What stands before the digest at the end of a report.
const SEAL: &str = ",\n  \"sha256\": \"";
/// What stands behind it.
const END: &str = "\"\n}\n";

/// What earlier jobs vouch for.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) files: Vec<FileReport>,
    /// The model of the last job that ended.
    pub(super) model: Option<EarlierModel>,
}

/// The model of an earlier job.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EarlierModel {
    /// Its path, as text.
    pub(crate) path: String,
    pub(crate) sha256: Digest,
}

/// What a report says of the job that wrote it, as far as another job needs it.
#[derive(Debug, Deserialize)]
struct EarlierReport {
    model: EarlierModel,
    files: Vec<FileReport>,
}

/// What makes a report one of ours; the same in all versions.
#[derive(Debug, Deserialize)]
struct Origin {
    schema_version: u32,
    program: String,
}

/// What a job has written so far, beside the results while it is under way.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    program: String,
    files: Vec<FileReport>,
}

/// Ends a report's JSON with the digest of all that stands before it.
pub(crate) fn seal(json: &str) -> String {
    let body = json.trim_end().strip_suffix('}').unwrap_or(json).trim_end();
    format!("{body}{SEAL}{}{END}", digest(body.as_bytes()))
}

/// Whether a report is as it was written.
fn is_sealed(text: &str) -> bool {
    let Some((body, seal)) = text.rsplit_once(SEAL) else { return false };
    seal.strip_suffix(END) == Some(&digest(body.as_bytes()).to_string())
}

impl Earlier {
    /// Reads what the report and the journal in a folder say.
    ///
    /// # Errors
    ///
    /// When one of them is another's, was changed, or is of a version that cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, OutputError> {
        let mut earlier = Self::default();
        if let Some(text) = text(&folder.join(REPORT))? {
            let refused = |source| OutputError::Report { file: folder.join(REPORT), source };
            let report = report(&text).map_err(refused)?;
            earlier.files = report.files;
            earlier.model = Some(report.model);
        }
        let path = folder.join(JOURNAL);
        if let Some(text) = text(&path)? {
            let journal = serde_json::from_str::<Journal>(&text).ok();
            let journal = journal.filter(|journal| journal.program.starts_with(PROGRAM_NAME));
            earlier.files.extend(journal.ok_or(OutputError::Foreign { file: path })?.files);
        }
        Ok(earlier)
    }

    /// What is vouched for under a name.
    fn of<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e FileReport> {
        self.files.iter().filter(move |file| file.name() == Some(name))
    }

    /// The record of a file, if it is what an earlier job wrote.
    ///
    /// # Errors
    ///
    /// When no job wrote it, or it was changed, or it cannot be read.
    pub(super) fn vouch(&self, name: &str, path: &Path) -> Result<&FileReport, OutputError> {
        if self.of(name).next().is_none() {
            return Err(OutputError::Foreign { file: path.to_owned() });
        }
        let unread = |source| OutputError::Unread { file: path.to_owned(), source };
        let bytes = fs::metadata(path).map_err(unread)?.len();
        let mut candidates = self.of(name).filter(|file| file.bytes == bytes).peekable();
        if candidates.peek().is_some() {
            let sha256 = RegularFile::open(path)
                .and_then(|file| digest_reader(file.file()))
                .map_err(unread)?;
            if let Some(file) = candidates.find(|file| file.sha256 == sha256) {
                return Ok(file);
            }
        }
        Err(OutputError::Changed { file: path.to_owned() })
    }
}

/// The text of a journal that says what was written.
pub(super) fn journal(files: Vec<FileReport>) -> String {
    let journal = Journal { program: PROGRAM.to_owned(), files };
    serde_json::to_string(&journal).expect("strings and numbers serialize") + "\n"
}

/// The text of a regular file that may not be there.
fn text(path: &Path) -> Result<Option<String>, OutputError> {
    let foreign = || OutputError::Foreign { file: path.to_owned() };
    let unread = |source| OutputError::Unread { file: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unread(source)),
        Ok(metadata) if !metadata.is_file() => return Err(foreign()),
        Ok(_) => {}
    }
    let bytes = calibrant_files::read(path, TEXT_LIMIT_BYTES).map_err(unread)?;
    String::from_utf8(bytes).map(Some).map_err(|_| foreign())
}

fn report(text: &str) -> Result<EarlierReport, ReportProblem> {
    let origin = serde_json::from_str::<Origin>(text).ok();
    let origin = origin.filter(|origin| origin.program.starts_with(PROGRAM_NAME));
    let found = origin.ok_or(ReportProblem::Foreign)?.schema_version;
    if found != REPORT_SCHEMA_VERSION {
        return Err(ReportProblem::Version { found });
    }
    let report = serde_json::from_str(text).ok().filter(|_| is_sealed(text));
    report.ok_or(ReportProblem::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_report_is_json_and_shows_every_change() {
        let sealed = seal("{\n  \"program\": \"calibrant 1\",\n  \"notes\": []\n}\n");
        let value: serde_json::Value = serde_json::from_str(&sealed).unwrap();
        assert_eq!(value["sha256"].as_str().unwrap().len(), 64);
        assert!(is_sealed(&sealed));
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(!is_sealed(&String::from_utf8(bytes).unwrap()), "{at}");
        }
        assert!(!is_sealed(&(sealed + "\n")));
    }
}
