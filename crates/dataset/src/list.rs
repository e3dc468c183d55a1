//! List files: one path a line.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_files::TEXT_LIMIT_BYTES;

use crate::labels::parse_class;
use crate::sample::Place;
use crate::{DatasetError, Label, LineError, SampleRef, name};

/// Reads the list; the samples come in its order.
pub(crate) fn read(path: &Path) -> Result<Vec<SampleRef>, DatasetError> {
    let bytes = calibrant_files::read(path, TEXT_LIMIT_BYTES)
        .map_err(|source| DatasetError::Io { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut samples = Vec::new();
    for (line, text) in lines(&bytes) {
        let sample = text.and_then(|text| entry(folder, text));
        samples.push(sample.map_err(|source| DatasetError::Line {
            path: path.to_owned(),
            line,
            source,
        })?);
    }
    if samples.is_empty() {
        let lines = || bytes.split_inclusive(|&byte| byte == b'\n');
        let comments = lines().filter(|line| line.starts_with(b"#")).count();
        let blank = lines().count() - comments;
        return Err(DatasetError::EmptyList { path: path.to_owned(), blank, comments });
    }
    Ok(samples)
}

/// The lines that say something, with their numbers from 1: no comments, no blank ones, no line
/// ends, no byte order mark.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<&str, LineError>)> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let lines = (1..).zip(lines);
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    said.map(|(number, line)| {
        let text = str::from_utf8(line);
        (number, text.map_err(|it| LineError::NotUtf8 { valid_up_to: it.valid_up_to() }))
    })
}

/// A path, or a path and a class.
///
/// The whole line is the path if there is such a file, so that a file `photo 1` can be listed;
/// otherwise a number after the last tab, comma or space is a class.
pub(crate) fn entry(folder: &Path, line: &str) -> Result<SampleRef, LineError> {
    let whole = folder.join(line);
    if !whole.exists()
        && let Some((entry, class)) = line.rsplit_once(['\t', ',', ' '])
        && class.bytes().all(|byte| byte.is_ascii_digit())
        && !class.is_empty()
    {
        let entry = entry.trim_end();
        let mut sample = file(entry, folder.join(entry))?;
        sample.set_label(Arc::new(Label::of_class(parse_class(class)?)));
        return Ok(sample);
    }
    file(line, whole)
}

fn file(entry: &str, path: PathBuf) -> Result<SampleRef, LineError> {
    match fs::metadata(&path) {
        Err(source) => Err(LineError::Missing { entry: entry.to_owned(), path, source }),
        Ok(it) if !it.is_file() => Err(LineError::NotAFile { entry: entry.to_owned() }),
        Ok(_) => Ok(SampleRef::new(&name::of_path(Path::new(entry)), Place::File(path.into()))),
    }
}
