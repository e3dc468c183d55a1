//! Which elements of an axis a place of the output is made of, and how much of each.

use super::coordinates::{Coordinates, Line, Nearest};

/// For each place of the output the same number of elements, some of which may weigh nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    /// How many there are for each place.
    pub(super) width: usize,
    pub(super) elements: Vec<usize>,
    pub(super) weights: Vec<f32>,
    /// The places that lie outside the input.
    pub(super) outside: Vec<bool>,
}

/// Whose values are weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Filter {
    Triangle,
    Cubic(f32),
}

impl Filter {
    /// How far it reaches to either side.
    fn reach(self) -> f32 {
        match self {
            Self::Triangle => 1.0,
            Self::Cubic(_) => 2.0,
        }
    }

    fn weight(self, x: f32) -> f32 {
        let x = x.abs();
        match self {
            Self::Triangle => (1.0 - x).max(0.0),
            Self::Cubic(a) if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            Self::Cubic(a) if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * a,
            Self::Cubic(_) => 0.0,
        }
    }
}

/// Numbers of 4 bytes that the taps of a line take at most.
pub(super) fn most(line: &Line, antialias: bool) -> u64 {
    if line.is_same() {
        return 0;
    }
    let width = if antialias { window(line.scale, 2.0) as u64 } else { 4 };
    // A place in the input takes two, and a sum of weights passes through one.
    width.saturating_mul(line.to as u64).saturating_mul(3).saturating_add(2 * width)
}

/// Elements under a filter that reaches this far, stretched where the output is smaller.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number; the cast saturates"
)]
fn window(scale: f32, reach: f32) -> usize {
    ((reach * (1.0 / scale).max(1.0)).ceil() as usize).saturating_mul(2).saturating_add(1)
}

impl Taps {
    fn new(width: usize, line: &Line) -> Self {
        let n_taps = width * line.to;
        Self {
            width,
            elements: Vec::with_capacity(n_taps),
            weights: Vec::with_capacity(n_taps),
            outside: Vec::with_capacity(line.to),
        }
    }

    fn push(&mut self, element: usize, weight: f32) {
        self.elements.push(element);
        self.weights.push(weight);
    }
}

/// Each element as it is, a filter that makes nothing smaller or larger being left out.
pub(super) fn stay(line: &Line, coordinates: Coordinates) -> Taps {
    let mut taps = Taps::new(1, line);
    for at in 0..line.to {
        taps.push(at, 1.0);
        taps.outside.push(line.is_outside(line.place(coordinates, at)));
    }
    taps
}

/// One element each.
pub(super) fn nearest(line: &Line, coordinates: Coordinates, nearest: Nearest) -> Taps {
    let mut taps = Taps::new(1, line);
    for at in 0..line.to {
        let place = line.place(coordinates, at);
        taps.push(line.clamped(nearest.of_place(place, line.scale < 1.0)), 1.0);
        let is_outside = coordinates == Coordinates::CropAndResize && line.is_outside(place);
        taps.outside.push(is_outside);
    }
    taps
}

/// The two neighbours.
#[expect(clippy::cast_precision_loss, reason = "places are computed in float32")]
pub(super) fn linear(line: &Line, coordinates: Coordinates) -> Taps {
    let mut taps = Taps::new(2, line);
    let last = line.from.saturating_sub(1);
    for at in 0..line.to {
        let place = line.place(coordinates, at);
        taps.outside.push(line.is_outside(place));
        let place = place.max(0.0).min(last as f32);
        let first = line.clamped(place);
        let second = (first + 1).min(last);
        let share = if first == second { 0.5 } else { place - first as f32 };
        taps.push(first, 1.0 - share);
        taps.push(second, share);
    }
    taps
}

