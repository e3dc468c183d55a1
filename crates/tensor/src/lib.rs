//! Tensors as samples hold them, what a model says of its inputs, and digests of both.
//!
//! A [`Tensor`] has a shape and row-major values of one of five [types](ElementType); an [`Input`] says under which name a
//! model takes one, and of which type and dimensions as far as that is stated.
//! [`digest_tensors`] is the identity of a sample that consists of tensors, [`digest`] that of bytes.
//!
//! It knows neither models nor files.
//!
//! ```
//! use calibrant_tensor::{Dim, ElementType, Input, Tensor};
//!
//! let input = Input::fixed("x", ElementType::F32, &[1, 3]);
//! let tensor = Tensor::new(vec![1, 3], vec![0.0_f32, 0.5, 1.0].into()).expect("three values");
//! assert_eq!(input.fixed_shape().as_deref(), Some(tensor.shape.as_slice()));
//! assert_eq!(Dim::Named("batch".into()).size(), None);
//! ```

#![forbid(unsafe_code)]

mod digest;
mod input;
mod tensor;

pub use digest::{Digest, ParseDigestError, digest, digest_reader, digest_samples, digest_tensors};
pub use input::{Dim, Input, InputType, Layout, OtherFloat};
pub use tensor::{ElementType, NotWhole, Tensor, TensorData};
