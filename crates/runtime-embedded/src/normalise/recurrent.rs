//! Recurrent operators: the executor's where it is right, this crate's for all other forms.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;

use super::emit::{Emit, required};

/// Emits an `RNN`, `GRU` or `LSTM`.
pub(crate) fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    for (index, name) in ["X", "W", "R"].into_iter().enumerate() {
        required(node, index, name)?;
    }
    if is_plain(node) {
        emit.keep(node.clone());
        return Ok(());
    }
    emit.ours(node.clone())
}

/// Whether the executor takes it: `GRU` and `LSTM` as PyTorch exports them.
fn is_plain(node: &NodeProto) -> bool {
    let is = |name, value| node.attr_i(name).unwrap_or(0) == value;
    let is_known = match node.op() {
        "GRU" => is("linear_before_reset", 1),
        "LSTM" => is("input_forget", 0) && node.input_name(7).is_none(),
        _ => false,
    };
    let shapers = ["activations", "activation_alpha", "activation_beta", "clip"];
    is_known
        && node.input_name(4).is_none()
        && is("layout", 0)
        && shapers.iter().all(|name| node.attr(name).is_none())
        && node.attr("hidden_size").is_some()
}
