//! `cache merge` and `cache convert`: another cache, or statistics of several runs as one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use calibrant_calibration::{Cache, Conflict, MergeBy, SavedStatistics, Shard, merge_statistics};
use calibrant_files::printable;
use calibrant_format::INT8;
use calibrant_job::given::{self, RangeFile};
use calibrant_job::guard::Role;
use calibrant_job::{Control, first_few};
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::{ConvertArgs, MergeArgs};
use crate::cache::file::{into_cache, into_cache_for, under};
use crate::cache::show::rounded;
use crate::cache::{amax, name_width, print_result};
use crate::error::{Error, UsageError};
use crate::exit::Exit;

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
    control: Control<'_>,
) -> Result<Exit, Error> {
    args.output.check(args.files.iter().map(|file| (Role::Ranges, file.clone())))?;
    let given = args.files.iter().map(|file| given::open(file)).collect::<Result<Vec<_>, _>>()?;
    if let Some(shards) = shards(&given, &args.files)? {
        return statistics(&shards, args, general, control);
    }
    let caches = given.into_iter().zip(&args.files);
    let caches = caches.map(|(given, file)| into_cache(given.by(None, Some(&INT8), file)?, file));
    let caches = caches.collect::<Result<Vec<_>, _>>()?;
    let merged = Cache::merge(&caches, args.by.unwrap_or(MergeBy::Max))?;
    for (file, cache) in args.files.iter().zip(&caches).skip(1) {
        let header = |cache: &Cache| (cache.version(), cache.algorithm());
        if header(cache) != header(&caches[0]) {
            let (name, algorithm) = (file.display(), cache.algorithm().name());
            control.note(&format!(
                "`{name}` is a TRT-{}-{algorithm}, unlike the first file",
                cache.version()
            ));
        }
    }
    let written = Written::write(&under(&args.header, merged.cache), &args.output.output)?;
    let conflicts = merged.conflicts.iter().map(ConflictRow::new).collect();
    let result = MergeResult { written, conflicts };
    print_result(&result, &result.to_text(), general)
}

/// The statistics among the files, when all of them are; `None` when none is.
fn shards<'a>(
    given: &'a [RangeFile],
    files: &'a [PathBuf],
) -> Result<Option<Vec<&'a SavedStatistics>>, UsageError> {
    let statistics = |given: &'a RangeFile| match given {
        RangeFile::Statistics(statistics) => Some(&**statistics),
        RangeFile::Table(_) | RangeFile::Cache(_) => None,
    };
    let shards: Vec<_> = given.iter().filter_map(statistics).collect();
    if shards.is_empty() || shards.len() == given.len() {
        return Ok((!shards.is_empty()).then_some(shards));
    }
    let file = |is_wanted: fn(&RangeFile) -> bool| {
        let found = given.iter().zip(files).find(|(given, _)| is_wanted(given));
        found.map(|(_, file)| file.clone()).unwrap_or_default()
    };
    Err(UsageError::MergeOfKinds {
        statistics: file(|given| matches!(given, RangeFile::Statistics(_))),
        other: file(|given| !matches!(given, RangeFile::Statistics(_))),
    })
}

/// Writes the statistics of all shards, as one run over their samples would have.
fn statistics(
    shards: &[&SavedStatistics],
    args: &MergeArgs,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let flags = [
        ("--by", args.by.is_some()),
        ("--version", args.header.tensorrt_version.is_some()),
        ("--for", args.header.target.is_some()),
        ("--algorithm", args.header.algorithm.is_some()),
    ];
    if let Some((flag, _)) = flags.into_iter().find(|(_, is_given)| *is_given) {
        return Err(UsageError::MergeFlag(flag).into());
    }
    let names: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let shards = names.iter().zip(shards);
    let shards: Vec<_> = shards.map(|(name, statistics)| Shard { name, statistics }).collect();
    let merged = merge_statistics(&shards)?;
    if merged.left_out_faithful {
        control.note("histograms of TensorRT's own were left out, because those of two first batches do not add up");
    }
    if !merged.repeated.is_empty() {
        control.note(&format!(
            "{} samples have the same bytes as samples of an earlier file and count again: {}",
            merged.repeated.len(),
            first_few(&merged.repeated)
        ));
    }
    let (output, statistics) = (&args.output.output, &merged.statistics);
    statistics.write(output)?;
    let (samples, tensors) = (statistics.samples(), statistics.n_tensors());
    let result = MergedResult { output: output.clone(), samples, tensors };
    let text = format!("{}: {tensors} tensors over {samples} samples\n", printable::path(output));
    print_result(&result, &text, general)
}

/// Statistics that were written.
#[derive(Debug, Serialize)]
struct MergedResult {
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    output: PathBuf,
    samples: u64,
    tensors: usize,
}

/// Writes a cache or table as a cache under the header asked for.
///
/// # Errors
///
/// When the file is neither, or the cache cannot be written.
pub(crate) fn convert(args: &ConvertArgs, general: &GeneralArgs) -> Result<Exit, Error> {
    args.output.check([(Role::Ranges, args.file.clone())])?;
    let given = given::read(&args.file, args.method.method, Some(&INT8))?;
    let cache = into_cache_for(given, &args.file, &args.header)?;
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
