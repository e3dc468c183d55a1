//! `GridSample` over any number of axes, and `AffineGrid`, which makes grids for it.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use super::floats;
use super::grid::{each_place, strides};
use crate::demand::{Args, bytes, product};
use crate::dense;
use crate::error::StepError;
use crate::ours::Compute;

/// The coefficient of the cubic, which the operator leaves open; ONNX Runtime's and PyTorch's.
const CUBIC: f32 = -0.75;

/// `GridSample`.
#[derive(Debug)]
pub(super) struct GridSample {
    mode: Mode,
    padding: Padding,
    aligns_corners: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

/// What lies outside the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Zeros,
    Border,
    Reflection,
}

/// An element along one axis, `None` for a zero outside, and its weight.
type Tap = (Option<usize>, f32);

impl GridSample {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let mode = match node.attr_s("mode").unwrap_or("linear") {
            "linear" | "bilinear" => Mode::Linear,
            "cubic" | "bicubic" => Mode::Cubic,
            "nearest" => Mode::Nearest,
            value => return Err(Refusal::Attribute { name: "mode", value: value.to_owned() }),
        };
        let padding = match node.attr_s("padding_mode").unwrap_or("zeros") {
            "zeros" => Padding::Zeros,
            "border" => Padding::Border,
            "reflection" => Padding::Reflection,
            value => {
                return Err(Refusal::Attribute { name: "padding_mode", value: value.to_owned() });
            }
        };
        let aligns_corners = node.attr_i("align_corners").unwrap_or(0) != 0;
        Ok(Self { mode, padding, aligns_corners })
    }

    /// The elements that a coordinate of −1 to 1 along an axis of this size is made of.
    #[expect(clippy::cast_precision_loss, reason = "the operator computes places in floats")]
    fn taps(&self, coordinate: f32, size: usize, taps: &mut Vec<Tap>) {
        taps.clear();
        let length = size as f32;
        let ends = if self.aligns_corners { (0.0, length - 1.0) } else { (-0.5, length - 0.5) };
        let mut place = if self.aligns_corners {
            (coordinate + 1.0) / 2.0 * (length - 1.0)
        } else {
            ((coordinate + 1.0) * length - 1.0) / 2.0
        };
        if self.mode == Mode::Nearest {
            taps.push((self.element(place.round_ties_even(), size, ends), 1.0));
            return;
        }
        if self.mode == Mode::Linear && (place < ends.0 || place > ends.1) {
            place = match self.padding {
                Padding::Zeros => place,
                Padding::Border => place.clamp(0.0, length - 1.0),
                Padding::Reflection => reflected(place, ends),
            };
        }
        let first = place.floor();
        let share = place - first;
        if self.mode == Mode::Linear {
            taps.push((self.element(first, size, ends), 1.0 - share));
            taps.push((self.element(first + 1.0, size, ends), share));
            return;
        }
        let weights = cubic(share);
        for (tap, weight) in [-1.0, 0.0, 1.0, 2.0].into_iter().zip(weights) {
            taps.push((self.element(first + tap, size, ends), weight));
        }
    }

    /// The element that stands at a whole number.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the axis; what is no number becomes 0"
    )]
    fn element(&self, place: f32, size: usize, ends: (f32, f32)) -> Option<usize> {
        let last = size.checked_sub(1)?;
        let is_inside = place >= 0.0 && place <= last as f32;
        let place = match self.padding {
            _ if is_inside => place,
            Padding::Zeros => return None,
            Padding::Border => place,
            Padding::Reflection => reflected(place, ends),
        };
        Some((place.max(0.0) as usize).min(last))
    }
}

/// The place between the ends where one comes out that is thrown back from them.
fn reflected(place: f32, (low, high): (f32, f32)) -> f32 {
    let range = high - low;
    let back = |beyond: f32| {
        let times = (beyond / range).trunc();
        (times % 2.0 == 0.0, beyond - times * range)
    };
    if place < low {
        let (is_even, rest) = back(low - place);
        if is_even { low + rest } else { high - rest }
    } else if place > high {
        let (is_even, rest) = back(place - high);
        if is_even { high - rest } else { low + rest }
    } else {
        place
    }
}

