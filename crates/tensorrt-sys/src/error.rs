//! What can go wrong before a call is made.

use std::fmt;
use std::path::PathBuf;

use crate::version::{Generation, Version};

/// A method that the loaded version does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{version} has no {class}::{method}{}", Since(*since))]
pub struct MissingMethod {
    /// The loaded version.
    pub version: Version,
    /// The vendor's name of it, such as `IBuilderConfig`.
    pub class: &'static str,
    /// The vendor's name of it.
    pub method: &'static str,
    /// The version it came with, if a later one of the same generation has it.
    pub since: Option<Version>,
}

/// An enumerator that the loaded version does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{version} has no {enumeration}::{value}{}", Since(*since))]
pub struct MissingValue {
    /// The loaded version.
    pub version: Version,
    /// The vendor's name of it.
    pub enumeration: &'static str,
    /// The enumerator, as the vendor spells it.
    pub value: &'static str,
    /// The version it came with, if a later one of the same generation has it.
    pub since: Option<Version>,
}

/// The end of a message that says since when, if ever.
struct Since(Option<Version>);

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |since| write!(f, "; it came with {since}"))
    }
}

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The program runs on a machine whose C++ conventions the tables do not describe.
    #[error(
        "TensorRT works here on Linux x86-64 and aarch64 only, not on {} {}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    Platform,
    /// The loader would take a bare name for a file in the current folder.
    #[error(
        "{} is not loaded: LD_LIBRARY_PATH has a relative or an empty entry, which leads to `{}`; name absolute folders there",
        name.display(), found.display()
    )]
    Astray {
        /// The bare name.
        name: PathBuf,
        /// What the loader would take for it.
        found: PathBuf,
    },
    /// The loader refuses the file.
    #[error("cannot load {}", path.display())]
    Load {
        /// The file, or the bare name that the loader searched for.
        path: PathBuf,
        /// What the loader says.
        source: libloading::Error,
    },
    /// The file ends too early: the loader would bring the process down.
    #[error("{} lacks its last {missing} bytes; get it again", path.display())]
    Truncated {
        /// Its path, as it was named.
        path: PathBuf,
        /// How many bytes are missing.
        missing: u64,
    },
    /// The file is a library, but not this one.
    #[error("{} has no symbol {symbol}: it is not a TensorRT library of the expected kind", path.display())]
    Symbol {
        /// Its path, as it was named.
        path: PathBuf,
        /// What it lacks.
        symbol: &'static str,
    },
    /// A version that no table fits.
    #[error("{} is {version}, which this program does not know; it knows {}", path.display(), known_generations())]
    UnknownGeneration {
        /// Its path, as it was named.
        path: PathBuf,
        /// What it says it is.
        version: Version,
    },
    /// The ONNX parser works with another TensorRT than the one opened.
    #[error("the ONNX parser {} does not belong to {}; put both into one folder, and load one TensorRT a process", parser.display(), library.display())]
    ParserMismatch {
        /// The opened library.
        library: PathBuf,
        /// Where the parser lies.
        parser: PathBuf,
    },
    /// The ONNX parser is newer than the library it would work with.
    #[error("{} is {version}, too old for {parser_is}, {}; put the parser of the same release beside it", library.display(), parser.display())]
    ParserNewer {
        /// The opened library.
        library: PathBuf,
        /// What the library says that it is.
        version: Version,
        /// Where the parser lies.
        parser: PathBuf,
        /// What is known of its version.
        parser_is: String,
    },
}

fn known_generations() -> String {
    Generation::ALL.map(|generation| generation.to_string()).join(", ")
}
