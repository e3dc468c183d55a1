//! What would go wrong in a half type: tensors beyond it, constants beyond it, and what a node computes on the way.
//!
//! Tensors are judged by the range over all calibration samples. Inside a node:
//!
//! | operators | what is judged |
//! |---|---|
//! | ReduceSum, ReduceMean, AveragePool, GlobalAveragePool | the sum: the result times the number of terms; where signs mix, plus √n times the largest term, by which partial sums stray |
//! | LpPool, GlobalLpPool, LRN, ReduceL2, LpNormalization | the sum of squares |
//! | LayerNormalization, InstanceNormalization, GroupNormalization, RMSNormalization | a single square of what deviates: the sum is float32 by the operators' definition or in TensorRT |
//! | ReduceLogSumExp, ReduceLogSum, Softplus, Mish | the exponential |
//! | LogSoftmax | the probability before its logarithm, which TensorRT computes |
//! | Cast of whole numbers | whether the type tells them apart |
//! | Sin, Cos, Tan | whether the type keeps the angle to 1/32 |
//!
//! Softmax takes off the largest number first and needs no judgement. The number of terms is taken from stated shapes;
//! without them single terms are judged alone.
//!
//! bfloat16 has the range of float32: nothing that fits there overflows, but sums, whole numbers and angles lose their
//! last digits eight times sooner than in float16.

use std::collections::{BTreeMap, HashMap};

use calibrant_onnx::{DataType, TensorError, from_end};

use super::convert::{Loss, largest_step, loss};
use super::flow::{Flow, Maker, Node, NodeId, Reader, ValueId};
use super::options::FloatType;
use super::summary::KeptReason;
use super::units::{End, Units};

/// Ranges by tensor: minimum and maximum over all samples.
pub(super) type Ranges = BTreeMap<String, (f32, f32)>;

/// Knows ranges and constants.
pub(super) struct Judge<'a, 'm> {
    pub(super) flow: &'a Flow<'m>,
    pub(super) units: &'a Units,
    pub(super) ranges: Option<&'a Ranges>,
    losses: HashMap<(ValueId, FloatType), Loss>,
}

impl<'a, 'm> Judge<'a, 'm> {
    pub(super) fn new(flow: &'a Flow<'m>, units: &'a Units, ranges: Option<&'a Ranges>) -> Self {
        Self { flow, units, ranges, losses: HashMap::new() }
    }

    /// Returns why the floats of `node` that stand at `ends` cannot be `precision`.
    ///
    /// # Errors
    ///
    /// When the values of a constant cannot be had.
    pub(super) fn objection(
        &mut self,
        node: NodeId,
        is_of_bodies: bool,
        precision: FloatType,
    ) -> Result<Option<KeptReason>, TensorError> {
        let in_unit = |ends: &[End], values: &[Option<ValueId>]| -> Vec<(usize, ValueId)> {
            let pairs = ends.iter().zip(values).enumerate();
            pairs
                .filter(|(_, (end, _))| matches!(end, End::Unit(_)))
                .filter_map(|(place, (_, value))| Some((place, (*value)?)))
                .collect()
        };
        let inner = &self.flow.nodes[node];
        let inputs = in_unit(&self.units.inputs[node], &inner.inputs);
        let outputs = in_unit(&self.units.outputs[node], &inner.outputs);
        for &(place, value) in &inputs {
            let is_bound = inner.proto.is("Clip") && place > 0;
            if let Some(reason) = self.constant(value, precision)?.filter(|_| !is_bound) {
                return Ok(Some(reason));
            }
        }
        for &(_, value) in inputs.iter().chain(&outputs) {
            if let Some(reason) = self.tensor(value, precision) {
                return Ok(Some(reason));
            }
        }
        for &(_, value) in &outputs {
            if let Some(reason) = self.readers(value, precision) {
                return Ok(Some(reason));
            }
        }
        if is_of_bodies {
            return Ok(None);
        }
        Ok(self.inside(inner, precision))
    }

    /// Returns what rounding a constant to `precision` does to it.
    ///
    /// # Errors
    ///
    /// When its values cannot be had.
    pub(super) fn loss(
        &mut self,
        value: ValueId,
        precision: FloatType,
    ) -> Result<Option<Loss>, TensorError> {
        let Some(constant) = self.flow.constant(value) else { return Ok(None) };
        if let Some(&known) = self.losses.get(&(value, precision)) {
            return Ok(Some(known));
        }
        let found = loss(&constant.to_f32()?, precision);
        self.losses.insert((value, precision), found);
        Ok(Some(found))
    }

    /// Returns the largest magnitude of a tensor, where it is known.
    pub(super) fn reach(&self, value: ValueId) -> Option<f32> {
        let (minimum, maximum) = self.range(value)?;
        Some(minimum.abs().max(maximum.abs()))
    }

