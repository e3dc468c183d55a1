//! What layers of one kind have besides what all have: `IActivationLayer`, `IPoolingLayer`, `IResizeLayer`.

use std::ptr;
use std::sync::Arc;

use calibrant_onnx::proto::NodeProto;
use tensorrt_sys::classes::{IActivationLayer, IPoolingLayer, IResizeLayer};
use tensorrt_sys::enums::{ActivationType, InterpolationMode, LayerType, PoolingType};
use tensorrt_sys::{Enumeration, This};

use crate::context::Context;
use crate::object::{Class, Delete, Form, Handle, Table};

/// What a layer's kind alone has.
pub(crate) enum Kind {
    Activation(Handle<Activation>),
    Pooling(Handle<Pooling>),
    Resize(Handle<Resize>),
    /// Nothing that the double models.
    Other,
}

/// The function of an activation layer.
pub(crate) struct Activation(ActivationType);

/// The function of a pooling layer.
pub(crate) struct Pooling(PoolingType);

/// How a resize layer fills in.
pub(crate) struct Resize(InterpolationMode);

impl Kind {
    pub(crate) fn of(context: &Arc<Context>, layer: LayerType, node: &NodeProto) -> Self {
        match layer {
            LayerType::Activation => {
                Self::Activation(Handle::new(context, Activation(activation(node.op()))))
            }
            LayerType::Pooling => {
                let is_max = node.op().starts_with("Max");
                let pooling = if is_max { PoolingType::Max } else { PoolingType::Average };
                Self::Pooling(Handle::new(context, Pooling(pooling)))
            }
            LayerType::Resize => {
                let mode = match node.attr_s("mode") {
                    Some("linear") => InterpolationMode::Linear,
                    Some("cubic") => InterpolationMode::Cubic,
                    _ => InterpolationMode::Nearest,
                };
                Self::Resize(Handle::new(context, Resize(mode)))
            }
            _ => Self::Other,
        }
    }

    /// What the layer's object points to.
    pub(crate) fn implementation(&self) -> This {
        match self {
            Self::Activation(kind) => kind.as_client().cast(),
            Self::Pooling(kind) => kind.as_client().cast(),
            Self::Resize(kind) => kind.as_client().cast(),
            Self::Other => ptr::null_mut(),
        }
    }
}

/// The activation that an operator stands for.
fn activation(operator: &str) -> ActivationType {
    match operator {
        "Sigmoid" => ActivationType::Sigmoid,
        "Tanh" => ActivationType::Tanh,
        "LeakyRelu" => ActivationType::LeakyRelu,
        "Elu" | "Celu" => ActivationType::Elu,
        "Selu" => ActivationType::Selu,
        "Softsign" => ActivationType::Softsign,
        "Softplus" => ActivationType::Softplus,
        "Clip" => ActivationType::Clip,
        "HardSigmoid" => ActivationType::HardSigmoid,
        "ThresholdedRelu" => ActivationType::ThresholdedRelu,
        "Gelu" => ActivationType::GeluErf,
        _ => ActivationType::Relu,
    }
}

impl Class for Activation {
    type Cpp = IActivationLayer;
    const NAME: &'static str = "VActivationLayer";
    const DELETE: Option<&'static Delete<IActivationLayer>> = None;
    const WORD: &'static str = "activation";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on(&IActivationLayer::GET_ACTIVATION_TYPE, |layer| {
            layer.0.to_raw(layer.context().version()).unwrap_or_default()
        });
    }
}

impl Class for Pooling {
    type Cpp = IPoolingLayer;
    const NAME: &'static str = "VPoolingLayer";
    const DELETE: Option<&'static Delete<IPoolingLayer>> = None;
    const WORD: &'static str = "pooling";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on(&IPoolingLayer::GET_POOLING_TYPE, |layer| {
            layer.0.to_raw(layer.context().version()).unwrap_or_default()
        });
    }
}

impl Class for Resize {
    type Cpp = IResizeLayer;
    const NAME: &'static str = "VResizeLayer";
    const DELETE: Option<&'static Delete<IResizeLayer>> = None;
    const WORD: &'static str = "resize";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on(&IResizeLayer::GET_RESIZE_MODE, |layer| {
            layer.0.to_raw(layer.context().version()).unwrap_or_default()
        });
    }
}
