//! What layout operators do to shapes, and which elements they take.

use crate::proto::{NodeProto, TensorProto};

use super::view::{Rows, View};

/// Whole numbers that a node is given: an input, or the attribute that it was before.
type Ints<'a> = dyn Fn(usize, &str) -> Option<Vec<i64>> + 'a;

/// The number of elements, `None` where it is beyond counting.
pub(super) fn product(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

pub(super) fn signed(shape: &[usize]) -> Option<Vec<i64>> {
    shape.iter().map(|&size| i64::try_from(size).ok()).collect()
}

/// Returns an axis that may be counted from the end.
pub fn from_end(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

/// What `Shape` makes of a tensor of `shape`.
pub(super) fn shape(node: &NodeProto, shape: &[usize]) -> Option<TensorProto> {
    let rank = i64::try_from(shape.len()).ok()?;
    let place = |at: i64| usize::try_from(if at < 0 { at + rank } else { at }.clamp(0, rank)).ok();
    let start = place(node.attr_i("start").unwrap_or(0).clamp(-rank, rank))?;
    let end = place(node.attr_i("end").unwrap_or(rank).clamp(-rank, rank))?;
    let sizes = signed(shape.get(start..end.max(start))?)?;
    Some(TensorProto::from_i64("", &[sizes.len()], &sizes))
}

/// The shape that the node gives the elements as they lie, `None` within where it is none that does that.
pub(super) fn reshaped(
    node: &NodeProto,
    shape: &[usize],
    ints: &Ints<'_>,
) -> Option<Option<Vec<usize>>> {
    let new_shape = match node.op() {
        "Identity" => shape.to_vec(),
        "Reshape" => {
            resized(shape, &ints(1, "shape")?, node.attr_i("allowzero").unwrap_or(0) != 0)?
        }
        "Unsqueeze" => unsqueezed(shape, &ints(1, "axes")?)?,
        "Squeeze" if node.input_name(1).is_none() && node.attr_ints("axes").is_none() => {
            shape.iter().copied().filter(|&size| size != 1).collect()
        }
        "Squeeze" => squeezed(shape, &ints(1, "axes")?)?,
        "Flatten" => flattened(shape, node.attr_i("axis").unwrap_or(1))?,
        _ => return Some(None),
    };
    (product(&new_shape)? == product(shape)?).then_some(Some(new_shape))
}

fn resized(shape: &[usize], wanted: &[i64], keeps_zeros: bool) -> Option<Vec<usize>> {
    let mut new_shape = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        new_shape.push(match size {
            0 if !keeps_zeros => *shape.get(axis)?,
            -1 => 1,
            size => usize::try_from(size).ok()?,
        });
    }
    if let Some(free) = wanted.iter().position(|&size| size == -1) {
        new_shape[free] = product(shape)?.checked_div(product(&new_shape)?)?;
    }
    Some(new_shape)
}

fn unsqueezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let rank = shape.len() + axes.len();
    let mut new = vec![None; rank];
    for &axis in axes {
        new[from_end(axis, rank)?] = Some(1);
    }
    let mut sizes = shape.iter();
    new.into_iter().map(|size| size.or_else(|| sizes.next().copied())).collect()
}

fn squeezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let axes: Vec<usize> =
        axes.iter().map(|&axis| from_end(axis, shape.len())).collect::<Option<_>>()?;
    let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Some(kept.map(|(_, &size)| size).collect())
}

fn flattened(shape: &[usize], axis: i64) -> Option<Vec<usize>> {
    let rank = shape.len();
    let axis = if axis == i64::try_from(rank).ok()? { rank } else { from_end(axis, rank)? };
    Some(vec![product(&shape[..axis])?, product(&shape[axis..])?])
}

/// What `Slice` takes.
pub(super) fn sliced(shape: &[usize], ints: &Ints<'_>) -> Option<View> {
    let (starts, ends) = (ints(1, "starts")?, ints(2, "ends")?);
    let axes = match ints(3, "axes") {
        Some(axes) => axes,
        None => (0..i64::try_from(starts.len()).ok()?).collect(),
    };
    let steps = ints(4, "").unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return None;
    }
    let mut view = View::of(shape);
    let mut seen = Vec::new();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = from_end(axis, shape.len())?;
        if seen.contains(&axis) {
            return None;
        }
        seen.push(axis);
        let size = i64::try_from(shape[axis]).ok()?;
        let step = steps[index];
        let counted = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
        let (start, end) = match step {
            0 => return None,
            1.. => (counted(starts[index]).clamp(0, size), counted(ends[index]).clamp(0, size)),
            _ => (
                counted(starts[index]).clamp(-1, size - 1),
                counted(ends[index]).clamp(-1, size - 1),
            ),
        };
        let distance = if step > 0 { end - start } else { start - end };
        let count = u64::try_from(distance).unwrap_or(0).div_ceil(step.unsigned_abs());
        let count = usize::try_from(count).ok()?;
        let start = usize::try_from(start).unwrap_or(0);
        view = view.cut(axis, start, isize::try_from(step).ok()?, count);
    }
    Some(view)
}

