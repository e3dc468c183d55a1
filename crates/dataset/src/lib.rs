//! Find, order, subset and read the samples of a calibration set.
//!
//! A [`Dataset`] is an ordered list of [`SampleRef`]s and a [`Census`] of what was looked at to
//! find them. It is made from
//!
//! * a **folder** of pictures ([`Dataset::folder`]), searched in all its subfolders;
//! * a **list file** that names pictures, with or without labels ([`Dataset::list`]);
//! * **tar shards** as WebDataset makes them ([`Dataset::shards`]);
//! * **COCO's annotations** and the pictures they speak of ([`Dataset::coco`]);
//! * **arrays**, for models whose inputs are no pictures or more than one ([`Dataset::tensors`]): an
//!   `.npz`, a `.safetensors`, an `.npy`, or a folder of `<input>.npy`, the first axis counting the
//!   samples; or a folder of such files, each of which is a sample or some. Who knows a model can say
//!   otherwise ([`Divide`]).
//!
//! [`Dataset::open`] picks by what the path is. Labels come with a list, a shard or annotations, or
//! from a table or the folders ([`Dataset::labelled`], [`Dataset::labelled_by_folder`]).
//! [`Dataset::subset`] keeps every n-th, shuffles, takes the classes in turn and limits,
//! reproducibly.
//!
//! Nothing is decoded here: a sample read is the bytes of its file or the tensors of its row
//! ([`SampleRef::read`]). The list is all that grows with the number of samples; shards and arrays
//! stay in their files and are read a member or a row at a time.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use calibrant_dataset::{Content, Dataset, ReadBuffer, Subset};
//!
//! let dataset = Dataset::open(Path::new("photos"))?;
//! println!("{}", dataset.census());
//!
//! let dataset = dataset.subset(&Subset { shuffle: Some(7), ..Subset::ALL })?;
//! let mut buffer = ReadBuffer::default();
//! for sample in dataset.samples() {
//!     match sample.read(&mut buffer)? {
//!         Content::Encoded(bytes) => println!("{}: {} bytes", sample.name(), bytes.len()),
//!         Content::Tensors(inputs) => println!("{}: {} tensors", sample.name(), inputs.len()),
//!     }
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Files that change meanwhile
//!
//! Unless somebody promises that they stay ([`FilesStay`]), no file is mapped into memory, so that
//! one which vanishes or is cut short while it is in use is an error that names it and nothing
//! worse. What is written over in place is read as it is by then: do not write into a calibration
//! set while it is in use.

mod ahead;
mod arrays;
mod braces;
mod census;
mod coco;
mod dataset;
mod division;
mod error;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod labels;
mod layout;
mod list;
mod map;
mod name;
mod natural;
mod npy;
mod npy_header;
mod npz;
mod picture;
mod safetensors;
mod sample;
mod set;
mod shards;
mod store;
mod subset;
mod tar;

pub use ahead::ReadAhead;
pub use census::{Census, Ignored, Kind};
pub use dataset::{Dataset, Row};
pub use division::{Divide, Division, Part};
pub use error::{
    ArrayError, BraceError, CocoError, Compression, DatasetError, LabelError, LayoutError,
    LineError, NpyError, ReadError, SafetensorsError, TarError,
};
pub use labels::{Label, Labels};
pub use map::FilesStay;
pub use natural::natural_order;
pub use npz::INFLATED_LIMIT_BYTES;
pub use picture::EXTENSIONS;
pub use sample::{Content, ReadBuffer, SAMPLE_LIMIT_BYTES, SampleRef};
pub use subset::Subset;
