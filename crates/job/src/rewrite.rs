//! The model of a job as the builder will get it.

use std::collections::BTreeMap;

use calibrant_cast::{CastError, CastOptions, CastSummary, FloatType, cast};
use calibrant_engine::{DataType, Int8Via, LayerPrecision};
use calibrant_format::{Operators, Scheme};
use calibrant_onnx::Model;
use calibrant_onnx::proto::NodeProto;
use calibrant_prepare::rename_unrelated_symbols;
use calibrant_rewrite::{QuantizeOptions, RewriteError, Summary, quantize};
use regex_lite::Regex;

use crate::config::Casts;
use crate::error::ConfigError;
use crate::ranges::Obtained;
use crate::route::{Route, Typing};
use crate::suspects::first_few;

/// A rewritten model, and what was done to it.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) model: Model,
    pub(crate) quantized: Option<Summary>,
    pub(crate) cast: Option<CastSummary>,
}

/// Why a model cannot be rewritten as asked.
#[derive(Debug)]
pub(crate) enum Problem {
    Config(ConfigError),
    Rewrite(RewriteError),
    Cast(CastError),
}

impl From<RewriteError> for Problem {
    fn from(error: RewriteError) -> Self {
        Self::Rewrite(error)
    }
}

impl From<CastError> for Problem {
    fn from(error: CastError) -> Self {
        Self::Cast(error)
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Writes into a copy of the model what the builder cannot be told.
///
/// # Errors
///
/// When a layer precision fits no node, or a rewrite refuses the model.
pub(crate) fn rewrite(
    model: &Model,
    found: Option<&Obtained>,
    route: &Route,
    casts: Casts,
) -> Result<Rewritten, Problem> {
    let layers = layers(model, &route.layers)?;
    let (mut rewritten, quantized) = match found {
        Some(found) if route.via == Some(Int8Via::Qdq) => {
            let floats = layers.iter().rev().map(|(name, _)| Operators::Named(name.clone()));
            let mut options = QuantizeOptions::all(route.numbers);
            options.scheme = floats.fold(options.scheme, Scheme::except);
            let (rewritten, summary) = quantize(model, &found.ranges, &options)?;
            (rewritten, Some(summary))
        }
        _ => (model.clone(), None),
    };
    let half = route.half.or_else(|| strongest(&layers));
    let cast = match half {
        Some(precision) if route.typing == Typing::Model => {
            let options = cast_options(precision, route, &layers, casts);
            let bounds = found.and_then(|found| found.bounds.as_ref());
            let (cast_model, summary) = cast(&rewritten, bounds, &options)?;
            rewritten = cast_model;
            Some(summary)
        }
        _ => None,
    };
    if quantized.is_none() && cast.is_none() {
        rename_unrelated_symbols(&mut rewritten);
    }
    Ok(Rewritten { model: rewritten, quantized, cast })
}

/// What a user should know of layers that stay in float for want of a range.
pub fn note_unranged(summary: &Summary) -> Option<String> {
    let tensors = |tensors: &[String]| {
        tensors.iter().map(|tensor| format!("`{tensor}`")).collect::<Vec<_>>().join(" and ")
    };
    let layers: Vec<String> = summary
        .without_ranges()
        .map(|(layer, missing)| format!("`{layer}` (of {})", tensors(missing)))
        .collect();
    (!layers.is_empty()).then(|| {
        format!(
            "{} layers stay in float, because there is no range of what they read: {}",
            layers.len(),
            first_few(&layers)
        )
    })
}

/// What a user should know of operators that stay in float because they lie in the body of an `If` or a loop.
pub fn note_inside(summary: &Summary) -> Option<String> {
    let inside: Vec<(&str, &[String])> = summary.inside_others().collect();
    let n_operators: usize = inside.iter().map(|(_, operators)| operators.len()).sum();
    let named: Vec<String> = inside
        .iter()
        .map(|(node, operators)| format!("`{node}` (with {})", first_few(operators)))
        .collect();
    (n_operators > 0).then(|| {
        format!(
            "{n_operators} convolutions or products of matrices stay in float, because they lie in graphs inside other \
             nodes: {}",
            first_few(&named)
        )
    })
}

/// What a user should know of a model that has nothing to cast: it may have been given in another type than was asked for.
pub(crate) fn note_nothing_cast(summary: &CastSummary) -> Option<String> {
    summary.nodes.is_empty().then(|| {
        "nothing in the model computes in float32, so nothing was cast: it keeps its own types"
            .to_owned()
    })
}

/// The nodes whose values leave FP16 in these ranges, for a builder that is told types layer by layer.
///
/// # Errors
///
/// As [`cast`].
pub(crate) fn beyond_half(
    model: &Model,
    bounds: &BTreeMap<String, (f32, f32)>,
    precision: FloatType,
) -> Result<Vec<(String, String)>, CastError> {
    let (_, summary) = cast(model, Some(bounds), &CastOptions::to(precision))?;
    let kept = summary.nodes.into_iter().filter(|node| node.inside.is_empty());
    let kept =
        kept.filter_map(|node| Some((node.name, node.kept.filter(|it| it.is_about_values())?)));
    Ok(kept.map(|(name, reason)| (name, reason.to_string())).collect())
}

/// In a model that has half layers only where they are named, the others stay float32.
fn cast_options(
    precision: FloatType,
    route: &Route,
    layers: &[(String, FloatType)],
    casts: Casts,
) -> CastOptions {
    let named = layers.iter().map(|(name, precision)| calibrant_cast::LayerPrecision {
        pattern: exactly(name),
        precision: *precision,
    });
    let rest = route.half.unwrap_or(FloatType::Fp32);
    let everything = (rest != precision).then(|| calibrant_cast::LayerPrecision {
        pattern: Regex::new("").expect("nothing is a pattern that fits everything"),
        precision: rest,
    });
    CastOptions {
        io: casts.io,
        scales: casts.scales,
        layers: everything.into_iter().chain(named).collect(),
        ..CastOptions::to(precision)
    }
}

/// The pattern that fits this name alone: a rewritten model has nodes with longer names beside it.
fn exactly(name: &str) -> Regex {
    Regex::new(&format!("^{}$", regex_lite::escape(name))).expect("an escaped name is a pattern")
}

/// The half type among the layers, if any has one.
fn strongest(layers: &[(String, FloatType)]) -> Option<FloatType> {
    layers.iter().map(|(_, precision)| *precision).find(|precision| *precision != FloatType::Fp32)
}

/// What a node is called: its name, or its first output where it has none.
fn name(node: &NodeProto) -> Option<&str> {
    node.name.iter().chain(&node.output).map(String::as_str).find(|name| !name.is_empty())
}

/// The type of each node that a pattern fits, by the node's name.
fn layers(
    model: &Model,
    patterns: &[LayerPrecision],
) -> Result<Vec<(String, FloatType)>, ConfigError> {
    let mut layers = Vec::new();
    for LayerPrecision { pattern, precision } in patterns {
        let precision = match precision {
            DataType::Float => FloatType::Fp32,
            DataType::Half => FloatType::Fp16,
            DataType::Bf16 => FloatType::Bf16,
            _ => return Err(ConfigError::LayerInt8(pattern.to_string())),
        };
        let names = model.graph().node.iter().filter_map(name);
        let fitting: Vec<&str> = names.filter(|name| pattern.is_match(name)).collect();
        if fitting.is_empty() {
            return Err(ConfigError::NoSuchLayer(pattern.to_string()));
        }
        layers.extend(fitting.into_iter().map(|name| (name.to_owned(), precision)));
    }
    Ok(layers)
}