fn cubic(share: f32) -> [f32; 4] {
    let near = |x: f32| ((CUBIC + 2.0) * x - (CUBIC + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((CUBIC * x - 5.0 * CUBIC) * x + 8.0 * CUBIC) * x - 4.0 * CUBIC;
    [far(share + 1.0), near(share), near(1.0 - share), far(2.0 - share)]
}

impl Compute for GridSample {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let (x, grid) = (args.dims(0), args.dims(1));
        let outer = x.iter().take(2);
        let inner = grid.get(1..grid.len().saturating_sub(1)).unwrap_or_default();
        bytes(product(outer.chain(inner).copied()))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, grid) = (floats(args, 0, "X")?, floats(args, 1, "grid")?);
        let n_axes = x.shape.len().saturating_sub(2);
        let fits = n_axes > 0
            && grid.shape.len() == x.shape.len()
            && grid.shape[0] == x.shape[0]
            && grid.shape[n_axes + 1] == n_axes;
        if !fits {
            return Err(StepError::Window { input: x.shape, kernel: grid.shape });
        }
        let (sizes, places) = (&x.shape[2..], &grid.shape[1..=n_axes]);
        let steps = strides(sizes);
        let (from, to): (usize, usize) = (sizes.iter().product(), places.iter().product());
        let n_channels = x.shape[1];
        let mut y = vec![0.0; x.shape[0] * n_channels * to];
        let mut by_axis = vec![Vec::new(); n_axes];
        let mut corners: Vec<(usize, f32)> = Vec::new();
        for (point, coordinates) in grid.values.chunks_exact(n_axes).enumerate() {
            if n_channels == 0 {
                break;
            }
            if stop.is_set() {
                return Err(StepError::Stopped);
            }
            for (axis, taps) in by_axis.iter_mut().enumerate() {
                // The last axis comes first.
                self.taps(coordinates[n_axes - 1 - axis], sizes[axis], taps);
            }
            combine(&by_axis, &steps, &mut corners);
            let (sample, place) = (point / to, point % to);
            for channel in sample * n_channels..(sample + 1) * n_channels {
                let x = &x.values[channel * from..][..from];
                let sum = corners.iter().map(|&(at, weight)| weight * x[at]).sum();
                y[channel * to + place] = sum;
            }
        }
        let dims = [&x.shape[..2], places].concat();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

/// The elements that the taps of all axes meet in, with the products of their weights.
fn combine(by_axis: &[Vec<Tap>], steps: &[usize], corners: &mut Vec<(usize, f32)>) {
    corners.clear();
    let counts: Vec<usize> = by_axis.iter().map(Vec::len).collect();
    each_place(&counts, |place| {
        let taps = || place.iter().zip(by_axis).map(|(&tap, taps)| taps[tap]);
        let offset: Option<usize> =
            taps().zip(steps).map(|((element, _), step)| Some(element? * step)).sum();
        if let Some(offset) = offset {
            corners.push((offset, taps().map(|(_, weight)| weight).product()));
        }
    });
}

/// `AffineGrid`.
#[derive(Debug)]
pub(super) struct AffineGrid {
    aligns_corners: bool,
}

impl AffineGrid {
    pub(super) fn of(node: &NodeProto) -> Self {
        Self { aligns_corners: node.attr_i("align_corners").unwrap_or(0) != 0 }
    }

    /// The coordinate of each element of an axis.
    #[expect(clippy::cast_precision_loss, reason = "coordinates are floats")]
    fn coordinates(&self, size: usize) -> Vec<f32> {
        let length = size as f32;
        let at = |index: usize| {
            if !self.aligns_corners {
                (2.0 * index as f32 + 1.0) / length - 1.0
            } else if size == 1 {
                0.0
            } else {
                2.0 * index as f32 / (length - 1.0) - 1.0
            }
        };
        (0..size).map(at).collect()
    }
}

/// The sizes in an input, the first two of which are samples and channels.
fn grid_sizes(args: &Args<'_, '_>) -> Option<Vec<usize>> {
    let sizes: Vec<usize> = args
        .integers(1)
        .into_iter()
        .map(|size| usize::try_from(size).ok())
        .collect::<Option<_>>()?;
    (sizes.len() > 2).then_some(sizes)
}

impl Compute for AffineGrid {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let sizes = grid_sizes(args).unwrap_or_default();
        let n_axes = sizes.len().saturating_sub(2) as u64;
        let places = sizes.iter().enumerate().filter(|(at, _)| *at != 1);
        bytes(product(places.map(|(_, &size)| size as u64).chain([n_axes])))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let theta = floats(args, 0, "theta")?;
        dense::integers(args, 1, "size")?;
        let sizes = grid_sizes(args).ok_or(StepError::Unfit { what: "size" })?;
        let n_axes = sizes.len() - 2;
        if theta.shape != [sizes[0], n_axes, n_axes + 1] {
            return Err(StepError::Window { input: sizes, kernel: theta.shape });
        }
        let axes: Vec<Vec<f32>> = sizes[2..].iter().map(|&size| self.coordinates(size)).collect();
        let mut grid = Vec::new();
        for theta in theta.values.chunks_exact(n_axes * (n_axes + 1)) {
            each_place(&sizes[2..], |place| {
                for row in theta.chunks_exact(n_axes + 1) {
                    // The last axis comes first.
                    let along = place.iter().zip(&axes).rev().map(|(&at, axis)| axis[at]);
                    let sum: f32 = row.iter().zip(along).map(|(factor, at)| factor * at).sum();
                    grid.push(sum + row[n_axes]);
                }
            });
        }
        let dims = [&sizes[..1], &sizes[2..], &[n_axes]].concat();
        Ok(vec![Tensor::from_data(&dims, grid).into()])
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::dot;
    use super::*;

    #[test]
    fn what_is_thrown_back_stays_between_the_ends() {
        for place in [-7.3, -0.6, -0.5, 0.0, 2.49, 2.5, 3.0, 9.9] {
            let back = reflected(place, (-0.5, 2.5));
            assert!((-0.5..=2.5).contains(&back), "{place} becomes {back}");
        }
        assert!((reflected(-1.0, (-0.5, 2.5)) - 0.0).abs() < 1e-6);
        assert!((reflected(3.0, (0.0, 2.0)) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn corners_are_all_pairs_inside() {
        let taps = [vec![(Some(1), 0.5), (None, 0.5)], vec![(Some(0), 0.25), (Some(2), 0.75)]];
        let mut corners = Vec::new();
        combine(&taps, &strides(&[3, 4]), &mut corners);
        assert_eq!(corners, [(4, 0.125), (6, 0.375)]);
        assert_eq!(dot(&[1, 2], &strides(&[3, 4])), 6);
    }
}
