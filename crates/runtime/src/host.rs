//! What runtimes on the host have in common, so that they cannot differ in it: which tensors of a graph are observed, how
//! samples are fitted to the model's inputs, and how they are spread over workers.
//!
//! A runtime finds its tensors by [`observed()`] in a [`Scope`], its inputs' [`Fitter`]s, and gives [`spread()`] what a
//! worker does with samples.

mod copies;
mod inputs;
mod observed;
mod scope;
mod spread;

pub use inputs::{Fitter, InputError, Prepared, Values};
pub use observed::{From, Observed, observed, reads};
pub use scope::Scope;
pub use spread::{Jobs, Saw, Spread, Stop, Watch, beside, spread};
