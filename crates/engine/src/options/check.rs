//! Which TensorRT has which setting: said before any work, with the way out.

use calibrant_tensorrt::{
    BuilderFlag, DataType, Enumeration, Generation, HardwareCompatibilityLevel, MemoryPoolType,
    MissingValue, Version,
};

use super::spelling::pool_name;
use super::way_out::{Setting, WayOut};
use super::{BuildOptions, LeanRuntime, Precision, Refit};
use crate::int8::Int8Via;

/// A setting that this TensorRT does not have, or that another setting leaves no room for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// This TensorRT has no such thing.
    #[error("{} has no {what}: {reason}{}", short(*version), way_out.behind_a_message())]
    Missing {
        /// What the library says that it is.
        version: Version,
        /// What it lacks.
        what: &'static str,
        /// Why, or since when there is one.
        reason: String,
        /// What to do instead.
        way_out: WayOut,
    },
    /// Two settings that exclude each other.
    #[error("{what} does not go with {with}: {reason}{}", way_out.behind_a_message())]
    Conflict {
        /// The one.
        what: &'static str,
        /// The other.
        with: &'static str,
        /// Why not.
        reason: &'static str,
        /// What to do instead.
        way_out: WayOut,
    },
}

/// The version that brought TensorRT 8 most of what it has of these: the first of 8.6.
const TENSORRT_8_6: Version = Version::from_raw(8_601);

/// `TensorRT 11.1`: the patch is of no interest here.
fn short(version: Version) -> String {
    let (major, minor, _) = version.parts();
    format!("{} {major}.{minor}", version.product())
}

impl BuildOptions {
    /// Checks every setting against a TensorRT, and the settings against one another; `int8` is how INT8 ranges will
    /// reach the builder.
    ///
    /// # Errors
    /// [`Unsupported`], for the first that cannot be.
    pub fn check(&self, version: Version, int8: Int8Via) -> Result<(), Unsupported> {
        let check = Check { options: self, version, int8 };
        check.int8_route()?;
        check.precision()?;
        check.layers()?;
        check.search()?;
        check.compatibility()?;
        check.weights()?;
        check.devices()
    }

    /// Whether these settings want a network whose types TensorRT chooses.
    pub(crate) fn wants_weak_typing(&self, int8: Int8Via) -> bool {
        int8 != Int8Via::Qdq
            || self.precision.is_some()
            || self.constraints.is_some()
            || !self.layer_precisions.is_empty()
    }
}

/// Whether a generation knows networks whose types TensorRT chooses.
fn has_weak_typing(version: Version) -> bool {
    matches!(version.generation(), Some(Generation::TensorRt8 | Generation::TensorRt10))
}

struct Check<'o> {
    options: &'o BuildOptions,
    version: Version,
    int8: Int8Via,
}

