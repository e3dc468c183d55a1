//! What can be wrong with a file, a tensor or a graph.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::{DataType, Looks};

/// Why a model could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is larger than an encoded model can be.
    #[error(
        "{} has {n_bytes} bytes, a model in one file ends at 2 GiB: larger ones keep their weights \
         in a second file",
        path.display()
    )]
    FileTooLarge {
        /// Its path, as it was named.
        path: PathBuf,
        /// Its size.
        n_bytes: u64,
    },
    /// A file could not be created, written or moved into place; nothing was left at `path`.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file that was to appear.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There are no bytes at all.
    #[error("{origin} is empty, not an ONNX model")]
    Empty {
        /// The file, or "the model".
        origin: String,
    },
    /// The bytes are something else, which is known.
    #[error("{origin} is not an ONNX model: it looks like {looks}")]
    Other {
        /// The file, or "the model".
        origin: String,
        /// What it looks like.
        looks: Looks,
    },
    /// The bytes begin as an ONNX model does, and end in the middle of it.
    #[error(
        "{origin} is cut short: it ends at byte {n_bytes}, in {place}; copy or download it again"
    )]
    Cut {
        /// The file, or "the model".
        origin: String,
        /// How many bytes there are.
        n_bytes: usize,
        /// The message that is not complete, such as `graph.node[3]`.
        place: String,
    },
    /// The bytes are not an ONNX model.
    #[error("{origin} is not an ONNX model: broken at byte {offset}, in {place}")]
    Decode {
        /// The file, or "the model".
        origin: String,
        /// How far the bytes made sense.
        offset: usize,
        /// The message that holds that byte, such as `graph.node[3].attribute[0]`.
        place: String,
        /// What is wrong there.
        source: buffa::DecodeError,
    },
    /// The encoded model would be larger than a protobuf message can be.
    #[error(
        "the model takes more than the 2 GiB of a protobuf message: write it to a file, so that its \
         weights can go to one beside it"
    )]
    TooLarge {
        /// What the encoder said.
        source: buffa::EncodeError,
    },
    /// The name of the file to write cannot be stored in a model as the place of its weights.
    #[error("{} has no name in UTF-8 that external data could be called after", path.display())]
    FileName {
        /// The file to write.
        path: PathBuf,
    },
    /// A tensor's values lie in another file and could not be had.
    #[error("tensor \"{tensor}\": external data in \"{location}\"")]
    External {
        /// The tensor's name.
        tensor: String,
        /// The file as the model names it.
        location: String,
        /// What is wrong with it.
        source: ExternalProblem,
    },
    /// The model was decoded without its folder, so its external data was not read.
    #[error(
        "the model's external data was not read, a copy could not refer to it: open the model by \
         its path"
    )]
    Unread,
}

/// Why external data could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExternalProblem {
    /// The model does not say which file.
    #[error("the model names no file")]
    NoLocation,
    /// A number is not one.
    #[error("{key} \"{value}\" is no whole number of bytes")]
    BadNumber {
        /// `offset` or `length`.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// The file lies outside the model's folder.
    #[error("it leads out of the model's folder: put the data file beside the model")]
    Outside,
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file ends before the values do.
    #[error("bytes {offset}..{offset}+{length} lie beyond its end at {file_length}")]
    Short {
        /// First byte.
        offset: u64,
        /// How many.
        length: u64,
        /// Size of the file.
        file_length: u64,
    },
    /// The values overlap another tensor's in part.
    #[error("bytes {offset}..{offset}+{length} overlap those of tensor \"{other}\"")]
    Overlap {
        /// First byte.
        offset: u64,
        /// How many.
        length: u64,
        /// The tensor that holds some of them.
        other: String,
    },
    /// Dimensions and element type ask for another number of bytes.
    #[error("length {length} at offset {offset}, but dimensions and type need {expected} bytes")]
    Length {
        /// First byte.
        offset: u64,
        /// How many the model states.
        length: u64,
        /// How many there should be.
        expected: u64,
    },
    /// The file is not the one the model was written with.
    #[error("its SHA-1 is {found}, the model says {expected}: fetch the data file again")]
    Checksum {
        /// What the model states.
        expected: String,
        /// What the file has.
        found: String,
    },
}

/// Why a tensor's values cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("tensor \"{tensor}\": {problem}")]
pub struct TensorError {
    /// The tensor's name, empty when it has none.
    pub tensor: String,
    /// What is wrong.
    pub problem: TensorProblem,
}

/// What is wrong with a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TensorProblem {
    /// The element type is missing or not one of ONNX's.
    #[error("unknown element type {data_type}")]
    DataType {
        /// The number that stands there, 0 when none does.
        data_type: i32,
    },
    /// A dimension is negative.
    #[error("dimension {axis} is {dim}")]
    NegativeDim {
        /// Which.
        axis: usize,
        /// Its value.
        dim: i64,
    },
    /// The dimensions multiply to more than memory can address.
    #[error("dimensions {dims:?} overflow")]
    Overflow {
        /// The dimensions.
        dims: Vec<i64>,
    },
    /// There are more or fewer values than the dimensions ask for.
    #[error("dimensions {dims:?} of {dtype:?} need {expected} bytes, {found} are there")]
    Size {
        /// The dimensions.
        dims: Vec<i64>,
        /// The element type.
        dtype: DataType,
        /// Bytes needed.
        expected: usize,
        /// Bytes stored.
        found: usize,
    },
    /// There are more or fewer strings than the dimensions ask for.
    #[error("dimensions {dims:?} need {expected} strings, {found} are there")]
    Count {
        /// The dimensions.
        dims: Vec<i64>,
        /// Strings needed.
        expected: usize,
        /// Strings stored.
        found: usize,
    },
    /// Values stand in two fields, or in one that cannot hold the type.
    #[error("values of {dtype:?} stand in {field}")]
    Storage {
        /// The element type.
        dtype: DataType,
        /// The field that should be empty.
        field: &'static str,
    },
    /// A value does not fit the element type.
    #[error("value {value} at {index} does not fit {dtype:?}")]
    OutOfRange {
        /// The element type.
        dtype: DataType,
        /// Where.
        index: usize,
        /// What stands there.
        value: i128,
    },
    /// The values are of another kind than asked for.
    #[error("it holds {dtype:?}, not {wanted}")]
    Kind {
        /// The element type.
        dtype: DataType,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The values lie in a file that was not read.
    #[error("its values lie in \"{location}\", which was not read: open the model by its path")]
    NotLoaded {
        /// The file as the model names it.
        location: String,
    },
    /// The tensor is one segment of a larger one, which nothing writes.
    #[error("it is stored in segments, which is not supported")]
    Segmented,
    /// A sparse tensor's parts do not fit together.
    #[error("its indices, values and dimensions {dims:?} do not go together")]
    Sparse {
        /// The dimensions of the dense tensor.
        dims: Vec<i64>,
    },
}

/// Why a graph has no order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// Two things make one tensor.
    #[error("tensor \"{tensor}\" is made by {first} and again by {second}")]
    Duplicate {
        /// The tensor's name.
        tensor: String,
        /// Who made it first.
        first: String,
        /// Who made it again.
        second: String,
    },
    /// Nodes wait for each other.
    #[error("nodes wait for each other in a circle: {}", nodes.join(", "))]
    Cycle {
        /// Some of the nodes concerned, at most eight.
        nodes: Vec<String>,
    },
}
