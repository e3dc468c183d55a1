//! A tensor as it is made, who takes its values, and what they are held against.

use std::error::Error;
use std::sync::Arc;

use crate::Sample;

/// A float tensor of the network, just made.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its name in the model.
    pub tensor: &'a str,
    /// The samples that it was made from, of which there is one unless several run together.
    pub samples: &'a [Sample],
    /// Length of each axis.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

/// Takes values.
///
/// Closures of `Fn(&Seen<'_>) -> Result<(), E>` are sinks.
/// The threads that run samples all call the same one, in no order; [`Seen::position`] says what is what.
pub trait Sink: Send + Sync {
    /// Takes the values of one tensor for one sample.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from doing so; the run ends with it.
    fn take(&self, seen: &Seen<'_>) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// The values of another run, by tensor and sample.
///
/// Closures of `Fn(&str, usize) -> Option<Arc<[f32]>>` are references.
pub trait Reference: Send + Sync {
    /// The values of a tensor for the sample at a position; `None` where there are none, which ends the run.
    fn values(&self, tensor: &str, position: usize) -> Option<Arc<[f32]>>;
}

impl Seen<'_> {
    /// Position of the sample, of the first where several run together.
    #[must_use]
    pub fn position(&self) -> usize {
        self.samples.first().map_or(0, |sample| sample.position)
    }

    /// Name of the sample, or of the samples joined by `, ` where several run together.
    #[must_use]
    pub fn sample(&self) -> String {
        self.samples.iter().map(|sample| &*sample.name).collect::<Vec<_>>().join(", ")
    }
}

impl<F, E> Sink for F
where
    F: Fn(&Seen<'_>) -> Result<(), E> + Send + Sync,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn take(&self, seen: &Seen<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        self(seen).map_err(Into::into)
    }
}

impl<F> Reference for F
where
    F: Fn(&str, usize) -> Option<Arc<[f32]>> + Send + Sync,
{
    fn values(&self, tensor: &str, position: usize) -> Option<Arc<[f32]>> {
        self(tensor, position)
    }
}
