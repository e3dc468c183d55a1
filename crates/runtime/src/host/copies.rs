//! Copies that fill up a run: what of a tensor is theirs, so that it counts nothing.

/// How far the values of a copy may be from those of its sample, as a part of the tensor's largest magnitude: a kernel may
/// add up in another order at another place of a batch.
const ROUNDING: f32 = 1e-5;

/// Shape and values of a tensor without what `copies` of its samples made, which stand behind the first `n_samples` and
/// repeat them in turn; `None` where no axis holds the tensor's values sample by sample.
///
/// That an axis does is seen from the values: what stands at the place of a copy is what stands at that of its sample. An
/// operator that mixes samples leaves no such axis.
pub(super) fn without_copies(
    shape: &[usize],
    values: &[f32],
    n_samples: usize,
    copies: usize,
) -> Option<(Vec<usize>, Vec<f32>)> {
    if values.is_empty() {
        return Some((shape.to_vec(), Vec::new()));
    }
    let n_all = n_samples + copies;
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let rounding = if largest.is_finite() { ROUNDING * largest } else { 0.0 };
    let is_same = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || (a - b).abs() <= rounding;
    let divides = |axis: &usize| shape[*axis].is_multiple_of(n_all);
    let axis = (0..shape.len()).filter(divides).find(|&axis| {
        let of_each = shape[axis..].iter().product::<usize>() / n_all;
        values.chunks_exact(of_each * n_all).all(|outer| {
            let place = |sample: usize| &outer[sample * of_each..][..of_each];
            (n_samples..n_all).all(|copy| {
                place(copy)
                    .iter()
                    .zip(place((copy - n_samples) % n_samples))
                    .all(|(a, b)| is_same(a, b))
            })
        })
    })?;
    let of_all = shape[axis..].iter().product::<usize>();
    let of_samples = of_all / n_all * n_samples;
    let mut without = shape.to_vec();
    without[axis] = shape[axis] / n_all * n_samples;
    let kept = values.chunks_exact(of_all).flat_map(|outer| &outer[..of_samples]);
    Some((without, kept.copied().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shape, values, samples, copies, and shape and values without them.
    type Case<'a> = (&'a [usize], &'a [f32], usize, usize, Option<(&'a [usize], &'a [f32])>);

    #[test]
    fn copies_are_found_along_whichever_axis_holds_samples() {
        let cases: [Case<'_>; 7] = [
            (&[3, 2], &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0], 1, 2, Some((&[1, 2], &[1.0, 2.0]))),
            (&[4], &[1.0, 2.0, 1.0, 2.0], 2, 2, Some((&[2], &[1.0, 2.0]))),
            // Two indices of the axis each.
            (&[6], &[1.0, 2.0, 3.0, 4.0, 1.0, 2.0], 2, 1, Some((&[4], &[1.0, 2.0, 3.0, 4.0]))),
            // Along the second axis.
            (
                &[2, 3],
                &[1.0, 5.0, 1.0, 2.0, 6.0, 2.0],
                2,
                1,
                Some((&[2, 2], &[1.0, 5.0, 2.0, 6.0])),
            ),
            // Rounded otherwise.
            (&[2], &[1.0, 1.000_001], 1, 1, Some((&[1], &[1.0]))),
            // Mixed, and without an axis of as many.
            (&[2], &[1.0, 2.0], 1, 1, None),
            (&[3], &[1.0, 1.0, 1.0], 1, 1, None),
        ];
        for (shape, values, n_samples, copies, expected) in cases {
            let expected = expected.map(|(shape, values)| (shape.to_vec(), values.to_vec()));
            assert_eq!(
                without_copies(shape, values, n_samples, copies),
                expected,
                "{shape:?} {values:?}"
            );
        }
    }

    #[test]
    fn of_nothing_nothing_is_a_copy() {
        assert_eq!(without_copies(&[2, 0], &[], 1, 1), Some((vec![2, 0], Vec::new())));
    }

    #[test]
    fn masks_of_infinities_have_copies_too() {
        let values = [0.0, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
        let (shape, kept) = without_copies(&[2, 2], &values, 1, 1).unwrap();
        assert_eq!((shape, kept), (vec![1, 2], vec![0.0, f32::NEG_INFINITY]));
    }
}
