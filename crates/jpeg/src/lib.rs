//! Baseline JPEG to pixels, equal to libjpeg-turbo's in every byte, a row at a time.
//!
//! It decodes the common kind: sequential, Huffman-coded, 8 bits, gray or three components in one
//! scan, 4:4:4, 4:2:2, 4:2:0 or 4:4:0, with or without restart markers. Anything else is refused
//! before a pixel is made, for a general decoder to take over. Its pixels are those of
//! libjpeg-turbo's accurate transform with its smooth upsampling, which OpenCV and Pillow deliver.
//!
//! Truncated or damaged data is an [`Error`] with the place where it was met; nothing is filled
//! up. Of what follows the last sample the markers are looked at, as libjpeg does.
//!
//! A [`Decoder`] keeps its memory: once it has seen a picture as large, it allocates nothing.
//! [`Picture::rows`] gives rows as they are made, so that what comes next finds them in the cache,
//! and skips the transform of blocks that a [`Region`] does not want. [`Picture::reduced_rows`]
//! makes a smaller picture by shorter transforms, as libjpeg-turbo's scaled decode.
//! [`Picture::coefficients`] stops before the transform, for whoever does the rest elsewhere.
//!
//! ```
//! use calibrant_jpeg::{Decoder, Pixels};
//!
//! let encoded = include_bytes!("../../../fixtures/preprocess/pictures/q95_420.jpg");
//! let mut decoder = Decoder::new();
//! let picture = decoder.open(encoded)?;
//! let (width, height) = (picture.header().width, picture.header().height);
//! let mut rgb = vec![0; 3 * width as usize * height as usize];
//! picture.decode(Pixels::Rgb, &mut rgb)?;
//! # Ok::<(), calibrant_jpeg::Error>(())
//! ```

#![deny(unsafe_code)]

mod bits;
mod coefficients;
mod decoder;
mod entropy;
mod error;
mod exif;
mod header;
mod huffman;
mod kernels;
mod markers;
mod reduced;
mod region;
mod rows;
mod scan;
mod transform;

pub use coefficients::{Blocks, Plane};
pub use decoder::{Decoder, Picture, ROW_SLACK};
pub use error::Error;
pub use header::{Coding, Header};
pub use markers::check_markers;
pub use reduced::Reduction;
pub use region::Region;
pub use rows::Pixels;
