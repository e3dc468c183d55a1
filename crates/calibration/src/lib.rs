//! Histograms, range methods, calibration tables and TensorRT's calibration cache.
//!
//! To calibrate is to find, for every float tensor of a network, the largest absolute value worth keeping (its *amax*);
//! the scale is the amax divided by the largest magnitude of the number format, as `calibrant_format` says.
//! This crate holds all of that but the network: whoever runs one gives every activation to
//! [`TensorStatistics::observe`].
//! The [`Statistics`] that come back are a pure function of the multiset of values seen, so neither the order of the
//! samples, nor the batch size, nor the number of threads or machines changes one count.
//! (One histogram that does depend on the order, TensorRT's own, is kept beside them when it is asked for:
//! [`FaithfulHistogram`].)
//! [`SavedStatistics`] keep them, and add up those of several machines.
//! From them each [`Method`] reads its amax, a [`Table`] writes the ranges down, and a [`Cache`] says the same in TensorRT's
//! words.
//!
//! It knows no runtime, no pictures and no ONNX.
//!
//! ```
//! use calibrant_calibration::{Method, TensorStatistics};
//! use calibrant_format::INT8;
//!
//! let mut activation = TensorStatistics::new();
//! activation.observe(&[0.0, 1.5, 6.0])?;
//! activation.observe(&[0.0, 0.25, -0.5])?;
//!
//! let amax = activation.amax(Method::MinMax, &INT8);
//! assert_eq!(amax, Some(6.0));
//! # Ok::<(), calibrant_calibration::NonFinite>(())
//! ```

#![deny(unsafe_code)]

mod cache;
mod faithful;
mod histogram;
mod manifest;
mod method;
mod saved;
mod statistics;
mod table;

pub use cache::{
    Algorithm, Cache, CacheError, Conflict, Diff, FIRST_WITHOUT_CACHES, Finding, MergeBy,
    MergeError, Merged, ModelTensors, Moved, Oddity, ParseAlgorithmError, ParseCacheError,
    ParseMergeByError, ParseVersionError, Reading, Severity, Suspicion, Target, TargetError,
    TargetWay, check, check_table, parse_tensorrt_version, tensorrt_release, tensorrt_version,
};
pub use faithful::{FAITHFUL_BINS, FaithfulHistogram};
pub use histogram::{BINS, Histogram, MAX_EXPONENT, MIN_EXPONENT};
pub use manifest::{
    BackendInfo, CacheManifest, CacheManifestError, Difference, Manifest, SampleDigest, Stale,
};
pub use method::{Method, ParseMethodError, Percentile};
pub use saved::{
    MergeStatisticsError, MergedStatistics, SavedStatistics, Shard, StatisticsError, Tensors,
    merge_statistics,
};
pub use statistics::{Histograms, NonFinite, Statistics, TensorStatistics};
pub use table::{Entry, FirstBatch, SCHEMA_VERSION, Table, TableError};
