//! What is to be said against ranges, in the words of `cache validate`, and what becomes of those that are useless.

use std::path::Path;

use calibrant_calibration::{
    Cache, Finding, ModelTensors, Reading, SavedStatistics, Severity, Table, TableError, check,
    check_table,
};
use calibrant_preprocess::Preprocess;
use calibrant_rewrite::{Summary, model_tensors};

use crate::error::Error;
use crate::model::LoadedModel;
use crate::output::MODEL;
use crate::suspects::first_few;

/// Something to be said against ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    text: String,
    /// The tensors whose ranges are useless, where it is about such.
    useless: Vec<String>,
}

/// All that is to be said against the ranges of `cache`, which was written from `table` if there is one, or of a table that no
/// cache is written from, for the model at `path`.
///
/// # Errors
///
/// When the model's graph cannot be followed.
pub fn remarks(
    cache: Option<&Cache>,
    table: Option<&Table>,
    model: &LoadedModel,
    path: &Path,
) -> Result<Vec<Remark>, Error> {
    let tensors = tensors_of(model, path)?;
    let reading = cache.map(|cache| Reading::of(&cache.to_string()));
    let findings = found(reading.as_ref(), table, &tensors);
    Ok(findings.iter().map(Remark::new).collect())
}

fn found<'a>(
    reading: Option<&'a Reading>,
    table: Option<&'a Table>,
    tensors: &'a ModelTensors,
) -> Vec<Finding<'a>> {
    match (reading, table) {
        (Some(reading), table) => check(reading, table, None, Some(tensors)),
        (None, Some(table)) => check_table(table, tensors),
        (None, None) => Vec::new(),
    }
}

/// Makes sure that the model at `path` has a tensor of the ranges.
///
/// # Errors
///
/// When it has none, or its graph cannot be followed.
pub fn check_names(
    cache: Option<&Cache>,
    table: Option<&Table>,
    model: &LoadedModel,
    path: &Path,
) -> Result<(), Error> {
    let tensors = tensors_of(model, path)?;
    let reading = cache.map(|cache| Reading::of(&cache.to_string()));
    if found(reading.as_ref(), table, &tensors).contains(&Finding::OtherModel) {
        return Err(Error::OtherModel { model: path.to_owned() });
    }
    Ok(())
}

/// The tensors of the model at `path`.
///
/// # Errors
///
/// When its graph cannot be followed.
pub fn tensors_of(model: &LoadedModel, path: &Path) -> Result<ModelTensors, Error> {
    let found = model_tensors(&model.model);
    let (names, activations) =
        found.map_err(|source| Error::Graph { path: path.to_owned(), source: source.into() })?;
    Ok(ModelTensors { names, activations })
}

/// Of so many values a range may clip one before it is pointed out.
const CLIPS_ONE_OF: u64 = 100;

/// The tensors of which the ranges of `table`, which was made from `statistics`, clip many values, as a note.
///
/// # Errors
///
/// When the statistics cannot be read.
pub(crate) fn clipped(
    statistics: &SavedStatistics,
    table: &Table,
) -> Result<Option<String>, TableError> {
    let mut names = Vec::new();
    for tensor in statistics.tensors() {
        let (name, seen) = tensor?;
        let Some(entry) = table.tensors().get(name) else { continue };
        let beyond = seen.beyond(entry.amax);
        if beyond > seen.count() / CLIPS_ONE_OF {
            let percent = beyond as f64 / seen.count() as f64 * 100.0;
            names.push(format!("`{name}` ({percent:.1} %)"));
        }
    }
    Ok((!names.is_empty()).then(|| {
        format!(
            "ranges: by {} more than 1 in {CLIPS_ONE_OF} values are clipped in {} tensors: {}",
            table.method(),
            names.len(),
            first_few(&names)
        )
    }))
}

/// A reason to doubt the values that pictures become.
pub fn doubt(preprocess: Option<&dyn Preprocess>) -> Option<String> {
    let normalise = preprocess?.pipeline()?.recipe().normalise()?;
    Some(format!("preprocessing: {}", normalise.doubt()?))
}

/// What the model's own metadata say against the preprocessing.
pub fn contradiction(model: &LoadedModel, preprocess: Option<&dyn Preprocess>) -> Option<String> {
    let pipeline = preprocess?.pipeline()?;
    let remark = model.ultralytics()?.against(pipeline.recipe(), pipeline.size())?;
    Some(format!("preprocessing: {remark}"))
}

impl Remark {
    fn new(finding: &Finding<'_>) -> Self {
        let is_about_ranges = matches!(finding, Finding::Suspicious(_));
        let tensors = if is_about_ranges { finding.tensors() } else { Vec::new() };
        let said = match finding.severity() {
            Severity::Error => "error: ",
            Severity::Warning => "",
        };
        Self {
            text: format!("ranges: {said}{finding}"),
            useless: tensors.into_iter().map(str::to_owned).collect(),
        }
    }

    /// The remark as a note, with what becomes of useless ranges in a model that was quantized with them.
    pub fn note(self, quantized: Option<&Summary>) -> String {
        let Self { text, useless } = self;
        let (false, Some(summary)) = (useless.is_empty(), quantized) else { return text };
        let is_quantized =
            |name: &&String| summary.activations.iter().any(|it| it.tensor == **name);
        let names: Vec<String> =
            useless.iter().filter(is_quantized).map(|name| format!("`{name}`")).collect();
        match names.len() {
            0 => {
                format!("{text}; no quantized layer of {MODEL} reads {}", it_or_one(useless.len()))
            }
            n if n == useless.len() => format!("{text}; {MODEL} has Q/DQ nodes with that scale"),
            _ => format!("{text}; {MODEL} has Q/DQ nodes for {}", first_few(&names)),
        }
    }
}

fn it_or_one(n_tensors: usize) -> &'static str {
    if n_tensors == 1 { "it" } else { "one of them" }
}
