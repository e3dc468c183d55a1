//! `doctor --self-test`: calibrates and builds a network of three layers with the TensorRT at hand, and checks all that
//! happens on the way.
//!
//! What TensorRT asks of a calibrator, in which order, and what it writes, is documented and nowhere to be tried but
//! here. The verdict says which of it holds on this machine; it is made to be pasted into a bug report.

mod builds;
mod calibrations;
mod network;
mod probe;
mod verdict;

use calibrant_cuda::Device;
use calibrant_engine::{Generation, Library};
use calibrant_job::engine::find_library;
use calibrant_job::{Control, Stage};
use calibrant_locate::Source;

use self::builds::Builds;
pub(super) use self::network::Network;
use self::verdict::Verdict;
use crate::args::GeneralArgs;
use crate::error::{Error, JobError};
use crate::exit::Exit;
use crate::runtimes::default_runtime;
use crate::{print, print_json};

/// Runs every check that this TensorRT allows, and prints the verdict.
///
/// # Errors
///
/// When there is no TensorRT, the network cannot be written, or the caller interrupts.
pub(super) fn run(
    source: &Source,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    let library = find_library(source, control)?.map_err(JobError::Locate)?;
    let (verdict, _) = control.stage(Stage::Engine, None, || check(&library, control));
    let verdict = verdict?;
    if general.json { print_json(&verdict.json()) } else { print(&verdict.to_string()) }?;
    Ok(verdict.exit())
}

fn check(library: &Library, control: Control<'_>) -> Result<Verdict, Error> {
    let device = Device::open(0);
    let mut verdict = Verdict::of(library, device.as_ref());
    let rtx = library.generation().is_rtx();
    let device = match device {
        Ok(device) => Some(device),
        // RTX builds without a GPU; all others end here.
        Err(_) if rtx => None,
        Err(error) => {
            verdict.missing_gpu(&error);
            return Ok(verdict);
        }
    };
    let network = Network::write()?;
    let ours = network.statistics(&*default_runtime())?;
    let mut builds = Builds { library, network: &network, control, verdict: &mut verdict };
    builds.plain()?;
    builds.qdq(&ours)?;
    builds.fp16()?;
    if let (Some(device), true) = (device, calibrates(library.generation())) {
        calibrations::check(&mut builds, &device, &ours)?;
    }
    Ok(verdict)
}

/// Whether a generation calibrates inside the builder.
fn calibrates(generation: Generation) -> bool {
    matches!(generation, Generation::TensorRt8 | Generation::TensorRt10)
}
