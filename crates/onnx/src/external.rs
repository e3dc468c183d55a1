//! Brings in the values of tensors that lie in files beside the model.
//!
//! A model says which file (`location`, relative to its folder), where in it (`offset`, `length`,
//! in bytes) and may say what the file's SHA-1 is (`checksum`). Files outside the folder are never
//! opened, be it by `..`, an absolute path or a symbolic link: a model from elsewhere could
//! otherwise read anything on this machine. Only where the model itself is a link may its data be
//! links to files beside the one that it leads to, as in the cache of the Hugging Face hub.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Component, Path, PathBuf};

use buffa::bytes::Bytes;
use calibrant_files::RegularFile;
use sha1::{Digest as _, Sha1};

use crate::error::ExternalProblem;
use crate::model::External;
use crate::proto::{ModelProto, TensorProto};
use crate::{Error, walk};

/// Where the data of a model may lie.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// What locations are relative to.
    base: PathBuf,
    /// The folder of the file that the model's path leads to, where that is another one.
    linked: Option<PathBuf>,
}

impl Folders {
    /// In this folder alone.
    pub(crate) fn base(base: &Path) -> Self {
        Self { base: base.to_owned(), linked: None }
    }

    /// Beside the model at `path`.
    pub(crate) fn of_model(path: &Path) -> Self {
        let base = path.parent().filter(|base| !base.as_os_str().is_empty());
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let real = is_link.then(|| path.canonicalize().ok()).flatten();
        Self {
            base: base.unwrap_or(".".as_ref()).to_owned(),
            linked: real.and_then(|real| Some(real.parent()?.to_owned())),
        }
    }
}

/// Loads all external values of `model` from files in `folders`; without any they stay unread.
pub(crate) fn load(model: &mut ModelProto, folders: Option<&Folders>) -> Result<External, Error> {
    let mut files = HashMap::new();
    let mut locations = BTreeSet::new();
    walk::tensors_mut(model, &mut |tensor, _| {
        if !tensor.is_external() {
            return Ok(());
        }
        let location = value(tensor, "location").unwrap_or_default().to_owned();
        locations.insert(location.clone());
        let Some(folders) = folders else { return Ok(()) };
        let bytes = read(tensor, &location, folders, &mut files).map_err(|source| {
            Error::External { tensor: tensor.label().to_owned(), location, source }
        })?;
        tensor.raw_data = Some(bytes);
        tensor.data_location = None;
        tensor.external_data.clear();
        Ok::<_, Error>(())
    })?;
    Ok(match folders {
        _ if locations.is_empty() => External::No,
        Some(_) => External::Loaded { locations },
        None => External::Unread { locations },
    })
}

/// An opened data file and the ranges already read from it.
#[derive(Debug)]
struct DataFile {
    path: PathBuf,
    file: RegularFile,
    checksum: Option<String>,
    /// By first byte; ranges do not overlap.
    ranges: BTreeMap<u64, Range>,
}

#[derive(Debug)]
struct Range {
    tensor: String,
    bytes: Bytes,
}

fn read(
    tensor: &TensorProto,
    location: &str,
    folders: &Folders,
    files: &mut HashMap<String, DataFile>,
) -> Result<Bytes, ExternalProblem> {
    let file = match files.get_mut(location) {
        Some(file) => file,
        None => files.entry(location.to_owned()).or_insert(DataFile::open(location, folders)?),
    };
    if let Some(checksum) = value(tensor, "checksum") {
        file.verify(checksum)?;
    }
    let offset = number(tensor, "offset")?.unwrap_or(0);
    let expected = tensor.n_bytes().ok().map(|n_bytes| n_bytes as u64);
    let rest = file.file.length().saturating_sub(offset);
    let length = number(tensor, "length")?.or(expected).unwrap_or(rest);
    if let Some(expected) = expected.filter(|&expected| expected != length) {
        return Err(ExternalProblem::Length { offset, length, expected });
    }
    file.range(tensor.label(), offset, length)
}

impl DataFile {
    fn open(location: &str, folders: &Folders) -> Result<Self, ExternalProblem> {
        if location.is_empty() {
            return Err(ExternalProblem::NoLocation);
        }
        let relative = Path::new(location);
        let is_inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !relative.components().all(is_inside) {
            return Err(ExternalProblem::Outside);
        }
        let path = folders.base.join(relative);
        let failed = |source| ExternalProblem::Read { path: path.clone(), source };
        let real = path.canonicalize().map_err(failed)?;
        let is_linked =
            folders.linked.as_deref().is_some_and(|linked| real.parent() == Some(linked));
        if !is_linked && !real.starts_with(folders.base.canonicalize().map_err(failed)?) {
            return Err(ExternalProblem::Outside);
        }
        let file = RegularFile::open(&real).map_err(failed)?;
        Ok(Self { path, file, checksum: None, ranges: BTreeMap::new() })
    }

    fn range(&mut self, tensor: &str, offset: u64, length: u64) -> Result<Bytes, ExternalProblem> {
        let end = offset.checked_add(length).filter(|&end| end <= self.file.length());
        let (Some(end), Ok(n_bytes)) = (end, usize::try_from(length)) else {
            let file_length = self.file.length();
            return Err(ExternalProblem::Short { offset, length, file_length });
        };
        if n_bytes == 0 {
            return Ok(Bytes::new());
        }
        if let Some((&start, last)) = self.ranges.range(..end).next_back() {
            if start == offset && last.bytes.len() == n_bytes {
                return Ok(last.bytes.clone()); // tied weights
            }
            if start + last.bytes.len() as u64 > offset {
                let other = last.tensor.clone();
                return Err(ExternalProblem::Overlap { offset, length, other });
            }
        }
        let mut bytes = vec![0; n_bytes];
        let failed = |source| ExternalProblem::Read { path: self.path.clone(), source };
        self.file.read_exact_at(offset, &mut bytes).map_err(failed)?;
        let bytes = Bytes::from(bytes);
        self.ranges.insert(offset, Range { tensor: tensor.to_owned(), bytes: bytes.clone() });
        Ok(bytes)
    }

    /// Checks the whole file's SHA-1, computed once.
    fn verify(&mut self, expected: &str) -> Result<(), ExternalProblem> {
        let found = match &self.checksum {
            Some(checksum) => checksum,
            None => {
                let failed = |source| ExternalProblem::Read { path: self.path.clone(), source };
                self.checksum.insert(sha1_hex(self.file.file()).map_err(failed)?)
            }
        };
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(ExternalProblem::Checksum { expected: expected.to_owned(), found: found.clone() })
    }
}

fn sha1_hex(mut file: &File) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n_read => hash.update(&buffer[..n_read]),
        }
    }
    let mut hex = String::new();
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

/// The value of a key; the last one counts, as in ONNX's own reader.
fn value<'t>(tensor: &'t TensorProto, key: &str) -> Option<&'t str> {
    let entries = tensor.external_data.iter().rev();
    let mut found = entries.filter(|entry| entry.key.as_deref() == Some(key));
    found.next()?.value.as_deref()
}

fn number(tensor: &TensorProto, key: &'static str) -> Result<Option<u64>, ExternalProblem> {
    let bad = |value: &str| ExternalProblem::BadNumber { key, value: value.to_owned() };
    value(tensor, key).map(|text| text.parse().map_err(|_| bad(text))).transpose()
}
