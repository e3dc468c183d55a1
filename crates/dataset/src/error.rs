//! What can go wrong: with a set, with a line of a file, with a label, with an array, with one
//! sample.

use std::io;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Census, EXTENSIONS};

/// A data set could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Something on the way could not be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder's contents could not be listed.
    #[error("cannot search `{}`", path.display())]
    Walk {
        /// The folder that was asked for.
        path: PathBuf,
        /// Where in it, and what the system said.
        source: walkdir::Error,
    },
    /// The path is no folder.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder without a single picture.
    #[error(
        "no picture in `{}`: looked in all its folders for {} files and for files that begin like one of them; {found}",
        path.display(), extensions()
    )]
    NoPictures {
        /// The folder.
        path: PathBuf,
        /// What it holds instead.
        found: Box<Census>,
    },
    /// A list without a single entry.
    #[error(
        "no entry in the list `{}`: looked for one path a line, and saw {blank} blank lines and {comments} comments",
        path.display()
    )]
    EmptyList {
        /// The list file.
        path: PathBuf,
        /// Its blank lines.
        blank: usize,
        /// Its lines that begin with `#`.
        comments: usize,
    },
    /// A line of a list file.
    #[error("the list `{}`, line {line}", path.display())]
    Line {
        /// The list file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: LineError,
    },
    /// An array's file could not be opened.
    #[error(transparent)]
    File(ReadError),
    /// The arrays cannot serve as samples.
    #[error("the arrays in `{}`", path.display())]
    Arrays {
        /// The npy or npz file, or the folder of npy files.
        path: PathBuf,
        /// What is wrong with them.
        source: ArrayError,
    },
}

/// A line of a list or of a table of labels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The bytes are no text.
    #[error("not UTF-8 from byte {valid_up_to} of the line on")]
    NotUtf8 {
        /// Bytes of the line that are.
        valid_up_to: usize,
    },
    /// The file named is not there, or cannot be looked at.
    #[error("`{entry}` was looked for at `{}` (paths are relative to the list's own folder)", path.display())]
    Missing {
        /// As it stands in the line.
        entry: String,
        /// Where that leads.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path named is a folder, a pipe or a device.
    #[error("`{entry}` is not a regular file")]
    NotAFile {
        /// As it stands in the line.
        entry: String,
    },
    /// A class that is no number.
    #[error("the class `{text}` is not a whole number from 0")]
    NotAClass {
        /// As it stands in the line.
        text: String,
        /// What is wrong with it.
        source: ParseIntError,
    },
    /// A row with too few fields.
    #[error("no `{column}` in this row")]
    NoField {
        /// The column.
        column: &'static str,
    },
    /// A file that an earlier row has named already.
    #[error("`{file}` has a label already, in line {first}")]
    Twice {
        /// The file.
        file: String,
        /// The earlier line, counted from 1.
        first: usize,
    },
    /// A quoted field without its closing quote.
    #[error("a quoted field does not end in its line")]
    OpenQuote,
}

/// Labels could not be read or do not fit the samples.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The table of labels could not be read.
    #[error("cannot read the labels `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The table does not begin with the names of its columns.
    #[error("the labels `{}` must begin with a line `file,label` or `file,label,accepted`, not `{found}`", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Its first line.
        found: String,
    },
    /// A row of the table.
    #[error("the labels `{}`, line {line}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: LineError,
    },
    /// Samples that the table does not name.
    #[error("{count} of {samples} samples have no label, `{example}` the first of them")]
    Unlabelled {
        /// How many.
        count: usize,
        /// Out of how many.
        samples: usize,
        /// The first one's name.
        example: String,
    },
    /// A sample that lies in no subfolder, where the folders are the classes.
    #[error("`{example}` lies in no folder that could be its class")]
    NoFolder {
        /// Its name.
        example: String,
    },
}

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
        /// The limit.
        limit: usize,
    },
    /// Two arrays for one input.
    #[error("there are two arrays `{name}`")]
    Twice {
        /// The input.
        name: String,
    },
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
        /// The member.
        member: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// Compressed arrays that would fill the memory.
    #[error(
        "the compressed arrays unpack to more than {limit} bytes; save them uncompressed (`numpy.savez`) or one by one (`numpy.save`), and they are mapped instead of loaded"
    )]
    Inflated {
        /// The limit.
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
        /// The limit.
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
    /// A type of value that no model input has.
    #[error(
        "values of type `{descr}` are not supported; float16, float32, float64, int32, int64, uint8 and bool are"
    )]
    Type {
        /// As the header spells it.
        descr: String,
    },
    /// Column-major order.
    #[error("the array is in Fortran order; save `numpy.ascontiguousarray(x)`")]
    FortranOrder,
    /// A single value.
    #[error("the array has no axis; the first axis counts the samples")]
    Scalar,
    /// An axis of length zero.
    #[error("the array of shape {shape:?} holds no value")]
    Empty {
        /// The shape.
        shape: Vec<usize>,
    },
    /// More bytes than can be counted.
    #[error("an array of shape {shape:?} is larger than memory can be")]
    Overflow {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Another size than the header says.
    #[error("the shape {shape:?} needs {expected} bytes of values, and there are {found}")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
}

/// One sample could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file was there when the set was opened.
    #[error("`{}` has gone, or is a link that leads nowhere", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, a pipe, a socket or a device.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is being written to.
    #[error("`{}` changed while it was read: it had {expected} bytes and gave {found}{}", path.display(), if found > expected { " or more" } else { "" })]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length before.
        expected: u64,
        /// The bytes it gave.
        found: u64,
    },
    /// A 64-bit float that no 32-bit float comes near.
    #[error("the value {value:e} of `{input}` in sample {row} is beyond float32")]
    Float32Range {
        /// The input.
        input: Arc<str>,
        /// The sample's place along the first axis.
        row: usize,
        /// The value.
        value: f64,
    },
}

fn extensions() -> String {
    EXTENSIONS.map(|it| format!(".{it}")).join(" ")
}
