//! Refuses what would ask for absurd amounts of memory: an allocation that fails ends the process, whatever is caught.
//!
//! Seen are constants only; sizes that come out of a sample's values are the sample's affair.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;

use calibrant_runtime::host::Scope;

/// More elements than this in one tensor are a mistake or an attack: 1 GiB of floats.
const MOST_ELEMENTS: u128 = 1 << 28;

/// No tensor is made larger than this by padding, repeating or resizing an axis.
const MOST_GROWTH: u128 = 1 << 20;

/// Refuses the node if a constant makes one of its outputs absurdly large.
pub(crate) fn check(scope: &Scope<'_>, node: &NodeProto) -> Result<(), Refusal> {
    let integers = |index: usize| scope.integers(node.input_name(index)?);
    match node.op() {
        "ConstantOfShape" => at_most(MOST_ELEMENTS, product(integers(0))),
        "Expand" => at_most(MOST_ELEMENTS, product(integers(1))),
        "OneHot" => at_most(MOST_GROWTH, product(integers(1))),
        "Tile" => at_most(MOST_GROWTH, product(integers(1))),
        "Pad" => at_most(MOST_GROWTH, largest(integers(1))),
        "Resize" => {
            at_most(MOST_ELEMENTS, product(integers(3)))?;
            at_most(MOST_GROWTH, growth(scope, node, if scope.opset < 11 { 1 } else { 2 }))
        }
        "Upsample" => at_most(MOST_GROWTH, growth(scope, node, 1)),
        "AveragePool" | "Conv" | "ConvTranspose" | "LpPool" | "MaxPool" | "MaxUnpool" => {
            let lists =
                ["pads", "kernel_shape", "strides", "dilations", "output_padding", "output_shape"];
            let lists = lists.into_iter().map(|name| node.attr_ints(name).map(<[i64]>::to_vec));
            at_most(MOST_GROWTH, lists.map(largest).max().unwrap_or(0))
        }
        _ => Ok(()),
    }
}

fn at_most(limit: u128, elements: u128) -> Result<(), Refusal> {
    if elements > limit { Err(Refusal::Huge { elements }) } else { Ok(()) }
}

/// The product of the sizes; what is not known counts as 1, and so does -1, which stands for what remains.
fn product(sizes: Option<Vec<i64>>) -> u128 {
    let sizes = sizes.into_iter().flatten().map(|size| u128::from(size.unsigned_abs()));
    sizes.fold(1, u128::saturating_mul)
}

fn largest(sizes: Option<Vec<i64>>) -> u128 {
    sizes.into_iter().flatten().map(|size| u128::from(size.unsigned_abs())).max().unwrap_or(0)
}

/// The factor by which constant scales make a tensor larger.
fn growth(scope: &Scope<'_>, node: &NodeProto, index: usize) -> u128 {
    let scales = node.input_name(index).and_then(|name| scope.constant(name));
    let scales = scales.and_then(|scales| scales.to_f32().ok());
    let factor: f64 = scales
        .iter()
        .flat_map(|scales| scales.iter())
        .map(|&scale| f64::from(scale).max(1.0))
        .product();
    // Saturates, and NaN becomes 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let factor = factor as u128;
    factor
}
