//! The attributes, and the constant inputs that later took their place, of single nodes.
//!
//! The tables name what other code divides by, allocates by or indexes with. All else passes.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use buffa::Enumeration as _;

use super::problem::{Findings, Problem};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, NodeProto, TensorProto};
use crate::{DataType, Topology};

/// Sizes that any runtime takes; larger ones overflow its arithmetic.
const MAX: i64 = i32::MAX as i64;
const POSITIVE: (RangeInclusive<i64>, &str) = (1..=MAX, "between 1 and 2147483647");
const NOT_NEGATIVE: (RangeInclusive<i64>, &str) = (0..=MAX, "between 0 and 2147483647");
/// No tensor has more dimensions than this.
const AXIS: (RangeInclusive<i64>, &str) = (-256..=255, "an axis");

const CONVOLUTIONS: &[&str] = &["Conv", "ConvTranspose", "ConvInteger", "QLinearConv"];
const WINDOWS: &[&str] = &[
    "Conv",
    "ConvTranspose",
    "ConvInteger",
    "QLinearConv",
    "AveragePool",
    "MaxPool",
    "LpPool",
    "MaxUnpool",
];

/// What an attribute must hold.
enum Check {
    Int(&'static (RangeInclusive<i64>, &'static str)),
    Ints(&'static (RangeInclusive<i64>, &'static str)),
    /// 0, 1, 2 … in any order.
    Permutation,
    /// A finite number of at least 0.
    FiniteFloat,
    /// One of ONNX's element types.
    DataType,
    OneOf(&'static [&'static str], &'static str),
}

/// Operators, the attribute, and what it must hold where it is present.
const RULES: &[(&[&str], &str, Check)] = &[
    (WINDOWS, "kernel_shape", Check::Ints(&POSITIVE)),
    (WINDOWS, "strides", Check::Ints(&POSITIVE)),
    (WINDOWS, "dilations", Check::Ints(&POSITIVE)),
    (WINDOWS, "pads", Check::Ints(&NOT_NEGATIVE)),
    (
        WINDOWS,
        "auto_pad",
        Check::OneOf(
            &["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", ""],
            "NOTSET, SAME_UPPER, SAME_LOWER or VALID",
        ),
    ),
    (CONVOLUTIONS, "group", Check::Int(&POSITIVE)),
    (&["ConvTranspose"], "output_padding", Check::Ints(&NOT_NEGATIVE)),
    (&["ConvTranspose"], "output_shape", Check::Ints(&POSITIVE)),
    (&["BatchNormalization", "InstanceNormalization"], "epsilon", Check::FiniteFloat),
    (&["LayerNormalization", "GroupNormalization"], "epsilon", Check::FiniteFloat),
    (&["GroupNormalization"], "num_groups", Check::Int(&POSITIVE)),
    (&["LRN"], "size", Check::Int(&POSITIVE)),
    (&["DepthToSpace", "SpaceToDepth"], "blocksize", Check::Int(&POSITIVE)),
    (&["Transpose"], "perm", Check::Permutation),
    (&["Split"], "split", Check::Ints(&NOT_NEGATIVE)),
    (&["Split"], "num_outputs", Check::Int(&POSITIVE)),
    (&["LSTM", "GRU", "RNN"], "hidden_size", Check::Int(&POSITIVE)),
    (&["Cast"], "to", Check::DataType),
    (
        &["Concat", "Flatten", "Gather", "Softmax", "LogSoftmax", "Split", "ArgMax", "ArgMin"],
        "axis",
        Check::Int(&AXIS),
    ),
    (&["QuantizeLinear", "DequantizeLinear", "LayerNormalization"], "axis", Check::Int(&AXIS)),
    (&["Squeeze", "Unsqueeze", "ReduceMean", "ReduceSum", "ReduceMax"], "axes", Check::Ints(&AXIS)),
];

