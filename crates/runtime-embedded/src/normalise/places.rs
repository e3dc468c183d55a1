//! Operators that pick or resample by place, all of them computed here: what their version says is written out.

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, output, required};

/// Emits such an operator.
pub(crate) fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    match node.op() {
        "Resize" if emit.scope.opset >= 11 => emit.ours(node.clone()),
        "Resize" | "Upsample" => upsample(emit, node),
        "DFT" if emit.scope.opset < 20 => {
            emit.ours(with_default(node, AttributeProto::int("axis", 1)))
        }
        "RoiAlign" if emit.scope.opset < 16 => {
            let mode = ("coordinate_transformation_mode", "output_half_pixel");
            emit.ours(with_default(node, AttributeProto::string(mode.0, mode.1)))
        }
        _ => emit.ours(node.clone()),
    }
}

/// Whether all forms of an operator of ONNX's own domain are computed here.
pub(crate) fn is_one(op: &str) -> bool {
    matches!(
        op,
        "AffineGrid"
            | "BlackmanWindow"
            | "CenterCropPad"
            | "Col2Im"
            | "DFT"
            | "DeformConv"
            | "GridSample"
            | "HammingWindow"
            | "HannWindow"
            | "MaxRoiPool"
            | "MaxUnpool"
            | "MelWeightMatrix"
            | "Resize"
            | "RoiAlign"
            | "STFT"
            | "SpaceToDepth"
            | "Unique"
            | "Upsample"
    )
}

/// The node with an attribute that it would have in another version.
fn with_default(node: &NodeProto, attribute: AttributeProto) -> NodeProto {
    let name = attribute.name.as_deref().unwrap_or_default();
    if node.attr(name).is_some() { node.clone() } else { node.clone().with_attr(attribute) }
}

/// `Upsample`, and the `Resize` that came after it, as the `Resize` of today.
fn upsample(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let scales = match node.attr_floats("scales") {
        Some(scales) => {
            let scales = scales.to_vec();
            emit.constant(|name| TensorProto::from_f32(name, &[scales.len()], &scales))
        }
        None => required(node, 1, "scales")?.to_owned(),
    };
    let text = AttributeProto::string;
    let resize = NodeProto::new("Resize", "", &[x, "", &scales], &[y])
        .with_attr(text("mode", node.attr_s("mode").unwrap_or("nearest")))
        .with_attr(text("coordinate_transformation_mode", "asymmetric"))
        .with_attr(text("nearest_mode", "simple"));
    emit.ours(resize)
}
