//! Which way a job goes: what the builder is told, and what is written into the model.

use calibrant_calibration::{Target, TargetWay};
use calibrant_cast::FloatType;
use calibrant_engine::{BuildOptions, Generation, Int8Via, LayerPrecision, Version};
use calibrant_format::Numbers;

use crate::config::Config;
use crate::precision::Precision;

/// Who is told the types that layers compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    /// The builder, by its flags: TensorRT up to 10.16.
    Builder,
    /// The model, by casts and Q/DQ nodes: TensorRT 11, TensorRT-RTX, and when nothing is built and no target named.
    Model,
}

/// Which way a job goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    pub(crate) typing: Typing,
    /// How ranges reach the builder; `None` in a job that quantizes nothing.
    pub(crate) via: Option<Int8Via>,
    /// What operators are to compute in, where that is written into the model.
    pub(crate) numbers: Numbers,
    /// The half type that is written into the model.
    pub(crate) half: Option<FloatType>,
    /// Types of single layers that are written into the model.
    pub(crate) layers: Vec<LayerPrecision>,
}

impl Route {
    /// The way of a job whose engine would be built by this version, or by none: then it is that of the target, if one
    /// is named.
    pub(crate) fn of(config: &Config, version: Option<Version>) -> Self {
        let typing = match version.filter(|_| config.builds()) {
            // Weights that stream want a model that says its types, and of some formats a builder cannot be told.
            _ if config.engine.options.weight_streaming => Typing::Model,
            _ if config.precision.of_builder().is_none() => Typing::Model,
            Some(version) if is_weakly_typed(version) => Typing::Builder,
            Some(_) => Typing::Model,
            None => match config.target.map(Target::way) {
                Some(TargetWay::Cache) => Typing::Builder,
                Some(TargetWay::Qdq) | None => Typing::Model,
            },
        };
        let written = typing == Typing::Model;
        Self {
            typing,
            via: config.precision.quantized.map(|_| int8_via(config, typing)),
            numbers: config.precision.numbers(),
            half: if written { config.precision.half() } else { None },
            layers: if written {
                config.engine.options.layer_precisions.clone()
            } else {
                Vec::new()
            },
        }
    }

    /// Whether TensorRT itself finds the ranges.
    pub(crate) fn is_calibrated_by_tensorrt(&self) -> bool {
        self.via == Some(Int8Via::Calibrator)
    }

    /// What the builder is told of all this.
    pub(crate) fn options(&self, config: &Config) -> BuildOptions {
        let options = config.engine.options.clone();
        match self.typing {
            Typing::Builder if config.precision == Precision::FP32 => options,
            Typing::Builder => BuildOptions { precision: config.precision.of_builder(), ..options },
            Typing::Model => BuildOptions { layer_precisions: Vec::new(), ..options },
        }
    }

    /// How the ranges reach the builder, for a builder that is asked whether it can.
    pub(crate) fn via(&self) -> Int8Via {
        self.via.unwrap_or(Int8Via::Qdq)
    }
}

/// Whether this TensorRT chooses types itself.
fn is_weakly_typed(version: Version) -> bool {
    matches!(version.generation(), Some(Generation::TensorRt8 | Generation::TensorRt10))
}

fn int8_via(config: &Config, typing: Typing) -> Int8Via {
    if config.is_calibrated_by_tensorrt() {
        return Int8Via::Calibrator;
    }
    config.int8_via.unwrap_or(match typing {
        Typing::Builder => Int8Via::Cache,
        Typing::Model => Int8Via::Qdq,
    })
}
