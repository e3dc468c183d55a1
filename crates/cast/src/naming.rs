//! In which types each tensor is needed, and what it is called in each.

use std::collections::BTreeMap;

use super::decide::Decision;
use super::flow::{Flow, Maker, Reader, ValueId};
use super::options::{FloatType, IoPrecision};
use super::schema::Formal;
use super::units::{End, Units};
use calibrant_prepare::Names;

/// The types and names of all float tensors.
pub(super) struct Naming<'a, 'm> {
    pub(super) flow: &'a Flow<'m>,
    pub(super) units: &'a Units,
    decision: &'a Decision,
    io: IoPrecision,
    /// By tensor: its name in each type that it is needed in.
    names: Vec<BTreeMap<FloatType, String>>,
}

impl<'a, 'm> Naming<'a, 'm> {
    pub(super) fn new(
        flow: &'a Flow<'m>,
        units: &'a Units,
        decision: &'a Decision,
        io: IoPrecision,
        names: &mut Names,
    ) -> Self {
        let mut naming = Self { flow, units, decision, io, names: Vec::new() };
        for value in 0..flow.values.len() {
            let called =
                if flow.is_float(value) { naming.name(value, names) } else { BTreeMap::new() };
            naming.names.push(called);
        }
        naming
    }

    /// Returns what `value` is made as; float32 for a constant.
    pub(super) fn made(&self, value: ValueId) -> FloatType {
        match (self.units.made(self.flow, value), self.flow.values[value].maker) {
            (End::Unit(unit), _) => self.decision.types[unit],
            (End::Caller, Maker::Input(place)) => self.decision.inputs[place],
            _ => FloatType::Fp32,
        }
    }

    /// Returns the type in which `reader` takes `value`.
    pub(super) fn read(&self, value: ValueId, reader: Reader) -> FloatType {
        match self.units.wanted(reader) {
            End::Unit(unit) => self.decision.types[unit],
            End::Any if self.takes_as_made(value, reader) => self.made(value),
            End::Caller if self.io == IoPrecision::Model => self.made(value),
            _ => FloatType::Fp32,
        }
    }

    /// Returns the names of a tensor by type, the type that it is made as among them.
    pub(super) fn of(&self, value: ValueId) -> &BTreeMap<FloatType, String> {
        &self.names[value]
    }

    /// Returns the name of `value` as `reader` takes it.
    pub(super) fn for_reader(&self, value: ValueId, reader: Reader) -> &str {
        &self.names[value][&self.read(value, reader)]
    }

    fn takes_as_made(&self, value: ValueId, reader: Reader) -> bool {
        let Reader::Node(node, input) = reader else { return false };
        let Some(schema) = self.flow.nodes[node].schema else { return false };
        match schema.input(input) {
            Formal::Letter(letter) => schema.allows(letter, self.made(value)),
            Formal::Float32 | Formal::Other => false,
        }
    }

    fn name(&self, value: ValueId, names: &mut Names) -> BTreeMap<FloatType, String> {
        let tensor = &self.flow.values[value];
        let readers = tensor.readers.iter().map(|&reader| self.read(value, reader));
        let mut needed: Vec<FloatType> = readers.collect();
        let is_constant = tensor.maker == Maker::Constant;
        if !is_constant || needed.is_empty() {
            needed.push(self.made(value));
        }
        needed.sort_unstable();
        needed.dedup();
        // What the caller sees keeps its name and type; otherwise the tensor as it is made keeps the name.
        let is_given_out =
            tensor.readers.iter().any(|reader| matches!(reader, Reader::Output(0, _)));
        let own = match (is_given_out && self.io == IoPrecision::Fp32, is_constant) {
            (true, _) => FloatType::Fp32,
            (false, true) => needed[0],
            (false, false) => self.made(value),
        };
        let named = needed.into_iter().map(|precision| {
            let name = if precision == own {
                tensor.name.to_owned()
            } else {
                names.fresh(&format!("{}_{}", tensor.name, precision.word()))
            };
            (precision, name)
        });
        named.collect()
    }
}
