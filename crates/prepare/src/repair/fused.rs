//! Operators of ONNX Runtime's own, written in ONNX's.
//!
//! Formulas as its [description](https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md) has them.

use std::collections::HashMap;

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::names::Names;

/// The domain of ONNX Runtime's own operators.
const DOMAIN: &str = "com.microsoft";

/// The operators of it that can be written in ONNX's; sorted.
const FUSED: [&str; 9] = [
    "BiasGelu",
    "FastGelu",
    "FusedConv",
    "FusedGemm",
    "FusedMatMul",
    "Gelu",
    "QuickGelu",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
];

/// The square root of 2 / π.
const SQRT_2_BY_PI: f32 = 0.797_884_6;

/// Whether `node` is an operator of ONNX Runtime's that may be written in ONNX's.
pub(super) fn is_fused(node: &NodeProto) -> bool {
    let is_contrib =
        node.domain.as_deref() == Some(DOMAIN) && FUSED.binary_search(&node.op()).is_ok();
    // ONNX Runtime keeps this one under ONNX's name, which does not have it.
    is_contrib || node.op() == "SimplifiedLayerNormalization"
}

/// The number of axes of a graph's tensors, where it is stated.
#[derive(Debug)]
pub(super) struct Ranks(HashMap<String, usize>);

impl Ranks {
    pub(super) fn of(graph: &GraphProto) -> Self {
        let values = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
        let stated = values.filter_map(|value| {
            Some((value.label().to_owned(), value.tensor_type()?.shape?.len()))
        });
        let weights = graph.initializer.iter();
        let weights = weights.map(|tensor| (tensor.label().to_owned(), tensor.dims.len()));
        Self(stated.chain(weights).collect())
    }
}

