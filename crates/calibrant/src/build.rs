//! `build`: an ONNX model, as it is, to a plan.

use std::fmt::Write as _;
use std::path::PathBuf;

use calibrant_engine::{BuildOptions, BuildSummary, Int8};
use calibrant_files::printable;
use calibrant_job::engine::{build_plan, find_library};
use calibrant_job::guard::{self, Inputs, Role, Target};
use calibrant_job::{Control, Stage};

use crate::args::{BuildArgs, GeneralArgs};
use crate::error::{Error, JobError};
use crate::exit::Exit;
use crate::{print, print_json, resolve};

/// Builds the plan and prints what the builder says of it.
///
/// # Errors
///
/// When there is no library, or it refuses the model.
pub(crate) fn run(
    args: &BuildArgs,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let options = resolve::build_options(&args.build);
    let plan = plan(args, &options)?;
    let (found, _) =
        control.stage(Stage::Library, None, || find_library(&args.library.tensorrt, control));
    let library = found?.map_err(JobError::Locate)?;
    let (summary, _) = control.stage(Stage::Engine, None, || {
        build_plan(&library, &args.model.model, &options, Int8::Model, &plan, control)
    });
    let summary = summary?;
    if general.json { print_json(&json(&summary)) } else { print(&text(&summary)) }
}

/// Where the plan goes, which is not where anything is read from.
fn plan(args: &BuildArgs, options: &BuildOptions) -> Result<PathBuf, Error> {
    let (model, named) = (&args.model.model, args.output.is_some());
    let plan = args.output.clone().unwrap_or_else(|| model.with_extension("plan"));
    let plugins = options.plugins.iter().map(|file| (Role::Plugin, file.clone()));
    let mut inputs = Inputs::new(plugins);
    inputs.extend(guard::model(model)?);
    let timing_cache = options.timing_cache.as_deref();
    let timing_cache = timing_cache.map(|file| Target { file, what: "--timing-cache" });
    let targets = timing_cache.into_iter().chain([Target { file: &plan, what: "--output" }]);
    inputs.check(&targets.collect::<Vec<_>>())?;
    // What nobody named may be anybody's.
    if !named && plan.symlink_metadata().is_ok() {
        return Err(Error::Unnamed(plan));
    }
    Ok(plan)
}

fn json(summary: &BuildSummary) -> String {
    let mut json = serde_json::to_string_pretty(summary).expect("strings and numbers serialize");
    json.push('\n');
    json
}

fn text(summary: &BuildSummary) -> String {
    let mut text = format!("{}\n", printable::path(&summary.plan));
    let megabytes = summary.plan_bytes as f64 / 1e6;
    let seconds = summary.time.as_secs_f64();
    let _ = writeln!(text, "  {megabytes:.1} MB by {} in {seconds:.1} s", summary.library_version);
    for (what, tensors) in [("input ", &summary.inputs), ("output", &summary.outputs)] {
        for tensor in tensors {
            let _ = writeln!(
                text,
                "  {what} {} {} {:?}",
                printable::name(&tensor.name),
                tensor.data_type,
                tensor.dims
            );
        }
    }
    for warning in &summary.warnings {
        let _ = writeln!(text, "  warning {}", printable::message(warning));
    }
    text
}
