//! Between the scales of a calibration cache and a model with Q/DQ pairs.
//!
//! TensorRT up to 10 takes one scale for each float tensor, by the tensor's name ([implicit quantization]); every TensorRT
//! takes Q/DQ pairs in the model. [`quantize`](crate::quantize) with the cache's scales as ranges leads from the one to the
//! other, [`activation_scales`] back.
//!
//! The way back, rule by rule:
//!
//! 1. **A pair stands for the tensor that `QuantizeLinear` reads.** What `DequantizeLinear` makes is the same tensor under
//!    another name, and so is the int8 tensor between them, through however many pairs; a `DequantizeLinear` that reads an
//!    int8 input of the graph stands for that input. Where it makes an output of the graph, that name gets the scale too,
//!    because it is the name that the float model has.
//! 2. **Weights are left out**: pairs behind constants, and constants stored as int8. TensorRT takes their scales from the
//!    values.
//! 3. **What only moves values** (MaxPool, Reshape, Transpose, nearest Resize, ...) makes and reads the same range, so the
//!    tensor without a pair gets the other's scale, first from outputs to inputs, as TensorRT itself propagates, then from
//!    inputs to outputs. Concat passes its scale to inputs that have none, and takes its inputs' scale when all have the
//!    same. Such scales are listed apart; a tensor with a pair of its own keeps its own.
//! 4. **Only what TensorRT's int8 can say**: one positive scale for the whole tensor, int8, and a zero point of 0.
//!    Anything else is refused by the tensor's name.
//!
//! [implicit quantization]: https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use calibrant_onnx::proto::{NodeProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType, ElementTypes, Model, TensorError, Topology, TopologyError};

use calibrant_onnx::facts::{made_of_constants, moves_values, of_samples, whole_numbers};

/// The scales that the Q/DQ pairs of a model stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActivationScales {
    /// Tensors with a pair, in the order of the graph.
    pub pairs: Vec<(String, f32)>,
    /// Tensors without one that have the range of another, which only was moved about; sorted.
    pub followers: Vec<(String, f32)>,
    /// Tensors with several pairs of different scales: the largest stands in [`pairs`](Self::pairs), here the others.
    pub others: Vec<(String, f32)>,
}

/// Why a model's pairs cannot be told in a calibration cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaleError {
    /// The model has no pair.
    #[error("the model has no Q/DQ pair of an activation, so there is no scale in it")]
    NoPairs,
    /// The zero point is not 0.
    #[error(
        "tensor \"{tensor}\" is quantized with the zero point {zero_point}, and a calibration cache has none but 0; quantize the model symmetrically"
    )]
    Asymmetric {
        /// Its name in the model.
        tensor: String,
        /// Its first zero point that is not 0.
        zero_point: i64,
    },
    /// Quantized to something else than int8.
    #[error(
        "tensor \"{tensor}\" is quantized to {dtype}, and a calibration cache is for int8 alone"
    )]
    NotInt8 {
        /// Its name in the model.
        tensor: String,
        /// What it is quantized to.
        dtype: String,
    },
    /// A scale for each channel.
    #[error(
        "tensor \"{tensor}\" has {scales} scales, and a calibration cache has one for each tensor; quantize activations as a whole"
    )]
    PerChannel {
        /// Its name in the model.
        tensor: String,
        /// How many scales it has.
        scales: usize,
    },
    /// The scale is computed while the model runs.
    #[error("the scale of tensor \"{tensor}\" is not a constant of the model")]
    ComputedScale {
        /// Its name in the model.
        tensor: String,
    },
    /// The scale is 0, negative, infinite or not a number.
    #[error("the scale of tensor \"{tensor}\" is {scale}, which is no scale")]
    Unusable {
        /// Its name in the model.
        tensor: String,
        /// The scale.
        scale: f32,
    },
    /// The graph has no order.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The values of a constant cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Returns the scales that the Q/DQ pairs of `model` stand for; the module says by which rules.
