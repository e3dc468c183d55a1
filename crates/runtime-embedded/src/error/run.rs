//! Why a node is not taken, or fails.

use std::fmt;

use calibrant_onnx::{DataType, TensorError};

use crate::panics::Panicked;

/// Why the executor does not take a node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KernelError {
    #[error("the executor refuses it")]
    Load(#[source] rten::LoadError),
    #[error("the node cannot be encoded")]
    Encode(#[source] calibrant_onnx::Error),
    #[error(transparent)]
    Panicked(#[from] Panicked),
    #[error("tensor `{name}` is nowhere to be found")]
    Missing { name: String },
    #[error("input {index} is missing")]
    NoInput { index: usize },
    #[error("how much memory it takes is not known")]
    NoRule,
    #[error("it has no `{name}`")]
    NoBody { name: &'static str },
    #[error("its body has another number of inputs than it is given")]
    BodyInputs,
    #[error("its body has fewer outputs than are asked for")]
    BodyOutputs,
}

/// Why a constant is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantError {
    /// Its values cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The executor has no such type, or the values do not fit it.
    #[error("constant `{name}` of {dtype:?} has no form that the executor computes with")]
    Form {
        /// The constant's name.
        name: String,
        /// Its element type.
        dtype: DataType,
    },
}

/// Why a node failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Operator(rten::RunError),
    #[error(transparent)]
    Panicked(#[from] Panicked),
    #[error(
        "it would take {} beside the {} in use, and {}",
        Bytes(*.needed),
        Bytes(*.used),
        limit(*.budget, *.workers)
    )]
    Memory { needed: u64, used: u64, budget: u64, workers: usize },
    #[error("it divides whole numbers by 0")]
    DivisionByZero,
    #[error("shapes {first:?} and {second:?} do not go together")]
    Broadcast { first: Vec<usize>, second: Vec<usize> },
    #[error("its {name} are no slice of a tensor")]
    SliceInput { name: &'static str },
    #[error("it has more outputs than its operator")]
    OutputCount,
    #[error("a condition or count is no single whole number")]
    Condition,
    #[error("its turns leave tensors of different types or shapes, or there is no turn")]
    Scan,
    #[error("an input of it has no value")]
    NoValue,
}

/// Why a calibration does not begin.
#[derive(Debug, thiserror::Error)]
#[error(
    "weights and statistics of {tensors} tensors take {}, and {}",
    Bytes(*.needed),
    limit(*.budget, 1)
)]
pub(crate) struct NoRoom {
    pub(crate) tensors: usize,
    pub(crate) needed: u64,
    pub(crate) budget: u64,
}

/// A node that no sample reaches, and that failed.
#[derive(Debug, thiserror::Error)]
#[error("{node} failed")]
pub(crate) struct SetupFailed {
    pub(crate) node: String,
    pub(crate) source: StepError,
}

/// What the limit is, and the way out.
fn limit(budget: u64, workers: usize) -> String {
    if workers == 1 {
        return format!("may take {} in all; raise --memory", Bytes(budget));
    }
    let share = Bytes(budget);
    format!("each of {workers} workers may take {share} in all; raise --memory, or lower --workers")
}

/// A number of bytes for a reader.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let unit = (self.0.ilog2() / 10) as usize;
        let amount = self.0 as f64 / 1024f64.powi(i32::try_from(unit).unwrap_or_default());
        write!(f, "{amount:.1} {}", UNITS[unit - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_too_much_says_how_much() {
        let error = StepError::Memory { needed: u64::MAX, used: 1000, budget: 3 << 29, workers: 2 };
        assert_eq!(
            error.to_string(),
            "it would take 16.0 EiB beside the 1000 bytes in use, and each of 2 workers may take 1.5 GiB in all; raise \
             --memory, or lower --workers"
        );
        let error = StepError::Memory { needed: 2048, used: 0, budget: 1024, workers: 1 };
        assert_eq!(
            error.to_string(),
            "it would take 2.0 KiB beside the 0 bytes in use, and may take 1.0 KiB in all; raise --memory"
        );
    }
}
