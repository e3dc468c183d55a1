//! Applies the taps of each axis, the last one first.

use super::coordinates::Line;
use super::taps::Taps;
use crate::spatial::grid::{each_place, strides};

/// The elements that the taps, one each, name.
pub(super) fn gathered<T: Copy>(x: &[T], lines: &[Line], taps: &[Option<Taps>]) -> Vec<T> {
    along_each(x, lines, taps, |x, inner, from, taps, y| {
        for line in x.chunks_exact(from * inner) {
            for &element in &taps.elements {
                y.extend_from_slice(&line[element * inner..][..inner]);
            }
        }
    })
}

/// The sums that the taps stand for.
pub(super) fn summed(x: &[f32], lines: &[Line], taps: &[Option<Taps>]) -> Vec<f32> {
    along_each(x, lines, taps, |x, inner, from, taps, y| {
        for line in x.chunks_exact(from * inner) {
            let places = taps.elements.chunks_exact(taps.width);
            for (elements, weights) in places.zip(taps.weights.chunks_exact(taps.width)) {
                let taps = elements.iter().zip(weights);
                if inner == 1 {
                    y.push(taps.map(|(&element, weight)| line[element] * weight).sum());
                    continue;
                }
                let start = y.len();
                y.resize(start + inner, 0.0);
                for (&element, &weight) in taps.filter(|(_, weight)| **weight != 0.0) {
                    let row = &line[element * inner..][..inner];
                    y[start..].iter_mut().zip(row).for_each(|(y, x)| *y += weight * x);
                }
            }
        }
    })
}

/// Calls `apply` for each axis that has taps with the elements, how many of them lie behind each of the axis, the axis'
/// size, its taps, and where to put what it makes.
fn along_each<T: Copy>(
    x: &[T],
    lines: &[Line],
    taps: &[Option<Taps>],
    apply: impl Fn(&[T], usize, usize, &Taps, &mut Vec<T>),
) -> Vec<T> {
    let mut dims: Vec<usize> = lines.iter().map(|line| line.from).collect();
    let mut made: Option<Vec<T>> = None;
    for axis in (0..lines.len()).rev() {
        let Some(taps) = &taps[axis] else { continue };
        let inner: usize = dims[axis + 1..].iter().product();
        dims[axis] = lines[axis].to;
        let mut y = Vec::with_capacity(dims.iter().product());
        let from = lines[axis].from;
        if y.capacity() > 0 && from > 0 {
            apply(made.as_deref().unwrap_or(x), inner, from, taps, &mut y);
        }
        made = Some(y);
    }
    made.unwrap_or_else(|| x.to_vec())
}

/// Puts `value` wherever a place lies outside the input along some axis.
pub(super) fn fill_outside<T: Copy>(y: &mut [T], lines: &[Line], taps: &[Option<Taps>], value: T) {
    let dims: Vec<usize> = lines.iter().map(|line| line.to).collect();
    let steps = strides(&dims);
    for (axis, taps) in taps.iter().enumerate() {
        let Some(taps) = taps.as_ref().filter(|taps| taps.outside.contains(&true)) else {
            continue;
        };
        let inner = steps[axis];
        each_place(&dims[..=axis], |place| {
            if taps.outside[place[axis]] {
                let start: usize = place.iter().zip(&steps).map(|(at, step)| at * step).sum();
                y[start..start + inner].fill(value);
            }
        });
    }
}
