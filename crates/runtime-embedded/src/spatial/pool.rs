//! Pools over any number of axes: maximum with or without its places, average, and Lp norm, that over the whole input too.

use std::ops::Range;

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use rten::{Value, ValueView};
use rten_tensor::{Tensor, TensorView};

use super::floats;
use super::grid::{dot, each_place, strides};
use super::window::{Axis, Span, Windows};
use crate::demand::{Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;
use calibrant_runtime::host::Stop;

/// `MaxPool`, `AveragePool`, `LpPool` and `GlobalLpPool`.
#[derive(Debug)]
pub(super) struct Pool {
    /// `None` for the whole input.
    windows: Option<Windows>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// `has_places` where the places of the maxima are asked for.
    Max { has_places: bool, is_column_major: bool },
    /// Divided by elements of the window, padding counted where `counts_padding` says so.
    Average { counts_padding: bool },
    /// The p-th root of the sum of p-th powers.
    Lp { p: f32 },
}

impl Pool {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
        let windows = if node.op() == "GlobalLpPool" { None } else { Some(Windows::of(node)?) };
        if windows.as_ref().is_some_and(|windows| windows.kernel.is_none()) {
            return Err(Refusal::Missing { name: "kernel_shape" });
        }
        let kind = match node.op() {
            "MaxPool" => Kind::Max {
                has_places: node.output_name(1).is_some() || node.output.len() > 1,
                is_column_major: is_set("storage_order"),
            },
            "AveragePool" => Kind::Average { counts_padding: is_set("count_include_pad") },
            // The first version has a float, later ones a whole number.
            #[expect(clippy::cast_precision_loss, reason = "an exponent is small")]
            _ => Kind::Lp {
                p: node.attr_i("p").map(|p| p as f32).or(node.attr_f("p")).unwrap_or(2.0),
            },
        };
        Ok(Self { windows, kind })
    }

    fn axes(&self, x: &[usize]) -> Result<Vec<Axis>, StepError> {
        let Some(sizes) = x.get(2..).filter(|sizes| !sizes.is_empty()) else {
            return Err(StepError::Window { input: x.to_vec(), kernel: Vec::new() });
        };
        match &self.windows {
            Some(windows) => {
                let kernel = windows.kernel.as_deref().unwrap_or_default();
                let axes = windows.axes(sizes, kernel, Span::Elements)?;
                // Of how many elements ONNX Runtime takes such a mean depends on the version of the operator.
                let counts_padding = self.kind == Kind::Average { counts_padding: true };
                if counts_padding && axes.iter().any(Axis::is_short) {
                    return Err(StepError::Window { input: x.to_vec(), kernel: kernel.to_vec() });
                }
                Ok(axes)
            }
            None => Ok(sizes.iter().map(|&size| whole(size)).collect()),
        }
    }
}

/// One window over a whole axis.
fn whole(size: usize) -> Axis {
    Axis {
        input: size,
        kernel: size,
        stride: 1,
        dilation: 1,
        before: 0,
        skipped: 0,
        after: 0,
        output: 1,
    }
}

impl Compute for Pool {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let x = args.shape(0);
        let Ok(axes) = self.axes(&x) else { return 0 };
        let places = axes.iter().map(|axis| axis.output as u64);
        let output = product(x[..2].iter().map(|&size| size as u64).chain(places));
        let copies = if matches!(self.kind, Kind::Max { has_places: true, .. }) { 2 } else { 1 };
        bytes(output.saturating_mul(copies))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let x = args.shape(0);
        let axes = self.axes(&x)?;
        let planes = Planes::of(&x, &axes);
        match (self.kind, args.get(0)) {
            (Kind::Max { has_places: true, is_column_major }, Some(x)) => match x {
                ValueView::FloatTensor(x) => planes.maxima_with_places(x, is_column_major, stop),
                ValueView::Int8Tensor(x) => planes.maxima_with_places(x, is_column_major, stop),
                ValueView::UInt8Tensor(x) => planes.maxima_with_places(x, is_column_major, stop),
                _ => Err(StepError::Unfit { what: "X" }),
            },
            (Kind::Max { .. }, Some(x)) => match x {
                ValueView::FloatTensor(x) => planes.maxima(x, stop),
                ValueView::Int8Tensor(x) => planes.maxima(x, stop),
                ValueView::UInt8Tensor(x) => planes.maxima(x, stop),
                _ => Err(StepError::Unfit { what: "X" }),
            },
            (Kind::Average { counts_padding }, _) => {
                let x = floats(args, 0, "X")?;
                let mut sums = planes.folded(&x.values, 0.0, |sum, x| sum + x, stop)?;
                let divisors = planes.divisors(counts_padding);
                for plane in sums.chunks_exact_mut(divisors.len().max(1)) {
                    plane.iter_mut().zip(&divisors).for_each(|(sum, divisor)| *sum /= divisor);
                }
                Ok(vec![planes.value(sums)])
            }
            (Kind::Lp { p }, _) => {
                let x = floats(args, 0, "X")?;
                let mut sums = planes.folded(&x.values, 0.0, power_sum(p), stop)?;
                sums.iter_mut().for_each(|sum| *sum = root(*sum, p));
                Ok(vec![planes.value(sums)])
            }
            (_, None) => Err(StepError::Unfit { what: "X" }),
        }
    }
}

