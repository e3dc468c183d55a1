//! Upsample and the first Resize, in today's words.
//!
//! Both mapped pixel `i` of the output to `i / scale` of the input. `nearest` took the pixel before that place when
//! enlarging and the one after when shrinking, an axis at a time; today's `nearest_mode` holds for all axes, so a node
//! that does both cannot be said any more.

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};

use super::Upgrade;
use super::attributes::{set_input, wish};
use crate::error::RaiseProblem;

impl Upgrade<'_> {
    pub(super) fn upsample(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        node.op_type = Some("Resize".to_owned());
        if self.from < 9 {
            let scales = node
                .remove_attr("scales")
                .ok_or(RaiseProblem::MissingAttribute { attribute: "scales" })?;
            let name = self.names.fresh(&wish(node, "scales"));
            self.initializers.push(TensorProto::from_f32(
                &name,
                &[scales.floats.len()],
                &scales.floats,
            ));
            set_input(node, 1, name);
            return spell_out(node, &scales.floats);
        }
        self.resize_10(node)
    }

    pub(super) fn resize_10(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        let scales =
            node.input_name(1).and_then(|scales| self.topology.constant(scales)?.to_f32().ok());
        let scales = scales.ok_or(RaiseProblem::ComputedInput { input: "scales" })?;
        spell_out(node, &scales)
    }
}

/// Puts `scales` where they belong now, and the sampling rule into attributes.
fn spell_out(node: &mut NodeProto, scales: &[f32]) -> Result<(), RaiseProblem> {
    let input = std::mem::take(&mut node.input[1]);
    set_input(node, 2, input);
    node.set_attr(AttributeProto::string("coordinate_transformation_mode", "asymmetric"));
    match node.attr_s("mode").unwrap_or("nearest") {
        "nearest" => {
            let nearest_mode = nearest_mode(scales)?;
            node.set_attr(AttributeProto::string("nearest_mode", nearest_mode));
            Ok(())
        }
        "linear" | "bilinear" => {
            node.set_attr(AttributeProto::string("mode", "linear"));
            Ok(())
        }
        other => Err(RaiseProblem::Attribute { attribute: "mode", value: other.to_owned() }),
    }
}

fn nearest_mode(scales: &[f32]) -> Result<&'static str, RaiseProblem> {
    let enlarges = scales.iter().any(|&scale| scale > 1.0);
    let shrinks = scales.iter().any(|&scale| scale < 1.0);
    match (enlarges, shrinks) {
        (true, true) => {
            Err(RaiseProblem::Attribute { attribute: "scales", value: format!("{scales:?}") })
        }
        (false, true) => Ok("ceil"),
        (_, false) => Ok("floor"),
    }
}
