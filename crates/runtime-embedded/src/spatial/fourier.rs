//! `DFT` and `STFT`, of any length.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use super::floats;
use crate::demand::{self, Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;

mod transform;

use transform::{Complex, Direction, Transform};

/// Numbers of 4 bytes that a transform keeps for each of its elements, with the powers of two around them.
const WORK_ELEMENTS: u64 = 64;

/// `DFT`.
#[derive(Debug)]
pub(super) struct Dft {
    direction: Direction,
    /// Whether the second half, which mirrors the first, is left out.
    is_onesided: bool,
    /// Where the node has it as an attribute.
    axis: Option<i64>,
}

/// One run of it.
struct Shape {
    outer: usize,
    from: usize,
    inner: usize,
    /// 1 for real numbers, 2 for complex ones.
    parts: usize,
    length: usize,
    to: usize,
    dims: Vec<usize>,
}

impl Dft {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
        let (is_inverse, is_onesided) = (is_set("inverse"), is_set("onesided"));
        if is_inverse && is_onesided {
            // ONNX Runtime has no answer either.
            return Err(Refusal::Attribute { name: "onesided", value: "1".to_owned() });
        }
        let direction = if is_inverse { Direction::Backward } else { Direction::Forward };
        Ok(Self { direction, is_onesided, axis: node.attr_i("axis") })
    }

    fn shape(&self, args: &Args<'_, '_>) -> Result<Shape, StepError> {
        let mut dims = args.shape(0);
        let unfit = |what| StepError::Unfit { what };
        let axis = match self.axis {
            Some(axis) => axis,
            // The last axis holds the parts of a number.
            None => args.integers(2).first().copied().unwrap_or(-2),
        };
        let axis = demand::axis(axis, dims.len()).filter(|&axis| axis + 1 < dims.len());
        let axis = axis.ok_or(unfit("axis"))?;
        let parts = dims.last().copied().unwrap_or(0);
        if !(1..=2).contains(&parts) || (self.is_onesided && parts == 2) {
            return Err(unfit("input"));
        }
        let length = match args.integers(1).first() {
            Some(&length) => usize::try_from(length).ok().filter(|&length| length > 0),
            None => Some(dims[axis]),
        };
        let length = length.ok_or(unfit("dft_length"))?;
        let from = dims[axis];
        let to = if self.is_onesided { length / 2 + 1 } else { length };
        dims[axis] = to;
        let last = dims.len() - 1;
        let outer = dims[..axis].iter().product();
        let inner = dims[axis + 1..last].iter().product();
        dims[last] = 2;
        Ok(Shape { outer, from, inner, parts, length, to, dims })
    }
}

impl Compute for Dft {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(shape) = self.shape(args) else { return 0 };
        let output = product(shape.dims.iter().map(|&dim| dim as u64));
        let work = (shape.length as u64).saturating_mul(WORK_ELEMENTS);
        bytes(output.saturating_add(work))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let x = floats(args, 0, "input")?;
        let shape = self.shape(args)?;
        let transform = Transform::new(shape.length, self.direction);
        let mut y = vec![0.0; shape.dims.iter().product()];
        let mut signal = vec![Complex::default(); shape.length];
        for lane in 0..shape.outer * shape.inner {
            if stop.is_set() {
                return Err(StepError::Stopped);
            }
            let (outer, inner) = (lane / shape.inner, lane % shape.inner);
            for (at, element) in signal.iter_mut().enumerate() {
                let place = ((outer * shape.from + at) * shape.inner + inner) * shape.parts;
                *element = match x.values.get(place..place + shape.parts) {
                    Some(parts) if at < shape.from => Complex::of(parts),
                    _ => Complex::default(),
                };
            }
            let spectrum = transform.run(&signal);
            for (at, element) in spectrum.iter().take(shape.to).enumerate() {
                let place = ((outer * shape.to + at) * shape.inner + inner) * 2;
                y[place..place + 2].copy_from_slice(&element.to_parts());
            }
        }
        Ok(vec![Tensor::from_data(&shape.dims, y).into()])
    }
}

/// `STFT`.
#[derive(Debug)]
pub(super) struct Stft {
    is_onesided: bool,
}

/// Frames of a signal.
struct Frames {
    n_signals: usize,
    len: usize,
    parts: usize,
    length: usize,
    step: usize,
    count: usize,
    to: usize,
}

impl Stft {
    pub(super) fn of(node: &NodeProto) -> Self {
        Self { is_onesided: node.attr_i("onesided").unwrap_or(1) != 0 }
    }

    fn frames(&self, args: &Args<'_, '_>) -> Result<Frames, StepError> {
        let unfit = |what| StepError::Unfit { what };
        let (n_signals, len, parts) = match args.shape(0)[..] {
            [n_signals, len] => (n_signals, len, 1),
            [n_signals, len, parts] if parts == 1 || (parts == 2 && !self.is_onesided) => {
                (n_signals, len, parts)
            }
            _ => return Err(unfit("signal")),
        };
        let positive = |index: usize, what: &'static str| match args.integers(index).first() {
            Some(&value) => {
                let value = usize::try_from(value).ok().filter(|&value| value > 0);
                value.map(Some).ok_or(unfit(what))
            }
            None => Ok(None),
        };
        let step = positive(1, "frame_step")?.ok_or(unfit("frame_step"))?;
        let window = args.is_given(2).then(|| args.shape(2).iter().product::<usize>());
        let length = positive(3, "frame_length")?.or(window).ok_or(unfit("frame_length"))?;
        if length == 0 || length > len || window.is_some_and(|window| window != length) {
            return Err(unfit("frame_length"));
        }
        let to = if self.is_onesided { length / 2 + 1 } else { length };
        let count = (len - length) / step + 1;
        Ok(Frames { n_signals, len, parts, length, step, count, to })
    }
}

impl Compute for Stft {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(frames) = self.frames(args) else { return 0 };
        let output = [frames.n_signals, frames.count, frames.to, 2].map(|size| size as u64);
        let work = (frames.length as u64).saturating_mul(WORK_ELEMENTS);
        bytes(product(output).saturating_add(work))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let signal = floats(args, 0, "signal")?;
        let window = if args.is_given(2) { Some(floats(args, 2, "window")?) } else { None };
        let frames = self.frames(args)?;
        let transform = Transform::new(frames.length, Direction::Forward);
        let mut y = Vec::with_capacity(frames.n_signals * frames.count * frames.to * 2);
        for index in 0..frames.n_signals * frames.count {
            if stop.is_set() {
                return Err(StepError::Stopped);
            }
            let (n, frame) = (index / frames.count, index % frames.count);
            let start = (n * frames.len + frame * frames.step) * frames.parts;
            let values = &signal.values[start..][..frames.length * frames.parts];
            let weights = window.as_ref().map(|window| &window.values);
            let elements = values.chunks_exact(frames.parts).enumerate().map(|(at, parts)| {
                Complex::of(parts).scaled(weights.map_or(1.0, |weights| weights[at].into()))
            });
            let spectrum = transform.run(&elements.collect::<Vec<_>>());
            y.extend(spectrum.iter().take(frames.to).flat_map(|element| element.to_parts()));
        }
        let dims = [frames.n_signals, frames.count, frames.to, 2];
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}
