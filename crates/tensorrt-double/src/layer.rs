//! `ILayer`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::ptr;
use std::rc::Rc;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::{ILayer, ILogger, ITensor};
use tensorrt_sys::enums::{DataType, LayerType, Severity};

use crate::kind::Kind;
use crate::object::{Body, Class, Delete, Handle, Table};
use crate::tensor::Tensor;

/// A layer of a network.
pub(crate) struct Layer {
    pub(crate) logger: *mut ILogger,
    pub(crate) name: CString,
    pub(crate) kind: LayerType,
    /// What the kind alone has; the layer's object points to it.
    pub(crate) own: Kind,
    pub(crate) inputs: Vec<Rc<Handle<Tensor>>>,
    pub(crate) outputs: Vec<Rc<Handle<Tensor>>>,
    /// The SHA-256 of each weight's values.
    pub(crate) weights: BTreeMap<String, String>,
    /// Whether the network says what its layers compute in, and the client may not.
    pub(crate) strongly_typed: bool,
    /// The number of the `DataType` it was given.
    pub(crate) precision: Cell<Option<i32>>,
    pub(crate) output_types: RefCell<Vec<Option<i32>>>,
}

impl Class for Layer {
    type Cpp = ILayer;
    const NAME: &'static str = "ILayer";
    const DELETE: Option<&'static Delete<ILayer>> = None;
    const WORD: &'static str = "layer";

    fn fill(table: &mut Table<Self>) {
        table.on(&ILayer::GET_TYPE, kind);
        table.on(&ILayer::GET_NAME, |layer| layer.name.as_ptr());
        table.on(&ILayer::GET_NB_INPUTS, |layer| count(&layer.inputs));
        table.on1(&ILayer::GET_INPUT, |layer, index| at(&layer.inputs, index));
        table.on(&ILayer::GET_NB_OUTPUTS, |layer| count(&layer.outputs));
        table.on1(&ILayer::GET_OUTPUT, |layer, index| at(&layer.outputs, index));
        table.on1(&ILayer::SET_PRECISION, |layer, precision| {
            if may_be_typed(layer, "setPrecision") {
                layer.precision.set(Some(precision));
            }
        });
        table.on(&ILayer::GET_PRECISION, |layer| {
            layer.precision.get().unwrap_or_else(|| default_type(layer))
        });
        table.on(&ILayer::PRECISION_IS_SET, |layer| layer.precision.get().is_some());
        table.on(&ILayer::RESET_PRECISION, |layer| layer.precision.set(None));
        table.on2(&ILayer::SET_OUTPUT_TYPE, |layer, index, data_type: i32| {
            if may_be_typed(layer, "setOutputType") {
                set_output_type(layer, index, Some(data_type));
            }
        });
        table.on1(&ILayer::GET_OUTPUT_TYPE, |layer, index: i32| {
            output_type(layer, index).unwrap_or_else(|| default_type(layer))
        });
        table.on1(&ILayer::OUTPUT_TYPE_IS_SET, |layer, index| output_type(layer, index).is_some());
        table.on1(&ILayer::RESET_OUTPUT_TYPE, |layer, index| set_output_type(layer, index, None));
    }
}

/// How many there are of something, as C++ counts.
pub(crate) fn count<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

/// The tensor at an index, or null.
pub(crate) fn at(tensors: &[Rc<Handle<Tensor>>], index: i32) -> *mut ITensor {
    let tensor = usize::try_from(index).ok().and_then(|index| tensors.get(index));
    tensor.map_or(ptr::null_mut(), |tensor| tensor.as_client())
}

/// The number of the layer's kind; versions before a kind make such layers of older ones, here of identities.
fn kind(layer: &Body<Layer>) -> i32 {
    let version = layer.context().version();
    let raw = layer.kind.to_raw(version);
    raw.or_else(|_| LayerType::Identity.to_raw(version)).unwrap_or_default()
}

/// What a layer without a type of its own has: single precision.
fn default_type(layer: &Body<Layer>) -> i32 {
    DataType::Float.to_raw(layer.context().version()).unwrap_or_default()
}

/// Whether the client may say what the layer computes in; in a strongly typed network it may not.
fn may_be_typed(layer: &Body<Layer>, method: &str) -> bool {
    if layer.strongly_typed {
        let text = format!(
            "ILayer::{method}: Error Code 3: API Usage Error (layer {}: strongly typed networks reject this call)",
            layer.name.to_string_lossy()
        );
        layer.context().log(layer.logger, Severity::Error, &text);
    }
    !layer.strongly_typed
}

fn output_type(layer: &Layer, index: i32) -> Option<i32> {
    layer.output_types.borrow().get(usize::try_from(index).ok()?).copied().flatten()
}

fn set_output_type(layer: &Layer, index: i32, data_type: Option<i32>) {
    let mut types = layer.output_types.borrow_mut();
    if let Some(entry) = usize::try_from(index).ok().and_then(|index| types.get_mut(index)) {
        *entry = data_type;
    }
}
