//! `Resize` and `Upsample` along any axes: each axis by itself, as sums of weighted elements.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use rten::{Value, ValueView};
use rten_tensor::{Tensor, TensorView};

use crate::demand::{self, Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;
use calibrant_runtime::host::Stop;

mod apply;
mod coordinates;
mod taps;

use coordinates::{Coordinates, Line, Nearest};
use taps::{Filter, Taps};

/// What the attributes say.
#[derive(Debug)]
pub(super) struct Resize {
    mode: Mode,
    coordinates: Coordinates,
    /// What stands where a place of the output lies outside the part of the input that is cut out.
    extrapolation: f32,
    /// Whether elements outside the input count nothing, rather than as the outermost one.
    excludes_outside: bool,
    /// Whether a filter gets wider where the output is smaller.
    antialias: bool,
    /// The axes that scales, sizes and the part to cut out are for; all of them where there is no list.
    axes: Option<Vec<i64>>,
    policy: Policy,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Nearest(Nearest),
    Linear,
    Cubic { a: f32 },
}

/// What becomes of sizes whose ratio is another than the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Stretch,
    NotLarger,
    NotSmaller,
}

impl Resize {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let text = |name, default| node.attr_s(name).unwrap_or(default);
        let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
        let refused =
            |name: &'static str, value: &str| Refusal::Attribute { name, value: value.to_owned() };
        let mode = match text("mode", "nearest") {
            "nearest" => {
                let name = text("nearest_mode", "round_prefer_floor");
                Mode::Nearest(Nearest::of(name).ok_or_else(|| refused("nearest_mode", name))?)
            }
            // The first versions call it by the number of axes that they had in mind.
            "linear" | "bilinear" => Mode::Linear,
            "cubic" => Mode::Cubic { a: node.attr_f("cubic_coeff_a").unwrap_or(-0.75) },
            other => return Err(refused("mode", other)),
        };
        let name = text("coordinate_transformation_mode", "half_pixel");
        let policy = match text("keep_aspect_ratio_policy", "stretch") {
            "stretch" => Policy::Stretch,
            "not_larger" => Policy::NotLarger,
            "not_smaller" => Policy::NotSmaller,
            other => return Err(refused("keep_aspect_ratio_policy", other)),
        };
        let antialias = is_set("antialias");
        if antialias && matches!(mode, Mode::Nearest(_)) {
            return Err(refused("antialias", "1"));
        }
        Ok(Self {
            mode,
            coordinates: Coordinates::of(name)
                .ok_or_else(|| refused("coordinate_transformation_mode", name))?,
            extrapolation: node.attr_f("extrapolation_value").unwrap_or(0.0),
            excludes_outside: is_set("exclude_outside"),
            antialias,
            axes: node.attr_ints("axes").filter(|axes| !axes.is_empty()).map(<[i64]>::to_vec),
            policy,
        })
    }

    /// The lines along the axes, in order.
    fn lines(&self, args: &Args<'_, '_>) -> Result<Vec<Line>, StepError> {
        let x = args.shape(0);
        let axes: Option<Vec<usize>> = match &self.axes {
            Some(axes) => axes.iter().map(|&axis| demand::axis(axis, x.len())).collect(),
            None => Some((0..x.len()).collect()),
        };
        let axes = axes.ok_or(StepError::Unfit { what: "axes" })?;
        let (scales, sizes, roi) = (args.floats(2), args.integers(3), args.floats(1));
        let mut lines: Vec<Line> = x.iter().map(|&size| Line::same(size)).collect();
        if !scales.is_empty() {
            if scales.len() != axes.len() {
                return Err(StepError::Unfit { what: "scales" });
            }
            for (&axis, &scale) in axes.iter().zip(&scales) {
                let line = Line::scaled(x[axis], scale);
                lines[axis] = line.ok_or(StepError::Unfit { what: "scales" })?;
            }
        } else {
            self.set_sizes(&mut lines, &axes, &sizes)?;
        }
        if lines.iter().all(|line| line.from == line.to) {
            // Whatever the scales and the part to cut out: ONNX Runtime hands the input on.
            return Ok(x.into_iter().map(Line::same).collect());
        }
        if self.coordinates == Coordinates::CropAndResize {
            if roi.len() != 2 * axes.len() {
                return Err(StepError::Unfit { what: "roi" });
            }
            for (index, &axis) in axes.iter().enumerate() {
                lines[axis].part = (roi[index], roi[axes.len() + index]);
            }
        }
        Ok(lines)
    }

    fn set_sizes(
        &self,
        lines: &mut [Line],
        axes: &[usize],
        sizes: &[i64],
    ) -> Result<(), StepError> {
        let wrong = || StepError::Unfit { what: "sizes" };
        if sizes.len() != axes.len() {
            return Err(wrong());
        }
        for (&axis, &size) in axes.iter().zip(sizes) {
            let size = usize::try_from(size).map_err(|_| wrong())?;
            lines[axis] = Line::sized(lines[axis].from, size).ok_or_else(wrong)?;
        }
        let scales = axes.iter().map(|&axis| lines[axis].scale);
        let scale = match self.policy {
            Policy::Stretch => return Ok(()),
            Policy::NotLarger => scales.fold(f32::MAX, f32::min),
            Policy::NotSmaller => scales.fold(f32::MIN_POSITIVE, f32::max),
        };
        for &axis in axes {
            lines[axis] = Line::rounded(lines[axis].from, scale).ok_or_else(wrong)?;
        }
        Ok(())
    }

    /// Where the elements of an axis come from; `None` where they stay.
    fn taps(&self, line: &Line) -> Option<Taps> {
        if line.is_same() {
            return None;
        }
        if self.antialias && line.from == line.to {
            return Some(taps::stay(line, self.coordinates));
        }
        Some(match self.mode {
            Mode::Nearest(nearest) => taps::nearest(line, self.coordinates, nearest),
            Mode::Linear if self.antialias => {
                taps::filtered(line, self.coordinates, Filter::Triangle, self.excludes_outside)
            }
            Mode::Cubic { a } if self.antialias => {
                taps::filtered(line, self.coordinates, Filter::Cubic(a), self.excludes_outside)
            }
            Mode::Linear => taps::linear(line, self.coordinates),
            Mode::Cubic { a } => taps::cubic(line, self.coordinates, a, self.excludes_outside),
        })
    }

    fn moved<T: Copy>(
        &self,
        x: &TensorView<'_, T>,
        lines: &[Line],
        outside: T,
    ) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let taps: Vec<_> = lines.iter().map(|line| self.taps(line)).collect();
        let mut y = apply::gathered(&x.to_slice(), lines, &taps);
        apply::fill_outside(&mut y, lines, &taps, outside);
        let dims: Vec<usize> = lines.iter().map(|line| line.to).collect();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }

    /// The sums for an input of floats.
    fn summed(&self, x: &[f32], lines: &[Line]) -> Vec<f32> {
        let taps: Vec<_> = lines.iter().map(|line| self.taps(line)).collect();
        let mut y = apply::summed(x, lines, &taps);
        if self.coordinates == Coordinates::CropAndResize {
            apply::fill_outside(&mut y, lines, &taps, self.extrapolation);
        }
        y
    }

    /// The sums for whole numbers, as floats that are cut off, or, with a filter, rounded.
    fn summed_whole<T: Copy>(
        &self,
        x: &TensorView<'_, T>,
        lines: &[Line],
        to_float: fn(T) -> f32,
        to_whole: fn(f32) -> T,
    ) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        if self.mode != Mode::Linear || self.antialias {
            return Err(StepError::Unfit { what: "X" });
        }
        let values: Vec<f32> = x.to_slice().iter().map(|&value| to_float(value)).collect();
        let y: Vec<T> = self.summed(&values, lines).into_iter().map(to_whole).collect();
        let dims: Vec<usize> = lines.iter().map(|line| line.to).collect();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

