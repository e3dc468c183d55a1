//! Operators whose outputs have shapes of their own.

use calibrant_onnx::proto::NodeProto;

use super::{Args, bytes, dim, product};

/// The dimensions that these broadcast to, as far as they fit each other.
pub(crate) fn broadcast_dims(a: &[u64], b: &[u64]) -> Vec<u64> {
    let rank = a.len().max(b.len());
    let at = |dims: &[u64], axis: usize| {
        (axis + dims.len()).checked_sub(rank).map_or(1, |axis| dims[axis])
    };
    let dims = (0..rank).map(|axis| match (at(a, axis), at(b, axis)) {
        (1, other) | (other, 1) => other,
        (first, second) => first.max(second),
    });
    dims.collect()
}

/// The output, and a partial result where there are more than two inputs.
pub(super) fn broadcast(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let inputs = 0..args.0.len();
    let dims = inputs.fold(Vec::new(), |dims, index| broadcast_dims(&dims, &args.dims(index)));
    let copies = if args.0.len() > 2 { 2 } else { 1 };
    bytes(product(dims).saturating_mul(copies))
}

pub(super) fn constant_of_shape(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(product(args.integers(0).into_iter().map(dim)))
}

pub(super) fn expand(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let target: Vec<u64> = args.integers(1).into_iter().map(dim).collect();
    bytes(product(broadcast_dims(&args.dims(0), &target)))
}

pub(super) fn tile(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let repeats = args.integers(1).into_iter().map(dim);
    bytes(product(args.dims(0).into_iter().chain(repeats)))
}

/// The data's dimensions with those of the indices in the place of one.
pub(super) fn gather(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let mut data = args.dims(0);
    if let Some(axis) = axis(node.attr_i("axis").unwrap_or(0), data.len()) {
        data.remove(axis);
    }
    bytes(product(data.into_iter().chain([args.len(1)])))
}

pub(super) fn gather_elements(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(args.len(1))
}

/// What is left of the indices without their last axis, times what is left of the data behind it.
pub(super) fn gather_nd(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (data, indices) = (args.dims(0), args.dims(1));
    let Some((&depth, outer)) = indices.split_last() else { return 0 };
    let batch_dims = dim(node.attr_i("batch_dims").unwrap_or(0));
    let from = usize::try_from(batch_dims.saturating_add(depth)).unwrap_or(usize::MAX);
    let rest = data.get(from..).unwrap_or_default();
    bytes(product(outer.iter().chain(rest).copied()))
}

/// Every place of every element, made once and then turned.
pub(super) fn non_zero(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let rank = args.dims(0).len().max(1) as u64;
    bytes(args.len(0).saturating_mul(rank).saturating_mul(3))
}

pub(super) fn one_hot(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let depth = args.integers(1).first().copied().map_or(0, dim);
    bytes(product([args.len(0), depth]))
}

pub(super) fn pad(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let dims = args.dims(0);
    let given = node.attr_ints("pads").map(<[i64]>::to_vec);
    let pads = given.unwrap_or_else(|| args.integers(1));
    let (before, after) = pads.split_at(pads.len() / 2);
    let padded = dims.iter().enumerate().map(|(axis, &size)| {
        let pad = |pads: &[i64]| pads.get(axis).copied().unwrap_or(0);
        let total = i128::from(size) + i128::from(pad(before)) + i128::from(pad(after));
        u64::try_from(total.max(0)).unwrap_or(u64::MAX)
    });
    bytes(product(padded))
}

pub(super) fn range(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    bytes(crate::own::range_len(args.0).unwrap_or(0))
}

/// Values and places, and one lane with its places.
pub(super) fn top_k(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let mut dims = args.dims(0);
    let Some(axis) = axis(node.attr_i("axis").unwrap_or(-1), dims.len()) else { return 0 };
    let k = args.integers(1).first().copied().map_or(0, dim);
    let lane = std::mem::replace(&mut dims[axis], k);
    bytes(product(dims).saturating_mul(2).saturating_add(lane.saturating_mul(4)))
}

/// The product, and both factors once more as they are packed.
pub(super) fn matmul(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (a, b) = (args.dims(0), args.dims(1));
    let (rows, columns) = if node.is("Gemm") {
        let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
        let rows = a.get(usize::from(is_set("transA")));
        (rows, b.get(usize::from(!is_set("transB"))))
    } else {
        (a.len().checked_sub(2).map(|axis| &a[axis]), if b.len() < 2 { None } else { b.last() })
    };
    let outer = |dims: &[u64]| dims[..dims.len().saturating_sub(2)].to_vec();
    let batch = product(broadcast_dims(&outer(&a), &outer(&b)));
    let output = product([batch, rows.copied().unwrap_or(1), columns.copied().unwrap_or(1)]);
    bytes(output.saturating_add(args.len(0)).saturating_add(args.len(1)))
}

/// The gates of all steps, and the states of all steps.
pub(super) fn recurrent(_: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (x, recurrence) = (args.dims(0), args.dims(2));
    let (&[first, second, _], &[directions, gates, hidden]) = (&x[..], &recurrence[..]) else {
        return 0;
    };
    let steps = product([first, second, directions]);
    let gates = product([steps, gates]);
    let states = product([steps, hidden]).saturating_mul(4);
    bytes(gates.saturating_add(states).saturating_add(args.len(1)).saturating_add(args.len(2)))
}

/// The output and all inputs once more, and the scores of one head.
pub(super) fn attention(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let (query, key, value) = (args.dims(0), args.dims(1), args.dims(2));
    let sequence = |dims: &[u64]| dims.len().checked_sub(2).map_or(1, |axis| dims[axis]);
    let past = args.dims(4);
    let keys = sequence(&key).saturating_add(past.get(2).copied().unwrap_or(0));
    let scores = product([sequence(&query), keys]).saturating_mul(2);
    let heads = |name, dims: &[u64]| match dims {
        &[_, heads, _, _] => heads,
        _ => node.attr_i(name).map_or(1, dim),
    };
    let (q_heads, kv_heads) = (heads("q_num_heads", &query), heads("kv_num_heads", &key).max(1));
    let value_width = value.last().copied().unwrap_or(1);
    let batch = query.first().copied().unwrap_or(1);
    let width = if value.len() == 4 { value_width } else { value_width.div_ceil(kv_heads) };
    let output = product([batch, q_heads, sequence(&query), width]);
    bytes(output.saturating_add(scores).saturating_add(args.total().saturating_mul(2)))
}

/// The axis, counted from the end where it is negative, if there is such an axis.
pub(crate) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
    (0..rank).contains(&axis).then(|| usize::try_from(axis).ok()).flatten()
}
