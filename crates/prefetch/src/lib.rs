//! An ordered, bounded, cancellable worker pipeline that keeps batches ready.

#![forbid(unsafe_code)]
