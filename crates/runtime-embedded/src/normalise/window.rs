//! Convolutions and pools: defaults written out, padding made explicit where the executor would place it wrongly, and what
//! it lacks computed here.

use calibrant_onnx::Dim;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use calibrant_runtime::Refusal;

use super::emit::Emit;

/// The window of a convolution or pool, one entry a spatial axis.
#[derive(Debug)]
struct Window {
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
}

impl Window {
    /// The window of `node`, whose kernel has this shape unless the node states one.
    fn new(node: &NodeProto, kernel: Option<Vec<i64>>) -> Result<Self, Refusal> {
        let stated = node.attr_ints("kernel_shape").map(<[i64]>::to_vec);
        if let (Some(stated), Some(kernel)) = (&stated, &kernel)
            && stated != kernel
        {
            // The executor would go by the weight.
            return Err(Refusal::Attribute { name: "kernel_shape", value: format!("{stated:?}") });
        }
        let kernel = stated.or(kernel).ok_or(Refusal::Unknown { what: "the kernel's shape is" })?;
        if !(1..=2).contains(&kernel.len()) {
            return Err(Refusal::Attribute { name: "kernel_shape", value: format!("{kernel:?}") });
        }
        let or_ones =
            |name| node.attr_ints(name).map_or_else(|| vec![1; kernel.len()], <[i64]>::to_vec);
        let (strides, dilations) = (or_ones("strides"), or_ones("dilations"));
        for (name, values) in [("strides", &strides), ("dilations", &dilations)] {
            if values.len() != kernel.len() {
                return Err(Refusal::Attribute { name, value: format!("{values:?}") });
            }
        }
        Ok(Self { kernel, strides, dilations })
    }

    fn axes(&self) -> impl Iterator<Item = Axis> {
        let rest = self.strides.iter().zip(&self.dilations);
        self.kernel.iter().zip(rest).map(|(&kernel, (&stride, &dilation))| Axis {
            extent: (kernel - 1) * dilation + 1,
            stride,
        })
    }
}

/// A window along one axis.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Elements from the window's first to its last.
    extent: i64,
    stride: i64,
}

/// Emits a `Conv`: of up to two axes as the executor's, of more, or where a window or its padding is known only when it
/// runs, as ours.
pub(crate) fn conv(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let kernel = kernel_of_weight(emit, node);
    if !suits_executor(node, kernel.as_deref()) {
        return emit.ours(node.clone());
    }
    let window = Window::new(node, kernel)?;
    let mut kept = node.clone();
    write_out(&mut kept, &window);
    if node.attr_s("auto_pad") == Some("SAME_LOWER") {
        // The executor takes it for `SAME_UPPER`.
        let Some(pads) = same_lower_pads(emit, node, &window) else {
            return emit.ours(node.clone());
        };
        kept.remove_attr("auto_pad");
        kept.set_attr(AttributeProto::ints("pads", &pads));
    }
    emit.keep(kept);
    Ok(())
}

/// Emits a pool, without outputs that nothing reads.
pub(crate) fn pool(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let mut node = node.clone();
    if !node.output.get(1).is_some_and(|places| emit.scope.is_read(places)) {
        node.output.truncate(1);
    }
    emit.ours(node)
}

