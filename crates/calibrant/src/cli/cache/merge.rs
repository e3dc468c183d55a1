//! `cache merge` and `cache convert`: another cache.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use calibrant_calibration::{Cache, Conflict};
use serde::Serialize;

use crate::cli::args::GeneralArgs;
use crate::cli::cache::args::{ConvertArgs, MergeArgs};
use crate::cli::cache::file::{read, read_cache, under};
use crate::cli::cache::show::rounded;
use crate::cli::cache::{amax, name_width, print_result};
use crate::cli::exit::Exit;
use crate::error::Error;
use crate::guard::Role;
use crate::observe::{Event, Observer};
use crate::printable;

/// A cache that was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    output: PathBuf,
    version: u32,
    algorithm: &'static str,
    tensors: usize,
}

impl Written {
    /// Writes `cache` to `output`.
    ///
    /// # Errors
    ///
    /// When that is not possible.
    pub(super) fn write(cache: &Cache, output: &Path) -> Result<Self, Error> {
        cache.write(output)?;
        Ok(Self {
            output: output.to_owned(),
            version: cache.version(),
            algorithm: cache.algorithm().name(),
            tensors: cache.entries().len(),
        })
    }

    pub(super) fn to_text(&self) -> String {
        let Self { output, version, algorithm, tensors } = self;
        format!("{}: TRT-{version}-{algorithm}, {tensors} tensors\n", printable::path(output))
    }
}

/// A merged cache and what had to be decided.
#[derive(Debug, Serialize)]
struct MergeResult<'a> {
    #[serde(flatten)]
    written: Written,
    conflicts: Vec<ConflictRow<'a>>,
}

/// A tensor on which files disagreed.
#[derive(Debug, Serialize)]
struct ConflictRow<'a> {
    tensor: &'a str,
    /// By file, `null` where the file does not have the tensor.
    amax: Vec<Option<f64>>,
    kept: f64,
}

/// Writes one cache of several and prints on which tensors they disagreed.
///
/// # Errors
///
/// When a file is no cache or table, scales cannot be compared, or the cache cannot be written.
pub(crate) fn merge(
    args: &MergeArgs,
    general: &GeneralArgs,
    observer: &mut dyn Observer,
) -> Result<Exit, Error> {
    args.output.check(args.files.iter().map(|file| (Role::Ranges, file.clone())))?;
    let caches =
        args.files.iter().map(|file| read_cache(file, None)).collect::<Result<Vec<_>, _>>()?;
    let merged = Cache::merge(&caches, args.by)?;
    for (file, cache) in args.files.iter().zip(&caches).skip(1) {
        let header = |cache: &Cache| (cache.version(), cache.algorithm());
        if header(cache) != header(&caches[0]) {
            let (name, algorithm) = (file.display(), cache.algorithm().name());
            observer.event(Event::Note(&format!(
                "`{name}` is a TRT-{}-{algorithm}, unlike the first file",
                cache.version()
            )));
        }
    }
    let written = Written::write(&under(&args.header, merged.cache), &args.output.output)?;
    let conflicts = merged.conflicts.iter().map(ConflictRow::new).collect();
    let result = MergeResult { written, conflicts };
    print_result(&result, &result.to_text(), general)
}

/// Writes a cache or table as a cache under the header asked for.
///
/// # Errors
///
/// When the file is neither, or the cache cannot be written.
pub(crate) fn convert(args: &ConvertArgs, general: &GeneralArgs) -> Result<Exit, Error> {
    args.output.check([(Role::Ranges, args.file.clone())])?;
    let given = read(&args.file, args.method.method)?;
    let cache = given.into_cache_for(&args.file, &args.header)?;
    let written = Written::write(&cache, &args.output.output)?;
    print_result(&written, &written.to_text(), general)
}

impl<'a> ConflictRow<'a> {
    fn new(conflict: &'a Conflict) -> Self {
        Self {
            tensor: &conflict.name,
            amax: conflict.scales.iter().map(|scale| scale.map(amax)).collect(),
            kept: amax(conflict.kept),
        }
    }
}

impl MergeResult<'_> {
    fn to_text(&self) -> String {
        let mut text = self.written.to_text();
        if self.conflicts.is_empty() {
            return text;
        }
        let _ = writeln!(text, "\nthe files disagree on {} tensors:", self.conflicts.len());
        let width = name_width(self.conflicts.iter().map(|row| row.tensor));
        for row in &self.conflicts {
            let amaxes = row.amax.iter().map(|amax| amax.map_or("-".to_owned(), rounded));
            let amaxes = amaxes.collect::<Vec<_>>().join(", ");
            let name = printable::name(row.tensor);
            let _ = writeln!(text, "{name:width$}  {amaxes}, now {}", rounded(row.kept));
        }
        text
    }
}
