//! Flags that find TensorRT.

use calibrant_locate::{FetchError, LocateError, Origin};

/// The flags that say where TensorRT is.
pub(super) fn of_locate(error: &LocateError) -> Option<String> {
    let flags = match error {
        LocateError::NotFound { .. } => " (--tensorrt fetch, or --tensorrt PATH)",
        LocateError::Missing { origin: Origin::Given, .. }
        | LocateError::NoLibrary { origin: Origin::Given, .. }
        | LocateError::Open { origin: Origin::Given, .. } => {
            "; name another place with --tensorrt PATH"
        }
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The flags that do without fetching.
pub(super) fn of_fetch(error: &FetchError) -> Option<String> {
    match error {
        FetchError::NotPinned { .. } | FetchError::Python { .. } | FetchError::Pip { .. } => {
            Some(" with --tensorrt PATH".to_owned())
        }
        _ => None,
    }
}
