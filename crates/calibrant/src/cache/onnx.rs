//! `cache to-onnx` and `cache from-onnx`: Q/DQ models.

use std::fmt::Write as _;
use std::path::PathBuf;

use calibrant_calibration::{Algorithm, Cache};
use calibrant_files::printable;
use calibrant_format::{INT8, Numbers};
use calibrant_job::guard::{self, Role};
use calibrant_job::{
    Control, DEFAULT_CACHE_VERSION, LoadedModel, Reused, findings, note_inside, note_unranged,
    reuse,
};
use calibrant_onnx::Model;
use calibrant_rewrite::{Note, Outcome, QuantizeOptions, Summary, activation_scales, quantize};
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::{FromOnnxArgs, ToOnnxArgs};
use crate::cache::merge::Written;
use crate::cache::print_result;
use crate::error::{Error, JobError};
use crate::exit::Exit;

/// A Q/DQ model that was written.
#[derive(Debug, Serialize)]
struct Quantized {
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    output: PathBuf,
    summary: Summary,
}

/// A cache of a model's pairs.
#[derive(Debug, Serialize)]
struct Collected {
    #[serde(flatten)]
    written: Written,
    /// Tensors with a pair of their own.
    pairs: usize,
    /// Tensors that have the range of another.
    followers: usize,
}

/// Writes the model with Q/DQ pairs of the file's scales.
///
/// # Errors
///
/// When the file is neither cache nor table, or a table of another model, the model cannot be quantized with it, or the
/// result cannot be written.
pub(crate) fn to_onnx(
    args: &ToOnnxArgs,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let model = LoadedModel::read(&args.model)?;
    let weights = guard::weights(&args.model, &model.model);
    let read = [(Role::Model, args.model.clone())].into_iter().chain(weights);
    guard::check_model(read.chain(guard::ranges(&args.file)), &args.output.output, "--output")?;
    let Reused { ranges, cache, table, notes, .. } =
        reuse(&args.file, args.method.method, &INT8, model.sha256, DEFAULT_CACHE_VERSION)?;
    findings::check_names(cache.as_ref(), table.as_deref(), &model, &args.model)?;
    let remarks = findings::remarks(cache.as_ref(), table.as_deref(), &model, &args.model)?;
    notes.iter().for_each(|note| control.note(note));
    let failed = |source| JobError::Rewrite { path: args.model.clone(), source };
    let quantized = quantize(&model.model, &ranges, &QuantizeOptions::all(Numbers::INT8));
    let summary = quantized.as_ref().ok().map(|(_, summary)| summary);
    for remark in remarks {
        control.note(&remark.note(summary));
    }
    let (quantized, summary) = quantized.map_err(failed)?;
    let notes = [note_unranged(&summary), note_inside(&summary)];
    notes.iter().flatten().for_each(|note| control.note(note));
    let output = args.output.output.clone();
    quantized.write(&output).map_err(|source| JobError::Model { path: output.clone(), source })?;
    let result = Quantized { output, summary };
    print_result(&result, &result.to_text(), general)
}

/// Writes the scales of the model's Q/DQ pairs as a cache.
///
/// # Errors
///
/// When the model cannot be read, a pair cannot be told in a cache, or the cache cannot be written.
pub(crate) fn from_onnx(
    args: &FromOnnxArgs,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let path = &args.model;
    let model =
        Model::read(path).map_err(|source| JobError::Model { path: path.clone(), source })?;
    let weights = guard::weights(path, &model);
    args.output.check([(Role::Model, path.clone())].into_iter().chain(weights))?;
    let found =
        activation_scales(&model).map_err(|source| Error::Scales { path: path.clone(), source })?;
    for (tensor, scale) in &found.others {
        control.note(&format!(
            "tensor `{tensor}` has another pair of the smaller scale {scale:e}, which a cache has no place for"));
    }
    let followers = if args.only_pairs { Vec::new() } else { found.followers };
    let (pairs, n_followers) = (found.pairs.len(), followers.len());
    let entries = found.pairs.into_iter().chain(followers).collect();
    let version = args.header.version().unwrap_or(DEFAULT_CACHE_VERSION);
    let algorithm = args.header.algorithm.unwrap_or(Algorithm::EntropyCalibration2);
    let cache = Cache::new(version, algorithm, entries)?;
    let written = Written::write(&cache, &args.output.output)?;
    let result = Collected { written, pairs, followers: n_followers };
    print_result(&result, &result.to_text(), general)
}

impl Quantized {
    fn to_text(&self) -> String {
        let is_quantized = |outcome: &Outcome| matches!(outcome, Outcome::Quantized { .. });
        let (quantized, all) = (
            self.summary.nodes.iter().filter(|node| is_quantized(&node.outcome)).count(),
            self.summary.nodes.len(),
        );
        let mut text = format!(
            "{}: {} activations in int8, {quantized} of {all} nodes quantized\n",
            printable::path(&self.output),
            self.summary.activations.len()
        );
        for note in &self.summary.notes {
            if let Note::SharedScale { tensors, smallest_amax, shared_amax } = note {
                let _ = writeln!(
                    text,
                    "  share the amax {shared_amax}, the smallest had {smallest_amax}: {}",
                    printable::name(&tensors.join(", "))
                );
            }
        }
        text
    }
}

impl Collected {
    fn to_text(&self) -> String {
        let mut text = self.written.to_text();
        let _ = writeln!(
            text,
            "  {} have a pair, {} the range of another tensor that was only moved",
            self.pairs, self.followers
        );
        text
    }
}
