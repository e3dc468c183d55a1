//! `build`: an ONNX model, as it is, to a plan.

use std::fmt::Write as _;

use calibrant_engine::{BuildSummary, Int8};

use crate::cli::args::{BuildArgs, GeneralArgs};
use crate::cli::exit::Exit;
use crate::cli::{print, resolve};
use crate::engine::{build_plan, find_library};
use crate::error::Error;
use crate::observe::{Observer, Stage, timed};

/// Builds the plan and prints what the builder says of it.
///
/// # Errors
///
/// When there is no library, or it refuses the model.
pub(crate) fn run(
    args: &BuildArgs,
    general: &GeneralArgs,
    observer: &mut dyn Observer,
) -> Result<Exit, Error> {
    let options = resolve::build_options(&args.build);
    let plan = args.output.clone().unwrap_or_else(|| args.model.model.with_extension("plan"));
    let (found, _) = timed(observer, Stage::Library, None, |observer| {
        find_library(&args.library.tensorrt, observer)
    });
    let found = found?.map_err(Error::Locate)?;
    let (summary, _) = timed(observer, Stage::Engine, None, |observer| {
        build_plan(&found, &args.model.model, &options, Int8::Model, &plan, observer)
    });
    let summary = summary?;
    if general.json { print(&json(&summary)) } else { print(&text(&summary)) }
}

fn json(summary: &BuildSummary) -> String {
    let mut json = serde_json::to_string_pretty(summary).expect("strings and numbers serialize");
    json.push('\n');
    json
}

fn text(summary: &BuildSummary) -> String {
    let mut text = format!("{}\n", summary.plan.display());
    let megabytes = summary.plan_bytes as f64 / 1e6;
    let seconds = summary.time.as_secs_f64();
    let _ = writeln!(text, "  {megabytes:.1} MB by {} in {seconds:.1} s", summary.library_version);
    for (what, tensors) in [("input ", &summary.inputs), ("output", &summary.outputs)] {
        for tensor in tensors {
            let _ =
                writeln!(text, "  {what} {} {} {:?}", tensor.name, tensor.data_type, tensor.dims);
        }
    }
    for warning in &summary.warnings {
        let _ = writeln!(text, "  warning {warning}");
    }
    text
}
