//! The runtime, as the traits have it.

use calibrant_calibration::BackendInfo;
use calibrant_onnx::Model;
use calibrant_runtime::{
    Availability, LoadError, Network, Observations, RunError, Runtime, Settings, Source, Survey,
    Wanted,
};

use crate::error::NAME;
use crate::loaded::Loaded;
use crate::samples;
use crate::survey::survey;

/// Version of the executor as written into the manifest.
const VERSION: &str = "rten 0.27.0";

/// The runtime that is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded;

impl Runtime for Embedded {
    fn name(&self) -> &str {
        NAME
    }

    fn availability(&self) -> Availability {
        Availability {
            version: Some(VERSION.to_owned()),
            ..Availability::usable("pure Rust on the CPU")
        }
    }

    fn survey(&self, model: &Model) -> Result<Survey, LoadError> {
        survey(model)
    }

    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Box<dyn Network>, LoadError> {
        Ok(Box::new(Loaded::new(model, wanted, settings)?))
    }
}

impl Network for Loaded {
    fn info(&self) -> BackendInfo {
        let notes = match self.settings.samples_per_run.get() {
            1 => "runs every sample alone, so the batch size changes no activation".to_owned(),
            several => format!("runs {several} samples together"),
        };
        let mut notes = vec![notes];
        if self.is_faithful {
            notes.push(
                "keeps TensorRT's own histograms too, whose bins the first batch sets".to_owned(),
            );
        }
        if self.is_drawn_from {
            notes.push(
                "draws the model's random numbers from seeds of its own, the same for every sample and in every run"
                    .to_owned(),
            );
        }
        BackendInfo { name: NAME.to_owned(), version: VERSION.to_owned(), notes }
    }

    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError> {
        samples::run(self, source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock").replace("\r\n", "\n");
        let (name, version) = VERSION.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")));
    }
}
