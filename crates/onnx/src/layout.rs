//! Where the channels of a picture are in an input: as its dimensions say, and as what reads it says.
//!
//! ONNX's own operators on pictures take channels first, so what reads an input says more than its dimensions where both
//! speak; where they contradict each other nothing is known, and whoever has pictures has to say it.

use std::borrow::Cow;

use calibrant_tensor::{Dim, Input, Layout};

use crate::proto::{GraphProto, NodeProto, TensorProto};

/// Numbers of channels that pictures have: gray, two, RGB, one with transparency or depth, two of RGB.
const CHANNELS: [usize; 5] = [1, 2, 3, 4, 6];

/// How many nodes in a row are looked through for one that knows.
const LOOKED_THROUGH: usize = 16;

/// Operators that leave every axis where it is; sorted.
#[rustfmt::skip]
const KEEPS_AXES: [&str; 21] = [
    "Abs", "Add", "Cast", "CastLike", "Ceil", "Clip", "Concat", "DequantizeLinear", "Div", "Floor", "Identity", "Max", "Min",
    "Mul", "Neg", "Pad", "QuantizeLinear", "Resize", "Round", "Slice", "Sub",
];

/// Operators whose input 0 has its channels behind the batch; sorted.
#[rustfmt::skip]
const TAKES_CHANNELS_FIRST: [&str; 17] = [
    "AveragePool", "BatchNormalization", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "DepthToSpace",
    "GlobalAveragePool", "GlobalMaxPool", "GridSample", "GroupNormalization", "InstanceNormalization", "LRN", "LpPool",
    "MaxPool", "QLinearConv", "SpaceToDepth",
];

/// Where the channels of pictures in `input` are; `None` where it has not the dimensions of pictures, or nothing says it, or
/// what says it contradicts itself.
pub(crate) fn layout(graph: &GraphProto, input: &Input) -> Option<Layout> {
    let dims = input.shape.as_deref()?;
    let [.., first, middle, last] = dims else { return None };
    let before = dims.len() - 3;
    if before > 1 {
        return None;
    }
    let by_dims = by_dims(first, middle, last);
    match (by_readers(graph, &input.name, before), by_dims) {
        (Some(Told::Contradictory), _) => None,
        (Some(Told::As(read)), Some(stated)) if read != stated => None,
        (Some(Told::As(read)), _) => Some(read),
        (None, stated) => stated,
    }
}

/// What three dimensions say: one of them counts channels, or two are called height and width.
fn by_dims(first: &Dim, middle: &Dim, last: &Dim) -> Option<Layout> {
    let counts = |dim: &Dim| dim.size().is_some_and(|size| CHANNELS.contains(&size));
    let is = |dim: &Dim, short: &str, long: &str| matches!(dim, Dim::Named(name) if name.eq_ignore_ascii_case(short) || name.to_ascii_lowercase().contains(long));
    let sides = |height: &Dim, width: &Dim| is(height, "h", "height") && is(width, "w", "width");
    match (counts(first) || sides(middle, last), counts(last) || sides(first, middle)) {
        (true, false) => Some(Layout::ChannelsFirst),
        (false, true) => Some(Layout::ChannelsLast),
        _ => None,
    }
}

/// What readers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    As(Layout),
    Contradictory,
}

/// What the nearest readers of a tensor that know say of it; `before` axes stand before those of the picture.
fn by_readers(graph: &GraphProto, tensor: &str, before: usize) -> Option<Told> {
    let mut tensors = vec![(tensor, before)];
    for _ in 0..LOOKED_THROUGH {
        let mut told = None;
        let mut next = Vec::new();
        for node in &graph.node {
            for &(tensor, before) in &tensors {
                let Some(place) = node.input.iter().position(|name| name == tensor) else {
                    continue;
                };
                told = match (told, says(graph, node, place, before).map(Told::As)) {
                    (Some(told), Some(other)) if told != other => Some(Told::Contradictory),
                    (told, other) => told.or(other),
                };
                next.extend(passed_on(graph, node, before));
            }
        }
        if told.is_some() || next.is_empty() {
            return told;
        }
        tensors = next;
    }
    None
}

