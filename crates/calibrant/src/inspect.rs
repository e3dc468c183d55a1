//! `inspect`: what a calibration table, calibration statistics, a calibration cache or an ONNX model says of its tensors, and a plan of its layers.

mod plan;

use std::fmt::Write as _;
use std::path::Path;

use calibrant_calibration::{Cache, SavedStatistics, Table};
use calibrant_files::printable;
use calibrant_format::INT8;
use calibrant_job::Control;
use calibrant_job::given::{self, Given};
use calibrant_onnx::{Model, Topology};
use serde::Serialize;

use crate::args::{GeneralArgs, InspectArgs};
use crate::error::{Error, JobError, UsageError};
use crate::exit::Exit;
use crate::{print, print_json};

/// As many bytes as tell what a file is.
const HEAD_BYTES: usize = 4096;

/// Prints what the file says.
///
/// # Errors
///
/// When the file is none of these, or is damaged, or is a plan that no TensorRT here reads.
pub(crate) fn run(
    args: &InspectArgs,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let file = &args.file;
    let head = calibrant_files::head(file, HEAD_BYTES)
        .map_err(|source| JobError::Read { path: file.clone(), source })?;
    if plan::is_plan(file, &head) {
        return plan::run(file, &head, &args.library.tensorrt, general, control);
    }
    let start = head.trim_ascii_start();
    let inspected = if start.starts_with(b"{") || SavedStatistics::is_start(&head) {
        match given::read(file, None, None)? {
            Given::Table(given) => Inspected::of_table(given.kind, &given.table),
            Given::Cache(_) => return Err(UsageError::NothingToInspect(file.clone()).into()),
        }
    } else if start.starts_with(b"TRT-") {
        Inspected::of_cache(&Cache::read(file)?)
    } else if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        Inspected::of_model(file)?
    } else {
        return Err(UsageError::NothingToInspect(file.clone()).into());
    };
    if general.json { print_json(&inspected.to_json()) } else { print(&inspected.to_text()) }
}

/// What a file says.
#[derive(Debug, Serialize)]
struct Inspected {
    kind: &'static str,
    /// Facts about the whole, as name and value.
    about: Vec<(&'static str, String)>,
    tensors: Vec<Row>,
}

/// One tensor.
#[derive(Debug, Serialize)]
struct Row {
    tensor: String,
    /// The largest magnitude kept; of a weight, that of its widest channel.
    amax: f32,
    /// Of a weight, the largest of its scales.
    scale: f32,
    /// How many scales a quantized tensor has; 1 is one for the whole tensor.
    scales: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<f32>,
}

impl Row {
    fn of_scale(tensor: &str, scale: f32) -> Self {
        Self {
            tensor: tensor.to_owned(),
            amax: scale * INT8.grid.largest(),
            scale,
            scales: 1,
            minimum: None,
            maximum: None,
        }
    }
}

impl Inspected {
    fn of_table(kind: &'static str, table: &Table) -> Self {
        let manifest = table.manifest();
        let about = vec![
            ("method", table.method().to_string()),
            ("format", table.format().to_owned()),
            ("samples", table.samples().to_string()),
            ("model", manifest.model.to_string()),
            ("sample list", manifest.sample_list.to_string()),
            ("backend", format!("{} ({})", manifest.backend.name, manifest.backend.version)),
            ("program", manifest.program.clone()),
        ];
        let row = |(tensor, entry): (&String, &calibrant_calibration::Entry)| Row {
            tensor: tensor.clone(),
            amax: entry.amax,
            scale: entry.scale,
            scales: 1,
            minimum: Some(entry.minimum),
            maximum: Some(entry.maximum),
        };
        Self { kind, about, tensors: table.tensors().iter().map(row).collect() }
    }

    fn of_cache(cache: &Cache) -> Self {
        let mut about = vec![
            ("version", cache.version().to_string()),
            ("algorithm", cache.algorithm().name().to_owned()),
        ];
        about.extend(cache.suspicions().map(|suspicion| ("suspicion", suspicion.to_string())));
        let tensors =
            cache.entries().iter().map(|(name, scale)| Row::of_scale(name, *scale)).collect();
        Self { kind: "TensorRT calibration cache", about, tensors }
    }

    fn of_model(path: &Path) -> Result<Self, Error> {
        let broken = |source| JobError::Model { path: path.to_owned(), source };
        let model = Model::read(path).map_err(broken)?;
        let opset = model.opset().map_or("none".to_owned(), |opset| opset.to_string());
        let nodes = model.graph().node.len().to_string();
        let tensors = quantized_tensors(&model)
            .map_err(|source| JobError::Graph { path: path.to_owned(), source })?;
        let quantized = if tensors.is_empty() { "no" } else { "yes, with Q/DQ" };
        let about = vec![("opset", opset), ("nodes", nodes), ("quantized", quantized.to_owned())];
        Ok(Self { kind: "ONNX model", about, tensors })
    }

    fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("strings and numbers serialize");
        json.push('\n');
        json
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.kind);
        for (name, value) in &self.about {
            let _ = writeln!(text, "  {name}: {}", printable::name(value));
        }
        if self.tensors.is_empty() {
            return text;
        }
        let width = self
            .tensors
            .iter()
            .map(|row| printable::name(&row.tensor).chars().count())
            .max()
            .unwrap_or(0)
            .clamp(6, 60);
        let _ = writeln!(text, "\n{:width$}  {:>12}  {:>12}  scales", "tensor", "amax", "scale");
        for row in &self.tensors {
            let _ = writeln!(
                text,
                "{:width$}  {:>12.6}  {:>12.6e}  {:>6}",
                printable::name(&row.tensor),
                row.amax,
                row.scale,
                row.scales
            );
        }
        text
    }
}

/// The tensors that a QuantizeLinear or, for stored weights, a DequantizeLinear names, in the order of the graph.
fn quantized_tensors(model: &Model) -> Result<Vec<Row>, Box<dyn std::error::Error + Send + Sync>> {
    let topology = Topology::new(model.graph())?;
    let mut rows = Vec::new();
    for node in &model.graph().node {
        let [tensor, scale, ..] = node.input.as_slice() else { continue };
        let stored = topology.constant(tensor).is_some();
        let wanted = match node.op_type.as_deref() {
            Some("QuantizeLinear") => true,
            Some("DequantizeLinear") => stored,
            _ => false,
        };
        if !wanted {
            continue;
        }
        let Some(scales) = topology.constant(scale) else { continue };
        let scales = scales.to_f32()?;
        let largest = scales.iter().copied().fold(0.0, f32::max);
        rows.push(Row { scales: scales.len(), ..Row::of_scale(tensor, largest) });
    }
    Ok(rows)
}
