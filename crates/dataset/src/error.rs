//! What can go wrong: with a set, with a line of a file, with a label, with a shard, with
//! annotations, with an array, with one sample.

mod arrays;
mod sets;

use std::io;
use std::num::ParseIntError;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{Census, EXTENSIONS};

pub use arrays::{ArrayError, LayoutError, NpyError, SafetensorsError};
pub use sets::{BraceError, CocoError, Compression, TarError};

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
        /// Where it lies.
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
    /// Shards without a single picture.
    #[error("no picture in the shards `{}`: looked for members called like pictures; {found}", path.display())]
    NoMembers {
        /// The archive, the folder of archives, or the pattern.
        path: PathBuf,
        /// What they hold instead.
        found: Box<Census>,
    },
    /// A pattern in braces that stands for no names.
    #[error("the pattern `{pattern}`")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        source: BraceError,
    },
    /// A compressed file.
    #[error(
        "`{}` is compressed with {}, and what is compressed cannot be read from its middle: unpack it once, with `{} --keep`",
        path.display(), format.name, format.tool
    )]
    Compressed {
        /// Its path, as it was named.
        path: PathBuf,
        /// How it is compressed.
        format: Compression,
    },
    /// A tar archive.
    #[error("the shard `{}`", path.display())]
    Shard {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: TarError,
    },
    /// COCO's annotations.
    #[error("the annotations `{}`", path.display())]
    Coco {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong with them.
        source: CocoError,
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
    /// The file of arrays, of a shard or of annotations could not be opened.
    #[error(transparent)]
    File(ReadError),
    /// The arrays are not what samples can be made of.
    #[error("the arrays in `{}` do not fit", path.display())]
    Unfit {
        /// The npy, npz or safetensors file, or the folder of npy files.
        path: PathBuf,
        /// In what.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The arrays cannot serve as samples.
    #[error("the arrays in `{}`", path.display())]
    Arrays {
        /// The npy, npz or safetensors file, or the folder of npy files.
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
        /// As the head of the table spells it.
        column: &'static str,
    },
    /// A file that an earlier row has named already.
    #[error("`{file}` has a label already, in line {first}")]
    Twice {
        /// As the labels spell it.
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
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of annotations could not be opened.
    #[error(transparent)]
    File(ReadError),
    /// COCO's annotations.
    #[error("the annotations `{}`", path.display())]
    Coco {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong with them.
        source: CocoError,
    },
    /// A COCO file that says of no picture what it shows.
    #[error("`{}` lists pictures, and has no `annotations` with `categories` that could be their classes", path.display())]
    NoAnnotations {
        /// Its path, as it was named.
        path: PathBuf,
    },
    /// The table does not begin with the names of its columns.
    #[error("the labels `{}` must begin with a line `file,label` or `file,label,accepted`, not `{found}`", path.display())]
    Header {
        /// Its path, as it was named.
        path: PathBuf,
        /// Its first line.
        found: String,
    },
    /// A row of the table.
    #[error("the labels `{}`, line {line}", path.display())]
    Line {
        /// Its path, as it was named.
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
    /// Samples without a label, where the classes are to take turns.
    #[error(
        "the classes can take turns only where every sample has a label: {count} of {samples} samples have none, `{example}` the first; a table, COCO's annotations or the folders can give them"
    )]
    Unstratified {
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

/// One sample could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file was there when the set was opened.
    #[error("`{}` has gone, or is a link that leads nowhere", path.display())]
    Gone {
        /// Its path, as it was named.
        path: PathBuf,
    },
    /// The file cannot be read, or is none.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is being written to.
    #[error("`{}` changed while it was read: it had {expected} bytes and gave {found}{}", path.display(), if found > expected { " or more" } else { "" })]
    Changed {
        /// Its path, as it was named.
        path: PathBuf,
        /// Its length before.
        expected: u64,
        /// The bytes it gave.
        found: u64,
    },
    /// A file of arrays, opened again for a sample of it, cannot be used any more.
    #[error("`{}` cannot be read as when the set was opened", path.display())]
    Arrays {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<DatasetError>,
    },
    /// A file of arrays has others than when the set was opened.
    #[error("`{}` has other arrays than when the set was opened", path.display())]
    OtherArrays {
        /// Its path, as it was named.
        path: PathBuf,
    },
    /// A 64-bit float that no 32-bit float comes near.
    #[error("the value {value:e} of `{input}` in sample {row} is beyond float32")]
    Float32Range {
        /// The input's name.
        input: Arc<str>,
        /// The sample's place along the first axis.
        row: usize,
        /// What stands there.
        value: f64,
    },
}

fn extensions() -> String {
    EXTENSIONS.map(|it| format!(".{it}")).join(" ")
}