fn power_sum(p: f32) -> impl Fn(f32, f32) -> f32 {
    move |sum, x| {
        sum + if p == 1.0 {
            x.abs()
        } else if p == 2.0 {
            x * x
        } else {
            x.abs().powf(p)
        }
    }
}

fn root(sum: f32, p: f32) -> f32 {
    if p == 1.0 {
        sum
    } else if p == 2.0 {
        sum.sqrt()
    } else {
        sum.powf(1.0 / p)
    }
}

/// Types that have a maximum.
trait Lowest: Copy + PartialOrd {
    const LOWEST: Self;
}

impl Lowest for f32 {
    const LOWEST: Self = Self::MIN;
}

impl Lowest for i8 {
    const LOWEST: Self = Self::MIN;
}

impl Lowest for u8 {
    const LOWEST: Self = Self::MIN;
}

/// The channels of all samples, one plane each.
struct Planes<'a> {
    axes: &'a [Axis],
    /// Dimensions of the output.
    output: Vec<usize>,
    n_planes: usize,
    /// Elements of a plane of the input and of the output.
    from: usize,
    to: usize,
}

impl<'a> Planes<'a> {
    fn of(x: &[usize], axes: &'a [Axis]) -> Self {
        let sizes = axes.iter().map(|axis| axis.output);
        let output = x[..2].iter().copied().chain(sizes).collect();
        Self {
            axes,
            output,
            n_planes: x[0] * x[1],
            from: axes.iter().map(|axis| axis.input).product(),
            to: axes.iter().map(|axis| axis.output).product(),
        }
    }

    fn value<T>(&self, values: Vec<T>) -> Value
    where
        Value: From<Tensor<T>>,
    {
        Tensor::from_data(&self.output, values).into()
    }

    /// What `fold` makes of the elements of every window, in order, from `first` on.
    fn folded<T: Copy>(
        &self,
        x: &[T],
        first: T,
        fold: impl Fn(T, T) -> T,
        stop: &Stop,
    ) -> Result<Vec<T>, StepError> {
        let mut y = vec![first; self.n_planes * self.to];
        if self.from == 0 || self.to == 0 {
            return Ok(y);
        }
        if self.axes.iter().all(|axis| *axis == whole(axis.input)) {
            let planes = x.chunks_exact(self.from).zip(&mut y);
            planes.for_each(|(x, y)| *y = x.iter().fold(first, |sum, &x| fold(sum, x)));
            return Ok(y);
        }
        let taps = Taps::of(self.axes);
        for (x, y) in x.chunks_exact(self.from).zip(y.chunks_exact_mut(self.to)) {
            taps.each_row(stop, |from, to, n_windows, stride| {
                let row = &mut y[to..to + n_windows];
                if stride == 1 {
                    let x = &x[from..from + n_windows];
                    row.iter_mut().zip(x).for_each(|(y, &x)| *y = fold(*y, x));
                } else {
                    let x = x[from..].iter().step_by(stride);
                    row.iter_mut().zip(x).for_each(|(y, &x)| *y = fold(*y, x));
                }
            })?;
        }
        Ok(y)
    }

    fn maxima<T: Lowest>(&self, x: &TensorView<'_, T>, stop: &Stop) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let larger = |most: T, x: T| if x > most { x } else { most };
        Ok(vec![self.value(self.folded(&x.to_slice(), T::LOWEST, larger, stop)?)])
    }

