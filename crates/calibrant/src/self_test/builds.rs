//! The network's forms, built.

use std::error::Error as StdError;
use std::ops::ControlFlow;
use std::path::Path;

use calibrant_cast::{CastOptions, FloatType, cast};
use calibrant_engine::{
    BuildError, BuildOptions, BuildSummary, Int8, Library, Precision, Profile, ShapeRange,
    build_with,
};
use calibrant_format::Numbers;
use calibrant_job::{Control, Event};
use calibrant_rewrite::{QuantizeOptions, quantize};

use super::calibrates;
use super::network::{BATCH, INPUT, Network, Ours};
use super::verdict::Verdict;
use crate::error::{Error, JobError};
use crate::wording::said;

/// What every build needs.
pub(super) struct Builds<'t> {
    pub(super) library: &'t Library,
    pub(super) network: &'t Network,
    pub(super) control: Control<'t>,
    pub(super) verdict: &'t mut Verdict,
}

impl Builds<'_> {
    /// The network as it is.
    pub(super) fn plain(&mut self) -> Result<(), Error> {
        let onnx = self.network.path("plain.onnx");
        let built = self.build(&onnx, &self.options(), Int8::Model)?;
        self.say("FP32", built);
        Ok(())
    }

    /// The network with Q/DQ.
    pub(super) fn qdq(&mut self, ours: &Ours) -> Result<(), Error> {
        let quantized =
            quantize(&self.network.model, &ours.ranges(), &QuantizeOptions::all(Numbers::INT8));
        let path = self.network.path("qdq.onnx");
        let (model, _) =
            quantized.map_err(|source| JobError::Rewrite { path: path.clone(), source })?;
        self.network.write_as("qdq.onnx", &model)?;
        let built = self.build(&path, &self.options(), Int8::Model)?;
        self.say("INT8 by Q/DQ", built);
        Ok(())
    }

    /// The network in FP16: by a flag where there is one, by casts elsewhere.
    pub(super) fn fp16(&mut self) -> Result<(), Error> {
        let mut options = self.options();
        let mut path = self.network.path("plain.onnx");
        let way = if calibrates(self.library.generation()) {
            options.precision = Some(Precision::Fp16);
            "FP16 by a builder flag"
        } else {
            path = self.network.path("fp16.onnx");
            let casts = CastOptions::to(FloatType::Fp16);
            let (model, _) = cast(&self.network.model, None, &casts)
                .map_err(|source| JobError::Cast { path: path.clone(), source })?;
            self.network.write_as("fp16.onnx", &model)?;
            "FP16 by casts"
        };
        let built = self.build(&path, &options, Int8::Model)?;
        self.say(way, built);
        Ok(())
    }

    /// The shapes of the network's dynamic batch.
    pub(super) fn options(&self) -> BuildOptions {
        let batch = u64::from(BATCH);
        let shape = |batch| vec![batch, 16, 16, 16];
        let (min, opt, max) = (shape(1), shape(batch), shape(batch));
        let range = ShapeRange { input: INPUT.to_owned(), min, opt, max };
        BuildOptions { profiles: vec![Profile { ranges: vec![range] }], ..BuildOptions::default() }
    }

    /// Builds, and removes the plan.
    ///
    /// # Errors
    ///
    /// When the caller interrupts; what else goes wrong is for the verdict.
    pub(super) fn build(
        &mut self,
        onnx: &Path,
        options: &BuildOptions,
        int8: Int8<'_>,
    ) -> Result<Result<BuildSummary, BuildError>, Error> {
        let plan = self.network.path("plan");
        let mut hear = |event| {
            if let calibrant_engine::BuildEvent::Phase { name, .. } = &event {
                self.control.event(Event::At(name));
            }
            if self.control.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        match build_with(self.library, onnx, options, int8, &mut hear, &plan) {
            Err(BuildError::Cancelled { .. }) => Err(JobError::Interrupted.into()),
            built => Ok(built),
        }
    }

    /// Enters a build into the verdict.
    pub(super) fn say(&mut self, name: &str, built: Result<BuildSummary, BuildError>) {
        match built {
            Ok(summary) => {
                let plan = format!(
                    "{} bytes in {:.1} s, flags {}",
                    summary.plan_bytes,
                    summary.time.as_secs_f64(),
                    summary.flags.join(" ")
                );
                let details = [vec![plan], summary.warnings].concat();
                self.verdict.passed(format!("{name} builds"), details);
            }
            Err(error) => self.verdict.failed(format!("{name} builds"), causes(&error)),
        }
    }
}

/// An error and its causes, one a line, each with the flags that help.
pub(super) fn causes(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut causes = vec![said(error)];
    let mut source = error.source();
    while let Some(error) = source {
        causes.push(said(error));
        source = error.source();
    }
    causes
}