    /// Returns minimum and maximum of a tensor of the main graph: as calibrated, or as its scale allows.
    fn range(&self, value: ValueId) -> Option<(f32, f32)> {
        let tensor = &self.flow.values[value];
        let known =
            self.ranges.filter(|_| tensor.graph == 0).and_then(|ranges| ranges.get(tensor.name));
        known.copied().or_else(|| self.dequantized_range(value))
    }

    fn dequantized_range(&self, value: ValueId) -> Option<(f32, f32)> {
        let Maker::Node(node, 0) = self.flow.values[value].maker else { return None };
        let node = &self.flow.nodes[node];
        if !node.proto.is("DequantizeLinear") {
            return None;
        }
        let steps = largest_step(self.flow.values[(*node.inputs.first()?)?].dtype?)?;
        let scales = self.flow.constant_input(node, 1)?.to_f32().ok()?;
        let reach = steps * scales.iter().fold(0f32, |largest, scale| largest.max(scale.abs()));
        Some((-reach, reach))
    }

    fn name(&self, value: ValueId) -> String {
        self.flow.values[value].name.to_owned()
    }

    fn constant(
        &mut self,
        value: ValueId,
        precision: FloatType,
    ) -> Result<Option<KeptReason>, TensorError> {
        let Some(loss) = self.loss(value, precision)? else { return Ok(None) };
        let (tensor, reached) = (self.name(value), loss.largest);
        Ok(if loss.overflowed > 0 {
            Some(KeptReason::ConstantOverflow { tensor, reached })
        } else if loss.filled > 0 && loss.vanished == loss.filled {
            Some(KeptReason::Vanishes { tensor, reached })
        } else {
            None
        })
    }

    fn tensor(&self, value: ValueId, precision: FloatType) -> Option<KeptReason> {
        let (tensor, reached) = (self.name(value), self.reach(value)?);
        let largest = precision.largest();
        if reached > largest {
            return Some(KeptReason::Overflow { tensor, reached, largest });
        }
        let vanishes = reached > 0.0 && precision.round(reached) == 0.0;
        vanishes.then_some(KeptReason::Vanishes { tensor, reached })
    }

    /// Judges a tensor by what is made of it: whole numbers and angles are lost where they are made.
    fn readers(&self, value: ValueId, precision: FloatType) -> Option<KeptReason> {
        let reached = self.reach(value)?;
        self.flow.values[value].readers.iter().find_map(|&reader| {
            let Reader::Node(node, _) = reader else { return None };
            let node = &self.flow.nodes[node];
            let makes_whole = node.proto.is("Cast")
                && node.outputs.iter().flatten().any(|&out| is_index(self.flow, out));
            if makes_whole && reached > precision.whole_numbers() {
                return Some(self.whole_numbers(value, reached, precision));
            }
            self.angles(node, precision)
        })
    }

    fn whole_numbers(&self, value: ValueId, reached: f32, precision: FloatType) -> KeptReason {
        KeptReason::WholeNumbers {
            tensor: self.name(value),
            reached,
            exact: precision.whole_numbers(),
        }
    }

    fn angles(&self, node: &Node<'_>, precision: FloatType) -> Option<KeptReason> {
        if !matches!(node.proto.op(), "Sin" | "Cos" | "Tan") || node.schema.is_none() {
            return None;
        }
        let angle = (*node.inputs.first()?)?;
        let reached = self.reach(angle)?;
        let is_coarse = reached > precision.whole_numbers() / 32.0;
        is_coarse.then(|| KeptReason::Angles { tensor: self.name(angle), reached })
    }

