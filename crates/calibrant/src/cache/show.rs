//! `cache show`: each tensor's range and scale.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use calibrant_calibration::{Oddity, tensorrt_release};
use calibrant_files::printable;
use calibrant_format::INT8;
use calibrant_job::given::{self, CacheFile, Given, Tabled};
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::{Order, ShowArgs};
use crate::cache::{amax_of, name_width, plot, print_result};
use crate::error::Error;
use crate::exit::Exit;

/// What a file says.
#[derive(Debug, Serialize)]
struct Shown {
    kind: &'static str,
    version: Option<u32>,
    /// The version as people write it.
    release: Option<String>,
    algorithm: Option<&'static str>,
    /// Of a table.
    method: Option<String>,
    /// The format that a table's ranges are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// Of a table.
    samples: Option<u64>,
    /// Lines of a cache that cannot be read.
    problems: Vec<String>,
    tensors: Vec<Row>,
}

/// One tensor.
#[derive(Debug, Serialize)]
struct Row {
    tensor: String,
    /// The scale as it stands in a cache.
    hex: String,
    amax: f64,
    scale: f32,
    /// What is odd about the scale, if anything is.
    suspicion: Option<String>,
}

/// Prints what the file says; lines that cannot be read are named, and end in status 1.
///
/// # Errors
///
/// When it cannot be read at all.
pub(crate) fn show(args: &ShowArgs, general: &GeneralArgs) -> Result<Exit, Error> {
    if let Some(tensor) = &args.tensor {
        return plot::plot(&args.file, tensor, general);
    }
    let mut shown = match given::read(&args.file, args.method.method, None)? {
        Given::Table(Tabled { kind, table, .. }) => {
            let oddities: BTreeMap<&str, Oddity> =
                table.suspicions().map(|it| (it.name, it.oddity)).collect();
            let row = |(name, entry): (&String, &calibrant_calibration::Entry)| {
                let oddity = oddities.get(name.as_str()).copied();
                Row::new(name, entry.scale, table.largest(), oddity)
            };
            Shown {
                kind,
                version: None,
                release: None,
                algorithm: None,
                method: Some(table.method().to_string()),
                format: Some(table.format().to_owned()),
                samples: Some(table.samples()),
                problems: Vec::new(),
                tensors: table.tensors().iter().map(row).collect(),
            }
        }
        Given::Cache(CacheFile { reading, .. }) => {
            let version = reading.header().map(|(version, _)| version);
            let release = version.and_then(tensorrt_release);
            Shown {
                kind: "TensorRT calibration cache",
                version,
                release: release.map(|release| release.map(|part| part.to_string()).join(".")),
                algorithm: reading.header().map(|(_, algorithm)| algorithm.name()),
                method: None,
                format: None,
                samples: None,
                problems: reading.problems().iter().map(ToString::to_string).collect(),
                tensors: reading
                    .entries()
                    .iter()
                    .map(|(name, scale)| {
                        Row::new(name, *scale, INT8.grid.largest(), Oddity::of(*scale))
                    })
                    .collect(),
            }
        }
    };
    match args.sort {
        Order::Name => shown.tensors.sort_by(|a, b| a.tensor.cmp(&b.tensor)),
        Order::Amax => shown.tensors.sort_by(|a, b| b.amax.total_cmp(&a.amax)),
        Order::File => {}
    }
    let printed = print_result(&shown, &shown.to_text(), general)?;
    Ok(if shown.problems.is_empty() { printed } else { Exit::Failed })
}

impl Row {
    fn new(name: &str, scale: f32, largest: f32, oddity: Option<Oddity>) -> Self {
        Self {
            tensor: name.to_owned(),
            hex: format!("{:x}", scale.to_bits()),
            amax: amax_of(scale, largest),
            scale,
            suspicion: oddity.map(|oddity| oddity.to_string()),
        }
    }
}

impl Shown {
    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.kind);
        let version = match (&self.version, &self.release) {
            (Some(version), Some(release)) => Some(format!("{version} (TensorRT {release})")),
            (version, _) => version.map(|version| version.to_string()),
        };
        let facts = [
            ("version", version),
            ("algorithm", self.algorithm.map(str::to_owned)),
            ("method", self.method.clone()),
            ("format", self.format.clone()),
            ("samples", self.samples.map(|samples| samples.to_string())),
            ("tensors", Some(self.tensors.len().to_string())),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                let _ = writeln!(text, "  {name}: {fact}");
            }
        }
        for problem in &self.problems {
            let _ = writeln!(text, "  problem: {}", printable::name(problem));
        }
        let width = name_width(self.tensors.iter().map(|row| row.tensor.as_str()));
        if !self.tensors.is_empty() {
            let _ = writeln!(
                text,
                "\n{:width$}  {:>8}  {:>12}  {:>12}",
                "tensor", "hex", "amax", "scale"
            );
        }
        for row in &self.tensors {
            let _ = write!(
                text,
                "{:width$}  {:>8}  {:>12}  {:>12.6e}",
                printable::name(&row.tensor),
                row.hex,
                rounded(row.amax),
                row.scale
            );
            if let Some(suspicion) = &row.suspicion {
                let _ = write!(text, "  {suspicion}");
            }
            text.push('\n');
        }
        text
    }
}

/// Six decimals where they say something, else in powers of ten.
pub(super) fn rounded(value: f64) -> String {
    if value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
        format!("{value:.6}")
    } else {
        format!("{value:.6e}")
    }
}