impl Check<'_> {
    fn is_rtx(&self) -> bool {
        self.version.generation().is_some_and(Generation::is_rtx)
    }

    fn missing(
        &self,
        what: &'static str,
        reason: impl Into<String>,
        way_out: WayOut,
    ) -> Result<(), Unsupported> {
        Err(Unsupported::Missing { version: self.version, what, reason: reason.into(), way_out })
    }

    /// What only networks whose types TensorRT chooses have.
    fn weak(&self, what: &'static str, way_out: WayOut) -> Result<(), Unsupported> {
        if has_weak_typing(self.version) {
            return Ok(());
        }
        let reason = if self.is_rtx() {
            "its networks say the type of every tensor themselves"
        } else {
            "weak typing was removed in 11.0"
        };
        self.missing(what, reason, way_out)
    }

    /// What came with an enumerator.
    fn value<E: Enumeration>(
        &self,
        value: E,
        what: &'static str,
        way_out: WayOut,
    ) -> Result<(), Unsupported> {
        match value.to_raw(self.version) {
            Ok(_) => Ok(()),
            Err(MissingValue { since: Some(since), .. }) => {
                self.missing(what, format!("it came with {}", short(since)), way_out)
            }
            Err(MissingValue { since: None, .. }) => {
                let generation = self.version.generation().map(|generation| generation.to_string());
                let generation = generation.as_deref().unwrap_or("a generation not known");
                self.missing(what, format!("{generation} has none"), way_out)
            }
        }
    }

    /// What TensorRT 8 has since 8.6, and everything later.
    fn since_8_6(&self, what: &'static str, way_out: WayOut) -> Result<(), Unsupported> {
        if self.version.generation() == Some(Generation::TensorRt8) && self.version < TENSORRT_8_6 {
            return self.missing(what, "it came with TensorRT 8.6", way_out);
        }
        Ok(())
    }

    fn int8_route(&self) -> Result<(), Unsupported> {
        let what = match self.int8 {
            Int8Via::Qdq => return Ok(()),
            Int8Via::Calibrator => "calibrators",
            Int8Via::Cache => "calibration caches",
            Int8Via::Ranges => "dynamic ranges",
        };
        let way_out = match self.int8 {
            Int8Via::Calibrator => WayOut::OtherCalibration,
            _ => WayOut::Qdq,
        };
        self.weak(what, way_out)?;
        if self.options.precision.is_some_and(|precision| !precision.has_int8()) {
            return Err(Unsupported::Conflict {
                what: "a precision without INT8",
                with: what,
                reason: "they are for INT8 alone",
                way_out: WayOut::Precision(&[Precision::Int8, Precision::Int8Fp16]),
            });
        }
        Ok(())
    }

    fn precision(&self) -> Result<(), Unsupported> {
        let in_the_model = WayOut::Elsewhere("let the model say its types, by casts and Q/DQ");
        if let Some(precision) = self.options.precision {
            self.weak("precision flags", in_the_model)?;
            if precision == Precision::Bf16 {
                let way_out = WayOut::Precision(&[Precision::Fp16]);
                self.value(BuilderFlag::Bf16, "BF16", way_out)?;
            }
        }
        if self.options.constraints.is_some() {
            self.weak("precision constraints", in_the_model)?;
        }
        if self.options.calibration_profile.is_some() && self.int8 != Int8Via::Calibrator {
            return Err(Unsupported::Conflict {
                what: "a calibration profile",
                with: "ranges that are known",
                reason: "nothing is calibrated",
                way_out: WayOut::LeaveOut(Setting::CalibrationProfile),
            });
        }
        Ok(())
    }

    fn layers(&self) -> Result<(), Unsupported> {
        if self.options.layer_precisions.is_empty() {
            return Ok(());
        }
        self.weak("layer precisions", WayOut::Elsewhere("put casts into the model"))?;
        let has = |wanted| self.options.layer_precisions.iter().any(|it| it.precision == wanted);
        if has(DataType::Bf16) {
            self.value(BuilderFlag::Bf16, "BF16", WayOut::Elsewhere("use fp16"))?;
        }
        Ok(())
    }

    /// How TensorRT searches, and how much of the machine it takes.
    fn search(&self) -> Result<(), Unsupported> {
        let options = self.options;
        if options.optimization_level.is_some() {
            let way_out = WayOut::LeaveOut(Setting::OptimizationLevel);
            self.since_8_6("optimization level", way_out)?;
        }
        for limit in &options.pools {
            let way_out = WayOut::LeaveOut(Setting::MemoryPool);
            let is_dla = matches!(
                limit.pool,
                MemoryPoolType::DlaManagedSram
                    | MemoryPoolType::DlaLocalDram
                    | MemoryPoolType::DlaGlobalDram
            );
            if is_dla && self.is_rtx() {
                self.missing(pool_name(limit.pool), "it does not run on a DLA", way_out)?;
            }
            self.value(limit.pool, pool_name(limit.pool), way_out)?;
        }
        if !options.plugins.is_empty() {
            self.since_8_6(
                "way to load plugin libraries",
                WayOut::Elsewhere("put the plugins into a library that is preloaded"),
            )?;
        }
        Ok(())
    }

    /// Where else the plan is to run.
    fn compatibility(&self) -> Result<(), Unsupported> {
        let options = self.options;
        if options.version_compatible.is_some() {
            let way_out = WayOut::Elsewhere("build a plan with each version");
            if self.is_rtx() {
                self.missing(
                    "version compatible plans",
                    "there is no lean runtime for it",
                    way_out,
                )?;
            }
            self.value(BuilderFlag::VersionCompatible, "version compatible plans", way_out)?;
            if options.version_compatible == Some(LeanRuntime::Excluded) {
                let what = "plan without the lean runtime";
                self.value(BuilderFlag::ExcludeLeanRuntime, what, way_out)?;
            }
        }
        match options.hardware_compatibility {
            None | Some(HardwareCompatibilityLevel::None) => {}
            Some(level) => {
                if self.is_rtx() {
                    let reason = "its plans run on all the compute capabilities they are built for";
                    let way_out = WayOut::LeaveOut(Setting::HardwareCompatibility);
                    self.missing("hardware compatibility level", reason, way_out)?;
                }
                let way_out = WayOut::Elsewhere("build a plan on each kind of GPU");
                self.value(level, "such hardware compatibility level", way_out)?;
            }
        }
        if !options.compute_capabilities.is_empty() && !self.is_rtx() {
            let way_out = WayOut::LeaveOut(Setting::ComputeCapabilities);
            self.missing(
                "compute capabilities to choose",
                "it builds for the GPU at hand",
                way_out,
            )?;
        }
        options.compute_capabilities.iter().try_for_each(|&capability| {
            let way_out = WayOut::Elsewhere("use a later TensorRT-RTX");
            self.value(capability, "such compute capability", way_out)
        })
    }

    /// How the plan holds its weights.
    fn weights(&self) -> Result<(), Unsupported> {
        let options = self.options;
        if options.strip_plan {
            let way_out = WayOut::Elsewhere("use TensorRT 10 or later");
            self.value(BuilderFlag::StripPlan, "plans without weights", way_out)?;
        }
        if options.refit == Some(Refit::Identical) {
            let what = "refit with identical weights";
            self.value(BuilderFlag::RefitIdentical, what, WayOut::RefitAny)?;
        }
        if options.weight_streaming {
            let way_out = WayOut::Elsewhere("use TensorRT 10 or later");
            self.value(BuilderFlag::WeightStreaming, "weight streaming", way_out)?;
            if options.wants_weak_typing(self.int8) {
                return Err(Unsupported::Conflict {
                    what: "weight streaming",
                    with: "precision flags and ranges",
                    reason: "it wants a network that says its types itself",
                    way_out: if self.int8 == Int8Via::Qdq {
                        WayOut::LeaveOut(Setting::LayerPrecisions)
                    } else {
                        WayOut::Qdq
                    },
                });
            }
        }
        Ok(())
    }

    fn devices(&self) -> Result<(), Unsupported> {
        if self.options.dla.is_none() {
            return Ok(());
        }
        if self.is_rtx() {
            let way_out = WayOut::Elsewhere("use TensorRT 8 or 10");
            return self.missing("DLA", "it runs on GPUs alone", way_out);
        }
        if matches!(self.options.precision, Some(Precision::Fp32 | Precision::Bf16)) {
            return Err(Unsupported::Conflict {
                what: "a DLA",
                with: "this precision",
                reason: "it computes in FP16 and INT8",
                way_out: WayOut::Precision(&[Precision::Fp16, Precision::Int8Fp16]),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
