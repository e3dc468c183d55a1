//! What can go wrong with shards, with annotations, and with names and compression of files.

use std::path::PathBuf;

use crate::{LineError, ReadError};

/// A tar archive that cannot serve as a shard. Offsets are those of headers, from the archive's
/// beginning.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The archive could not be read, though it could be opened.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What should be a header is none.
    #[error("there is no tar header at byte {offset}: the checksum is not that of its bytes")]
    NoHeader {
        /// Where it should be.
        offset: usize,
    },
    /// A size that is no number.
    #[error("the size in the header at byte {offset} is no number")]
    Size {
        /// Where the header is.
        offset: usize,
    },
    /// A pax header that is damaged or speaks of all members.
    #[error(
        "the extended header at byte {offset} is damaged, or gives all members one name or size"
    )]
    Pax {
        /// Where it is.
        offset: usize,
    },
    /// A name or an extended header beyond all reason.
    #[error("the extended header at byte {offset} has more than the {limit} bytes that are read")]
    Extension {
        /// Where it is.
        offset: usize,
        /// The most that there may be.
        limit: usize,
    },
    /// The archive ends within a member.
    #[error(
        "it is cut short: `{member}` at byte {offset} has {needed} bytes, and {left} are left of the archive"
    )]
    Cut {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
        /// The bytes that it has.
        needed: u64,
        /// The bytes that are there.
        left: usize,
    },
    /// The archive ends without the mark of its end.
    #[error(
        "it is cut short: it ends at byte {length} without the block of zeros that ends an archive"
    )]
    NoEnd {
        /// In bytes.
        length: usize,
    },
    /// The archive goes on behind its end.
    #[error(
        "it ends at byte {end} and goes on at byte {offset}: archives that are put one behind the other are to be named one by one"
    )]
    Behind {
        /// Where the mark of its end is.
        end: usize,
        /// Where something else than zeros follows.
        offset: usize,
    },
    /// A member with holes.
    #[error("`{member}` at byte {offset} is stored sparse, in pieces; pack it without `--sparse`")]
    Sparse {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
    },
    /// The rest of a member of another archive.
    #[error("`{member}` at byte {offset} continues from another volume; pack it into one archive")]
    Volumes {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
    },
    /// Two members of one name.
    #[error("`{member}` at byte {offset} is there already, at byte {first}")]
    Twice {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
        /// Where the first one's is.
        first: usize,
    },
    /// A member that does not stand beside the others of its sample.
    #[error(
        "`{member}` at byte {offset} stands apart from the files of its sample, which begin at byte {first}; pack them side by side, with `tar --sort=name`"
    )]
    Scattered {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
        /// Where the sample begins.
        first: usize,
    },
    /// A class that is no number.
    #[error("`{member}` at byte {offset}")]
    Class {
        /// Its name in the archive.
        member: String,
        /// Where its header is.
        offset: usize,
        /// What is wrong with it.
        source: Box<LineError>,
    },
}

/// COCO's annotations that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CocoError {
    /// Other JSON, or none.
    #[error("not in COCO's format")]
    Json(#[source] serde_json::Error),
    /// An empty list of pictures.
    #[error("there is no picture in its `images`")]
    NoPicture,
    /// Two pictures with one id.
    #[error("two pictures have the id {id}")]
    PictureTwice {
        /// As the annotations number it.
        id: i64,
    },
    /// Two categories with one id.
    #[error("two categories have the id {id}")]
    CategoryTwice {
        /// As the annotations number it.
        id: i64,
    },
    /// An annotation of a picture that is not listed.
    #[error("there is an annotation of a picture of the id {id}, and no such picture")]
    UnknownPicture {
        /// The picture's id.
        id: i64,
    },
    /// An annotation with a category that is not listed.
    #[error("there is an annotation with a category of the id {id}, and no such category")]
    UnknownCategory {
        /// The category's id.
        id: i64,
    },
    /// None of the first pictures is in any of the usual folders.
    #[error(
        "its pictures, `{example}` the first of them, are in none of {}; name their folder as the samples and the annotations as the labels",
        quoted(folders)
    )]
    Nowhere {
        /// The first picture.
        example: String,
        /// The folders that were looked in.
        folders: Vec<PathBuf>,
    },
    /// Some of the pictures are missing.
    #[error(
        "{count} of {pictures} pictures are not in `{}`: {}{}; to use those that are, name the folder as the samples and the annotations as the labels",
        folder.display(), examples.join(", "), if *count > examples.len() { ", …" } else { "" }
    )]
    Missing {
        /// How many.
        count: usize,
        /// Out of how many.
        pictures: usize,
        /// Where they should be.
        folder: PathBuf,
        /// The first of them.
        examples: Vec<String>,
    },
}

impl CocoError {
    /// How many missing pictures are named.
    pub(crate) const N_EXAMPLES: usize = 5;
}

/// A pattern in braces that stands for no names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BraceError {
    /// An opening brace alone.
    #[error("a brace is opened and not closed")]
    Open,
    /// Braces around something else, or around other braces.
    #[error("`{{{inside}}}` is neither a range such as {{000..009}} nor a list such as {{a,b}}")]
    Neither {
        /// What stands between them.
        inside: String,
    },
    /// More names than anybody means.
    #[error("it stands for more than {limit} files")]
    TooMany {
        /// The most that there may be.
        limit: usize,
    },
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compression {
    /// The format's name.
    pub name: &'static str,
    /// The program that unpacks it.
    pub tool: &'static str,
}

fn quoted(folders: &[PathBuf]) -> String {
    let quoted: Vec<_> = folders.iter().map(|it| format!("`{}`", it.display())).collect();
    quoted.join(", ")
}
