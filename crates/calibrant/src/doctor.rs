//! `doctor`: which runtimes, and which calibrators, calibrate here, which TensorRT libraries are found, and what each can do.

mod backends;

use std::fmt::Write as _;
use std::sync::Arc;

use calibrant_engine::Abilities;
use calibrant_files::printable;
use calibrant_files::text_of;
use calibrant_job::engine::{fetch_library, survey_libraries};
use calibrant_job::{Control, PROGRAM};
use calibrant_locate::{Environment, Source, Survey, Surveyed};
use calibrant_runtime::Runtime;
use serde_json::{Value, json};

use crate::args::{DoctorArgs, GeneralArgs};
use crate::doctor::backends::Tried;
use crate::error::Error;
use crate::exit::Exit;
use crate::runtimes::Runtimes;
use crate::{print, print_json, self_test};

/// Prints what is found; without a usable library the exit status says so. With `--self-test`, tries the first of them.
///
/// # Errors
///
/// When a library that was asked for by name, or by `fetch`, cannot be had; for a self-test, when there is none.
pub(crate) fn run(
    args: &DoctorArgs,
    general: &GeneralArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Exit, Error> {
    if args.self_test {
        return self_test::run(&args.library.tensorrt, general, control);
    }
    let mut environment = Environment::of_process();
    match &args.library.tensorrt {
        Source::Auto => {}
        Source::Path(path) => environment.tensorrt = Some(path.clone()),
        // The survey opens each library as it finds it, so this only brings the files.
        Source::Fetch => fetch_library(&environment, control)?,
    }
    let survey = survey_libraries(&environment, control)?;
    let runtimes = Runtimes::find(runtimes, None, &args.onnxruntime, control)?;
    let backends = backends::all(&survey, runtimes.all(), control)?;
    if general.json {
        print_json(&as_json(&survey, &backends))
    } else {
        print(&as_text(&survey, &backends))
    }?;
    Ok(if survey.found.iter().any(|it| abilities(it).builds) {
        Exit::Done
    } else {
        Exit::LibraryMissing
    })
}

fn as_json(survey: &Survey, backends: &[Tried]) -> String {
    let found: Vec<_> = survey.found.iter().map(row).collect();
    let tried: Vec<_> = survey.tried.iter().map(ToString::to_string).collect();
    let value = json!({
        "program": PROGRAM,
        "backends": backends,
        "tensorrt": found,
        "tried": tried,
    });
    format!("{value:#}\n")
}

/// A library and what it can do.
fn row(found: &Surveyed) -> Value {
    json!({
        "library": text_of(&found.library),
        "parser": found.parser.as_deref().map(text_of),
        "origin": found.origin.to_string(),
        "version": found.version.to_string(),
        "generation": found.version.generation().map(|generation| generation.to_string()),
        "abilities": abilities(found),
    })
}

/// What a library can do with what lies beside it.
fn abilities(found: &Surveyed) -> Abilities {
    Abilities::of(found.version, found.parser.is_some())
}

fn as_text(survey: &Survey, backends: &[Tried]) -> String {
    let mut text = format!("{}\n\nbackends\n", PROGRAM);
    for Tried { name, what, why_not, calibrated, notes, looked_at, .. } in backends {
        let _ = match (why_not, calibrated) {
            (None, true) => writeln!(text, "  + {name}: {what}; it calibrated a small network"),
            (None, false) => {
                writeln!(text, "  + {name}: {what}; it runs no convolutions, so it was not tried")
            }
            (Some(reason), _) => writeln!(text, "  - {name}: {what}; not usable: {reason}"),
        };
        let more = notes.iter().chain(looked_at);
        more.for_each(|line| text.push_str(&format!("    {}\n", printable::message(line))));
    }
    text.push_str("\nTensorRT\n");
    for found in &survey.found {
        describe(&mut text, found);
    }
    if survey.found.is_empty() {
        text.push_str("  none found; `--tensorrt fetch` gets NVIDIA's TensorRT-RTX through pip\n");
    }
    if !survey.tried.is_empty() {
        text.push_str("\nalso looked at\n");
        for place in calibrant_locate::Tried::list(&survey.tried).lines() {
            let _ = writeln!(text, "  {}", printable::message(place.trim_start()));
        }
    }
    text
}

fn describe(text: &mut String, found: &Surveyed) {
    let _ = writeln!(
        text,
        "  {} ({}): {}",
        found.version,
        found.origin,
        printable::path(&found.library)
    );
    if let Some(generation) = found.version.generation() {
        let _ = writeln!(text, "    generation {generation}");
    } else {
        text.push_str("    of no generation that this program knows, so it is not used\n");
    }
    let abilities = abilities(found);
    let says = [
        (abilities.builds, "builds plans from ONNX", "builds no plans: no ONNX parser beside it"),
        (abilities.builds_without_gpu, "builds without a GPU", "needs a GPU to build"),
        (abilities.explicit_int8, "INT8 from Q/DQ models", "no INT8 from Q/DQ models"),
        (
            abilities.implicit_int8,
            "reads calibration caches",
            "reads no calibration caches: use the Q/DQ model",
        ),
        (abilities.progress, "shows progress and can be interrupted", "shows no progress"),
    ];
    for (able, yes, no) in says {
        let _ =
            writeln!(text, "    {} {}", if able { "+" } else { "-" }, if able { yes } else { no });
    }
}
