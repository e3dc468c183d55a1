//! What runs a network, what can be wanted of its tensors, and where samples come from.
//!
//! A [`Runtime`] is an open value: whoever has an `Arc<dyn Runtime>` can say what it is here ([`Runtime::availability`]),
//! which nodes of a model it runs and why not the others ([`Runtime::survey`]), and have it load a model
//! ([`Runtime::load`]).
//! What is wanted of which tensor is said then, in [`Wanted`], so that it can be computed where the tensor lies:
//!
//! * [`What::Statistics`]: histograms and extremes, from which ranges are chosen;
//! * [`What::Moments`]: count, sum and sum of squares of every channel ([`Moments`]);
//! * [`What::Values`]: the values themselves, handed to a [`Sink`];
//! * [`What::Errors`]: how far the values are from those of another run ([`Agreement`]).
//!
//! The [`Network`] that comes of it is fed by a [`Source`] of [`Sample`]s and returns [`Observations`].
//! They are a pure function of the multiset of samples: counts are whole numbers and sums are exact ([`ExactSum`]), so
//! neither order, batches, threads nor machines change a bit.
//! (TensorRT's own histograms, where they are asked for, depend on the first batch.)
//!
//! A runtime whose tensors are slices of `f32` makes all of that with [`Task::observe`], and need not be in this
//! repository: see `crates/calibrant/examples/own_runtime.rs`.
//! [`suite`] holds it to what every runtime must do.
//!
//! ```
//! use std::num::NonZeroUsize;
//!
//! use calibrant_onnx::Model;
//! use calibrant_runtime::scripted::Scripted;
//! use calibrant_runtime::{Runtime, Samples, Settings, Wanted, What};
//! use calibrant_tensor::Tensor;
//!
//! let runtime = Scripted::new(["y"], |sample| {
//!     let (_, x) = &sample.inputs[0];
//!     Ok(vec![("y".to_owned(), x.clone())])
//! });
//! let one = NonZeroUsize::MIN;
//! let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 1 << 20 };
//! let wanted = Wanted::all(What::Moments { axis: 1 });
//! let mut network = runtime.load(&Model::new(Default::default()), &wanted, &settings)?;
//!
//! let tensors = [[0.5, 1.0], [1.5, -1.0]].map(|x| Tensor::new(vec![1, 2], x.to_vec().into()));
//! let samples = tensors.into_iter().flatten().map(|x| vec![("x".into(), x)]);
//! let seen = network.run(&mut Samples::new(one, samples))?;
//! assert_eq!(seen.moments["y"].sum(0), 2.0);
//! assert_eq!(seen.moments["y"].sum_of_squares(1), 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod runtime;

mod wanted;

mod agreement;
mod exact;
mod kept;
mod moments;
mod observations;
mod reduce;
mod seen;

mod samples;
mod slot;
mod source;

mod error;

pub mod host;
pub mod scripted;
pub mod suite;

pub use agreement::Agreement;
pub use error::{LoadError, Refusal, Refused, RunError, Shortage, Unavailable};
pub use exact::ExactSum;
pub use kept::{Kept, run_beside};
pub use moments::Moments;
pub use observations::Observations;
pub use reduce::{Reduction, Task};
pub use runtime::{Availability, Network, Runtime, Settings, Survey, SurveyedNode};
pub use samples::Samples;
pub use seen::{Reference, Seen, Sink};
pub use slot::{Sample, Slot, SlotStock, Tensors};
pub use source::{LeftOut, Source, SourceError, SourceErrorKind};
pub use wanted::{Wanted, What, Which};