/// Operators, the place and the name of an input that must hold these numbers if it is constant.
type ConstantRule = (&'static str, usize, &'static str, fn(f64) -> bool, &'static str);
const CONSTANT_RULES: &[ConstantRule] = &[
    ("Slice", 4, "steps", |step| step != 0.0, "other than 0"),
    ("Range", 2, "delta", |delta| delta != 0.0, "other than 0"),
    ("Reshape", 1, "shape", |dim| dim >= -1.0, "-1 or more"),
    ("Expand", 1, "shape", |dim| dim >= 0.0, "0 or more"),
    ("ConstantOfShape", 0, "shape", |dim| dim >= 0.0, "0 or more"),
    ("Tile", 1, "repeats", |n| n >= 0.0, "0 or more"),
    ("Split", 1, "split", |n| n >= 0.0, "0 or more"),
    ("TopK", 1, "k", |k| k >= 0.0, "0 or more"),
    ("Resize", 2, "scales", |scale| scale > 0.0 && scale.is_finite(), "finite and above 0"),
    ("Upsample", 1, "scales", |scale| scale > 0.0 && scale.is_finite(), "finite and above 0"),
];

/// Operators whose inputs other code takes for granted, and how many they need.
const MIN_INPUTS: &[(&[&str], usize)] = &[
    (&["Conv", "ConvTranspose", "ConvInteger", "MatMul", "Gemm", "Gather", "Reshape"], 2),
    (&["Add", "Sub", "Mul", "Div", "Pow", "PRelu", "QuantizeLinear", "DequantizeLinear"], 2),
    (&["BatchNormalization"], 5),
    (&["Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "LeakyRelu", "Tanh", "Identity"], 1),
    (&["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool"], 1),
    (&["Concat", "Transpose", "Flatten", "Softmax", "Split", "Squeeze", "Unsqueeze", "Cast"], 1),
    (&["Resize", "Upsample", "Slice", "Pad", "Shape", "If", "ReduceMean", "ConstantOfShape"], 1),
];

/// Checks one node; constant inputs are looked up in `topology` if its graph has one.
pub(super) fn check(
    node: &NodeProto,
    label: &str,
    topology: Option<&Topology<'_>>,
    findings: &mut Findings,
) {
    if node.op().is_empty() {
        return findings.push(Problem::NoOperator { node: label.to_owned() });
    }
    let mut names = HashSet::new();
    for name in node.attribute.iter().filter_map(|attribute| attribute.name.as_deref()) {
        if !names.insert(name) {
            let (node, attribute) = (label.to_owned(), name.to_owned());
            findings.push(Problem::TwoAttributes { node, attribute });
        }
    }
    if !node.is_default_domain() {
        return;
    }
    check_arity(node, label, findings);
    for (operators, name, check) in RULES {
        if let Some(attribute) = node.attr(name).filter(|_| operators.contains(&node.op())) {
            check.apply(attribute, name, label, findings);
        }
    }
    if WINDOWS.contains(&node.op()) {
        check_window(node, label, topology, findings);
    }
    if let Some(topology) = topology {
        check_constants(node, label, topology, findings);
    }
}

fn check_arity(node: &NodeProto, label: &str, findings: &mut Findings) {
    let needed = MIN_INPUTS.iter().find(|(operators, _)| operators.contains(&node.op()));
    let needed = needed.map_or(0, |&(_, needed)| needed);
    let present = (0..needed).take_while(|&index| node.input_name(index).is_some()).count();
    if present < needed {
        let node = label.to_owned();
        findings.push(Problem::TooFew { node, what: "inputs", found: present, needed });
    }
    if node.output.iter().all(String::is_empty) {
        let node = label.to_owned();
        findings.push(Problem::TooFew { node, what: "outputs", found: 0, needed: 1 });
    }
}

impl Check {
    fn apply(
        &self,
        attribute: &AttributeProto,
        name: &'static str,
        label: &str,
        findings: &mut Findings,
    ) {
        // Inside a function the value may come from the caller.
        if attribute.ref_attr_name.as_deref().is_some_and(|name| !name.is_empty()) {
            return;
        }
        let wanted = match self {
            Self::Int(_) | Self::DataType => AttributeType::INT,
            Self::Ints(_) | Self::Permutation => AttributeType::INTS,
            Self::FiniteFloat => AttributeType::FLOAT,
            Self::OneOf(..) => AttributeType::STRING,
        };
        let found = attribute.kind();
        if found != Some(wanted) {
            // A list without entries leaves no trace in models that state no kinds.
            let is_empty_list = found.is_none() && wanted == AttributeType::INTS;
            if !is_empty_list {
                let node = label.to_owned();
                findings.push(Problem::AttributeKind { node, attribute: name, found, wanted });
            }
            return;
        }
        if let Some((value, wanted)) = self.refuses(attribute) {
            let node = label.to_owned();
            findings.push(Problem::Attribute { node, attribute: name, value, wanted });
        }
    }

    /// Returns the value that does not pass and what it should be.
    fn refuses(&self, attribute: &AttributeProto) -> Option<(String, &'static str)> {
        let int = attribute.i.unwrap_or(0);
        match self {
            Self::Int((range, wanted)) => {
                (!range.contains(&int)).then(|| (int.to_string(), *wanted))
            }
            Self::Ints((range, wanted)) => {
                let odd = attribute.ints.iter().find(|value| !range.contains(value))?;
                Some((odd.to_string(), wanted))
            }
            Self::Permutation => {
                let mut sorted = attribute.ints.clone();
                sorted.sort_unstable();
                let is_permutation = (0..).zip(&sorted).all(|(place, &axis)| place == axis);
                let value = || (format!("{:?}", attribute.ints), "a permutation of the axes");
                (!is_permutation).then(value)
            }
            Self::FiniteFloat => {
                let value = attribute.f.unwrap_or(0.0);
                let is_fine = value.is_finite() && value >= 0.0;
                (!is_fine).then(|| (value.to_string(), "a finite number of at least 0"))
            }
            Self::DataType => {
                let dtype = i32::try_from(int).ok().and_then(DataType::from_i32);
                let is_known = dtype.is_some_and(|dtype| dtype != DataType::UNDEFINED);
                (!is_known).then(|| (int.to_string(), "an element type"))
            }
            Self::OneOf(known, wanted) => {
                let value = String::from_utf8_lossy(attribute.s.as_deref().unwrap_or_default());
                (!known.contains(&&*value)).then(|| (value.into_owned(), *wanted))
            }
        }
    }
}

/// Checks that the lists of a convolution or a pooling are as long as there are spatial dimensions.
fn check_window(
    node: &NodeProto,
    label: &str,
    topology: Option<&Topology<'_>>,
    findings: &mut Findings,
) {
    let weight_input = if node.op() == "QLinearConv" { 3 } else { 1 };
    let is_convolution = CONVOLUTIONS.contains(&node.op());
    let weight = node.input_name(weight_input).filter(|_| is_convolution);
    let weight = weight.zip(topology).and_then(|(name, topology)| topology.constant(name));
    let kernel = || node.attr_ints("kernel_shape").map(<[i64]>::len).filter(|&rank| rank > 0);
    let rank = weight.and_then(|weight| weight.dims.len().checked_sub(2)).or_else(kernel);
    let Some(rank) = rank else { return };

    for (attribute, times) in [("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 2)] {
        let found = node.attr_ints(attribute).map_or(0, <[i64]>::len);
        let needed = times * rank;
        if found != 0 && found != needed {
            let node = label.to_owned();
            findings.push(Problem::AttributeLength { node, attribute, found, rank, needed });
        }
    }
    if let Some(weight) = weight {
        let group = node.attr_i("group").unwrap_or(1);
        let channels = weight.dims.first().copied().unwrap_or(0);
        if group > 0 && channels % group != 0 {
            findings.push(Problem::Attribute {
                node: label.to_owned(),
                attribute: "group",
                value: group.to_string(),
                wanted: "a divisor of the weight's first dimension",
            });
        }
    }
}

fn check_constants(
    node: &NodeProto,
    label: &str,
    topology: &Topology<'_>,
    findings: &mut Findings,
) {
    if node.is("Constant")
        && node.output_name(0).is_some_and(|out| topology.constant(out).is_none())
    {
        findings.push(Problem::NoValue { node: label.to_owned() });
    }
    for &(operator, input, name, is_fine, wanted) in CONSTANT_RULES {
        if node.op() != operator {
            continue;
        }
        let Some(value) = node.input_name(input).and_then(|name| topology.constant(name)) else {
            continue;
        };
        // Broken tensors are reported where they stand.
        let Some(numbers) = numbers(value) else { continue };
        if let Some(odd) = numbers.into_iter().find(|&number| !is_fine(number)) {
            let (node, value) = (label.to_owned(), odd.to_string());
            findings.push(Problem::Attribute { node, attribute: name, value, wanted });
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the checks compare with -1, 0 and infinity")]
fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    if let Ok(whole) = tensor.to_i64() {
        return Some(whole.iter().map(|&value| value as f64).collect());
    }
    Some(tensor.to_f32().ok()?.iter().map(|&value| value.into()).collect())
}
