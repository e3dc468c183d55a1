//! Nodes: their label for messages, and their attributes by name and kind.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

impl NodeProto {
    /// Returns the operator, empty when the node has none.
    #[must_use]
    pub fn op(&self) -> &str {
        self.op_type.as_deref().unwrap_or_default()
    }

    /// Whether this is the operator `op` of ONNX's own domain.
    #[must_use]
    pub fn is(&self, op: &str) -> bool {
        self.op() == op && self.is_default_domain()
    }

    /// Whether the operator is of ONNX's own domain.
    #[must_use]
    pub fn is_default_domain(&self) -> bool {
        matches!(self.domain.as_deref(), None | Some("" | "ai.onnx"))
    }

    /// Returns how messages call this node: `Conv "stem" (#12)`, `index` being its place in the graph.
    #[must_use]
    pub fn label(&self, index: usize) -> String {
        let op = if self.op().is_empty() { "node" } else { self.op() };
        match self.name.as_deref() {
            None | Some("") => format!("{op} (#{index})"),
            Some(name) => format!("{op} \"{name}\" (#{index})"),
        }
    }

    /// Returns the name of input `index`, `None` when it is left out.
    #[must_use]
    pub fn input_name(&self, index: usize) -> Option<&str> {
        self.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Returns the name of output `index`, `None` when it is left out.
    #[must_use]
    pub fn output_name(&self, index: usize) -> Option<&str> {
        self.output.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Returns the attribute called `name`.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    /// Returns a whole-number attribute.
    #[must_use]
    pub fn attr_i(&self, name: &str) -> Option<i64> {
        self.of_kind(name, AttributeType::INT)?.i
    }

    /// Returns a float attribute.
    #[must_use]
    pub fn attr_f(&self, name: &str) -> Option<f32> {
        self.of_kind(name, AttributeType::FLOAT)?.f
    }

    /// Returns a string attribute, `None` also when it is not UTF-8.
    #[must_use]
    pub fn attr_s(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.of_kind(name, AttributeType::STRING)?.s.as_ref()?).ok()
    }

    /// Returns a list of whole numbers.
    #[must_use]
    pub fn attr_ints(&self, name: &str) -> Option<&[i64]> {
        Some(&self.of_kind(name, AttributeType::INTS)?.ints)
    }

    /// Returns a list of floats.
    #[must_use]
    pub fn attr_floats(&self, name: &str) -> Option<&[f32]> {
        Some(&self.of_kind(name, AttributeType::FLOATS)?.floats)
    }

    /// Returns a tensor attribute.
    #[must_use]
    pub fn attr_t(&self, name: &str) -> Option<&TensorProto> {
        self.of_kind(name, AttributeType::TENSOR)?.t.as_option()
    }

    /// Returns a graph attribute, such as the `then_branch` of an `If`.
    #[must_use]
    pub fn attr_g(&self, name: &str) -> Option<&GraphProto> {
        self.of_kind(name, AttributeType::GRAPH)?.g.as_option()
    }

    /// Puts `attribute` in the place of the one with its name, or at the end.
    pub fn set_attr(&mut self, attribute: AttributeProto) {
        match self.attribute.iter_mut().find(|old| old.name == attribute.name) {
            Some(old) => *old = attribute,
            None => self.attribute.push(attribute),
        }
    }

    /// Removes and returns the attribute called `name`.
    pub fn remove_attr(&mut self, name: &str) -> Option<AttributeProto> {
        let index = self.attribute.iter().position(|old| old.name.as_deref() == Some(name))?;
        Some(self.attribute.remove(index))
    }

    /// Returns the graphs in this node's attributes: the bodies of `If`, `Loop`, `Scan`.
    pub fn subgraphs(&self) -> impl Iterator<Item = &GraphProto> {
        self.attribute
            .iter()
            .flat_map(|attribute| attribute.g.as_option().into_iter().chain(&attribute.graphs))
    }

    fn of_kind(&self, name: &str, kind: AttributeType) -> Option<&AttributeProto> {
        self.attr(name).filter(|attribute| attribute.kind() == Some(kind))
    }
}

impl AttributeProto {
    /// Returns the kind of value, guessed from the fields in models of before 2017 that do not say.
    #[must_use]
    pub fn kind(&self) -> Option<AttributeType> {
        if let Some(kind) = self.r#type.filter(|&kind| kind != AttributeType::UNDEFINED) {
            return Some(kind);
        }
        let filled = [
            (self.f.is_some(), AttributeType::FLOAT),
            (self.i.is_some(), AttributeType::INT),
            (self.s.is_some(), AttributeType::STRING),
            (self.t.is_set(), AttributeType::TENSOR),
            (self.g.is_set(), AttributeType::GRAPH),
            (!self.floats.is_empty(), AttributeType::FLOATS),
            (!self.ints.is_empty(), AttributeType::INTS),
            (!self.strings.is_empty(), AttributeType::STRINGS),
            (!self.tensors.is_empty(), AttributeType::TENSORS),
            (!self.graphs.is_empty(), AttributeType::GRAPHS),
        ];
        filled.into_iter().find_map(|(is_filled, kind)| is_filled.then_some(kind))
    }
}
