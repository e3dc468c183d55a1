//! The "engine": a readable list of all that a build was told, in an order that does not depend on who told it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a build of the double gives: JSON, a line an item, the same for the same settings whoever makes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Says that this is a plan of the double, and in which form.
    pub tensorrt_double: u32,
    /// The version of the TensorRT that was played, as `getInferLibVersion` answers.
    pub version: i32,
    /// What was built.
    pub network: NetworkPlan,
    /// The settings.
    pub config: ConfigPlan,
    /// The optimization profiles in the order of their addition: shapes by input.
    pub profiles: Vec<BTreeMap<String, ShapesPlan>>,
    /// How the builder calibrated, if it did.
    pub calibration: Option<CalibrationPlan>,
    /// The scale of every tensor that has one, as the eight digits of a calibration cache.
    pub scales: BTreeMap<String, String>,
}

/// A network as it was when it was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// As the application spelled it.
    pub name: String,
    /// Whether the network says which types layers compute in.
    pub strongly_typed: bool,
    /// The names of its inputs.
    pub inputs: Vec<String>,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// Its tensors: inputs first, then the outputs of the layers.
    pub tensors: Vec<TensorPlan>,
    /// In the order in which they were added.
    pub layers: Vec<LayerPlan>,
}

/// A tensor of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorPlan {
    /// As the application spelled it.
    pub name: String,
    /// Its type, as the vendor spells it.
    pub data_type: String,
    /// Its dimensions, -1 for a dynamic one; `None` where the model does not say how many there are.
    pub dims: Option<Vec<i64>>,
    /// What the application said of its values, if it did.
    pub dynamic_range: Option<[f32; 2]>,
}

/// A layer of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerPlan {
    /// As the application spelled it.
    pub name: String,
    /// Its kind, as the vendor spells it.
    pub kind: String,
    /// The names of its inputs.
    pub inputs: Vec<String>,
    /// The names of its outputs.
    pub outputs: Vec<String>,
    /// The SHA-256 of the values of each weight, by name.
    pub weights: BTreeMap<String, String>,
    /// What the application asked for, as the vendor spells it.
    pub precision: Option<String>,
    /// The type that each output was given.
    pub output_types: Vec<Option<String>>,
    /// What the application asked for, as the vendor spells it.
    pub device: Option<String>,
    /// The precision that it runs in.
    pub runs_in: String,
}

/// The settings of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigPlan {
    /// The flags that are set.
    pub flags: Vec<String>,
    /// The quantization flags that are set.
    pub quantization_flags: Vec<String>,
    /// The limits, in bytes, of the memory pools that were given one.
    pub memory_pools: BTreeMap<String, usize>,
    /// How hard the builder searches.
    pub optimization_level: i32,
    /// How much the plan tells about its layers.
    pub profiling_verbosity: String,
    /// How often a kernel is timed.
    pub avg_timing_iterations: i32,
    /// As the vendor spells it.
    pub engine_capability: String,
    /// As the vendor spells it.
    pub hardware_compatibility: String,
    /// From 0; -1 for none.
    pub dla_core: i32,
    /// The device of layers that were given none.
    pub default_device: String,
    /// The GPUs that the plan is for; empty for the one at hand.
    pub compute_capabilities: Vec<String>,
    /// The plugin libraries to put into the plan.
    pub plugins_to_serialize: Vec<String>,
    /// How many entries the attached timing cache had; `None` if none was attached.
    pub timing_cache_entries: Option<usize>,
    /// The shapes of the calibration profile, if one was set.
    pub calibration_profile: Option<BTreeMap<String, ShapesPlan>>,
}

/// The shapes of an input in an optimization profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapesPlan {
    /// The smallest.
    pub min: Vec<i64>,
    /// The one to be fast at.
    pub opt: Vec<i64>,
    /// The largest.
    pub max: Vec<i64>,
}

/// What happened between builder and calibrator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPlan {
    /// The algorithm, as the vendor spells it.
    pub algorithm: String,
    /// What the calibrator said it is, as "kind major.minor"; `None` where interfaces have no version.
    pub interface: Option<String>,
    /// What a legacy calibrator said: quantile and regression cutoff.
    pub legacy: Option<[f64; 2]>,
    /// What the calibrator said the batch size is, if it was asked.
    pub batch_size: Option<i32>,
    /// The SHA-256 of the bytes of each input, a batch at a time; empty if a cache was used.
    pub batches: Vec<BTreeMap<String, String>>,
    /// The cache that was read and used, or written: its lines.
    pub cache: Vec<String>,
    /// Whether the cache was read.
    pub cache_was_read: bool,
}

impl Plan {
    /// The form of plans that this version of the double writes.
    pub(crate) const FORM: u32 = 1;

    /// The plan in `bytes`, or `None` if they are something else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let plan: Self = serde_json::from_slice(bytes).ok()?;
        (plan.tensorrt_double == Self::FORM).then_some(plan)
    }

    /// The plan as the text that a build gives.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The layer of that name.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<&LayerPlan> {
        self.network.layers.iter().find(|layer| layer.name == name)
    }

    /// The tensor of that name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorPlan> {
        self.network.tensors.iter().find(|tensor| tensor.name == name)
    }
}
