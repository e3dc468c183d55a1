//! `RoiAlign` and `MaxRoiPool`: pools over boxes of a picture.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use super::floats;
use crate::demand::{Args, bytes, product};
use crate::dense;
use crate::error::StepError;
use crate::ours::Compute;

/// `RoiAlign`.
#[derive(Debug)]
pub(super) struct RoiAlign {
    takes_maximum: bool,
    /// What is taken off a corner, and whether boxes are at least one pixel large otherwise.
    is_half_pixel: bool,
    output: [usize; 2],
    /// Samples along each axis of a bin; as many as it has pixels where there are 0.
    sampling_ratio: f32,
    scale: f32,
}

/// A positive size from an attribute.
fn size(name: &'static str, value: i64) -> Result<usize, Refusal> {
    let size = usize::try_from(value).ok().filter(|&size| size > 0);
    size.ok_or_else(|| Refusal::Attribute { name, value: value.to_string() })
}

impl RoiAlign {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let text = |name, default| node.attr_s(name).unwrap_or(default);
        let refused =
            |name: &'static str, value: &str| Refusal::Attribute { name, value: value.to_owned() };
        let takes_maximum = match text("mode", "avg") {
            "avg" => false,
            "max" => true,
            value => return Err(refused("mode", value)),
        };
        let is_half_pixel = match text("coordinate_transformation_mode", "half_pixel") {
            "half_pixel" => true,
            "output_half_pixel" => false,
            value => return Err(refused("coordinate_transformation_mode", value)),
        };
        let sampling_ratio = node.attr_i("sampling_ratio").unwrap_or(0);
        let ratio = u16::try_from(sampling_ratio)
            .map_err(|_| refused("sampling_ratio", &sampling_ratio.to_string()))?;
        Ok(Self {
            takes_maximum,
            is_half_pixel,
            output: [
                size("output_height", node.attr_i("output_height").unwrap_or(1))?,
                size("output_width", node.attr_i("output_width").unwrap_or(1))?,
            ],
            sampling_ratio: ratio.into(),
            scale: node.attr_f("spatial_scale").unwrap_or(1.0),
        })
    }

    /// For each bin along one axis of a box, the neighbours of its samples and how much of the second there is.
    #[expect(clippy::cast_precision_loss, reason = "places are floats")]
    fn bins(
        &self,
        [start, end]: [f32; 2],
        n_bins: usize,
        length: usize,
        stop: &Stop,
    ) -> Result<Vec<Vec<Option<Between>>>, StepError> {
        let offset = if self.is_half_pixel { 0.5 } else { 0.0 };
        let (start, end) = (start * self.scale - offset, end * self.scale - offset);
        let extent = if self.is_half_pixel { end - start } else { (end - start).max(1.0) };
        let bin = extent / n_bins as f32;
        let n_samples =
            if self.sampling_ratio > 0.0 { self.sampling_ratio } else { bin.ceil().max(0.0) };
        // Saturates; so many do not fit in memory, which is asked for before.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let count = n_samples as usize;
        let mut bins = Vec::with_capacity(n_bins);
        for index in 0..n_bins {
            let mut samples = Vec::new();
            for sample in 0..count {
                if stop.is_set() {
                    return Err(StepError::Stopped);
                }
                let place = start + index as f32 * bin + (sample as f32 + 0.5) * bin / n_samples;
                samples.push(Between::of(place, length));
            }
            bins.push(samples);
        }
        Ok(bins)
    }

    /// What the samples of a bin come to.
    #[expect(clippy::cast_precision_loss, reason = "the quotient is a float all the same")]
    fn pooled(
        &self,
        x: &[f32],
        width: usize,
        rows: &[Option<Between>],
        columns: &[Option<Between>],
    ) -> f32 {
        let mut most: Option<f32> = None;
        let mut sum = 0.0;
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |it| (row, it))) {
            let parts = match (row, column) {
                (Some(row), Some(column)) => {
                    row.corners(column).map(|(y, at, weight)| weight * x[y * width + at])
                }
                _ => [0.0; 4],
            };
            sum += parts.iter().sum::<f32>();
            // ONNX Runtime has the largest part of one, not of their sums.
            let part = parts.into_iter().fold(f32::MIN, f32::max);
            most = Some(most.map_or(part, |most| most.max(part)));
        }
        if self.takes_maximum {
            most.unwrap_or(0.0)
        } else {
            sum / (rows.len() * columns.len()).max(1) as f32
        }
    }
}

/// A place between two elements of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Between {
    first: usize,
    second: usize,
    /// How much of the second there is.
    share: f32,
}

impl Between {
    /// `None` for a place more than one element outside.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the axis"
    )]
    fn of(place: f32, length: usize) -> Option<Self> {
        if !(place >= -1.0 && place <= length as f32) || length == 0 {
            return None;
        }
        let place = place.max(0.0);
        let first = place as usize;
        Some(if first + 1 >= length {
            Self { first: length - 1, second: length - 1, share: 0.0 }
        } else {
            Self { first, second: first + 1, share: place - first as f32 }
        })
    }

    /// The four elements between which a place of a picture lies.
    fn corners(&self, other: &Self) -> [(usize, usize, f32); 4] {
        let (down, right) = (self.share, other.share);
        [
            (self.first, other.first, (1.0 - down) * (1.0 - right)),
            (self.first, other.second, (1.0 - down) * right),
            (self.second, other.first, down * (1.0 - right)),
            (self.second, other.second, down * right),
        ]
    }
}