/// Two neighbours to either side.
#[expect(clippy::cast_precision_loss, reason = "places are computed in float32")]
pub(super) fn cubic(line: &Line, coordinates: Coordinates, a: f32, excludes_outside: bool) -> Taps {
    let mut taps = Taps::new(4, line);
    for at in 0..line.to {
        let place = line.place(coordinates, at);
        taps.outside.push(line.is_outside(place));
        let first = place.floor() - 1.0;
        let mut weights = [0, 1, 2, 3].map(|tap| {
            let place_of_tap = first + tap as f32;
            let counts = !excludes_outside || !line.is_outside(place_of_tap);
            if counts { Filter::Cubic(a).weight(place - place_of_tap) } else { 0.0 }
        });
        if excludes_outside {
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        for (tap, weight) in weights.into_iter().enumerate() {
            taps.push(line.clamped(first + tap as f32), weight);
        }
    }
    taps
}

/// All elements under a filter, which is stretched where the output is smaller.
#[expect(clippy::cast_precision_loss, reason = "places are computed in float32")]
pub(super) fn filtered(
    line: &Line,
    coordinates: Coordinates,
    filter: Filter,
    excludes_outside: bool,
) -> Taps {
    let stretch = (1.0 / line.scale).max(1.0);
    let reach = filter.reach() * stretch;
    let width = window(line.scale, filter.reach());
    let mut taps = Taps::new(width, line);
    let mut weights = vec![0.0; width];
    for at in 0..line.to {
        let place = line.place(coordinates, at);
        taps.outside.push(line.is_outside(place));
        let center = 0.5 + place;
        let first = (center - reach + 0.5).floor();
        let count = ((center + reach + 0.5).floor() - first).clamp(0.0, width as f32);
        let mut sum = 0.0;
        for (tap, weight) in weights.iter_mut().enumerate() {
            let place_of_tap = first + tap as f32;
            let counts =
                (tap as f32) < count && (!excludes_outside || !line.is_outside(place_of_tap));
            *weight = if counts {
                filter.weight((place_of_tap - center + 0.5) * (1.0 / stretch))
            } else {
                0.0
            };
            sum += *weight;
        }
        let share = if sum == 0.0 { 1.0 } else { 1.0 / sum };
        for (tap, weight) in weights.iter().enumerate() {
            taps.push(line.clamped(first + tap as f32), weight * share);
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [Coordinates; 5] = [
        Coordinates::HalfPixel,
        Coordinates::HalfPixelSymmetric,
        Coordinates::PytorchHalfPixel,
        Coordinates::AlignCorners,
        Coordinates::Asymmetric,
    ];

    #[test]
    fn weights_of_each_place_add_up_to_one() {
        for (from, to) in [(5, 9), (9, 5), (1, 4), (4, 1), (7, 3)] {
            let line = Line::sized(from, to).unwrap();
            for mode in MODES {
                for excludes in [false, true] {
                    let all = [
                        linear(&line, mode),
                        cubic(&line, mode, -0.5, excludes),
                        filtered(&line, mode, Filter::Triangle, excludes),
                        filtered(&line, mode, Filter::Cubic(-0.75), excludes),
                    ];
                    for taps in all {
                        assert_eq!(taps.weights.len(), taps.width * to);
                        for weights in taps.weights.chunks(taps.width) {
                            let sum: f32 = weights.iter().sum();
                            assert!((sum - 1.0).abs() < 1e-5, "{line:?} {mode:?}: {weights:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn halves_go_where_the_mode_says() {
        let halves = [0.5, 1.5, 2.4];
        let cases = [
            (Nearest::RoundPreferFloor, [0.0, 1.0, 2.0]),
            (Nearest::RoundPreferCeil, [1.0, 2.0, 2.0]),
            (Nearest::Floor, [0.0, 1.0, 2.0]),
            (Nearest::Ceil, [1.0, 2.0, 3.0]),
        ];
        for (mode, expected) in cases {
            assert_eq!(halves.map(|half| mode.of_place(half, true)), expected);
        }
        assert_eq!(halves.map(|half| Nearest::Simple.of_place(half, true)), [1.0, 2.0, 3.0]);
        assert_eq!(halves.map(|half| Nearest::Simple.of_place(half, false)), [0.0, 1.0, 2.0]);
    }
}
