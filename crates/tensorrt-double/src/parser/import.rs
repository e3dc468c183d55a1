//! From an ONNX graph to a network: inputs, a layer a node, outputs.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{Model, Topology};
use tensorrt_sys::enums::{LayerType, ParserErrorCode};

use super::types::Types;
use super::{Wrong, chain, operators};
use crate::context::Context;
use crate::digest::sha256;
use crate::kind::Kind;
use crate::layer::Layer;
use crate::network::Network;
use crate::object::{Body, Handle};
use crate::registry;
use crate::tensor::{Tensor, c_name};

/// Puts a model into a network, or says all that is wrong with it.
pub(super) fn import(network: &Body<Network>, model: &Model) -> Result<(), Vec<Wrong>> {
    let graph = model.graph();
    let invalid = |text| vec![Wrong::of_model(ParserErrorCode::InvalidGraph, text)];
    if graph.output.is_empty() {
        return Err(invalid("the model has no graph that puts something out".to_owned()));
    }
    let topology = Topology::new(graph).map_err(|error| invalid(chain(&error)))?;
    let kinds = kinds(network.context(), &topology)?;
    *network.name.borrow_mut() = c_name(graph.name.as_deref().unwrap_or_default());

    let mut import = Import {
        network,
        types: Types::new(&topology, network.context().version()),
        topology: &topology,
        tensors: HashMap::new(),
    };
    for input in topology.data_inputs() {
        let tensor = import.tensor(input.label(), true);
        network.inputs.borrow_mut().push(tensor);
    }
    for (&place, kind) in topology.order().iter().zip(kinds) {
        import.layer(&graph.node[place], kind).map_err(|wrong| vec![wrong])?;
    }
    for output in &graph.output {
        let tensor = import
            .tensors
            .get(output.label())
            .cloned()
            .ok_or_else(|| invalid(format!("nothing puts out {}", output.label())))?;
        tensor.is_output.set(true);
        network.outputs.borrow_mut().push(tensor);
    }
    Ok(())
}

/// The kind of layer that each node becomes, in the order of the nodes' turn; else the nodes that nothing is known of:
/// all of them, or in TensorRT 8 the first.
fn kinds(context: &Context, topology: &Topology<'_>) -> Result<Vec<LayerType>, Vec<Wrong>> {
    let mut kinds = Vec::new();
    let mut wrong = Vec::new();
    for &place in topology.order() {
        let node = &topology.graph().node[place];
        let known = if node.is_default_domain() { operators::layer_of(node.op()) } else { None };
        let plugin = || registry::brings(context, node.op()).then_some(LayerType::PluginV2);
        match known.or_else(plugin) {
            Some(kind) => kinds.push(kind),
            None => wrong.push(unsupported(place, node)),
        }
    }
    if context.generation() == Some(tensorrt_sys::Generation::TensorRt8) {
        wrong.truncate(1);
    }
    if wrong.is_empty() { Ok(kinds) } else { Err(wrong) }
}

fn unsupported(place: usize, node: &NodeProto) -> Wrong {
    Wrong {
        code: ParserErrorCode::UnsupportedNode,
        function: "checkFallbackPluginImporter",
        text: "Plugin not found, are the plugin name, version, and namespace correct?".to_owned(),
        node: Some((place, node_name(node), node.op().to_owned())),
    }
}

/// The name of a layer: the node's, or for a node without one a name after what it puts out.
fn node_name(node: &NodeProto) -> String {
    match node.name.as_deref() {
        None | Some("") => format!("node_of_{}", node.output_name(0).unwrap_or_default()),
        Some(name) => name.to_owned(),
    }
}

/// An import under way.
struct Import<'n, 't, 'g> {
    network: &'n Body<Network>,
    topology: &'t Topology<'g>,
    types: Types<'t, 'g>,
    tensors: HashMap<String, Rc<Handle<Tensor>>>,
}

impl Import<'_, '_, '_> {
    fn tensor(&mut self, name: &str, is_input: bool) -> Rc<Handle<Tensor>> {
        let tensor = Tensor {
            name: c_name(name),
            data_type: self.types.raw(name),
            dims: RefCell::new(self.types.dims(name)),
            range: Cell::new(None),
            is_input,
            is_output: Cell::new(false),
        };
        let tensor = Rc::new(Handle::new(self.network.context(), tensor));
        self.tensors.insert(name.to_owned(), Rc::clone(&tensor));
        tensor
    }

    /// Adds the layer of a node; weights it reads become part of it.
    fn layer(&mut self, node: &NodeProto, kind: LayerType) -> Result<(), Wrong> {
        self.types.enter(node);
        let mut inputs = Vec::new();
        let mut weights = BTreeMap::new();
        for name in node.input.iter().filter(|name| !name.is_empty()) {
            match (self.tensors.get(name), self.topology.initializer(name)) {
                (Some(tensor), _) => inputs.push(Rc::clone(tensor)),
                (None, Some(weight)) => {
                    weights.insert(name.clone(), digest(weight)?);
                }
                (None, None) => {}
            }
        }
        if let Some(constant) = node.output_name(0).filter(|_| node.is("Constant"))
            && let Some(value) = self.topology.constant(constant)
        {
            weights.insert(constant.to_owned(), digest(value)?);
        }
        let outputs = node.output.iter().filter(|name| !name.is_empty());
        let outputs: Vec<_> = outputs.map(|name| self.tensor(name, false)).collect();
        let layer = Layer {
            logger: self.network.logger,
            name: c_name(&node_name(node)),
            kind,
            own: Kind::of(self.network.context(), kind, node),
            inputs,
            output_types: RefCell::new(vec![None; outputs.len()]),
            outputs,
            weights,
            strongly_typed: self.network.strongly_typed,
            precision: Cell::new(None),
        };
        let own = layer.own.implementation();
        let layer = Handle::with_own_implementation(self.network.context(), layer, own);
        self.network.layers.borrow_mut().push(layer);
        Ok(())
    }
}

/// The SHA-256 of a weight's values.
fn digest(weight: &TensorProto) -> Result<String, Wrong> {
    let bytes = weight
        .to_le_bytes()
        .map_err(|error| Wrong::of_model(ParserErrorCode::ModelDeserializeFailed, chain(&error)))?;
    Ok(sha256(&bytes))
}
