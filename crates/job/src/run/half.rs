//! Layers that a builder has to keep in FP32, where half precision is its choice.

use calibrant_engine::{BuildOptions, DataType, LayerPrecision};

use super::Job;
use crate::error::Error;
use crate::model::LoadedModel;
use crate::ranges::Obtained;
use crate::rewrite::beyond_half;
use crate::route::{Route, Typing};

impl Job<'_> {
    /// Has a builder that chooses types itself keep those nodes in FP32 whose values leave half precision.
    pub(super) fn keep_in_float(
        &mut self,
        mut options: BuildOptions,
        model: &LoadedModel,
        found: Option<&Obtained>,
        route: &Route,
    ) -> Result<BuildOptions, Error> {
        let bounds = found.and_then(|found| found.bounds.as_ref());
        let (Some(bounds), Some(half), Typing::Builder) =
            (bounds, self.config.precision.half(), route.typing)
        else {
            return Ok(options);
        };
        let failed = |source| Error::Cast { path: self.config.model.clone(), source };
        let beyond = beyond_half(&model.model, bounds, half).map_err(failed)?;
        for (name, reason) in beyond {
            self.note(format!("layer `{name}` stays in fp32: {reason}"));
            options.layer_precisions.insert(0, LayerPrecision::exactly(&name, DataType::Float));
        }
        Ok(options)
    }
}
