//! `NonMaxSuppression`.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use crate::demand::{Args, bytes, product};
use crate::dense::{floats, integers};
use crate::error::StepError;
use crate::ours::Compute;

/// For each picture and class the boxes with the best scores that overlap no better one by too much.
///
/// As in ONNX Runtime: among equal scores the first box is the better one, a score has to be above the threshold, and
/// without a number of boxes there are none.
#[derive(Debug)]
struct Suppression {
    /// Whether boxes are given by their centres and sizes, and not by two corners.
    is_centred: bool,
}

pub(super) fn of(node: &NodeProto) -> Box<dyn Compute> {
    Box::new(Suppression { is_centred: node.attr_i("center_point_box").unwrap_or(0) != 0 })
}

/// A box by its lowest and highest corner.
#[derive(Debug, Clone, Copy)]
struct Corners {
    low: [f32; 2],
    high: [f32; 2],
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Limits {
    boxes: usize,
    overlap: f32,
    score: Option<f32>,
}

impl Compute for Suppression {
    /// Places of all boxes that there can be, one class's candidates, its chosen boxes, and every input once more.
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let scores = args.dims(1);
        let &[pictures, classes, boxes] = &scores[..] else { return 0 };
        let most = args.integers(2).first().map_or(0, |&most| u64::try_from(most).unwrap_or(0));
        let chosen = product([pictures, classes, boxes.min(most), 6]);
        let candidates = boxes.saturating_mul(9);
        bytes(chosen.saturating_add(candidates).saturating_add(args.total()))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let boxes = floats(args, 0, "boxes")?.ok_or(StepError::NoValue)?;
        let scores = floats(args, 1, "scores")?.ok_or(StepError::NoValue)?;
        let unfit = StepError::Unfit { what: "boxes and scores" };
        let (&[pictures, n_boxes, 4], &[of_scores, classes, n_scores]) =
            (&boxes.shape[..], &scores.shape[..])
        else {
            return Err(unfit);
        };
        if of_scores != pictures || n_scores != n_boxes {
            return Err(unfit);
        }
        let most = integers(args, 2, "max_output_boxes_per_class")?;
        let most = most.and_then(|most| most.values.first().copied()).unwrap_or(0);
        let number = |index, name| -> Result<Option<f32>, StepError> {
            Ok(floats(args, index, name)?.and_then(|number| number.values.first().copied()))
        };
        let limits = Limits {
            boxes: usize::try_from(most).unwrap_or(0).min(n_boxes),
            overlap: number(3, "iou_threshold")?.unwrap_or(0.0),
            score: number(4, "score_threshold")?,
        };
        let mut chosen: Vec<i32> = Vec::new();
        for picture in 0..pictures {
            let of_picture = &boxes.values[picture * n_boxes * 4..][..n_boxes * 4];
            let corners: Vec<Corners> =
                of_picture.as_chunks().0.iter().map(|it| self.corners(*it)).collect();
            for class in 0..classes {
                let start = (picture * classes + class) * n_boxes;
                let scores = &scores.values[start..][..n_boxes];
                for index in best(&corners, scores, limits, stop)? {
                    chosen.extend([picture, class, index].map(whole));
                }
            }
        }
        Ok(vec![Tensor::from_data(&[chosen.len() / 3, 3], chosen).into()])
    }
}

/// A place as the executor holds it; no tensor has 2^31 elements.
fn whole(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}

impl Suppression {
    fn corners(&self, [a, b, c, d]: [f32; 4]) -> Corners {
        if self.is_centred {
            let (half_width, half_height) = (c / 2.0, d / 2.0);
            let low = [a - half_width, b - half_height];
            return Corners { low, high: [a + half_width, b + half_height] };
        }
        Corners { low: [a.min(c), b.min(d)], high: [a.max(c), b.max(d)] }
    }
}

/// The places of the boxes that stay, the best first.
fn best(
    boxes: &[Corners],
    scores: &[f32],
    limits: Limits,
    stop: &Stop,
) -> Result<Vec<usize>, StepError> {
    let is_good = |score: f32| limits.score.is_none_or(|least| score > least);
    let mut candidates: Vec<usize> =
        (0..scores.len()).filter(|&index| is_good(scores[index])).collect();
    // Stable, so the first of equal ones stays before the others.
    candidates.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut chosen: Vec<usize> = Vec::new();
    for candidate in candidates {
        if chosen.len() == limits.boxes {
            break;
        }
        if stop.is_set() {
            return Err(StepError::Stopped);
        }
        let overlaps = |&other: &usize| boxes[candidate].overlap(boxes[other]) > limits.overlap;
        if !chosen.iter().any(overlaps) {
            chosen.push(candidate);
        }
    }
    Ok(chosen)
}

impl Corners {
    fn area(self) -> f32 {
        (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])
    }

    /// What two boxes share of all that they cover; below any threshold where they share nothing.
    fn overlap(self, other: Self) -> f32 {
        let side = |axis: usize| {
            self.high[axis].min(other.high[axis]) - self.low[axis].max(other.low[axis])
        };
        let (width, height) = (side(0), side(1));
        let (a, b) = (self.area(), other.area());
        if width <= 0.0 || height <= 0.0 || a <= 0.0 || b <= 0.0 {
            return f32::NEG_INFINITY;
        }
        let shared = width * height;
        shared / (a + b - shared)
    }
}
