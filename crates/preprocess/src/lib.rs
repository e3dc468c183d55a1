//! From the bytes of a picture to a normalised CHW tensor, equal to the framework that trained the model.
//!
//! A [`Recipe`] is a list of steps; [`Preset`]s are lists known by name; [`Settings`] layer changes
//! over a list. [`Recipe::compile`] gives a [`Pipeline`], which implements [`Preprocess`]:
//! bytes in, `f32` values in the caller's slice out, no allocation once its [`Scratch`] is warm but
//! the decoder's own.
//!
//! ```
//! use calibrant_preprocess::{Preprocess, Scratch, Settings};
//!
//! let settings = Settings::from_toml("preset = 'raw'\nsize = '1x1'")?;
//! let pipeline = settings.recipe()?.compile()?;
//! let bmp = include_bytes!("../../../fixtures/preprocess/pictures/one.bmp");
//! let mut tensor = [0.0; 3];
//! pipeline.preprocess(bmp, &mut Scratch::new(), &mut tensor)?;
//! assert_eq!(tensor, [200.0, 100.0, 50.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a recipe cannot say is a [`Preprocess`] of the caller's own; with a decoder of one's own
//! alone, [`Pipeline::preprocess_pixels`] does the rest.
//!
//! A device does the same through [`Pipeline::sampling`] and [`Pipeline::channels`], which tell
//! positions, weights and the values of the tensor.
//!
//! It knows neither files nor threads: a worker owns one [`Scratch`] and shares the pipeline.

#![deny(unsafe_code)]

mod decode;
mod doubt;
mod error;
mod foreign;
mod fuzz;
mod geometry;
mod normalise;
mod pipeline;
mod pixels;
mod preset;
mod recipe;
mod resize;
mod settings;
mod zoo;

pub use decode::Format;
pub use doubt::Doubt;
pub use error::PreprocessError;
pub use foreign::{Foreign, ForeignError};
pub use fuzz::fuzz_decode;
pub use pipeline::{Channel, Pipeline, Preprocess, Scratch};
pub use pixels::{Picture, Pixels};
pub use preset::Preset;
pub use recipe::{
    Arithmetic, Color, Crop, CropAnchor, DEFAULT_MAX_PIXELS, DctScale, Decode, Expect, Fill,
    Filter, JpegDecoder, MAX_PICTURE_SIDE_PX, MAX_SIDE_PX, Normalise, Orientation, Pad, PadAnchor,
    PadTo, PixelRules, Recipe, RecipeError, Resize, ResizeKind, Rounding, Scale, Size, Step,
    StepError, Target,
};
pub use resize::{FirError, ResizeKernel, Sampling};
pub use settings::Settings;
pub use zoo::Names;
