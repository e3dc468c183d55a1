//! Attributes that became inputs, or went away.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{NodeProto, TensorProto};
use half::{bf16, f16};

use super::Upgrade;
use crate::error::RaiseProblem;

impl Upgrade<'_> {
    /// Moves the optional list `attribute` to input 1.
    pub(super) fn move_ints(&mut self, node: &mut NodeProto, attribute: &'static str) {
        let Some(values) = node.remove_attr(attribute) else { return };
        let input = self.ints(&wish(node, attribute), &values.ints);
        set_input(node, 1, input);
    }

    pub(super) fn slice(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        for (index, attribute) in [(1, "starts"), (2, "ends")] {
            let values =
                node.remove_attr(attribute).ok_or(RaiseProblem::MissingAttribute { attribute })?;
            let input = self.ints(&wish(node, attribute), &values.ints);
            set_input(node, index, input);
        }
        if let Some(axes) = node.remove_attr("axes") {
            let input = self.ints(&wish(node, "axes"), &axes.ints);
            set_input(node, 3, input);
        }
        Ok(())
    }

    pub(super) fn top_k(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        let k = node
            .remove_attr("k")
            .and_then(|k| k.i)
            .ok_or(RaiseProblem::MissingAttribute { attribute: "k" })?;
        let input = self.ints(&wish(node, "k"), &[k]);
        set_input(node, 1, input);
        Ok(())
    }

    /// A bound that is not there stood for the largest float, which bounds nothing.
    pub(super) fn clip(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        for (index, attribute) in [(1, "min"), (2, "max")] {
            let Some(bound) = node.remove_attr(attribute).and_then(|bound| bound.f) else {
                continue;
            };
            let input = self.float(node, attribute, bound)?;
            set_input(node, index, input);
        }
        Ok(())
    }

    pub(super) fn pad(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        let pads =
            node.remove_attr("pads").ok_or(RaiseProblem::MissingAttribute { attribute: "pads" })?;
        let input = self.ints(&wish(node, "pads"), &pads.ints);
        set_input(node, 1, input);
        if let Some(value) = node.remove_attr("value").and_then(|value| value.f) {
            let input = self.float(node, "value", value)?;
            set_input(node, 2, input);
        }
        Ok(())
    }

    /// At inference Dropout passes its input on; only its mask, now true where it was false, tells the opsets apart.
    pub(super) fn dropout(&mut self, node: &mut NodeProto) -> Result<(), RaiseProblem> {
        node.remove_attr("ratio");
        let Some(mask) = node.output_name(1) else { return Ok(()) };
        if self.topology.is_output(mask) || !self.topology.consumers(mask).is_empty() {
            return Err(RaiseProblem::UsedOutput { output: "mask" });
        }
        node.output.truncate(1);
        Ok(())
    }

    /// Negative indices were out of range and gave only `off` values; since opset 11 they count from the end.
    pub(super) fn one_hot(&self, node: &NodeProto) -> Result<(), RaiseProblem> {
        let indices =
            node.input_name(0).and_then(|input| self.topology.constant(input)?.to_i64().ok());
        match indices {
            Some(indices) if indices.iter().all(|&index| index >= 0) => Ok(()),
            _ => Err(RaiseProblem::ComputedInput { input: "indices" }),
        }
    }

    /// Returns the name of a new constant in the type of the node's data, which is float32 unless the model says that it
    /// is one of the half types.
    fn float(
        &mut self,
        node: &NodeProto,
        what: &'static str,
        value: f32,
    ) -> Result<String, RaiseProblem> {
        let stated = node.input_name(0).and_then(|data| self.topology.tensor_type(data)?.dtype);
        let make: fn(&str, f32) -> TensorProto = match stated {
            None | Some(DataType::FLOAT) => {
                |name, value| TensorProto::from_f32(name, &[], &[value])
            }
            Some(DataType::FLOAT16) => |name, value| {
                let bytes = f16::from_f32(value).to_le_bytes().to_vec();
                TensorProto::from_raw(name, DataType::FLOAT16, &[], bytes)
            },
            Some(DataType::BFLOAT16) => |name, value| {
                let bytes = bf16::from_f32(value).to_le_bytes().to_vec();
                TensorProto::from_raw(name, DataType::BFLOAT16, &[], bytes)
            },
            Some(dtype) => return Err(RaiseProblem::ElementType { dtype: format!("{dtype:?}") }),
        };
        let name = self.names.fresh(&wish(node, what));
        self.initializers.push(make(&name, value));
        Ok(name)
    }
}

pub(super) fn batch_norm(node: &mut NodeProto) -> Result<(), RaiseProblem> {
    match node.remove_attr("spatial").and_then(|spatial| spatial.i) {
        None | Some(1) => Ok(()),
        Some(spatial) => {
            Err(RaiseProblem::Attribute { attribute: "spatial", value: spatial.to_string() })
        }
    }
}

/// Opsets 11 and 12 wanted `roi` and `scales` even where they meant nothing; 13 wants one of `scales` and `sizes`.
pub(super) fn resize_11(node: &mut NodeProto) {
    if node.attr_s("coordinate_transformation_mode") != Some("tf_crop_and_resize")
        && node.input.len() > 1
    {
        node.input[1].clear();
    }
    if node.input_name(3).is_some() {
        node.input[2].clear();
    }
}

/// The name that a constant for `node` should have.
pub(super) fn wish(node: &NodeProto, what: &str) -> String {
    format!("{}_{what}", node.output_name(0).unwrap_or_default())
}

pub(super) fn set_input(node: &mut NodeProto, index: usize, name: String) {
    if node.input.len() <= index {
        node.input.resize(index + 1, String::new());
    }
    node.input[index] = name;
}
