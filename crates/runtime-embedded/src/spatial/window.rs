//! Where windows lie: attributes that convolutions and pools share, and what follows from them for an input's size.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;

use crate::error::StepError;

/// The attributes of an operator that looks through a window.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// The window's size; a convolution may leave it to its weight.
    pub(super) kernel: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    dilations: Option<Vec<usize>>,
    pads: Option<Vec<usize>>,
    pub(super) padding: Padding,
    /// Whether a last window may reach beyond the padded input.
    rounds_up: bool,
}

/// How much padding there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// As `pads` says.
    Stated,
    /// None.
    Valid,
    /// As much as lets windows cover the input, the odd one at the end.
    SameUpper,
    /// As much as lets windows cover the input, the odd one at the start.
    SameLower,
}

/// Which span of a window [`Padding::SameUpper`] and [`Padding::SameLower`] go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// From its first element to its last.
    Dilated,
    /// Its number of elements, as ONNX Runtime's pools have it.
    Elements,
}

/// Windows along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// Elements of the input.
    pub(super) input: usize,
    /// Elements of a window.
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Elements of padding before the input.
    pub(super) before: usize,
    /// Elements of the input before the first window, where there is no padding.
    pub(super) skipped: usize,
    /// And after it.
    pub(super) after: usize,
    /// How many windows there are.
    pub(super) output: usize,
}

impl Axis {
    /// Whether a window is longer than the padded input.
    pub(super) fn is_short(&self) -> bool {
        (self.kernel - 1) * self.dilation + 1 > self.before + self.input + self.after
    }

    /// The windows whose element of this number lies in the input, and where in it that of the first of them does.
    pub(super) fn reach(&self, element: usize) -> (std::ops::Range<usize>, usize) {
        let offset = self.skipped + element * self.dilation;
        let first = self.before.saturating_sub(offset).div_ceil(self.stride);
        // One past the last window whose element comes before the input's end.
        let end = (self.input + self.before).saturating_sub(offset).div_ceil(self.stride);
        let end = end.min(self.output);
        let at = (first * self.stride + offset).saturating_sub(self.before);
        (first.min(end)..end, at)
    }
}

