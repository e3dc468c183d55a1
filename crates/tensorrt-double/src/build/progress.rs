//! The phases of a build, told to the progress monitor.

use std::ffi::CString;
use std::ptr::NonNull;

use tensorrt_sys::classes::IProgressMonitor;

use super::{Job, Stop};
use crate::client::Client;
use crate::tensor::c_name;

/// A phase under way. It ends when this is dropped, also in the middle, as the vendor's phases do.
pub(super) struct Progress {
    monitor: Option<Client<IProgressMonitor>>,
    phase: CString,
    step: i32,
}

impl Progress {
    /// Starts a phase, inside another one or as the outermost.
    pub(super) fn start(job: &Job<'_>, phase: &str, parent: Option<&Self>, steps: usize) -> Self {
        let monitor = NonNull::new(job.config.monitor.get());
        let monitor = monitor.map(|monitor| Client::new(monitor, job.context().version()));
        let phase = c_name(phase);
        if let Some(monitor) = &monitor {
            let steps = i32::try_from(steps).unwrap_or(i32::MAX);
            monitor.phase_start(&phase, parent.map(|parent| parent.phase.as_c_str()), steps);
        }
        Self { monitor, phase, step: 0 }
    }

    /// Tells that a step is done.
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        let step = self.step;
        self.step += 1;
        match &self.monitor {
            Some(monitor) if !monitor.step_complete(&self.phase, step) => Err(Stop::Cancelled),
            _ => Ok(()),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(monitor) = &self.monitor {
            monitor.phase_finish(&self.phase);
        }
    }
}