/// What `Split` takes for each of its outputs.
pub(super) fn split(node: &NodeProto, shape: &[usize], ints: &Ints<'_>) -> Option<Vec<View>> {
    let axis = from_end(node.attr_i("axis").unwrap_or(0), shape.len())?;
    let n_parts = node.output.len();
    let sizes: Vec<usize> = match ints(1, "split") {
        Some(sizes) => {
            sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<_>>()?
        }
        // The last part is the shorter one where they are not equal.
        None => {
            let part = shape[axis].div_ceil(n_parts.max(1));
            let left = |place: usize| shape[axis].saturating_sub(part.saturating_mul(place));
            (0..n_parts).map(|place| left(place).min(part)).collect()
        }
    };
    let all = sizes.iter().try_fold(0_usize, |all, &size| all.checked_add(size))?;
    if sizes.len() != n_parts || all != shape[axis] {
        return None;
    }
    let mut start = 0;
    let view = |size: usize| {
        let view = View::of(shape).cut(axis, start, 1, size);
        start += size;
        view
    };
    Some(sizes.into_iter().map(view).collect())
}

/// What `Gather` takes from a tensor of `shape`.
pub(super) fn gathered(
    node: &NodeProto,
    shape: &[usize],
    shape_of_indices: &[usize],
    indices: &[i64],
) -> Option<Rows> {
    let axis = from_end(node.attr_i("axis").unwrap_or(0), shape.len())?;
    let places = indices.iter().map(|&index| from_end(index, shape[axis]));
    let places = places.collect::<Option<Vec<usize>>>()?;
    let (outer, inner) = (product(&shape[..axis])?, product(&shape[axis + 1..])?);
    let new_shape = [&shape[..axis], shape_of_indices, &shape[axis + 1..]].concat();
    let runs = places.iter().map(|&place| (0, place * inner, inner)).collect();
    Some(Rows { shape: new_shape, n_rows: outer, row_lengths: vec![shape[axis] * inner], runs })
}

