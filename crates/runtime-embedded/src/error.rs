//! What is wrong with a sample, a constant or a node, and what messages call the runtime.

use calibrant_runtime::RunError;
use calibrant_tensor::ElementType;

mod run;

pub use run::ConstantError;
pub(crate) use run::{KernelError, SetupFailed, StepError};

/// What messages call this runtime.
pub(crate) const NAME: &str = "embedded";

/// A run that failed outside any node.
pub(crate) fn failed(source: impl std::error::Error + Send + Sync + 'static) -> RunError {
    RunError::Runtime { runtime: NAME.to_owned(), source: source.into() }
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
