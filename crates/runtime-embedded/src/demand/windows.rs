//! Convolutions.

use calibrant_onnx::proto::NodeProto;

use super::{Args, bytes, dim, product};
use crate::depthwise;

/// Bytes that a convolution keeps for each place of its output, of one picture: where its window begins.
const PLACE_ELEMENTS: u64 = 3;

/// Elements that a depthwise convolution keeps for each weight of a channel: itself, and twice where it begins.
const WEIGHT_ELEMENTS: u64 = 6;

/// The output and where its windows begin, the weight as it is packed, and a channel with its padding where outputs look at
/// one each.
pub(super) fn conv(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (x, weight) = (args.dims(0), args.dims(1));
    if x.len() < 3 || weight.len() != x.len() {
        return 0;
    }
    let sizes = sizes(node, &x[2..], &weight[2..]);
    let channel = if weight[1] == 1 { channel(node, &sizes, &weight[2..]) } else { 0 };
    let places = product(sizes);
    let output = product([x[0], weight[0], places]);
    let rows = product(weight[1..].iter().copied()).saturating_mul(PLACE_ELEMENTS);
    let weights = args.len(1).saturating_mul(2).saturating_add(rows);
    let rest = places.saturating_mul(PLACE_ELEMENTS).saturating_add(channel);
    bytes(output.saturating_add(rest).saturating_add(weights))
}

/// A padded channel, its sums, and where each weight begins: what a depthwise convolution with so many windows an axis takes
/// on the way.
fn channel(node: &NodeProto, sizes: &[u64], kernel: &[u64]) -> u64 {
    let reach = |axis: usize| {
        let stride = attribute(node, "strides", axis, 1).max(1);
        let extent = i128::from(kernel[axis]) * attribute(node, "dilations", axis, 1).max(1);
        at_least_0(i128::from(sizes[axis]) * stride + extent)
    };
    let plane = product((0..sizes.len()).map(reach)).saturating_add(depthwise::WIDEST as u64);
    let weights = product(kernel.iter().copied()).saturating_mul(WEIGHT_ELEMENTS);
    plane.saturating_mul(2).saturating_add(weights)
}

/// The output, the products of one picture before they are added up, and the weight and input in another order.
pub(super) fn conv_transpose(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (x, weight) = (args.dims(0), args.dims(1));
    if x.len() < 3 || weight.len() != x.len() {
        return 0;
    }
    let n_axes = x.len() - 2;
    let stated = |name, axis: usize, default| attribute(node, name, axis, default);
    let is_same = node.attr_s("auto_pad").is_some_and(|mode| mode.starts_with("SAME"));
    let sizes = (0..n_axes).map(|axis| {
        let stride = stated("strides", axis, 1);
        if is_same {
            return at_least_0(i128::from(x[axis + 2]) * stride);
        }
        let extent = (i128::from(weight[axis + 2]) - 1) * stated("dilations", axis, 1) + 1;
        let pads = stated("pads", axis, 0) + stated("pads", axis + n_axes, 0);
        let extra = stated("output_padding", axis, 0);
        at_least_0((i128::from(x[axis + 2]) - 1) * stride + extra + extent - pads)
    });
    let groups = dim(node.attr_i("group").unwrap_or(1));
    let output = product([x[0], weight[1], groups].into_iter().chain(sizes));
    let products = product(weight[1..].iter().chain(&x[2..]).copied());
    bytes(output.saturating_add(products).saturating_add(args.total().saturating_mul(2)))
}

/// The places of a window along each axis of a picture.
fn sizes(node: &NodeProto, picture: &[u64], kernel: &[u64]) -> Vec<u64> {
    let n_axes = picture.len();
    let is_same = node.attr_s("auto_pad").is_some_and(|mode| mode.starts_with("SAME"));
    let size = |axis: usize| {
        let stride = attribute(node, "strides", axis, 1).max(1);
        let size = i128::from(picture[axis]);
        if is_same {
            return at_least_0((size + stride - 1) / stride);
        }
        let extent = (i128::from(kernel[axis]) - 1) * attribute(node, "dilations", axis, 1) + 1;
        let pads = attribute(node, "pads", axis, 0) + attribute(node, "pads", axis + n_axes, 0);
        let room = size + pads - extent;
        at_least_0(if room < 0 { 0 } else { room / stride + 1 })
    };
    (0..n_axes).map(size).collect()
}

/// A number of a list in an attribute.
fn attribute(node: &NodeProto, name: &str, index: usize, default: i64) -> i128 {
    let stated = node.attr_ints(name).and_then(|values| values.get(index).copied());
    stated.unwrap_or(default).into()
}

fn at_least_0(size: i128) -> u64 {
    u64::try_from(size.max(0)).unwrap_or(u64::MAX)
}