///
/// # Errors
///
/// When there is no pair, or one of them cannot be told in a calibration cache.
pub fn activation_scales(model: &Model) -> Result<ActivationScales, ScaleError> {
    let topology = Topology::new(model.graph())?;
    let mut walk = Walk {
        constant: made_of_constants(&topology),
        topology: &topology,
        float_names: HashMap::new(),
        scales: BTreeMap::new(),
        found: ActivationScales::default(),
    };
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        if node.is_default_domain() && matches!(node.op(), "QuantizeLinear" | "DequantizeLinear") {
            walk.read_pair(node)?;
        }
    }
    if walk.found.pairs.is_empty() {
        return Err(ScaleError::NoPairs);
    }
    walk.follow();
    Ok(walk.found)
}

/// Returns the names of all tensors of `model`, and of its float activations in the order of the graph: the inputs and
/// what is computed from their values, but for what is known to hold something else than floats.
///
/// # Errors
///
/// When the graph has no order.
pub fn model_tensors(model: &Model) -> Result<(BTreeSet<String>, Vec<String>), TopologyError> {
    let topology = Topology::new(model.graph())?;
    let graph = topology.graph();
    let (of_samples, whole) = (of_samples(&topology), whole_numbers(&topology));
    let types = ElementTypes::new(&topology, None);
    let is_float = |name: &&str| {
        of_samples.contains(name)
            && !whole.contains(name)
            && types.of(name).is_none_or(DataType::is_float)
    };
    let made = topology.order().iter().flat_map(|&index| &graph.node[index].output);
    let made = made.map(String::as_str).filter(|name| !name.is_empty());
    let inputs = topology.data_inputs().map(ValueInfoProto::label);
    let activations = inputs.chain(made.clone()).filter(is_float).map(str::to_owned).collect();
    let given = graph.input.iter().map(ValueInfoProto::label);
    let stored = graph.initializer.iter().map(TensorProto::label);
    Ok((given.chain(stored).chain(made).map(str::to_owned).collect(), activations))
}

/// What is known while the pairs are read.
struct Walk<'a> {
    topology: &'a Topology<'a>,
    constant: HashSet<&'a str>,
    /// By the name of an int8 tensor, or of what is dequantized from it: the float tensor that it stands for.
    float_names: HashMap<&'a str, &'a str>,
    scales: BTreeMap<&'a str, f32>,
    found: ActivationScales,
}