    /// Judges what a node computes on the way to its result.
    fn inside(&self, node: &Node<'_>, precision: FloatType) -> Option<KeptReason> {
        let input = *node.inputs.first()?;
        let input = input?;
        let output = node.outputs.first().copied().flatten();
        match node.proto.op() {
            "ReduceSum" | "ReduceMean" | "AveragePool" | "GlobalAveragePool" => {
                self.sum(node, input, output?, precision)
            }
            "LpPool" | "GlobalLpPool" | "LRN" | "LpNormalization" => {
                self.sum_of_squares(node, input, precision)
            }
            "ReduceL2" => self.square(output?, self.reach(output?)?, precision),
            "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => {
                let (minimum, maximum) = self.range(input)?;
                self.square(input, maximum - minimum, precision)
            }
            "RMSNormalization" => self.square(input, self.reach(input)?, precision),
            "ReduceLogSumExp" | "Softplus" | "Mish" => {
                self.exponential(input, self.range(input)?.1, precision)
            }
            "ReduceLogSum" => self.exponential(output?, self.range(output?)?.1, precision),
            "LogSoftmax" => {
                let lowest = self.range(output?)?.0;
                let vanishes = lowest < precision.smallest().ln();
                let tensor = self.name(output?);
                vanishes.then_some(KeptReason::InnerExponential { tensor, reached: lowest })
            }
            "Cast" if !is_any_float(self.flow, input) => {
                let reached = self.reach(output?)?;
                let is_coarse = reached > precision.whole_numbers();
                is_coarse.then(|| self.whole_numbers(output.unwrap_or(input), reached, precision))
            }
            _ => self.angles(node, precision),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn sum(
        &self,
        node: &Node<'_>,
        input: ValueId,
        output: ValueId,
        precision: FloatType,
    ) -> Option<KeptReason> {
        let terms = self.terms(node, input)?;
        let (minimum, maximum) = self.range(input)?;
        let largest_term = minimum.abs().max(maximum.abs());
        let is_sum = node.proto.op() == "ReduceSum";
        let last =
            self.reach(output).map(|reached| if is_sum { reached } else { reached * terms as f32 });
        let strays =
            if minimum < 0.0 && maximum > 0.0 { (terms as f32).sqrt() * largest_term } else { 0.0 };
        let worst = largest_term * terms as f32;
        let estimate = last.map_or(worst, |last| (last + strays).min(worst));
        self.too_large(input, terms, estimate, precision)
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn sum_of_squares(
        &self,
        node: &Node<'_>,
        input: ValueId,
        precision: FloatType,
    ) -> Option<KeptReason> {
        let reached = self.reach(input)?;
        let terms = self.terms(node, input).unwrap_or(1);
        let power = if node.proto.attr_i("p") == Some(1) { 1 } else { 2 };
        self.too_large(input, terms, reached.powi(power) * terms as f32, precision)
    }

    fn too_large(
        &self,
        value: ValueId,
        terms: usize,
        estimate: f32,
        precision: FloatType,
    ) -> Option<KeptReason> {
        let is_too_large = estimate > precision.largest();
        is_too_large.then(|| KeptReason::InnerSum { tensor: self.name(value), terms, estimate })
    }

    fn square(&self, value: ValueId, reached: f32, precision: FloatType) -> Option<KeptReason> {
        let is_too_large = reached * reached > precision.largest();
        is_too_large.then(|| KeptReason::InnerSquare { tensor: self.name(value), reached })
    }

    fn exponential(
        &self,
        value: ValueId,
        reached: f32,
        precision: FloatType,
    ) -> Option<KeptReason> {
        let is_too_large = reached > precision.largest().ln();
        is_too_large.then(|| KeptReason::InnerExponential { tensor: self.name(value), reached })
    }

    /// Returns how many numbers a node sums for one of its results, where the model states the shapes.
    fn terms(&self, node: &Node<'_>, input: ValueId) -> Option<usize> {
        let sizes = |name: &str| {
            let sizes = node.proto.attr_ints(name)?;
            sizes.iter().map(|&size| usize::try_from(size).ok()).product::<Option<usize>>()
        };
        match node.proto.op() {
            "AveragePool" | "LpPool" => return sizes("kernel_shape"),
            "LRN" => return usize::try_from(node.proto.attr_i("size")?).ok(),
            _ => {}
        }
        let shape = self.flow.shape(input)?;
        match node.proto.op() {
            "GlobalAveragePool" | "GlobalLpPool" => shape.get(2..)?.iter().copied().product(),
            "LpNormalization" => {
                let axis = node.proto.attr_i("axis").unwrap_or(-1);
                *shape.get(from_end(axis, shape.len())?)?
            }
            _ => self.reduced(node, &shape),
        }
    }

    /// Returns the number of elements along the axes that a reduction takes away.
    fn reduced(&self, node: &Node<'_>, shape: &[Option<usize>]) -> Option<usize> {
        let constant = || Some(self.flow.constant_input(node, 1)?.to_i64().ok()?.into_owned());
        let axes = match node.proto.attr_ints("axes") {
            Some(axes) => axes.to_vec(),
            None if node.inputs.get(1).copied().flatten().is_some() => constant()?,
            None => Vec::new(),
        };
        if axes.is_empty() {
            return if node.proto.attr_i("noop_with_empty_axes") == Some(1) {
                Some(1)
            } else {
                shape.iter().copied().product()
            };
        }
        let sizes = axes.iter().map(|&axis| shape[from_end(axis, shape.len())?]);
        sizes.product()
    }
}

/// Whether a tensor holds whole numbers that can stand for sizes or places.
fn is_index(flow: &Flow<'_>, value: ValueId) -> bool {
    matches!(flow.values[value].dtype, Some(DataType::INT32 | DataType::INT64))
}

/// Whether a tensor holds floats of any width.
pub(super) fn is_any_float(flow: &Flow<'_>, value: ValueId) -> bool {
    matches!(
        flow.values[value].dtype,
        Some(DataType::FLOAT | DataType::FLOAT16 | DataType::BFLOAT16 | DataType::DOUBLE)
    )
}
