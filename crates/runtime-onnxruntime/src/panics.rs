//! What panics of the library's binding become: errors.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls the binding; a panic inside it becomes an error.
///
/// It panics where the library says something that it takes for impossible, such as an axis of less than nothing.
pub(crate) fn caught<T>(
    call: impl FnOnce() -> ort::Result<T>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    // What a panic may leave half done are the call's own values, which are dropped.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| said(&error).into()),
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
            Err(text.unwrap_or_else(|| "it gave up without a message".to_owned()).into())
        }
    }
}

/// What the library said, without the paths and numbers of lines of its own sources.
fn said(error: &ort::Error) -> String {
    error.message().trim().to_owned()
}