impl<'a> Walk<'a> {
    fn float_name(&self, tensor: &'a str) -> &'a str {
        self.float_names.get(tensor).copied().unwrap_or(tensor)
    }

    fn read_pair(&mut self, node: &'a NodeProto) -> Result<(), ScaleError> {
        let (Some(input), Some(output)) = (node.input_name(0), node.output_name(0)) else {
            return Ok(());
        };
        if self.constant.contains(input) {
            return Ok(());
        }
        let tensor = self.float_name(input);
        self.float_names.insert(output, tensor);
        let is_half_known = node.is("DequantizeLinear") && self.scales.contains_key(tensor);
        if !is_half_known {
            self.check_zero_point(node, tensor)?;
            let scale = self.one_scale(node, tensor)?;
            self.keep(tensor, scale);
        }
        if node.is("DequantizeLinear") && self.topology.is_output(output) && output != tensor {
            let scale = self.scales[tensor];
            self.keep(output, scale);
        }
        Ok(())
    }

    /// Keeps the largest scale of a tensor, in its place, and the others aside.
    fn keep(&mut self, tensor: &'a str, scale: f32) {
        match self.scales.get(tensor).copied() {
            None => self.found.pairs.push((tensor.to_owned(), scale)),
            Some(known) if known.to_bits() == scale.to_bits() => {}
            Some(known) => {
                self.found.others.push((tensor.to_owned(), known.min(scale)));
                let place = self.found.pairs.iter_mut().find(|(name, _)| name == tensor);
                if let Some((_, kept)) = place {
                    *kept = known.max(scale);
                }
            }
        }
        let largest = self.scales.get(tensor).map_or(scale, |known| known.max(scale));
        self.scales.insert(tensor, largest);
    }

    fn one_scale(&self, node: &NodeProto, tensor: &str) -> Result<f32, ScaleError> {
        let stored = node.input_name(1).and_then(|name| self.topology.constant(name));
        let Some(stored) = stored else {
            return Err(ScaleError::ComputedScale { tensor: tensor.to_owned() });
        };
        match stored.to_f32()?[..] {
            [scale] if scale.is_finite() && scale > 0.0 => Ok(scale),
            [scale] => Err(ScaleError::Unusable { tensor: tensor.to_owned(), scale }),
            ref scales => {
                Err(ScaleError::PerChannel { tensor: tensor.to_owned(), scales: scales.len() })
            }
        }
    }

    /// Without a zero point ONNX means uint8, unless the node says otherwise.
    fn check_zero_point(&self, node: &NodeProto, tensor: &str) -> Result<(), ScaleError> {
        let stated = node.attr_i("output_dtype").filter(|&dtype| dtype != 0);
        let zero_points = node.input_name(2).map(|name| self.topology.constant(name));
        let (dtype, values) = match zero_points {
            Some(Some(stored)) => (stored.dtype()?, stored.to_i64().ok()),
            Some(None) => return Err(ScaleError::ComputedScale { tensor: tensor.to_owned() }),
            None if stated == Some(DataType::INT8 as i64) => (DataType::INT8, None),
            None => (DataType::UINT8, None),
        };
        let wrong = values.iter().flat_map(|values| values.iter()).find(|&&value| value != 0);
        if let Some(&zero_point) = wrong {
            return Err(ScaleError::Asymmetric { tensor: tensor.to_owned(), zero_point });
        }
        if dtype != DataType::INT8 {
            let dtype = format!("{dtype:?}").to_lowercase();
            return Err(ScaleError::NotInt8 { tensor: tensor.to_owned(), dtype });
        }
        Ok(())
    }

    /// Rule 3.
    fn follow(&mut self) {
        let mut followers = BTreeMap::new();
        for &index in self.topology.order().iter().rev() {
            self.pass_up(&self.topology.graph().node[index], &mut followers);
        }
        for &index in self.topology.order() {
            self.pass_down(&self.topology.graph().node[index], &mut followers);
        }
        let named = followers.into_iter().map(|(name, scale)| (name.to_owned(), scale));
        self.found.followers = named.collect();
    }

    fn scale(&self, tensor: &str, followers: &BTreeMap<&'a str, f32>) -> Option<f32> {
        self.scales.get(tensor).or_else(|| followers.get(tensor)).copied()
    }

    /// From the output of `node` to the inputs that have no scale.
    fn pass_up(&self, node: &'a NodeProto, followers: &mut BTreeMap<&'a str, f32>) {
        let Some(output) = node.output_name(0) else { return };
        let Some(scale) = self.scale(self.float_name(output), followers) else { return };
        for input in self.moved(node) {
            if self.scale(input, followers).is_none() {
                followers.insert(input, scale);
            }
        }
    }

    /// From the inputs of `node` to its output, if that has no scale and they have one and the same.
    fn pass_down(&self, node: &'a NodeProto, followers: &mut BTreeMap<&'a str, f32>) {
        let Some(output) = node.output_name(0).map(|output| self.float_name(output)) else {
            return;
        };
        let scales: Vec<_> = self.moved(node).map(|input| self.scale(input, followers)).collect();
        if let [Some(first), rest @ ..] = &scales[..]
            && rest.iter().all(|scale| *scale == Some(*first))
            && self.scale(output, followers).is_none()
        {
            followers.insert(output, *first);
        }
    }

    /// The inputs whose values, all of them, are those of the output.
    fn moved(&self, node: &'a NodeProto) -> impl Iterator<Item = &'a str> {
        let n_moved = match node {
            _ if moves_values(node) => 1,
            _ if node.is_default_domain() && node.is("Concat") => node.input.len(),
            _ => 0,
        };
        let inputs = (0..n_moved).filter_map(|input| node.input_name(input));
        inputs.filter(|input| !self.constant.contains(input)).map(|input| self.float_name(input))
    }
}
