//! Writes what was decided: constants, attributes, stated types, and Casts.
//!
//! A Cast stands right behind the node that makes its input, in the graph of that node, and serves all readers.

use calibrant_onnx::proto::type_proto::Value as TypeValue;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType, TensorError};

use super::convert::converted;
use super::flow::{GraphId, Maker, NodeId, Reader, ValueId};
use super::naming::Naming;
use super::options::FloatType;
use super::types::{self, Otherwise};
use super::units::End;
use calibrant_prepare::Names;

/// Writes graphs as `naming` says.
pub(super) struct Writer<'a, 'm> {
    pub(super) naming: Naming<'a, 'm>,
    pub(super) names: Names,
    /// Casts added.
    pub(super) casts: usize,
    /// Constants written in a half type, with that type.
    pub(super) constants: Vec<(ValueId, FloatType)>,
}

impl Writer<'_, '_> {
    /// Rewrites `proto`, which is graph `graph` as it was looked at.
    ///
    /// # Errors
    ///
    /// When the values of a constant cannot be had.
    pub(super) fn graph(
        &mut self,
        graph: GraphId,
        proto: &mut GraphProto,
    ) -> Result<(), TensorError> {
        let inner = &self.naming.flow.graphs[graph];
        let order = inner.topology.order().to_vec();
        let old = std::mem::take(&mut proto.node);
        let mut nodes = Vec::with_capacity(old.len());
        for value in inner.inputs.clone().into_iter().flatten() {
            self.casts_of(value, &mut nodes);
        }
        self.initializers(graph, proto, &mut nodes)?;
        for index in order {
            let id = self.naming.flow.graphs[graph].nodes[index];
            self.node(id, old[index].clone(), &mut nodes)?;
        }
        proto.node = nodes;
        self.state_types(graph, proto);
        Ok(())
    }