/// What a node that reads a tensor as its input `place` says of the picture in it.
fn says(graph: &GraphProto, node: &NodeProto, place: usize, before: usize) -> Option<Layout> {
    let op = node.op();
    if node.is_default_domain() && place == 0 && TAKES_CHANNELS_FIRST.binary_search(&op).is_ok() {
        return Some(Layout::ChannelsFirst);
    }
    let at =
        |axis: i64| match usize::try_from(if axis < 0 { axis + before as i64 + 3 } else { axis }) {
            Ok(axis) if axis == before => Some(Layout::ChannelsFirst),
            Ok(axis) if axis == before + 2 => Some(Layout::ChannelsLast),
            _ => None,
        };
    if node.is("Transpose") {
        let perm = node.attr_ints("perm")?;
        let of_picture: Vec<i64> =
            perm.get(before..)?.iter().map(|axis| axis - before as i64).collect();
        return match of_picture.as_slice() {
            [2, 0, 1] => Some(Layout::ChannelsLast),
            [1, 2, 0] => Some(Layout::ChannelsFirst),
            _ => None,
        };
    }
    if node.is("Gather") && place == 0 {
        // Channels that change their places.
        let indices = constant(graph, node.input_name(1)?)?;
        let is_order = indices.to_i64().is_ok_and(|them| {
            them.len() > 1 && (0..them.len() as i64).all(|channel| them.contains(&channel))
        });
        return if is_order { at(node.attr_i("axis").unwrap_or(0)) } else { None };
    }
    if matches!(op, "Sub" | "Add" | "Mul" | "Div") && node.is_default_domain() {
        let other = node.input_name(1 - place.min(1))?;
        return by_constant(&constant(graph, other)?.dims);
    }
    None
}

/// What the shape of a constant says that is computed with: one value for each channel stands at the channels' axis.
fn by_constant(shape: &[i64]) -> Option<Layout> {
    let is_count = |size: i64| matches!(size, 2..=6);
    match *shape {
        [.., first, 1, 1] if is_count(first) => Some(Layout::ChannelsFirst),
        [.., 1, 1, last] | [1, last] | [last] if is_count(last) => Some(Layout::ChannelsLast),
        _ => None,
    }
}

/// The outputs of a node in which the picture lies as in its input, with the number of axes before it.
fn passed_on<'g>(
    graph: &'g GraphProto,
    node: &'g NodeProto,
    before: usize,
) -> Vec<(&'g str, usize)> {
    let before = if node.is("Unsqueeze") && before == 0 {
        let axes = node.attr_ints("axes").map(<[i64]>::to_vec);
        let axes = axes
            .or_else(|| constant(graph, node.input_name(1)?)?.to_i64().ok().map(Cow::into_owned));
        if axes.as_deref() != Some(&[0]) {
            return Vec::new();
        }
        1
    } else if node.is_default_domain() && KEEPS_AXES.binary_search(&node.op()).is_ok() {
        before
    } else {
        return Vec::new();
    };
    node.output.iter().map(|output| (output.as_str(), before)).collect()
}