/// What `Concat` takes from tensors of these shapes.
pub(super) fn concatenated(node: &NodeProto, shapes: &[Vec<usize>]) -> Option<Rows> {
    let first = shapes.first()?;
    let axis = from_end(node.attr_i("axis")?, first.len())?;
    let is_alike = |shape: &Vec<usize>| {
        let pairs = shape.iter().zip(first).enumerate();
        shape.len() == first.len() && { pairs }.all(|(at, (one, other))| at == axis || one == other)
    };
    if !shapes.iter().all(is_alike) {
        return None;
    }
    let mut new_shape = first.clone();
    let sizes = shapes.iter().map(|shape| shape[axis]);
    new_shape[axis] = sizes.clone().try_fold(0_usize, usize::checked_add)?;
    let (outer, inner) = (product(&first[..axis])?, product(&first[axis + 1..])?);
    let row_lengths = sizes.map(|size| size.checked_mul(inner)).collect::<Option<Vec<usize>>>()?;
    let runs = row_lengths.iter().enumerate().map(|(part, &length)| (part, 0, length)).collect();
    Some(Rows { shape: new_shape, n_rows: outer, row_lengths, runs })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Bytes;
    use crate::proto::AttributeProto;

    /// A row-major tensor whose elements are their places.
    fn places(shape: &[usize]) -> Vec<u8> {
        (0..u8::try_from(shape.iter().product::<usize>()).unwrap()).collect()
    }

    /// The place of the element at these coordinates.
    fn place(shape: &[usize], at: &[usize]) -> u8 {
        let place = shape.iter().zip(at).fold(0, |place, (&size, &at)| place * size + at);
        u8::try_from(place).unwrap()
    }

    /// All coordinates of a shape, in row-major order.
    fn coordinates(shape: &[usize]) -> Vec<Vec<usize>> {
        shape.iter().fold(vec![Vec::new()], |all, &size| {
            let longer = |at: Vec<usize>| (0..size).map(move |next| [&at[..], &[next]].concat());
            all.into_iter().flat_map(longer).collect()
        })
    }

    /// The places on an axis of this size that Python's slice takes.
    fn python(start: i64, end: i64, step: i64, size: usize) -> Vec<usize> {
        let size = i64::try_from(size).unwrap();
        let counted = |at: i64| if at < 0 { at + size } else { at };
        let (mut at, mut taken) = (counted(start), Vec::new());
        if step > 0 {
            at = at.max(0);
            let end = counted(end).min(size);
            while at < end {
                taken.push(usize::try_from(at).unwrap());
                at += step;
            }
        } else {
            at = at.min(size - 1);
            let end = counted(end).max(-1);
            while at > end {
                taken.push(usize::try_from(at).unwrap());
                at += step;
            }
        }
        taken
    }

    fn attributed(op: &str, name: &str, value: i64, n_outputs: usize) -> NodeProto {
        let outputs = vec!["y"; n_outputs];
        NodeProto::new(op, "", &["x"], &outputs).with_attr(AttributeProto::int(name, value))
    }

    proptest! {
        #[test]
        fn slices_are_pythons(
            shape in prop::collection::vec(1usize..5, 3),
            axis in 0usize..3,
            (start, end) in (-6i64..6, -6i64..6),
            step in prop::sample::select(vec![-3i64, -2, -1, 1, 2, 3]),
        ) {
            let given = [vec![start], vec![end], vec![i64::try_from(axis).unwrap() - 3], vec![step]];
            let ints = |input: usize, _: &str| Some(given[input - 1].clone());
            let view = sliced(&shape, &ints).unwrap();
            let kept = python(start, end, step, shape[axis]);
            let mut small = shape.clone();
            small[axis] = kept.len();
            prop_assert_eq!(view.shape(), &small[..]);
            let expected: Vec<u8> = coordinates(&small).into_iter().map(|mut at| {
                at[axis] = kept[at[axis]];
                place(&shape, &at)
            }).collect();
            prop_assert_eq!(view.taken(&places(&shape), 1), expected);
        }

        #[test]
        fn transposition_and_expansion_move_coordinates(
            shape in prop::collection::vec(1usize..5, 3),
            order in Just(vec![0i64, 1, 2]).prop_shuffle(),
            ahead in 1usize..4,
        ) {
            let view = View::of(&shape).transposed(Some(&order)).unwrap();
            let turned: Vec<usize> = order.iter().map(|&axis| shape[usize::try_from(axis).unwrap()]).collect();
            let expected: Vec<u8> = coordinates(&turned).into_iter().map(|at| {
                let mut from = vec![0; 3];
                order.iter().zip(at).for_each(|(&axis, at)| from[usize::try_from(axis).unwrap()] = at);
                place(&shape, &from)
            }).collect();
            prop_assert_eq!(view.taken(&places(&shape), 1), expected.clone());
            let wide = view.expanded(&[i64::try_from(ahead).unwrap(), 1, 1, 1]).unwrap();
            prop_assert_eq!(wide.taken(&places(&shape), 1), expected.repeat(ahead));
        }

        #[test]
        fn gathering_and_joining_pick_rows(
            shape in prop::collection::vec(1usize..5, 3),
            axis in 0usize..3,
            picks in prop::collection::vec(0usize..64, 1..5),
        ) {
            let size = i64::try_from(shape[axis]).unwrap();
            let picks: Vec<i64> = picks.iter().map(|&pick| i64::try_from(pick).unwrap() % (2 * size) - size).collect();
            let at_axis = i64::try_from(axis).unwrap();
            let rows = gathered(&attributed("Gather", "axis", at_axis, 1), &shape, &[picks.len()], &picks).unwrap();
            let mut new = shape.clone();
            new[axis] = picks.len();
            prop_assert_eq!(&rows.shape, &new);
            let expected: Vec<u8> = coordinates(&new).into_iter().map(|mut at| {
                at[axis] = usize::try_from(picks[at[axis]].rem_euclid(size)).unwrap();
                place(&shape, &at)
            }).collect();
            prop_assert_eq!(rows.taken(&[Bytes::from(places(&shape))], 1).unwrap(), expected);

            // What a Split cuts apart a Concat puts together again.
            let parts = split(&attributed("Split", "axis", at_axis, 2), &shape, &|_, _| None).unwrap();
            let shapes: Vec<Vec<usize>> = parts.iter().map(|part| part.shape().to_vec()).collect();
            let bytes: Vec<Bytes> = parts.iter().map(|part| part.taken(&places(&shape), 1).into()).collect();
            let whole = concatenated(&attributed("Concat", "axis", at_axis, 1), &shapes).unwrap();
            prop_assert_eq!(whole.shape.clone(), shape.clone());
            prop_assert_eq!(whole.taken(&bytes, 1).unwrap(), places(&shape));
        }
    }

    #[test]
    fn shapes_follow_onnx_and_what_has_none_is_refused() {
        let node = |op: &str| NodeProto::new(op, "", &["x", "n"], &["y"]);
        type Case = (&'static str, &'static [i64], Option<&'static [usize]>);
        let cases: [Case; 10] = [
            ("Reshape", &[0, -1], Some(&[2, 12])),
            ("Reshape", &[-1], Some(&[24])),
            ("Reshape", &[5, -1], None),
            ("Reshape", &[i64::MAX, i64::MAX], None),
            ("Reshape", &[0, 0, 0, 0], None),
            ("Unsqueeze", &[0, -1], Some(&[1, 2, 3, 4, 1])),
            ("Unsqueeze", &[9], None),
            ("Squeeze", &[1], None),
            ("Flatten", &[], Some(&[2, 12])),
            ("Identity", &[], Some(&[2, 3, 4])),
        ];
        for (op, given, expected) in cases {
            let found = reshaped(&node(op), &[2, 3, 4], &|_, _| Some(given.to_vec()));
            assert_eq!(found.flatten().as_deref(), expected, "{op} {given:?}");
        }
        let two = |start: i64| {
            let node = NodeProto::new("Shape", "", &["x"], &["y"]);
            let node = node.with_attr(AttributeProto::int("start", start));
            shape(&node, &[2, 3, 4]).unwrap().to_i64().unwrap().into_owned()
        };
        assert_eq!((two(0), two(-1), two(9)), (vec![2, 3, 4], vec![4], vec![]));
    }
}
