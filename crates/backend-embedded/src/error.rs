//! Why a model cannot be run here, and what is wrong with a sample.

use std::error::Error;
use std::fmt;

use calibrant_onnx::{TensorError, TopologyError, ValidateError};
use calibrant_tensor::ElementType;

mod run;

pub use run::ConstantError;
pub(crate) use run::{KernelError, NoRoom, SetupFailed, StepError};

/// Why [`Embedded::load`](crate::Embedded::load) does not take a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The model breaks ONNX's rules.
    #[error("the model is not valid")]
    Invalid(#[from] ValidateError),
    /// The nodes have no order.
    #[error("the model's nodes have no order")]
    Order(#[from] TopologyError),
    /// Weights cannot be read.
    #[error("a constant of the model cannot be read")]
    Constant(#[from] TensorError),
    /// The executor does not compute with a constant.
    #[error("a constant of the model cannot be used")]
    Value(#[source] ConstantError),
    /// The model uses operators, or forms of them, that the executor does not compute exactly.
    #[error(
        "the embedded backend cannot run {}",
        list(.nodes)
    )]
    Unsupported {
        /// The nodes at fault, in the graph's order.
        nodes: Vec<Refused>,
    },
    /// An input has a type that samples do not come in.
    #[error(
        "input `{input}` of the model is {dtype}, and samples are float32, int64, int32, uint8 or bool; \
         give the float32 model"
    )]
    InputType {
        /// The input's name.
        input: String,
        /// Its element type, as ONNX calls it.
        dtype: &'static str,
    },
    /// There is nothing to calibrate.
    #[error("no float32 tensor of the model depends on its inputs; give the float32 model")]
    NothingToObserve,
    /// The executor does not take a node.
    #[error("the embedded backend cannot run {node}")]
    Node {
        /// The node as messages call it.
        node: String,
        /// What the executor said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A node that the embedded backend does not run.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The node as messages call it: `Conv "stem" (#12)`.
    pub node: String,
    /// Its operator, with the domain when that is not ONNX's own.
    pub operator: String,
    /// What stands in the way.
    pub reason: Refusal,
}

/// What stands in the way of running a node.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The operator is not implemented.
    Operator,
    /// The operator is implemented, but not with this value of an attribute.
    Attribute {
        /// The attribute.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The operator is implemented, but not with this optional input.
    Input {
        /// The input as ONNX calls it.
        name: &'static str,
    },
    /// The operator is implemented, but this optional output, which the model uses, is not.
    Output {
        /// The output as ONNX calls it.
        name: &'static str,
    },
    /// Something that the operator cannot do without is missing.
    Missing {
        /// What ONNX calls it.
        name: &'static str,
    },
    /// Something has to be known before the model runs that is only known then.
    Unknown {
        /// What that is.
        what: &'static str,
    },
    /// A constant asks for this many elements, or for an axis this much longer.
    Huge {
        /// How many.
        elements: u128,
    },
}

/// What is wrong with a tensor of a sample.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The element type is another than the model's.
    #[error("input `{input}` of sample `{sample}` is {given}, the model expects {expected}")]
    Type {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Element type that the model states.
        expected: ElementType,
        /// Element type of the sample.
        given: ElementType,
    },
    /// The shape is another than the model's.
    #[error(
        "input `{input}` of sample `{sample}` has shape {given:?}, the model expects [{expected}]{}",
        fixed_batch(expected, given)
    )]
    Shape {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Dimensions that the model states, those that may vary by their symbol.
        expected: String,
        /// Dimensions of the sample.
        given: Vec<usize>,
    },
    /// Samples that run together have different shapes.
    #[error(
        "input `{input}` of sample `{sample}` has shape {given:?}, another sample of its run has {first:?}"
    )]
    Uneven {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Dimensions of the first sample of the run.
        first: Vec<usize>,
        /// Dimensions of this sample.
        given: Vec<usize>,
    },
    /// An integer is outside the range that the executor computes with.
    #[error(
        "input `{input}` of sample `{sample}` has {value} at element {index}, outside the 32-bit range"
    )]
    Range {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Row-major index.
        index: usize,
        /// The integer.
        value: i64,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node)?;
        match &self.reason {
            Refusal::Operator => f.write_str(" (operator not implemented)"),
            Refusal::Attribute { name, value } => write!(f, " ({name} = {value} not implemented)"),
            Refusal::Input { name } => write!(f, " (input {name} not implemented)"),
            Refusal::Output { name } => write!(f, " (output {name} not implemented)"),
            Refusal::Missing { name } => write!(f, " ({name} is missing)"),
            Refusal::Unknown { what } => write!(f, " ({what} known only when it runs)"),
            Refusal::Huge { elements } => write!(f, " (a constant asks for {elements} elements)"),
        }
    }
}

/// The first few of the nodes, and how many more there are.
fn list(nodes: &[Refused]) -> String {
    const SHOWN: usize = 6;
    let mut text = nodes.iter().take(SHOWN).map(Refused::to_string).collect::<Vec<_>>().join(", ");
    if nodes.len() > SHOWN {
        text += &format!(" and {} more", nodes.len() - SHOWN);
    }
    text
}

/// The way out where only the batch dimension differs.
fn fixed_batch(expected: &str, given: &[usize]) -> &'static str {
    let mut dims = expected.split(", ");
    let batch = dims.next().and_then(|dim| dim.parse().ok());
    let rest = dims.map(|dim| dim.parse().ok());
    let only_batch = batch
        .is_some_and(|batch: usize| given.first().is_some_and(|&first| first != batch))
        && given
            .iter()
            .skip(1)
            .map(Some)
            .eq(rest.collect::<Vec<Option<usize>>>().iter().map(Option::as_ref));
    if only_batch {
        "; export it with a dynamic batch dimension, or run that many samples together"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_node() {
        let refused = |index: usize, reason| Refused {
            node: format!("LRN \"n{index}\" (#{index})"),
            operator: "LRN".to_owned(),
            reason,
        };
        let one = LoadError::Unsupported { nodes: vec![refused(0, Refusal::Operator)] };
        assert_eq!(
            one.to_string(),
            "the embedded backend cannot run LRN \"n0\" (#0) (operator not implemented)"
        );
        let nodes = (0..9).map(|index| refused(index, Refusal::Input { name: "B" })).collect();
        assert!(
            LoadError::Unsupported { nodes }
                .to_string()
                .ends_with("(#5) (input B not implemented) and 3 more")
        );
    }

    #[test]
    fn a_shape_that_differs_in_the_batch_alone_has_a_way_out() {
        let shape = |expected: &str, given: &[usize]| InputError::Shape {
            input: "x".to_owned(),
            sample: "a.jpg".to_owned(),
            expected: expected.to_owned(),
            given: given.to_vec(),
        };
        assert_eq!(
            shape("4, 3, 8, 8", &[1, 3, 8, 8]).to_string(),
            "input `x` of sample `a.jpg` has shape [1, 3, 8, 8], the model expects [4, 3, 8, 8]; export it with a \
             dynamic batch dimension, or run that many samples together"
        );
        assert_eq!(
            shape("N, 3, 8, 8", &[1, 3, 9, 8]).to_string(),
            "input `x` of sample `a.jpg` has shape [1, 3, 9, 8], the model expects [N, 3, 8, 8]"
        );
    }
}