/// The output of one box of every channel.
fn output_bytes(args: &Args<'_, '_>, output: [usize; 2]) -> u64 {
    let (x, boxes) = (args.dims(0), args.dims(1));
    let outer = [x.get(1), boxes.first()].map(|dim| dim.copied().unwrap_or(0));
    product(outer.into_iter().chain(output.map(|size| size as u64)))
}

impl Compute for RoiAlign {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        // The samples of a box are along its axes alone, so they are no more than the largest box is long.
        let longest = args.floats(1).into_iter().map(|corner| (corner * self.scale).abs());
        let longest = longest.fold(0.0, f32::max).max(self.sampling_ratio).mul_add(2.0, 2.0);
        // Saturates.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let longest = longest.ceil() as u64;
        let bins = (self.output[0].saturating_add(self.output[1]) as u64).saturating_add(longest);
        let samples = match self.sampling_ratio > 0.0 {
            true => bins.saturating_mul(longest),
            false => bins,
        };
        bytes(output_bytes(args, self.output).saturating_add(samples.saturating_mul(8)))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, boxes) = (floats(args, 0, "X")?, floats(args, 1, "rois")?);
        let samples = dense::integers(args, 2, "batch_indices")?;
        let samples = samples.ok_or(StepError::Unfit { what: "batch_indices" })?;
        let unfit = || StepError::Window { input: x.shape.clone(), kernel: boxes.shape.clone() };
        let (&[n_samples, n_channels, height, width], &[n_boxes, 4]) =
            (&x.shape[..], &boxes.shape[..])
        else {
            return Err(unfit());
        };
        if samples.values.len() != n_boxes {
            return Err(unfit());
        }
        let mut y = Vec::with_capacity(n_boxes * n_channels * self.output[0] * self.output[1]);
        for (corners, &sample) in boxes.values.chunks_exact(4).zip(samples.values.iter()) {
            let sample = usize::try_from(sample).ok().filter(|&sample| sample < n_samples);
            let sample = sample.ok_or(StepError::Unfit { what: "batch_indices" })?;
            let rows = self.bins([corners[1], corners[3]], self.output[0], height, stop)?;
            let columns = self.bins([corners[0], corners[2]], self.output[1], width, stop)?;
            for channel in sample * n_channels..(sample + 1) * n_channels {
                let x = &x.values[channel * height * width..][..height * width];
                for row in &rows {
                    if stop.is_set() {
                        return Err(StepError::Stopped);
                    }
                    y.extend(columns.iter().map(|column| self.pooled(x, width, row, column)));
                }
            }
        }
        let dims = [n_boxes, n_channels, self.output[0], self.output[1]];
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

/// `MaxRoiPool`.
#[derive(Debug)]
pub(super) struct MaxRoiPool {
    output: [usize; 2],
    scale: f32,
}

impl MaxRoiPool {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let Some(&[height, width]) = node.attr_ints("pooled_shape") else {
            return Err(Refusal::Missing { name: "pooled_shape" });
        };
        let output = [size("pooled_shape", height)?, size("pooled_shape", width)?];
        Ok(Self { output, scale: node.attr_f("spatial_scale").unwrap_or(1.0) })
    }

    /// The pixels of each bin along one axis of a box.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the axis"
    )]
    fn bins(
        &self,
        [start, end]: [f32; 2],
        n_bins: usize,
        length: usize,
    ) -> Vec<std::ops::Range<usize>> {
        let (start, end) = ((start * self.scale).round(), (end * self.scale).round());
        let bin = (end - start + 1.0).max(1.0) / n_bins as f32;
        let clamped = |place: f32| (place.max(0.0) as usize).min(length);
        let of = |index: usize| {
            let first = clamped((index as f32 * bin).floor() + start);
            first..clamped(((index + 1) as f32 * bin).ceil() + start).max(first)
        };
        (0..n_bins).map(of).collect()
    }
}

impl Compute for MaxRoiPool {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let bins = self.output[0].saturating_add(self.output[1]) as u64;
        bytes(output_bytes(args, self.output).saturating_add(bins.saturating_mul(4)))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, boxes) = (floats(args, 0, "X")?, floats(args, 1, "rois")?);
        let unfit = || StepError::Window { input: x.shape.clone(), kernel: boxes.shape.clone() };
        let (&[n_samples, n_channels, height, width], &[n_boxes, 5]) =
            (&x.shape[..], &boxes.shape[..])
        else {
            return Err(unfit());
        };
        let mut y = Vec::with_capacity(n_boxes * n_channels * self.output[0] * self.output[1]);
        for corners in boxes.values.chunks_exact(5) {
            // Saturates, and what is no number becomes 0.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "see above"
            )]
            let sample = corners[0] as usize;
            if sample >= n_samples || corners[0] < 0.0 {
                return Err(StepError::Unfit { what: "rois" });
            }
            let rows = self.bins([corners[2], corners[4]], self.output[0], height);
            let columns = self.bins([corners[1], corners[3]], self.output[1], width);
            for channel in sample * n_channels..(sample + 1) * n_channels {
                let x = &x.values[channel * height * width..][..height * width];
                for row in &rows {
                    if stop.is_set() {
                        return Err(StepError::Stopped);
                    }
                    y.extend(columns.iter().map(|column| {
                        let rows = row.clone().map(|row| &x[row * width..][column.clone()]);
                        let most = rows.flatten().copied().reduce(f32::max);
                        most.unwrap_or(0.0)
                    }));
                }
            }
        }
        let dims = [n_boxes, n_channels, self.output[0], self.output[1]];
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}
