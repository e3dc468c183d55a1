//! What can be wrong with a calibration table.

use std::io;
use std::path::PathBuf;

use super::SCHEMA_VERSION;
use crate::{Method, StatisticsError};

/// Why a table cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// There is nothing to make a table from.
    #[error("no samples were run, so there are no ranges")]
    NoSamples,
    /// The file cannot be read.
    #[error("cannot read the calibration table `{}`", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no calibration table", path.display())]
    Parse {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<Self>,
    },
    /// The text is not JSON, or a field is missing, unknown or of another type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// An earlier program wrote it.
    #[error(
        "schema version {found} is older than {SCHEMA_VERSION}, which this program reads; calibrate again"
    )]
    Older {
        /// The version in the text.
        found: u32,
    },
    /// A newer program wrote it.
    #[error(
        "schema version {found} is newer than {SCHEMA_VERSION}, the newest that this program reads; use a newer program"
    )]
    Newer {
        /// The version in the text.
        found: u32,
    },
    /// A number cannot be what it is said to be.
    #[error("tensor `{tensor}`: {field} is {value}, but it must be {must}")]
    Value {
        /// The tensor's name.
        tensor: String,
        /// The field.
        field: &'static str,
        /// What stands there.
        value: f64,
        /// What may stand there.
        must: &'static str,
    },
    /// The method reads a histogram that was not kept.
    #[error(
        "{method} reads a histogram that was not kept of tensor `{tensor}`; choose another method, or calibrate again"
    )]
    NotKept {
        /// The method asked for.
        method: Method,
        /// The first tensor without it.
        tensor: String,
    },
    /// The method is one for int8.
    #[error(
        "{method} is TensorRT's calibrator for int8 and knows no {format}; choose another method"
    )]
    Int8Alone {
        /// The method asked for.
        method: Method,
        /// The format asked for.
        format: &'static str,
    },
    /// The ranges were chosen for another format, for which the method chooses others.
    #[error(
        "the table's ranges were chosen for {was}, and {method} chooses others for {wanted}; name the statistics beside it, or calibrate again"
    )]
    OtherFormat {
        /// The table's method.
        method: Method,
        /// The table's format.
        was: String,
        /// The format asked for.
        wanted: &'static str,
    },
    /// No format has such a largest magnitude.
    #[error(
        "the largest magnitude of the format `{name}` is {largest}, but it must be finite and above 0"
    )]
    Format {
        /// The format's name.
        name: String,
        /// What stands there.
        largest: f32,
    },
    /// The statistics cannot be taken apart.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}
