//! Which type each unit has, and why.
//!
//! In this order: what the user asks; shapes, and what the model keeps in float32 itself; the types that the operator
//! has; scales; constants and ranges; then what follows from int8, and last the cheapest place for Casts.

use std::collections::HashSet;

use super::cut::{self, Side};
use super::flow::{Flow, NodeId};
use super::judge::{Judge, Ranges};
use super::options::{CastOptions, FloatType, IoPrecision, ScalePrecision};
use super::regions;
use super::scales;
use super::schema::Formal;
use super::summary::KeptReason;
use super::units::{End, UnitId, Units};
use super::wishes::{Wish, wishes};
use crate::error::CastError;

/// The type of everything, and the reasons.
#[derive(Debug)]
pub(super) struct Decision {
    /// By unit.
    pub(super) types: Vec<FloatType>,
    /// By unit: why it is float32 although another type was asked for.
    pub(super) kept: Vec<Option<KeptReason>>,
    /// By input of the model, for those that are float32 as the model came.
    pub(super) inputs: Vec<FloatType>,
    pub(super) wishes: Vec<Wish>,
}

/// Operators whose half types TensorRT does not take though ONNX has them, as its parser and builder of version 1.7 for
/// RTX say (`fixtures/rewrite/check_types.py`); sorted.
#[rustfmt::skip]
const NOT_IN_TENSORRT: [(&str, &[FloatType]); 12] = [
    ("ConvTranspose", &[FloatType::Bf16]), ("GRU", &[FloatType::Bf16]), ("GlobalLpPool", &[FloatType::Bf16]),
    ("HardSwish", &[FloatType::Bf16]), ("LpNormalization", &[FloatType::Bf16]), ("LpPool", &[FloatType::Bf16]),
    ("MeanVarianceNormalization", &[FloatType::Fp16, FloatType::Bf16]), ("Mish", &[FloatType::Bf16]),
    ("RandomNormal", &[FloatType::Bf16]), ("RandomNormalLike", &[FloatType::Bf16]),
    ("RandomUniform", &[FloatType::Bf16]), ("RandomUniformLike", &[FloatType::Bf16]),
];

/// Operators that read places in a picture, in pixels or as shares of its size, together with its values.
const READS_POSITIONS: [&str; 4] = ["AffineGrid", "GridSample", "MaxRoiPool", "RoiAlign"];

/// Decides on the types of everything.
///
/// # Errors
///
/// When a pattern meets no node, or the values of a constant cannot be had.
pub(super) fn decide(
    flow: &Flow<'_>,
    units: &Units,
    ranges: Option<&Ranges>,
    options: &CastOptions,
) -> Result<Decision, CastError> {
    let wishes = wishes(flow, options)?;
    let mut chooser = Chooser {
        flow,
        units,
        options,
        judge: Judge::new(flow, units, ranges),
        shapes: regions::shape_arithmetic(flow),
        on_purpose: regions::on_purpose(flow, units),
        wishes: &wishes,
    };
    let n_units = units.units.len();
    let mut kept =
        (0..n_units).map(|unit| chooser.objection(unit)).collect::<Result<Vec<_>, _>>()?;
    tie(flow, units, &wishes, &mut kept);
    let half_inputs = chooser.input_sides();
    let sides: Vec<Side> =
        (0..n_units).map(|unit| chooser.side(unit, kept[unit].is_some())).collect();
    let cut = cut::cut(flow, units, &sides, options.io, &half_inputs);
    for unit in 0..n_units {
        if sides[unit] == Side::Free && cut.units[unit] {
            kept[unit] = Some(KeptReason::BetweenFloat32);
        }
    }
    let wished = |unit: UnitId| wishes[units.units[unit].node].precision;
    let types = (0..n_units)
        .map(|unit| if kept[unit].is_some() { FloatType::Fp32 } else { wished(unit) })
        .collect();
    let inputs = cut
        .inputs
        .iter()
        .map(|&is_float32| if is_float32 { FloatType::Fp32 } else { options.precision });
    Ok(Decision { types, kept, inputs: inputs.collect(), wishes: wishes.clone() })
}

/// Returns why a node without a unit computes in float32, as far as it computes with floats at all.
pub(super) fn fixed_reason(flow: &Flow<'_>, node: NodeId, wish: &Wish) -> Option<KeptReason> {
    let proto = flow.nodes[node].proto;
    if let Some(kept) = &wish.kept {
        return Some(kept.clone());
    }
    if !proto.is_default_domain() {
        let domain = proto.domain.clone().unwrap_or_default();
        return Some(KeptReason::ForeignDomain(domain));
    }
    if flow.nodes[node].schema.is_none() && flow.nodes[node].bodies.is_empty() {
        return Some(KeptReason::UnknownOperator);
    }
    if scales::is_pair_half(flow, node) {
        return Some(KeptReason::FloatScales);
    }
    Some(KeptReason::NoType { precision: wish.precision, opset: flow.opset })
}

struct Chooser<'a, 'm> {
    flow: &'a Flow<'m>,
    units: &'a Units,
    options: &'a CastOptions,
    judge: Judge<'a, 'm>,
    shapes: HashSet<NodeId>,
    on_purpose: HashSet<UnitId>,
    wishes: &'a [Wish],
}

