//! A plan: what its bytes, the files beside it and TensorRT say of it.

mod asked;

use std::fmt::Write as _;
use std::path::Path;

use calibrant_engine::{
    BuildOptions, PlanHeader, PlanInspection, PlanLayer, TensorSummary, inspect,
};
use calibrant_files::printable;
use calibrant_job::engine::find_library;
use calibrant_job::{Control, REPORT};
use calibrant_locate::Source;
use serde::Serialize;

use self::asked::{Asked, FormatLayers};
use crate::args::GeneralArgs;
use crate::error::{Error, JobError};
use crate::exit::Exit;
use crate::wording::said;
use crate::{print, print_json};

/// Whether a file is a plan: by its first bytes, or by a name as plans have.
pub(super) fn is_plan(file: &Path, bytes: &[u8]) -> bool {
    let named = |extension: &std::ffi::OsStr| {
        ["plan", "engine", "trt"].iter().any(|name| extension.eq_ignore_ascii_case(name))
    };
    PlanHeader::is_plan(bytes) || file.extension().is_some_and(named)
}

/// Prints what is known of a plan.
///
/// # Errors
///
/// When no TensorRT reads the plan; what is known without one is printed all the same.
pub(super) fn run(
    file: &Path,
    head: &[u8],
    library: &Source,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let mut report = PlanReport::of_file(file, head)?;
    let asked = Asked::beside(file);
    let read = match find_library(library, control)? {
        Ok(found) => inspect(&found, file, &BuildOptions::default()).map_err(Error::Inspect),
        Err(missing) => Err(JobError::Locate(missing).into()),
    };
    match read {
        Ok(plan) => report.take(plan, asked),
        Err(error) => {
            report.problem = Some(said(&error));
            report.print(general)?;
            return Err(error);
        }
    }
    report.print(general)
}

/// What is known of a plan.
#[derive(Debug, Serialize)]
struct PlanReport {
    kind: &'static str,
    /// Facts about the whole, as name and value.
    about: Vec<(&'static str, String)>,
    /// Why there are no layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What went into the plan's layers, and what they compute in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<FormatLayers>,
    layers: Vec<Row>,
}

/// One layer of the plan.
#[derive(Debug, Serialize)]
struct Row {
    layer: String,
    kind: Option<String>,
    reads: Vec<&'static str>,
    makes: Vec<&'static str>,
    tactic: Option<String>,
    nodes: Vec<String>,
}

impl PlanReport {
    /// What the file and the report beside it say.
    fn of_file(file: &Path, head: &[u8]) -> Result<Self, Error> {
        let metadata = file.metadata();
        let metadata =
            metadata.map_err(|source| JobError::Read { path: file.to_owned(), source })?;
        let mut about = vec![("bytes", metadata.len().to_string())];
        let built_by = PlanHeader::read(head).map(|header| header.to_string());
        about.extend(built_by.map(|built_by| ("built by", built_by)));
        about.extend(of_report(file));
        Ok(Self {
            kind: "TensorRT plan",
            about,
            problem: None,
            formats: Vec::new(),
            layers: Vec::new(),
        })
    }

    /// Adds what TensorRT says.
    fn take(&mut self, plan: PlanInspection, asked: Option<Asked>) {
        self.about.push(("read by", plan.library_version));
        self.about.push(("network", plan.network));
        self.about.push(("profiles", plan.profiles.to_string()));
        self.about.push(("refittable", if plan.refittable { "yes" } else { "no" }.to_owned()));
        self.about.extend(plan.inputs.iter().map(|tensor| ("input", describe(tensor))));
        self.about.extend(plan.outputs.iter().map(|tensor| ("output", describe(tensor))));
        self.formats = asked.map(|asked| asked.compare(&plan.layers)).unwrap_or_default();
        self.layers = plan.layers.into_iter().map(Row::of).collect();
    }

    fn print(&self, general: &GeneralArgs) -> Result<Exit, Error> {
        if general.json {
            let json = serde_json::to_string_pretty(self);
            return print_json(&(json.expect("strings and numbers serialize") + "\n"));
        }
        print(&self.text())
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.kind);
        for (name, value) in &self.about {
            let _ = writeln!(text, "  {name}: {}", printable::name(value));
        }
        for format in &self.formats {
            let _ = write!(text, "{format}");
        }
        self.write_layers(&mut text);
        text
    }

    fn write_layers(&self, text: &mut String) {
        if self.problem.is_some() {
            return;
        }
        if self.layers.iter().all(|row| row.kind.is_none()) {
            text.push_str("\nno more than names: build with --profiling-verbosity detailed\n");
        }
        let _ = writeln!(text, "\n{:20}  {:14}  {:14}  layer", "kind", "reads", "makes");
        for row in &self.layers {
            let kind = printable::name(row.kind.as_deref().unwrap_or("-"));
            let types = |types: &[&str]| match types {
                [] => "-".to_owned(),
                types => types.join(","),
            };
            let (reads, makes) = (types(&row.reads), types(&row.makes));
            let _ = writeln!(
                text,
                "{kind:20}  {reads:14}  {makes:14}  {}",
                printable::name(&row.layer)
            );
        }
    }
}

impl Row {
    fn of(layer: PlanLayer) -> Self {
        let types = |tensors: &[calibrant_engine::PlanTensor]| {
            tensors.iter().map(|tensor| tensor.data_type.unwrap_or("?")).collect()
        };
        Self {
            reads: types(&layer.inputs),
            makes: types(&layer.outputs),
            layer: layer.name,
            kind: layer.kind,
            tactic: layer.tactic,
            nodes: layer.nodes,
        }
    }
}

fn describe(tensor: &TensorSummary) -> String {
    format!("{} {} {:?}", tensor.name, tensor.data_type, tensor.dims)
}

/// What the report of the job that built the plan says, if it lies beside it.
fn of_report(file: &Path) -> Vec<(&'static str, String)> {
    let path = file.with_file_name(REPORT);
    let Some(report) = calibrant_files::read_text(&path)
        .ok()
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
    else {
        return Vec::new();
    };
    let fact = |name, pointer: &str| {
        let value = report.pointer(pointer).filter(|value| !value.is_null())?;
        Some((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    let facts = [
        fact("report", "/program"),
        fact("model", "/model/path"),
        fact("precision", "/precision"),
        fact("built by", "/engine/summary/library_version"),
        fact("shapes", "/engine/shapes"),
        fact("flags", "/engine/summary/flags"),
        fact("ranges", "/engine/summary/int8/via"),
    ];
    facts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_known_by_bytes_or_name() {
        let is = |name: &str, bytes: &[u8]| is_plan(Path::new(name), bytes);
        assert!(is("a", b"ftrt....") && is("a", b"vtrt...."));
        assert!(is("model.PLAN", b"{") && is("x/y.engine", b""));
        assert!(!is("plan", b"TRT-8601-") && !is("calibration.json", b"{"));
    }

    #[test]
    fn a_report_beside_the_plan_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("model.plan");
        assert!(of_report(&plan).is_empty());
        let report = r#"{"program": "calibrant 1", "engine": {"shapes": ["x:1"],
            "summary": {"library_version": "TensorRT 10.16.1", "flags": ["kINT8"], "int8": null}}}"#;
        std::fs::write(folder.path().join(REPORT), report).unwrap();
        let facts = of_report(&plan);
        assert_eq!(facts[1], ("built by", "TensorRT 10.16.1".to_owned()));
        assert_eq!(facts.len(), 4, "{facts:?}");
    }
}
