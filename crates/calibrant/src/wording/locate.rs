//! Flags that find libraries.

use calibrant_locate::{FetchError, LocateError, Origin, Product};

/// The flags that say where a library is.
pub(super) fn of_locate(error: &LocateError) -> Option<String> {
    match error {
        LocateError::NotFound { product, .. } => {
            let flag = flag(*product);
            Some(format!(" ({flag} fetch, or {flag} PATH)"))
        }
        LocateError::NoLibrary { product, origin: Origin::Given, .. }
        | LocateError::Open { product, origin: Origin::Given, .. }
        | LocateError::Missing { product, origin: Origin::Given, .. } => {
            Some(format!("; name another place with {} PATH", flag(*product)))
        }
        _ => None,
    }
}

/// The flags that do without fetching.
pub(super) fn of_fetch(error: &FetchError) -> Option<String> {
    match error {
        FetchError::NotPinned { product, .. }
        | FetchError::Python { product, .. }
        | FetchError::Pip { product, .. } => Some(format!(" with {} PATH", flag(*product))),
        _ => None,
    }
}

/// The flag that names a place for a product.
fn flag(product: Product) -> &'static str {
    match product {
        Product::OnnxRuntime => "--onnxruntime",
        _ => "--tensorrt",
    }
}
