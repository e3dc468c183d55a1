//! What the executor's panics become: errors, and no text on the terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether a panic on this thread is about to become an error.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a panic said.
#[derive(Debug, thiserror::Error)]
#[error("the executor gave up: {message}")]
pub(crate) struct Panicked {
    message: String,
}

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self { message: text.unwrap_or_else(|| "no message".to_owned()) }
    }
}

/// Has panics that become errors here say nothing on standard error.
///
/// It puts a hook before the process's own, which sees all other panics as before, so it is for a program to call, once at
/// its start; a library that is loaded into one has no say in that.
pub fn silence_caught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CAUGHT.get() {
                before(info);
            }
        }));
    });
}

/// Calls the executor; a panic inside it becomes an error.
pub(crate) fn caught<V, X: From<Panicked>>(call: impl FnOnce() -> Result<V, X>) -> Result<V, X> {
    let outer = IS_CAUGHT.replace(true);
    // What a panic may leave half done are the call's own values, which are dropped, and the executor's cached plan,
    // which is only ever replaced whole.
    let result = catch_unwind(AssertUnwindSafe(call));
    IS_CAUGHT.set(outer);
    result.unwrap_or_else(|payload| Err(Panicked::new(&*payload).into()))
}
