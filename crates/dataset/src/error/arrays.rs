//! What can go wrong with arrays.

use std::io;

use crate::ReadError;

/// Arrays that cannot serve as samples.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// One array's file or archive member.
    #[error("the array `{name}`")]
    Npy {
        /// The input it is for.
        name: String,
        /// What is wrong with it.
        source: NpyError,
    },
    /// One array, as it was to be divided.
    #[error("the array `{name}`")]
    Division {
        /// The input it is for.
        name: String,
        /// What is wrong with it.
        source: LayoutError,
    },
    /// The first axes differ.
    #[error(
        "`{first}` holds {first_rows} samples and `{second}` holds {second_rows}: the first axis counts the samples of every input"
    )]
    RowsDiffer {
        /// One input.
        first: String,
        /// The length of its first axis.
        first_rows: usize,
        /// Another input.
        second: String,
        /// The length of its first axis.
        second_rows: usize,
    },
    /// A first axis that does not look like one of samples.
    #[error(
        "`{name}` holds {rows} samples, more than the {limit} that are taken; is its first axis the samples?"
    )]
    TooManyRows {
        /// The input.
        name: String,
        /// The length of its first axis.
        rows: usize,
        /// The most that there may be.
        limit: usize,
    },
    /// Two arrays for one input.
    #[error("there are two arrays `{name}`")]
    Twice {
        /// The input.
        name: String,
    },
    /// The file could not be read, though it could be opened.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The safetensors file.
    #[error("not a readable safetensors file")]
    Safetensors(#[from] SafetensorsError),
    /// No array at all.
    #[error("no array: looked for `<input>.npy`, and saw {others} other entries")]
    None {
        /// How many other entries there are.
        others: usize,
    },
    /// The archive is damaged or uses what is not supported.
    #[error("not a readable zip archive")]
    Zip(#[source] zip::result::ZipError),
    /// A member's data do not lie where the archive says, or do not unpack.
    #[error("the archive's member `{member}` is damaged")]
    Member {
        /// Its name in the archive.
        member: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// Compressed arrays that would fill the memory.
    #[error(
        "the compressed arrays unpack to more than {limit} bytes; save them uncompressed (`numpy.savez`) or one by one (`numpy.save`), and they are read row by row instead of loaded"
    )]
    Inflated {
        /// The most that there may be.
        limit: u64,
    },
}

/// An npy file, or a member of an npz, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// Other first bytes.
    #[error("not an npy file: it does not begin with `\\x93NUMPY`")]
    Magic,
    /// A version of the format from the future.
    #[error("npy format {major}.{minor} is not known; 1.0, 2.0 and 3.0 are")]
    Version {
        /// Before the dot.
        major: u8,
        /// After it.
        minor: u8,
    },
    /// A header beyond all reason.
    #[error("the header claims {length} bytes, more than the {limit} that are read")]
    HeaderLength {
        /// What it claims.
        length: usize,
        /// The most that there may be.
        limit: usize,
    },
    /// The file ends before its header does.
    #[error("the file ends within its header")]
    HeaderTruncated,
    /// The header is not the dictionary that it should be.
    #[error("the header is damaged at its byte {offset}: expected {expected}")]
    Header {
        /// Counted from the opening brace.
        offset: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Column-major order.
    #[error("the array is in Fortran order; save `numpy.ascontiguousarray(x)`")]
    FortranOrder,
    /// The array that the header describes.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// An array that cannot serve as one row for each sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A type of value that no model input has.
    #[error(
        "values of type `{descr}` are not supported; float16, bfloat16, float32, float64, int32, int64, uint8 and bool are"
    )]
    Type {
        /// As the header spells it.
        descr: String,
    },
    /// A single value.
    #[error("the array has no axis; the first axis counts the samples")]
    Scalar,
    /// An axis of length zero.
    #[error("the array of shape {shape:?} holds no value")]
    Empty {
        /// The size of each dimension.
        shape: Vec<usize>,
    },
    /// More bytes than can be counted.
    #[error("an array of shape {shape:?} is larger than memory can be")]
    Overflow {
        /// The size of each dimension.
        shape: Vec<usize>,
    },
    /// Another size than the header says.
    #[error("the shape {shape:?} needs {expected} bytes of values, and there are {found}")]
    Size {
        /// The size of each dimension.
        shape: Vec<usize>,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
}

/// A safetensors file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SafetensorsError {
    /// Not even a length.
    #[error("it has {found} bytes, fewer than the 8 that say how long its header is")]
    NoHeader {
        /// Bytes there.
        found: usize,
    },
    /// A header beyond all reason.
    #[error("the header claims {claimed} bytes, more than the {limit} that are read")]
    HeaderLength {
        /// What it claims.
        claimed: u64,
        /// The most that there may be.
        limit: u64,
    },
    /// The file ends before its header does.
    #[error("the header claims {claimed} bytes, and {found} are there")]
    HeaderTruncated {
        /// What it claims.
        claimed: u64,
        /// Bytes there.
        found: usize,
    },
    /// The header is no JSON, or other JSON.
    #[error("the header cannot be read")]
    Header(#[source] serde_json::Error),
    /// A header that names no tensor.
    #[error("there is no tensor in it")]
    NoTensor,
    /// A tensor that overlaps another, leaves a hole, or lies outside of the file.
    #[error(
        "`{name}` lies at the bytes {begin} to {end} of the {n_bytes} of the values, and should begin at {expected}"
    )]
    Place {
        /// The tensor.
        name: String,
        /// Its first byte.
        begin: usize,
        /// The one behind its last.
        end: usize,
        /// Where the tensor before it ends.
        expected: usize,
        /// All bytes of values.
        n_bytes: usize,
    },
    /// Bytes that belong to no tensor.
    #[error("the tensors end at byte {end} of the values, and there are {n_bytes} bytes")]
    LeftOver {
        /// Where the last tensor ends.
        end: usize,
        /// All bytes of values.
        n_bytes: usize,
    },
    /// A tensor that cannot be used.
    #[error("the tensor `{name}`")]
    Tensor {
        /// As the header spells it.
        name: String,
        /// What is wrong with it.
        source: LayoutError,
    },
}