/// Writes one node.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    opset: i64,
    ranks: &'a Ranks,
    names: &'a mut Names,
    /// What its names begin with.
    prefix: String,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        node: &NodeProto,
        opset: i64,
        ranks: &'a Ranks,
        names: &'a mut Names,
    ) -> Self {
        let name = node.name.as_deref().filter(|name| !name.is_empty()).or(node.output_name(0));
        let prefix = name.unwrap_or_default().to_owned();
        Self { opset, ranks, names, prefix, nodes: Vec::new(), constants: Vec::new() }
    }

    /// The nodes and their constants.
    pub(super) fn into_parts(self) -> (Vec<NodeProto>, Vec<TensorProto>) {
        (self.nodes, self.constants)
    }

    /// Writes `node`, and says whether it could; what is read of it beside numbers of the model's own is float32 only if
    /// `is_float32`.
    pub(super) fn write(&mut self, node: &NodeProto, is_float32: bool) -> bool {
        self.written(node, is_float32).is_some()
    }

    fn written(&mut self, node: &NodeProto, is_float32: bool) -> Option<()> {
        let (x, y) = (node.input_name(0)?, node.output_name(0)?);
        match node.op() {
            "FusedConv" => return self.convolution(node, y),
            "FusedGemm" => return self.gemm(node, y),
            "FusedMatMul" if node.attr_f("alpha").unwrap_or(1.0) == 1.0 => {
                return self.product(node, y);
            }
            _ if !is_float32 => return None,
            "FusedMatMul" => self.product(node, y)?,
            "Gelu" => self.gelu(x, y),
            "BiasGelu" => {
                let sum = self.node("Add", &[x, node.input_name(1)?], []);
                self.gelu(&sum, y);
            }
            "FastGelu" => {
                let biased = node.input_name(1).map(|bias| self.node("Add", &[x, bias], []));
                self.fast_gelu(biased.as_deref().unwrap_or(x), y);
            }
            "QuickGelu" => {
                let alpha = self.float(node.attr_f("alpha").unwrap_or(1.702));
                let scaled = self.node("Mul", &[x, &alpha], []);
                let gate = self.node("Sigmoid", &[&scaled], []);
                self.node_into(y, "Mul", &[x, &gate], []);
            }
            "SimplifiedLayerNormalization" => {
                only_first(node, 1)?;
                self.root_mean_square(node, x, node.input_name(1)?, y)?;
            }
            "SkipLayerNormalization" => {
                let sum = self.skipped(node, 4)?;
                let (gamma, beta) = (node.input_name(2)?, node.input_name(3));
                self.layer_norm(node, &sum, (gamma, beta), y);
            }
            "SkipSimplifiedLayerNormalization" => {
                let sum = self.skipped(node, 3)?;
                self.root_mean_square(node, &sum, node.input_name(2)?, y)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// A convolution, what is added to it, and an activation.
    fn convolution(&mut self, node: &NodeProto, y: &str) -> Option<()> {
        let name = node.attr_s("activation").unwrap_or_default();
        let numbers = node.attr_floats("activation_params").unwrap_or_default().to_vec();
        let mut plain = plain(node, "Conv", &["activation", "activation_params"]);
        let added = node.input_name(3);
        plain.input.truncate(3);
        let sum = match added {
            Some(added) => {
                let product = self.keep(plain);
                self.node("Add", &[&product, added], [])
            }
            None if name.is_empty() => {
                self.nodes.push(plain);
                return Some(());
            }
            None => self.keep(plain),
        };
        self.activation(name, &numbers, &sum, y)
    }

    fn gemm(&mut self, node: &NodeProto, y: &str) -> Option<()> {
        let name = node.attr_s("activation").unwrap_or_default();
        let number = |name| node.attr_f(name);
        let numbers = ["activation_alpha", "activation_beta", "activation_gamma"].map(number);
        let numbers: Vec<f32> = numbers.into_iter().flatten().collect();
        let names = ["activation", "activation_alpha", "activation_beta", "activation_gamma"];
        let product = self.keep(plain(node, "Gemm", &names));
        self.activation(name, &numbers, &product, y)
    }

    fn activation(&mut self, name: &str, numbers: &[f32], x: &str, y: &str) -> Option<()> {
        let float = |name, index: usize| Some(AttributeProto::float(name, *numbers.get(index)?));
        match name {
            "" => self.node_into(y, "Identity", &[x], []),
            "Relu" | "Sigmoid" | "Tanh" => self.node_into(y, name, &[x], []),
            "LeakyRelu" => self.node_into(y, name, &[x], [float("alpha", 0)?]),
            "HardSigmoid" => {
                self.node_into(y, name, &[x], [float("alpha", 0)?, float("beta", 1)?]);
            }
            "Clip" if self.opset < 11 => {
                self.node_into(y, name, &[x], [float("min", 0)?, float("max", 1)?]);
            }
            "Clip" => {
                let [least, most] = [0, 1].map(|index| numbers.get(index).copied());
                let (least, most) = (self.float(least?), self.float(most?));
                self.node_into(y, name, &[x, &least, &most], []);
            }
            _ => return None,
        }
        Some(())
    }

    /// A product of matrices, either of them turned, and a factor.
    fn product(&mut self, node: &NodeProto, y: &str) -> Option<()> {
        let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
        if is_set("transBatchA") || is_set("transBatchB") {
            return None;
        }
        let mut factors = Vec::with_capacity(2);
        for (index, name) in ["transA", "transB"].into_iter().enumerate() {
            let factor = node.input_name(index)?;
            factors.push(if is_set(name) { self.turned(factor)? } else { factor.to_owned() });
        }
        let factors = [factors[0].as_str(), factors[1].as_str()];
        let alpha = node.attr_f("alpha").unwrap_or(1.0);
        if alpha == 1.0 {
            self.node_into(y, "MatMul", &factors, []);
            return Some(());
        }
        let product = self.node("MatMul", &factors, []);
        let alpha = self.float(alpha);
        self.node_into(y, "Mul", &[&product, &alpha], []);
        Some(())
    }

    /// A tensor with its last two axes in each other's place; one of a single axis stays.
    fn turned(&mut self, tensor: &str) -> Option<String> {
        let rank = i64::try_from(*self.ranks.0.get(tensor)?).ok()?;
        if rank < 2 {
            return Some(tensor.to_owned());
        }
        let order: Vec<i64> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        Some(self.node("Transpose", &[tensor], [AttributeProto::ints("perm", &order)]))
    }

    /// x / 2 (1 + erf(x / √2))
    fn gelu(&mut self, x: &str, y: &str) {
        if self.opset >= 20 {
            return self.node_into(y, "Gelu", &[x], []);
        }
        let root = self.float(std::f32::consts::SQRT_2);
        let scaled = self.node("Div", &[x, &root], []);
        let erf = self.node("Erf", &[&scaled], []);
        self.gated(x, &erf, y);
    }

    /// x / 2 (1 + tanh(√(2 / π) (x + 0.044715 x³)))
    fn fast_gelu(&mut self, x: &str, y: &str) {
        if self.opset >= 20 {
            let approximate = AttributeProto::string("approximate", "tanh");
            return self.node_into(y, "Gelu", &[x], [approximate]);
        }
        let (small, root) = (self.float(0.044_715), self.float(SQRT_2_BY_PI));
        let square = self.node("Mul", &[x, x], []);
        let cube = self.node("Mul", &[&square, x], []);
        let part = self.node("Mul", &[&cube, &small], []);
        let sum = self.node("Add", &[x, &part], []);
        let scaled = self.node("Mul", &[&sum, &root], []);
        let tanh = self.node("Tanh", &[&scaled], []);
        self.gated(x, &tanh, y);
    }

    /// x / 2 (1 + gate)
    fn gated(&mut self, x: &str, gate: &str, y: &str) {
        let (one, half) = (self.float(1.0), self.float(0.5));
        let sum = self.node("Add", &[gate, &one], []);
        let product = self.node("Mul", &[x, &sum], []);
        self.node_into(y, "Mul", &[&product, &half], []);
    }

    /// What a node of two branches normalises: their sum, with the bias in this input; it is output 3, too.
    fn skipped(&mut self, node: &NodeProto, bias: usize) -> Option<String> {
        only_first(node, 3)?;
        let [x, skip] = [node.input_name(0)?, node.input_name(1)?];
        let x = match node.input_name(bias) {
            Some(bias) => self.node("Add", &[x, bias], []),
            None => x.to_owned(),
        };
        match node.output_name(3) {
            Some(sum) => {
                self.node_into(sum, "Add", &[&x, skip], []);
                Some(sum.to_owned())
            }
            None => Some(self.node("Add", &[&x, skip], [])),
        }
    }

    fn layer_norm(
        &mut self,
        node: &NodeProto,
        x: &str,
        (scale, shift): (&str, Option<&str>),
        y: &str,
    ) {
        let epsilon = node.attr_f("epsilon").unwrap_or(1e-12);
        if self.opset >= 17 {
            let attributes =
                [AttributeProto::int("axis", -1), AttributeProto::float("epsilon", epsilon)];
            let inputs: Vec<&str> = [x, scale].into_iter().chain(shift).collect();
            return self.node_into(y, "LayerNormalization", &inputs, attributes);
        }
        let mean = self.mean(x);
        let centred = self.node("Sub", &[x, &mean], []);
        let normalised = self.by_root_mean_square(&centred, epsilon);
        match shift {
            None => self.node_into(y, "Mul", &[&normalised, scale], []),
            Some(shift) => {
                let scaled = self.node("Mul", &[&normalised, scale], []);
                self.node_into(y, "Add", &[&scaled, shift], []);
            }
        }
    }

    fn root_mean_square(&mut self, node: &NodeProto, x: &str, scale: &str, y: &str) -> Option<()> {
        let epsilon = node.attr_f("epsilon");
        let axis = node.attr_i("axis").unwrap_or(-1);
        if axis != -1
            && self.ranks.0.get(x).and_then(|&rank| i64::try_from(rank - 1).ok()) != Some(axis)
        {
            return None;
        }
        let default = if node.op() == "SimplifiedLayerNormalization" { 1e-5 } else { 1e-12 };
        let normalised = self.by_root_mean_square(x, epsilon.unwrap_or(default));
        self.node_into(y, "Mul", &[&normalised, scale], []);
        Some(())
    }

    fn by_root_mean_square(&mut self, x: &str, epsilon: f32) -> String {
        let square = self.node("Mul", &[x, x], []);
        let mean = self.mean(&square);
        let epsilon = self.float(epsilon);
        let sum = self.node("Add", &[&mean, &epsilon], []);
        let root = self.node("Sqrt", &[&sum], []);
        self.node("Div", &[x, &root], [])
    }

    fn mean(&mut self, x: &str) -> String {
        if self.opset < 18 {
            return self.node("ReduceMean", &[x], [AttributeProto::ints("axes", &[-1])]);
        }
        let axes = self.constant(|name| TensorProto::from_i64(name, &[1], &[-1]));
        self.node("ReduceMean", &[x, &axes], [])
    }

    /// Adds `node` under a name of its own, with an output of its own.
    fn keep(&mut self, mut node: NodeProto) -> String {
        let output = self.fresh("Conv");
        node.name = Some(output.clone());
        node.output = vec![output.clone()];
        self.nodes.push(node);
        output
    }

    fn node<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: [AttributeProto; N],
    ) -> String {
        let output = self.fresh(op);
        self.node_into(&output, op, inputs, attributes);
        output
    }

    fn node_into<const N: usize>(
        &mut self,
        output: &str,
        op: &str,
        inputs: &[&str],
        attributes: [AttributeProto; N],
    ) {
        let name = self.fresh(op);
        let mut node = NodeProto::new(op, &name, inputs, &[output]);
        node.attribute = attributes.into();
        self.nodes.push(node);
    }

    fn float(&mut self, value: f32) -> String {
        self.constant(|name| TensorProto::from_f32(name, &[], &[value]))
    }

    fn constant(&mut self, make: impl FnOnce(&str) -> TensorProto) -> String {
        let name = self.fresh("constant");
        self.constants.push(make(&name));
        name
    }

    fn fresh(&mut self, what: &str) -> String {
        self.names.fresh(&format!("{}/{what}", self.prefix))
    }
}

/// The node as an operator of ONNX's own, without these attributes.
fn plain(node: &NodeProto, op: &str, without: &[&str]) -> NodeProto {
    let mut plain = NodeProto { op_type: Some(op.to_owned()), domain: None, ..node.clone() };
    without.iter().for_each(|name| drop(plain.remove_attr(name)));
    plain
}

/// Whether the node has no outputs from the second on, but for this one.
fn only_first(node: &NodeProto, but: usize) -> Option<()> {
    let others = node.output.iter().enumerate().skip(1).filter(|(index, _)| *index != but);
    others.map(|(_, name)| name).all(String::is_empty).then_some(())
}

#[cfg(test)]
mod tests {
    use super::FUSED;

    #[test]
    fn the_table_is_sorted() {
        assert!(FUSED.is_sorted());
    }
}