impl Compute for Resize {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(lines) = self.lines(args) else { return 0 };
        let mut dims: Vec<u64> = lines.iter().map(|line| line.from as u64).collect();
        let (mut most, mut last) = (0_u64, 0);
        // The last axis first: what an axis is made from lies beside what is made.
        for (axis, line) in lines.iter().enumerate().rev().filter(|(_, line)| !line.is_same()) {
            dims[axis] = line.to as u64;
            let made = product(dims.iter().copied());
            most = most.max(made.saturating_add(last));
            last = made;
        }
        let taps = lines.iter().map(|line| taps::most(line, self.antialias));
        bytes(taps.fold(most.max(product(dims)), u64::saturating_add))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "as the operator has it: a mean of numbers of a type is one of them once it is cut off"
    )]
    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let lines = self.lines(args)?;
        let outside = self.extrapolation;
        match (args.get(0), self.mode) {
            (Some(ValueView::FloatTensor(x)), Mode::Nearest(_)) => self.moved(x, &lines, outside),
            (Some(ValueView::Int32Tensor(x)), Mode::Nearest(_)) => {
                self.moved(x, &lines, outside as i32)
            }
            (Some(ValueView::Int8Tensor(x)), Mode::Nearest(_)) => {
                self.moved(x, &lines, outside as i8)
            }
            (Some(ValueView::UInt8Tensor(x)), Mode::Nearest(_)) => {
                self.moved(x, &lines, outside as u8)
            }
            (Some(ValueView::FloatTensor(x)), _) => {
                let y = self.summed(&x.to_slice(), &lines);
                let dims: Vec<usize> = lines.iter().map(|line| line.to).collect();
                Ok(vec![Tensor::from_data(&dims, y).into()])
            }
            (Some(ValueView::Int32Tensor(x)), _) => {
                self.summed_whole(x, &lines, |value| value as f32, |value| value as i32)
            }
            (Some(ValueView::Int8Tensor(x)), _) => {
                self.summed_whole(x, &lines, f32::from, |value| value as i8)
            }
            (Some(ValueView::UInt8Tensor(x)), _) => {
                self.summed_whole(x, &lines, f32::from, |value| value as u8)
            }
            _ => Err(StepError::Unfit { what: "X" }),
        }
    }
}
