//! Places in a row-major array of any number of axes.

/// The distance of neighbours along each axis, in elements.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// Calls `visit` with every place of an array of these dimensions, in order.
pub(super) fn each_place(dims: &[usize], mut visit: impl FnMut(&[usize])) {
    if dims.contains(&0) {
        return;
    }
    let mut place = vec![0; dims.len()];
    loop {
        visit(&place);
        let Some(axis) = (0..dims.len()).rev().find(|&axis| place[axis] + 1 < dims[axis]) else {
            return;
        };
        place[axis] += 1;
        place[axis + 1..].fill(0);
    }
}

/// The sum of the products of these.
pub(super) fn dot(a: &[usize], b: &[usize]) -> usize {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_the_order_of_their_offsets() {
        for dims in [vec![], vec![3], vec![2, 3], vec![2, 1, 4], vec![2, 0, 3]] {
            let strides = strides(&dims);
            let mut seen = Vec::new();
            each_place(&dims, |place| seen.push(dot(place, &strides)));
            assert_eq!(seen, (0..dims.iter().product()).collect::<Vec<_>>());
        }
    }
}
