//! One axis of a convolution.

use calibrant_onnx::proto::NodeProto;

/// An axis of the picture, with the windows along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// Elements of the picture.
    pub(super) size: usize,
    /// Weights.
    pub(super) kernel: usize,
    /// Elements from one window to the next.
    pub(super) stride: usize,
    /// Elements from one weight to the next.
    pub(super) dilation: usize,
    /// Padding before the picture.
    pub(super) before: usize,
    /// Windows.
    pub(super) n_places: usize,
}

impl Axis {
    /// The axis that a picture of one row lacks.
    pub(super) const NONE: Self =
        Self { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, n_places: 1 };

    /// Axis `at` of the `n_axes` of a node; `None` where there is no room for a window, or an attribute makes no sense.
    pub(super) fn of(
        node: &NodeProto,
        at: usize,
        size: usize,
        kernel: usize,
        n_axes: usize,
    ) -> Option<Self> {
        let stated = |name: &str, at: usize, default: usize| match node.attr_ints(name) {
            None | Some([]) => Some(default),
            Some(values) => usize::try_from(*values.get(at)?).ok(),
        };
        let stride = stated("strides", at, 1)?;
        let dilation = stated("dilations", at, 1)?;
        let extent = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        if stride == 0 || dilation == 0 {
            return None;
        }
        let (before, after) = match node.attr_s("auto_pad") {
            None | Some("NOTSET") => (stated("pads", at, 0)?, stated("pads", at + n_axes, 0)?),
            Some("VALID") => (0, 0),
            Some("SAME_UPPER") => {
                let last = size.checked_sub(1)? / stride * stride;
                let total = last.checked_add(extent)?.saturating_sub(size);
                (total / 2, total - total / 2)
            }
            Some(_) => return None,
        };
        let room = size.checked_add(before)?.checked_add(after)?.checked_sub(extent)?;
        Some(Self { size, kernel, stride, dilation, before, n_places: room / stride + 1 })
    }

    /// Elements from the start of the first window to the end of the last, padding included.
    pub(super) fn reach(&self) -> usize {
        (self.n_places - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
    }

    /// Remainders that a place may have when it is divided by the stride.
    pub(super) fn n_phases(&self) -> usize {
        self.stride.min(self.reach())
    }

    /// Places with the same remainder.
    pub(super) fn per_phase(&self) -> usize {
        self.reach().div_ceil(self.stride)
    }

    /// The remainder of a place, and its number among those that have it.
    pub(super) fn split(&self, place: usize) -> (usize, usize) {
        (place % self.stride, place / self.stride)
    }
}
