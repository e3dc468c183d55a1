//! Flags that find libraries.

use calibrant_locate::{FetchError, LocateError, Origin, Product};

/// The flags that say where a library is.
pub(super) fn of_locate(error: &LocateError) -> Option<&'static str> {
    match error {
        LocateError::NotFound { product: Product::OnnxRuntime, .. } => {
            Some(" (--onnxruntime fetch, or --onnxruntime PATH)")
        }
        LocateError::NotFound { .. } => Some(" (--tensorrt fetch, or --tensorrt PATH)"),
        LocateError::NoLibrary { product, origin: Origin::Given, .. }
        | LocateError::Open { product, origin: Origin::Given, .. }
        | LocateError::Missing { product, origin: Origin::Given, .. } => Some(match product {
            Product::OnnxRuntime => "; name another place with --onnxruntime PATH",
            _ => "; name another place with --tensorrt PATH",
        }),
        _ => None,
    }
}

/// The flags that do without fetching.
pub(super) fn of_fetch(error: &FetchError) -> Option<&'static str> {
    match error {
        FetchError::NotPinned { product, .. }
        | FetchError::Python { product, .. }
        | FetchError::Pip { product, .. } => Some(match product {
            Product::OnnxRuntime => " with --onnxruntime PATH",
            _ => " with --tensorrt PATH",
        }),
        _ => None,
    }
}