/// Emits a `ConvTranspose`: of up to two axes as the executor's, of more, or where its window or the input's size is known
/// only when it runs, as ours.
///
/// Total padding and its halves as in the [operator's description](https://onnx.ai/onnx/operators/onnx__ConvTranspose.html).
pub(crate) fn conv_transpose(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let kernel = kernel_of_weight(emit, node);
    if !suits_executor(node, kernel.as_deref()) {
        return emit.ours(node.clone());
    }
    let window = Window::new(node, kernel)?;
    let original = node;
    let mut node = node.clone();
    write_out(&mut node, &window);
    let auto_pad = node.attr_s("auto_pad").unwrap_or("NOTSET").to_owned();
    let n_axes = window.kernel.len();
    let mut extra =
        node.attr_ints("output_padding").map_or_else(|| vec![0; n_axes], <[i64]>::to_vec);
    let is_stated = node.attr_ints("output_shape").is_some();
    let totals: Vec<i64> = if let Some(sizes) =
        node.remove_attr("output_shape").map(|attribute| attribute.ints)
    {
        let sizes = &sizes[sizes.len().saturating_sub(n_axes)..];
        let Some(inputs) = spatial_dims(emit, &node, n_axes) else {
            return emit.ours(original.clone());
        };
        let given = window.axes().zip(&extra).zip(inputs.into_iter().zip(sizes));
        given
            .map(|((axis, extra), (input, output))| {
                (input - 1) * axis.stride + extra + axis.extent - output
            })
            .collect()
    } else if auto_pad.starts_with("SAME") {
        window.axes().zip(&extra).map(|(axis, extra)| axis.extent - axis.stride + extra).collect()
    } else {
        emit.keep(node);
        return Ok(());
    };
    let pads = halves(&totals, auto_pad != "SAME_UPPER");
    if is_stated {
        // Where the output is to be larger than what the input reaches, the rest comes after it.
        extra.iter_mut().zip(&totals).for_each(|(extra, total)| *extra += (-total).max(0));
    }
    node.set_attr(AttributeProto::ints("output_padding", &extra));
    node.remove_attr("auto_pad");
    node.set_attr(AttributeProto::ints("pads", &pads));
    emit.keep(node);
    Ok(())
}

/// Whether the executor has a form for the window of `node`, whose weight has this kernel where it is known.
fn suits_executor(node: &NodeProto, kernel: Option<&[i64]>) -> bool {
    let kernel = kernel.or(node.attr_ints("kernel_shape"));
    kernel.is_some_and(|kernel| (1..=2).contains(&kernel.len()))
}

/// Writes out what the operator's description has as defaults.
fn write_out(node: &mut NodeProto, window: &Window) {
    node.set_attr(AttributeProto::ints("kernel_shape", &window.kernel));
    node.set_attr(AttributeProto::ints("strides", &window.strides));
    node.set_attr(AttributeProto::ints("dilations", &window.dilations));
    let is_automatic = node.attr_s("auto_pad").is_some_and(|mode| mode != "NOTSET");
    if is_automatic || node.attr_ints("pads").is_none_or(<[i64]>::is_empty) {
        node.set_attr(AttributeProto::ints("pads", &vec![0; 2 * window.kernel.len()]));
    }
}

/// The padding that `SAME_LOWER` means, where it is known: with stride 1 always, else when the input's size is.
fn same_lower_pads(emit: &Emit<'_, '_>, node: &NodeProto, window: &Window) -> Option<Vec<i64>> {
    let totals: Vec<i64> = if window.strides.iter().all(|&stride| stride == 1) {
        window.axes().map(|axis| axis.extent - 1).collect()
    } else {
        let sizes = spatial_dims(emit, node, window.kernel.len())?;
        let total =
            |(axis, size): (Axis, i64)| (size - 1) / axis.stride * axis.stride + axis.extent - size;
        window.axes().zip(sizes).map(total).collect()
    };
    Some(halves(&totals, true))
}

/// Splits each total, 0 if it is negative, into what comes before and after; the odd one goes before or after.
fn halves(totals: &[i64], is_odd_before: bool) -> Vec<i64> {
    let split = |&total: &i64| {
        let (small, large) = (total.max(0) / 2, total.max(0) - total.max(0) / 2);
        if is_odd_before { (large, small) } else { (small, large) }
    };
    let (before, after): (Vec<i64>, Vec<i64>) = totals.iter().map(split).unzip();
    [before, after].concat()
}

/// The sizes of the spatial axes of the first input, where they are known.
fn spatial_dims(emit: &Emit<'_, '_>, node: &NodeProto, n_axes: usize) -> Option<Vec<i64>> {
    let dims = emit.scope.dims(node.input_name(0)?)?;
    known(dims.get(2..).filter(|dims| dims.len() == n_axes)?)
}

/// The spatial part of the weight's shape.
fn kernel_of_weight(emit: &Emit<'_, '_>, node: &NodeProto) -> Option<Vec<i64>> {
    let dims = emit.scope.dims(node.input_name(1)?)?;
    known(dims.get(2..)?)
}

fn known(dims: &[Dim<'_>]) -> Option<Vec<i64>> {
    let size = |dim: &Dim<'_>| match dim {
        Dim::Known(size) => i64::try_from(*size).ok(),
        Dim::Symbol(_) | Dim::Unknown => None,
    };
    dims.iter().map(size).collect()
}
