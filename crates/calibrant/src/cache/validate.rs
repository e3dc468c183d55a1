//! `cache validate`: everything that is to be said against a cache.

use std::fmt::Write as _;
use std::path::Path;

use calibrant_calibration::{Cache, Finding, Reading, Severity, check};
use calibrant_files::printable;
use calibrant_job::findings::tensors_of;
use calibrant_job::given::{self, CacheFile, Given};
use calibrant_job::provenance::{self, Provenance};
use calibrant_job::{DEFAULT_CACHE_VERSION, LoadedModel};
use calibrant_tensor::Digest;
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::ValidateArgs;
use crate::cache::print_result;
use crate::error::Error;
use crate::exit::Exit;

/// What was found.
#[derive(Debug, Serialize)]
struct Validated<'a> {
    errors: usize,
    warnings: usize,
    findings: Vec<FindingRow<'a>>,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
struct FindingRow<'a> {
    severity: String,
    kind: &'static str,
    message: String,
    tensors: Vec<&'a str>,
}

/// Prints what is to be said against the file; status 1 when TensorRT would not use it.
///
/// # Errors
///
/// When the file cannot be read at all, or the model is none.
pub(crate) fn validate(args: &ValidateArgs, general: &GeneralArgs) -> Result<Exit, Error> {
    let given = given::read(&args.file, None, None)?;
    let model = args.model.as_deref().map(LoadedModel::read).transpose()?;
    let tensors = match (&model, &args.model) {
        (Some(model), Some(path)) => Some(tensors_of(model, path)?),
        _ => None,
    };
    let (reading, table, made_from) = match given {
        Given::Cache(given) => {
            let made_from = made_from(&args.file, &given)?;
            (given.reading, None, made_from)
        }
        Given::Table(given) => {
            // What TensorRT would be given: the version is that of the one in use.
            let version = args.wanted().unwrap_or(DEFAULT_CACHE_VERSION);
            let cache = Cache::from_table(&given.table, version)?;
            let made_from = given.table.manifest().model;
            (Reading::of(&cache.to_string()), Some(given.table), Some(made_from))
        }
    };
    let is_other = model.zip(made_from).is_some_and(|(model, made_from)| model.sha256 != made_from);
    let stale = is_other.then_some(STALE);
    let findings = check(&reading, table.as_deref(), args.wanted(), tensors.as_ref());
    let validated = Validated::new(&findings, stale);
    let printed = print_result(&validated, &validated.to_text(), general)?;
    Ok(if validated.errors == 0 { printed } else { Exit::Failed })
}

const STALE: &str = "the ranges were found for another model, as the digest in their manifest says";

/// The model that the cache at `file` was made from, where what lies beside it says so.
fn made_from(file: &Path, given: &CacheFile) -> Result<Option<Digest>, Error> {
    let Ok(cache) = given.cache(file) else { return Ok(None) };
    Ok(match provenance::beside(file, &given.bytes, &cache)? {
        Provenance::Table(table) => Some(table.manifest().model),
        Provenance::TensorRt(found) => Some(found.manifest.model),
        Provenance::Unknown(_) => None,
    })
}

impl<'a> Validated<'a> {
    fn new(findings: &'a [Finding<'a>], stale: Option<&str>) -> Self {
        let row = |finding: &'a Finding<'a>| FindingRow {
            severity: finding.severity().to_string(),
            kind: finding.kind(),
            message: finding.to_string(),
            tensors: finding.tensors(),
        };
        let stale = stale.map(|message| FindingRow {
            severity: Severity::Error.to_string(),
            kind: "stale",
            message: message.to_owned(),
            tensors: Vec::new(),
        });
        let rows: Vec<FindingRow<'a>> = stale.into_iter().chain(findings.iter().map(row)).collect();
        let count = |severity: Severity| {
            rows.iter().filter(|row| row.severity == severity.to_string()).count()
        };
        Self { errors: count(Severity::Error), warnings: count(Severity::Warning), findings: rows }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for row in &self.findings {
            let _ = writeln!(text, "{:7}  {}", row.severity, printable::name(&row.message));
        }
        match (self.errors, self.warnings) {
            (0, 0) => text.push_str("nothing is to be said against it\n"),
            (errors, warnings) => {
                let _ = writeln!(text, "{errors} errors, {warnings} warnings");
            }
        }
        text
    }
}