impl Chooser<'_, '_> {
    /// Returns why a unit is float32 whatever its neighbours are.
    fn objection(&mut self, unit: UnitId) -> Result<Option<KeptReason>, CastError> {
        let node = self.units.units[unit].node;
        let Wish { precision, kept, is_own } = self.wishes[node].clone();
        if kept.is_some() {
            return Ok(kept);
        }
        if self.shapes.contains(&node) {
            return Ok(Some(KeptReason::ShapeArithmetic));
        }
        // A pattern may meet the Casts themselves, too; they go with what is behind them.
        let may_move = is_own && !self.flow.nodes[node].proto.is("Cast");
        if self.on_purpose.contains(&unit) && !may_move {
            return Ok(Some(KeptReason::OnPurpose));
        }
        if let Some(reason) = self.operator(unit, precision, is_own) {
            return Ok(Some(reason));
        }
        if let Some(reason) =
            scales::objection(&mut self.judge, node, self.options.scales, precision)?
        {
            return Ok(Some(reason));
        }
        if is_own {
            return Ok(None);
        }
        Ok(self.judge.objection(node, self.units.units[unit].is_of_bodies, precision)?)
    }

    /// Judges the operator itself.
    fn operator(&self, unit: UnitId, precision: FloatType, is_own: bool) -> Option<KeptReason> {
        let node = &self.flow.nodes[self.units.units[unit].node];
        let op = node.proto.op();
        let opset = self.flow.opset;
        let no_type = KeptReason::NoType { precision, opset };
        if scales::is_pair_half(self.flow, self.units.units[unit].node)
            && self.options.scales == ScalePrecision::Fp32
        {
            return Some(KeptReason::FloatScales);
        }
        if !node.bodies.is_empty() {
            return (precision == FloatType::Bf16 && opset < 16).then_some(no_type);
        }
        let allows = node.schema.is_some_and(|schema| {
            self.letters(unit).into_iter().all(|letter| schema.allows(letter, precision))
        });
        if !allows {
            return Some(no_type);
        }
        let refused = NOT_IN_TENSORRT.binary_search_by_key(&op, |(op, _)| op);
        if refused.is_ok_and(|place| NOT_IN_TENSORRT[place].1.contains(&precision)) {
            return Some(KeptReason::NotInTensorRt(precision));
        }
        (READS_POSITIONS.contains(&op) && !is_own).then_some(KeptReason::Positions)
    }

    /// Returns the letters of the schema that have the unit's type.
    fn letters(&self, unit: UnitId) -> HashSet<u8> {
        let id = self.units.units[unit].node;
        let Some(schema) = self.flow.nodes[id].schema else { return HashSet::new() };
        let is_unit = |end: &End| *end == End::Unit(unit);
        let inputs = self.units.inputs[id].iter().enumerate().filter(|(_, end)| is_unit(end));
        let outputs = self.units.outputs[id].iter().enumerate().filter(|(_, end)| is_unit(end));
        let formals = inputs.map(|(place, _)| schema.input(place));
        let formals = formals.chain(outputs.map(|(place, _)| schema.output(place)));
        let letter = |formal| match formal {
            Formal::Letter(letter) => Some(letter),
            Formal::Float32 | Formal::Other => None,
        };
        formals.filter_map(letter).collect()
    }

    fn side(&self, unit: UnitId, is_kept: bool) -> Side {
        let node = self.units.units[unit].node;
        if is_kept {
            Side::Float32
        } else if cut::is_light(self.flow, node) && !self.wishes[node].is_own {
            Side::Free
        } else {
            Side::Half
        }
    }

    /// Returns what the inputs of the model may be.
    fn input_sides(&self) -> Vec<Side> {
        let precision = self.options.precision;
        let is_model = self.options.io == IoPrecision::Model && precision != FloatType::Fp32;
        let fits =
            |value| self.judge.reach(value).is_none_or(|reached| reached <= precision.largest());
        let inputs = self.flow.graphs[0].inputs.iter();
        inputs
            .map(
                |&value| {
                    if is_model && value.is_none_or(fits) { Side::Free } else { Side::Float32 }
                },
            )
            .collect()
    }
}

/// Makes float32 what shares int8 tensors with something that is.
fn tie(flow: &Flow<'_>, units: &Units, wishes: &[Wish], kept: &mut [Option<KeptReason>]) {
    let ties = scales::ties(flow, units);
    let mut partners: Vec<Vec<UnitId>> = vec![Vec::new(); kept.len()];
    for &(one, other) in &ties {
        partners[one].push(other);
        partners[other].push(one);
    }
    for (reader, node) in scales::fixed_readers(flow, units) {
        kept[reader].get_or_insert_with(|| KeptReason::SharesInt8 { with: flow.label(node) });
    }
    let shares = |unit: UnitId| KeptReason::SharesInt8 { with: flow.label(units.units[unit].node) };
    let wished = |unit: UnitId| wishes[units.units[unit].node].precision;
    for &(one, other) in &ties {
        if wished(one) != wished(other) && kept[one].is_none() && kept[other].is_none() {
            kept[one] = Some(shares(other));
        }
    }
    let mut waiting: Vec<UnitId> = (0..kept.len()).filter(|&unit| kept[unit].is_some()).collect();
    while let Some(unit) = waiting.pop() {
        for &partner in &partners[unit] {
            if kept[partner].is_none() {
                kept[partner] = Some(shares(unit));
                waiting.push(partner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(NOT_IN_TENSORRT.is_sorted_by_key(|(op, _)| op));
        assert!(READS_POSITIONS.is_sorted());
    }
}