    /// Maxima, and where in the input the first of each window is.
    fn maxima_with_places<T: Lowest>(
        &self,
        x: &TensorView<'_, T>,
        is_column_major: bool,
        stop: &Stop,
    ) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let x = x.to_slice();
        let nowhere = i32::MIN;
        let mut places = vec![nowhere; self.n_planes * self.to];
        let mut maxima = vec![T::LOWEST; places.len()];
        let too_large = |_| StepError::TooLarge { elements: x.len() };
        i32::try_from(x.len()).map_err(too_large)?;
        let sizes: Vec<usize> = self.axes.iter().map(|axis| axis.input).collect();
        let turned = is_column_major.then(|| column_major(&sizes));
        let taps = Taps::of(self.axes);
        let n_planes = if self.from == 0 || self.to == 0 { 0 } else { self.n_planes };
        for plane in 0..n_planes {
            let (start, end) = (plane * self.from, plane * self.to);
            taps.each_row(stop, |from, to, n_windows, stride| {
                for window in 0..n_windows {
                    let (at, y) = (from + window * stride, end + to + window);
                    let value = x[start + at];
                    if places[y] == nowhere || value > maxima[y] {
                        let place = turned.as_ref().map_or(at, |turned| turned[at]);
                        maxima[y] = value;
                        // The whole input has fewer elements than the type has numbers.
                        places[y] = i32::try_from(start + place).unwrap_or(i32::MAX);
                    }
                }
            })?;
        }
        Ok(vec![self.value(maxima), self.value::<i32>(places)])
    }

    /// The number by which the sum of each window is divided.
    #[expect(clippy::cast_precision_loss, reason = "the quotient is a float all the same")]
    fn divisors(&self, counts_padding: bool) -> Vec<f32> {
        let by_axis: Vec<Vec<usize>> = self
            .axes
            .iter()
            .map(|axis| {
                (0..axis.output).map(|window| elements(axis, window, counts_padding)).collect()
            })
            .collect();
        let sizes: Vec<usize> = self.axes.iter().map(|axis| axis.output).collect();
        let mut divisors = Vec::with_capacity(self.to);
        each_place(&sizes, |place| {
            let counts = place.iter().zip(&by_axis).map(|(&at, counts)| counts[at]);
            // A window of padding alone stays what it is: 0.
            divisors.push(counts.product::<usize>().max(1) as f32);
        });
        divisors
    }
}

/// The elements of a window that lie in the input, or in the padded input.
fn elements(axis: &Axis, window: usize, counts_padding: bool) -> usize {
    let start = window * axis.stride + axis.skipped;
    // Those before this place of the padded input.
    let before = |end: usize| end.saturating_sub(start).div_ceil(axis.dilation).min(axis.kernel);
    let end = axis.before + axis.input;
    if counts_padding { before(end + axis.after) } else { before(end) - before(axis.before) }
}

/// For each element of a row-major array of these sizes, its place if the first axis ran fastest.
fn column_major(sizes: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; sizes.len()];
    for axis in 1..sizes.len() {
        steps[axis] = steps[axis - 1] * sizes[axis - 1];
    }
    // ONNX Runtime has the last two of three axes the other way round, as its index is h + w * H + d * H * W.
    let mut places = Vec::with_capacity(sizes.iter().product());
    each_place(sizes, |place| places.push(dot(place, &steps)));
    places
}

/// By axis, the elements of a window that lie in the input for some of the windows.
struct Taps<'a> {
    axes: &'a [Axis],
    elements: Vec<Vec<Element>>,
    /// How many there are by axis.
    counts: Vec<usize>,
    /// Distances of neighbours in the input and in the output.
    from: Vec<usize>,
    to: Vec<usize>,
}

/// An element of the window along one axis.
struct Element {
    /// The windows for which it lies in the input.
    windows: Range<usize>,
    /// Where it does for the first of them.
    at: usize,
}

impl<'a> Taps<'a> {
    fn of(axes: &'a [Axis]) -> Self {
        let sizes = |size: fn(&Axis) -> usize| axes.iter().map(size).collect::<Vec<_>>();
        let along = |axis: &Axis| -> Vec<Element> {
            let reach = (0..axis.kernel).map(|element| axis.reach(element));
            let inside = reach.filter(|(windows, _)| !windows.is_empty());
            inside.map(|(windows, at)| Element { windows, at }).collect()
        };
        let elements: Vec<_> = axes.iter().map(along).collect();
        Self {
            axes,
            counts: elements.iter().map(Vec::len).collect(),
            elements,
            from: strides(&sizes(|axis| axis.input)),
            to: strides(&sizes(|axis| axis.output)),
        }
    }

    /// Calls `visit` for each element of the window and each row of windows with the place of the first of them in the
    /// input and in the output, their number, and their distance in the input.
    fn each_row(
        &self,
        stop: &Stop,
        mut visit: impl FnMut(usize, usize, usize, usize),
    ) -> Result<(), StepError> {
        let mut outcome = Ok(());
        each_place(&self.counts, |tap| {
            if outcome.is_ok() && stop.is_set() {
                outcome = Err(StepError::Stopped);
            }
            if outcome.is_err() {
                return;
            }
            let elements = tap.iter().zip(&self.elements).map(|(&at, elements)| &elements[at]);
            let mut elements: Vec<&Element> = elements.collect();
            let (Some(last), Some(axis)) = (elements.pop(), self.axes.last()) else { return };
            let counts: Vec<usize> = elements.iter().map(|element| element.windows.len()).collect();
            each_place(&counts, |place| {
                let (mut from, mut to) = (last.at, last.windows.start);
                for (axis, (&place, element)) in place.iter().zip(&elements).enumerate() {
                    from += (element.at + place * self.axes[axis].stride) * self.from[axis];
                    to += (element.windows.start + place) * self.to[axis];
                }
                visit(from, to, last.windows.len(), axis.stride);
            });
        });
        outcome
    }
}
