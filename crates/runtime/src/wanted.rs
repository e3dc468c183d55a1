//! What a caller wants of which tensors.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use calibrant_calibration::Histograms;

use crate::{Reference, Sink, Task};

/// What is wanted of a model's tensors.
///
/// Of one tensor each [kind](What) can be wanted once: what is added later takes the place of the same kind for the
/// tensors that it speaks of.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    wants: Vec<(Which, What)>,
}

/// Which tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every activation and every input of floats, of whatever width, that depends on the values of the inputs.
    Floats,
    /// All of [`Floats`](Self::Floats) but those of these names, which may be anything.
    FloatsBut(BTreeSet<String>),
    /// Those of these names, each of which must be one of [`Floats`](Self::Floats).
    Named(BTreeSet<String>),
}

/// What is to be made of a tensor.
#[derive(Clone)]
pub enum What {
    /// Its histogram, extremes and zeros; with TensorRT's own histogram beside it where that is said.
    Statistics(Histograms),
    /// Count, sum and sum of squares of each channel, which lies along this axis; a tensor without the axis is one
    /// channel.
    Moments {
        /// The axis, from 0.
        axis: usize,
    },
    /// The values themselves, handed over as they are made, from whichever thread made them.
    Values(Arc<dyn Sink>),
    /// How far its values are from those of another run.
    Errors(Arc<dyn Reference>),
}

impl Wanted {
    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// This of every float tensor.
    #[must_use]
    pub fn all(what: What) -> Self {
        Self::default().and(Which::Floats, what)
    }

    /// This of every float tensor but those of these names; nodes that only they depend on are not run.
    #[must_use]
    pub fn all_but(names: BTreeSet<String>, what: What) -> Self {
        Self::default().and(Which::FloatsBut(names), what)
    }

    /// This of the tensors of these names.
    #[must_use]
    pub fn of<N: Into<String>>(names: impl IntoIterator<Item = N>, what: What) -> Self {
        Self::default().and(Which::Named(names.into_iter().map(Into::into).collect()), what)
    }

    /// The same, and this beside it.
    #[must_use]
    pub fn and(mut self, which: Which, what: What) -> Self {
        self.wants.push((which, what));
        self
    }

    /// What is wanted of the tensor called `tensor`, if there is one.
    #[must_use]
    pub fn of_tensor(&self, tensor: &str) -> Task {
        let mut task = Task::default();
        let meant = self.wants.iter().filter(|(which, _)| which.includes(tensor));
        meant.for_each(|(_, what)| task.add(what));
        task
    }

    /// The tensors that are asked for by name.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let names = self.wants.iter().filter_map(|(which, _)| match which {
            Which::Floats | Which::FloatsBut(_) => None,
            Which::Named(names) => Some(names),
        });
        names.flatten().map(String::as_str)
    }
}

impl Which {
    fn includes(&self, tensor: &str) -> bool {
        match self {
            Self::Floats => true,
            Self::FloatsBut(names) => !names.contains(tensor),
            Self::Named(names) => names.contains(tensor),
        }
    }
}

impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statistics(histograms) => f.debug_tuple("Statistics").field(histograms).finish(),
            Self::Moments { axis } => f.debug_struct("Moments").field("axis", axis).finish(),
            Self::Values(_) => f.write_str("Values"),
            Self::Errors(_) => f.write_str("Errors"),
        }
    }
}