    fn node(
        &mut self,
        id: NodeId,
        mut node: NodeProto,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<(), TensorError> {
        let outputs = self.naming.flow.nodes[id].outputs.clone();
        if let Some(value) =
            outputs.first().copied().flatten().filter(|&value| self.is_constant(value))
        {
            return self.constant(value, node, nodes);
        }
        let inputs = self.naming.flow.nodes[id].inputs.clone();
        for (place, value) in inputs.into_iter().enumerate() {
            if let Some(value) = value.filter(|&value| self.naming.flow.is_float(value)) {
                node.input[place] =
                    self.naming.for_reader(value, Reader::Node(id, place)).to_owned();
            }
        }
        for (place, value) in outputs.iter().enumerate() {
            if let Some(value) = value.filter(|&value| self.naming.flow.is_float(value)) {
                let made = self.naming.made(value);
                node.output[place].clone_from(&self.naming.of(value)[&made]);
            }
        }
        self.attributes(id, &mut node)?;
        let mut bodies = self.naming.flow.nodes[id].bodies.clone().into_iter();
        for attribute in &mut node.attribute {
            for body in attribute.g.as_option_mut().into_iter().chain(&mut attribute.graphs) {
                if let Some(graph) = bodies.next() {
                    self.graph(graph, body)?;
                }
            }
        }
        nodes.push(node);
        for value in outputs.into_iter().flatten() {
            self.casts_of(value, nodes);
        }
        Ok(())
    }

    fn is_constant(&self, value: ValueId) -> bool {
        self.naming.flow.is_float(value) && self.naming.flow.values[value].maker == Maker::Constant
    }

    /// Writes a `Constant` once for each type that it is needed in.
    fn constant(
        &mut self,
        value: ValueId,
        node: NodeProto,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<(), TensorError> {
        for (&precision, name) in self.naming.of(value) {
            if precision == FloatType::Fp32 {
                nodes.push(NodeProto { output: vec![name.clone()], ..node.clone() });
                continue;
            }
            let Some(tensor) = self.naming.flow.constant(value) else { continue };
            let tensor = converted(tensor, name, precision)?;
            let mut node = node.clone();
            if *name != self.naming.flow.values[value].name {
                node.name = node.name.map(|name| self.names.fresh(&name));
            }
            node.output = vec![name.clone()];
            node.attribute = vec![AttributeProto::tensor("value", tensor)];
            nodes.push(node);
            self.constants.push((value, precision));
        }
        Ok(())
    }

    /// Writes each weight in the types that it is needed in.
    fn initializers(
        &mut self,
        graph: GraphId,
        proto: &mut GraphProto,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<(), TensorError> {
        let values = &self.naming.flow.graphs[graph].values;
        let mut written: Vec<TensorProto> = Vec::with_capacity(proto.initializer.len());
        for tensor in std::mem::take(&mut proto.initializer) {
            let value =
                values.get(tensor.label()).copied().filter(|&value| self.is_constant(value));
            let Some(value) = value else {
                written.push(tensor);
                continue;
            };
            for (&precision, name) in self.naming.of(value) {
                if precision == FloatType::Fp32 {
                    written.push(tensor.clone());
                } else {
                    written.push(converted(&tensor, name, precision)?);
                    self.constants.push((value, precision));
                }
            }
        }
        proto.initializer = written;
        let sparse: Vec<ValueId> = proto
            .sparse_initializer
            .iter()
            .filter_map(|sparse| values.get(sparse.values.label()).copied())
            .collect();
        sparse.into_iter().for_each(|value| self.casts_of(value, nodes));
        Ok(())
    }

    /// Adds the Casts of a tensor to the types that it is not made as.
    fn casts_of(&mut self, value: ValueId, nodes: &mut Vec<NodeProto>) {
        if !self.naming.flow.is_float(value) || self.is_constant(value) {
            return;
        }
        let made = self.naming.made(value);
        let source = &self.naming.of(value)[&made];
        for (&precision, name) in self.naming.of(value) {
            if precision == made {
                continue;
            }
            let label = self.naming.flow.values[value].name;
            let label = self.names.fresh(&format!("{label}_to_{}", precision.word()));
            let to = AttributeProto::int("to", precision.dtype() as i64);
            nodes.push(NodeProto::new("Cast", &label, &[source], &[name]).with_attr(to));
            self.casts += 1;
        }
    }

    /// Writes the types that a node states.
    fn attributes(&self, id: NodeId, node: &mut NodeProto) -> Result<(), TensorError> {
        let Some(&Some(output)) = self.naming.flow.nodes[id].outputs.first() else { return Ok(()) };
        let read = self.type_of_input(id, 0);
        let is_ours = matches!(self.naming.units.outputs[id][0], End::Unit(_));
        let made = self.naming.made(output);
        let after =
            if is_ours { Some(made.dtype()) } else { self.naming.flow.values[output].dtype };
        let came = self.naming.flow.nodes[id].inputs.first().copied().flatten();
        let is_changed = is_ours || came.is_some_and(|came| self.naming.flow.is_float(came));
        if node.is("Cast") && is_changed && read.is_some() && read == after {
            node.op_type = Some("Identity".to_owned());
            node.attribute.clear();
            return Ok(());
        }
        if !is_ours {
            return Ok(());
        }
        if node.is("ConstantOfShape") && made != FloatType::Fp32 {
            let zero = TensorProto::from_f32("value", &[1], &[0.0]);
            let value = node.attr_t("value").unwrap_or(&zero);
            let value = converted(value, value.label(), made)?;
            node.set_attr(AttributeProto::tensor("value", value));
        }
        let Some(types::Stated { attribute, otherwise }) = types::stated(node.op()) else {
            return Ok(());
        };
        let is_stated = node.attr(attribute).is_some();
        let holds = match otherwise {
            _ if is_stated => false,
            Otherwise::Float32 => made == FloatType::Fp32,
            Otherwise::Input => read == Some(made.dtype()),
            Otherwise::Scale | Otherwise::Nothing => true,
        };
        if !holds {
            node.set_attr(AttributeProto::int(attribute, made.dtype() as i64));
        }
        Ok(())
    }

    fn type_of_input(&self, id: NodeId, place: usize) -> Option<DataType> {
        let value = self.naming.flow.nodes[id].inputs.get(place).copied().flatten()?;
        if self.naming.flow.is_float(value) {
            return Some(self.naming.read(value, Reader::Node(id, place)).dtype());
        }
        self.naming.flow.values[value].dtype
    }

    /// Writes the types of the graph's inputs, outputs and stated tensors.
    fn state_types(&self, graph: GraphId, proto: &mut GraphProto) {
        for (place, output) in proto.output.iter_mut().enumerate() {
            let value = self.naming.flow.graphs[graph].outputs[place];
            let Some(value) = value.filter(|&value| self.naming.flow.is_float(value)) else {
                continue;
            };
            let reader = Reader::Output(graph, place);
            if graph != 0 {
                output.name = Some(self.naming.for_reader(value, reader).to_owned());
            }
            set_type(output, self.naming.read(value, reader));
        }
        for info in proto.input.iter_mut().chain(&mut proto.value_info) {
            let value = self.naming.flow.graphs[graph].values.get(info.label()).copied();
            let Some(value) = value.filter(|&value| self.naming.flow.is_float(value)) else {
                continue;
            };
            let own = self.naming.of(value).iter().find(|(_, name)| *name == info.label());
            if let Some((&precision, _)) = own {
                set_type(info, precision);
            }
        }
    }
}

/// Writes the element type of a tensor where its type is stated at all.
fn set_type(info: &mut ValueInfoProto, precision: FloatType) {
    let value = info.r#type.as_option_mut().and_then(|stated| stated.value.as_mut());
    if let Some(TypeValue::TensorType(tensor)) = value
        && tensor.elem_type.is_some_and(|dtype| dtype != 0)
    {
        tensor.elem_type = Some(precision.dtype() as i32);
    }
}
