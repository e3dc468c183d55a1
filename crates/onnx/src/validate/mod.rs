//! Lists what is wrong with a model before other code relies on it.

use std::fmt;

use thiserror::Error;

use crate::{Model, Topology};

/// What is wrong with a model, everything at once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ValidateError {
    /// The problems, the first twenty in the graph's order.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub n_more: usize,
}

/// One thing wrong with a model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no graph.
    #[error("the model holds no graph")]
    NoGraph,
    /// The graph has no order.
    #[error(transparent)]
    Topology(#[from] crate::TopologyError),
}

impl fmt::Display for ValidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_problems = self.problems.len() + self.n_more;
        write!(f, "the model has {n_problems} problem{}", if n_problems == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))?;
        if self.n_more > 0 {
            write!(f, "\n  and {} more", self.n_more)?;
        }
        Ok(())
    }
}

/// Checks everything in `model` that later work relies on.
///
/// # Errors
///
/// With the list of all problems found.
pub fn validate(model: &Model) -> Result<(), ValidateError> {
    let mut problems = Vec::new();
    if model.proto.graph.is_unset() {
        problems.push(Problem::NoGraph);
    }
    if let Err(problem) = Topology::new(model.graph()) {
        problems.push(problem.into());
    }
    if problems.is_empty() { Ok(()) } else { Err(ValidateError { problems, n_more: 0 }) }
}