/// A constant: an initializer, or the value of a `Constant` node.
fn constant<'g>(graph: &'g GraphProto, name: &str) -> Option<&'g TensorProto> {
    let made = || {
        let node = graph.node.iter().find(|node| node.output_name(0) == Some(name))?;
        if node.is("Constant") { node.attr_t("value") } else { None }
    };
    graph.initializer.iter().find(|tensor| tensor.label() == name).or_else(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{AttributeProto, ValueInfoProto};
    use crate::{DataType, Dim as Stated};

    const OPEN: Stated<'_> = Stated::Unknown;
    const FIRST: Option<Layout> = Some(Layout::ChannelsFirst);
    const LAST: Option<Layout> = Some(Layout::ChannelsLast);

    fn of(dims: &[Stated<'_>], node: Vec<NodeProto>) -> Option<Layout> {
        let initializer = vec![
            TensorProto::from_f32("one", &[1], &[1.0]),
            TensorProto::from_f32("last", &[3], &[1.0; 3]),
            TensorProto::from_f32("first", &[1, 3, 1, 1], &[1.0; 3]),
            TensorProto::from_i64("bgr", &[3], &[2, 1, 0]),
            TensorProto::from_i64("zero", &[1], &[0]),
        ];
        let graph = GraphProto { node, initializer, ..GraphProto::default() };
        layout(&graph, &ValueInfoProto::tensor("x", DataType::FLOAT, dims).to_input())
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto::new(op, output, inputs, &[output])
    }

    fn turn(input: &str, perm: &[i64]) -> NodeProto {
        node("Transpose", &[input], "t").with_attr(AttributeProto::ints("perm", perm))
    }

    #[test]
    fn dimensions_tell_where_one_of_them_counts_channels_or_two_are_named() {
        let [three, four, side, long] = [3, 4, 32, 224].map(Stated::Known);
        let [h, w] = ["height", "width"].map(Stated::Symbol);
        let cases: [(&[Stated<'_>], Option<Layout>); 13] = [
            (&[OPEN, three, OPEN, OPEN], FIRST),
            (&[OPEN, OPEN, OPEN, three], LAST),
            (&[OPEN, long, long, three], LAST),
            (&[three, long, long], FIRST),
            (&[long, long, three], LAST),
            (&[OPEN, OPEN, OPEN, OPEN], None),
            (&[OPEN, three, side, four], None),
            (&[OPEN, OPEN, h, w], FIRST),
            (&[OPEN, h, w, OPEN], LAST),
            (&[OPEN, h, w, three], LAST),
            (&[OPEN, long, long, long], None),
            (&[OPEN, three], None),
            (&[OPEN, OPEN, three, side, side], None),
        ];
        for (dims, expected) in cases {
            assert_eq!(of(dims, Vec::new()), expected, "{dims:?}");
        }
    }

    #[test]
    fn readers_tell_through_what_leaves_axes_where_they_are() {
        let perm = [0, 3, 1, 2];
        let gather =
            |axis| node("Gather", &["x", "bgr"], "g").with_attr(AttributeProto::int("axis", axis));
        let cases = [
            (vec![turn("x", &perm)], LAST),
            (vec![turn("x", &[0, 2, 3, 1])], FIRST),
            (vec![turn("x", &[0, 2, 1, 3])], None),
            (
                vec![node("Cast", &["x"], "c"), node("Mul", &["c", "one"], "m"), turn("m", &perm)],
                LAST,
            ),
            (vec![node("Div", &["one", "x"], "m"), turn("m", &perm)], LAST),
            (vec![node("Conv", &["x", "w"], "y")], FIRST),
            (vec![node("Resize", &["x"], "r"), node("Conv", &["r", "w"], "y")], FIRST),
            (vec![node("Sub", &["x", "last"], "y")], LAST),
            (vec![node("Sub", &["x", "first"], "y")], FIRST),
            (vec![gather(3)], LAST),
            (vec![gather(-3)], FIRST),
            (vec![node("Reshape", &["x", "s"], "r"), node("Conv", &["r", "w"], "y")], None),
            (vec![turn("x", &perm), node("Conv", &["x", "w"], "y")], None),
        ];
        for (nodes, expected) in cases {
            assert_eq!(of(&[OPEN; 4], nodes.clone()), expected, "{nodes:?}");
        }
        let unbatched =
            vec![node("Unsqueeze", &["x", "zero"], "u"), node("Conv", &["u", "w"], "y")];
        assert_eq!(of(&[OPEN; 3], unbatched), FIRST);
        assert_eq!(of(&[OPEN; 3], vec![turn("x", &[2, 0, 1])]), LAST);
    }

    #[test]
    fn dimensions_that_readers_contradict_tell_nothing() {
        let last = [OPEN, OPEN, OPEN, Stated::Known(3)];
        assert_eq!(of(&last, vec![node("Conv", &["x", "w"], "y")]), None);
        assert_eq!(of(&last, vec![turn("x", &[0, 3, 1, 2])]), LAST);
        assert_eq!(of(&last, vec![node("Reshape", &["x"], "y")]), LAST);
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(KEEPS_AXES.is_sorted() && TAKES_CHANNELS_FIRST.is_sorted());
    }
}
