//! What a deployment target asks of a job: its own TensorRT or none, and a word on what goes there.

use calibrant_calibration::{Target, TargetWay};
use calibrant_engine::{Generation, Int8Via, Version};

use super::{Job, Library};
use crate::config::EnginePolicy;
use crate::error::{ConfigError, Error};
use crate::output::{CACHE, MODEL, TABLE};
use crate::route::Route;

impl Job<'_> {
    /// A TensorRT that builds no engine for the target is none, unless it was asked for.
    pub(super) fn other_library(
        &mut self,
        target: &'static Target,
        found: Version,
    ) -> Result<Library, Error> {
        if self.config.engine.policy == EnginePolicy::Require {
            return Err(ConfigError::OtherTensorRt { target, found }.into());
        }
        self.note(format!("no engine is built: {target} does not run what {found} builds"));
        Ok(Library::Unwanted)
    }

    /// Says which of the results go to the target.
    pub(super) fn note_target(&mut self, route: &Route) {
        let Some(target) = self.config.target else { return };
        let results = match route.via {
            _ if self.config.engine.policy == EnginePolicy::CalibrateOnly => match target.way() {
                TargetWay::Cache => format!("the float model and {CACHE}"),
                TargetWay::Qdq => format!("a model that is quantized by {TABLE}"),
            },
            Some(Int8Via::Cache | Int8Via::Ranges) => format!("{MODEL} and {CACHE}"),
            Some(Int8Via::Qdq | Int8Via::Calibrator) | None => format!("{MODEL} alone"),
        };
        self.note(format!("{target} takes {results}"));
    }
}

/// Whether this library is the target's TensorRT; TensorRT-RTX, which numbers its versions apart, is nobody's.
pub(super) fn is_of(version: Version, target: &Target) -> bool {
    let is_rtx = version.generation().is_some_and(Generation::is_rtx);
    !is_rtx && u32::try_from(version.raw()) == Ok(target.version())
}