impl Windows {
    /// The attributes of `node`.
    ///
    /// # Errors
    ///
    /// When one of them has no meaning.
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let list = |name: &'static str, least: i64| -> Result<Option<Vec<usize>>, Refusal> {
            let Some(values) = node.attr_ints(name).filter(|values| !values.is_empty()) else {
                return Ok(None);
            };
            let value = |&value: &i64| usize::try_from(value).ok().filter(|_| value >= least);
            let sizes: Option<Vec<usize>> = values.iter().map(value).collect();
            sizes.map(Some).ok_or_else(|| Refusal::Attribute { name, value: format!("{values:?}") })
        };
        let padding = match node.attr_s("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "" => Padding::Stated,
            "VALID" => Padding::Valid,
            "SAME_UPPER" => Padding::SameUpper,
            "SAME_LOWER" => Padding::SameLower,
            other => {
                return Err(Refusal::Attribute { name: "auto_pad", value: other.to_owned() });
            }
        };
        let pads = if padding == Padding::Stated { list("pads", 0)? } else { None };
        let windows = Self {
            kernel: list("kernel_shape", 1)?,
            strides: list("strides", 1)?,
            dilations: list("dilations", 1)?,
            pads,
            padding,
            rounds_up: node.attr_i("ceil_mode").unwrap_or(0) != 0,
        };
        windows.check()?;
        Ok(windows)
    }

    /// Lists that are stated are as long as each other.
    fn check(&self) -> Result<(), Refusal> {
        let lists = [
            ("kernel_shape", &self.kernel, 1),
            ("strides", &self.strides, 1),
            ("dilations", &self.dilations, 1),
            ("pads", &self.pads, 2),
        ];
        let mut n_axes = None;
        for (name, list, factor) in lists {
            if let Some(list) = list
                && *n_axes.get_or_insert(list.len() / factor) * factor != list.len()
            {
                return Err(Refusal::Attribute { name, value: format!("{list:?}") });
            }
        }
        Ok(())
    }

    /// The windows over an input of these sizes.
    ///
    /// # Errors
    ///
    /// When the attributes are for another number of axes, or no window fits.
    pub(super) fn axes(
        &self,
        sizes: &[usize],
        kernel: &[usize],
        span: Span,
    ) -> Result<Vec<Axis>, StepError> {
        let n_axes = sizes.len();
        let axis = |at: usize| {
            let (stride, dilation, (before, after)) = self.stated(at, n_axes)?;
            let (input, kernel) = (sizes[at], kernel[at]);
            let axis =
                Axis { input, kernel, stride, dilation, before, skipped: 0, after, output: 0 };
            self.placed(axis, span)
        };
        let axes = if kernel.len() == n_axes { (0..n_axes).map(axis).collect() } else { None };
        axes.ok_or_else(|| StepError::Window { input: sizes.to_vec(), kernel: kernel.to_vec() })
    }

    /// Stride, dilation, and padding before and after, along one of so many axes; `None` where they are for another number.
    pub(super) fn stated(
        &self,
        at: usize,
        n_axes: usize,
    ) -> Option<(usize, usize, (usize, usize))> {
        let stated = |list: &Option<Vec<usize>>, at: usize, len: usize, default: usize| match list {
            Some(list) => list.get(at).copied().filter(|_| list.len() == len),
            None => Some(default),
        };
        let pad = |at| stated(&self.pads, at, 2 * n_axes, 0);
        let (stride, dilation) =
            (stated(&self.strides, at, n_axes, 1)?, stated(&self.dilations, at, n_axes, 1)?);
        Some((stride, dilation, (pad(at)?, pad(at + n_axes)?)))
    }

    /// The axis with its padding and its number of windows; `None` where none fits.
    ///
    /// Of ONNX Runtime's pools a last window that is larger than what is left is one all the same, and where windows are
    /// further apart than they are long, what is too much of the input is cut off on both sides.
    fn placed(&self, mut axis: Axis, span: Span) -> Option<Axis> {
        let extent = axis.kernel.checked_sub(1)?.checked_mul(axis.dilation)?.checked_add(1)?;
        let mut cut = 0;
        if matches!(self.padding, Padding::SameUpper | Padding::SameLower) {
            let covered = if span == Span::Dilated { extent } else { axis.kernel };
            let last = axis.input.div_ceil(axis.stride).checked_sub(1)?.checked_mul(axis.stride)?;
            let reach = last.checked_add(covered)?;
            let total = reach.saturating_sub(axis.input);
            let (small, large) = (total / 2, total.div_ceil(2));
            let is_lower = self.padding == Padding::SameLower;
            (axis.before, axis.after) = if is_lower { (large, small) } else { (small, large) };
            if span == Span::Elements {
                cut = axis.input.saturating_sub(reach);
                axis.skipped = cut.saturating_sub(usize::from(is_lower)) / 2;
            }
        }
        let padded = (axis.input - cut).checked_add(axis.before)?.checked_add(axis.after)?;
        let Some(room) = padded.checked_sub(extent) else {
            axis.output = 1;
            let is_one = span == Span::Elements && extent - padded < axis.stride;
            return is_one.then_some(axis);
        };
        axis.output = room / axis.stride + 1;
        if self.rounds_up && !room.is_multiple_of(axis.stride) {
            // One more, unless it would begin behind the input.
            let start = axis.output * axis.stride;
            axis.output += usize::from(start < axis.input + axis.before);
        }
        Some(axis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_of_the_window_lies_in_the_input_for_the_windows_that_reach_says() {
        for (input, kernel, stride) in [(5, 3, 1), (7, 2, 3), (1, 1, 1), (4, 4, 2), (9, 3, 2)] {
            for (dilation, before, after) in [(1, 0, 0), (2, 3, 1), (3, 5, 4), (1, 1, 2)] {
                let skipped = usize::from(before == 0);
                let mut axis =
                    Axis { input, kernel, stride, dilation, before, skipped, after, output: 0 };
                let padded = input + before + after;
                let Some(room) = padded.checked_sub((kernel - 1) * dilation + 1) else { continue };
                axis.output = room / stride + 1;
                for element in 0..kernel {
                    let place = |window: usize| {
                        (window * stride + element * dilation + skipped).checked_sub(before)
                    };
                    let inside = |&window: &usize| place(window).is_some_and(|at| at < input);
                    let expected: Vec<usize> = (0..axis.output).filter(inside).collect();
                    let (windows, at) = axis.reach(element);
                    assert_eq!(windows.clone().collect::<Vec<_>>(), expected, "{axis:?} {element}");
                    if let Some(&first) = expected.first() {
                        assert_eq!(Some(at), place(first), "{axis:?} {element}");
                    }
                }
            }
        }
    }
}
