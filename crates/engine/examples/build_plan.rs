//! Builds a plan and tells what happens: `build_plan MODEL PLAN [--tensorrt WHERE] [--shapes RANGE]... [--cc 8.9]...`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its user")]

use std::error::Error;
use std::ops::ControlFlow;

use calibrant_engine::{
    BuildEvent, BuildOptions, Profile, build, parse_compute_capability, parse_size,
};
use calibrant_locate::{Environment, Source, locate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(plan)) = (arguments.next(), arguments.next()) else {
        return Err("usage: build_plan MODEL PLAN [--tensorrt WHERE] [--shapes RANGE] [--cc 8.9] [--workspace 1G] \
                    [--level 3] [--timing-cache FILE]"
            .into());
    };
    let mut options = BuildOptions::default();
    let mut source = Source::Auto;
    let mut ranges = Vec::new();
    while let (Some(flag), Some(value)) = (arguments.next(), arguments.next()) {
        match flag.as_str() {
            "--tensorrt" => source = value.parse()?,
            "--shapes" => ranges.push(value.parse()?),
            "--cc" => options.compute_capabilities.push(parse_compute_capability(&value)?),
            "--workspace" => options.workspace_bytes = Some(parse_size(&value)?),
            "--level" => options.optimization_level = Some(value.parse()?),
            "--timing-cache" => options.timing_cache = Some(value.into()),
            _ => return Err(format!("unknown flag {flag}").into()),
        }
    }
    options.profiles = Profile::group(ranges);
    let found = locate(&source, &Environment::of_process(), &mut |event| {
        eprintln!("{event}");
        ControlFlow::Continue(())
    })?;
    eprintln!("{} at {} ({})", found.version(), found.library.path().display(), found.origin);
    let mut say = |event| {
        match event {
            BuildEvent::Phase { name, depth, steps } => {
                eprintln!("{:depth$}{name} ({steps} steps)", "")
            }
            BuildEvent::Log { severity, text } => eprintln!("{severity:?}: {text}"),
            BuildEvent::Parser(message) => eprintln!("parser: {message}"),
            _ => {}
        }
        ControlFlow::Continue(())
    };
    let summary = build(&found.library, model.as_ref(), &options, &mut say, plan.as_ref())?;
    println!("{summary:#?}");
    Ok(())
}
