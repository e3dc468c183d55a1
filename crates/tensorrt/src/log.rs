//! TensorRT's log.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tensorrt_sys::classes::ILogger;
use tensorrt_sys::enums::Severity;
use tensorrt_sys::{Enumeration, Interface, This, Version};

/// What hears the log.
type Sink = dyn Fn(Severity, &str) + Send + Sync;

/// The logger as TensorRT sees it.
pub(crate) type LogInterface = Interface<ILogger, Log>;

/// Hands every message to every subscriber.
pub(crate) struct Log {
    version: Version,
    subscribers: Arc<Mutex<Vec<Arc<Sink>>>>,
}

/// Keeps a sink subscribed while it lives. Made by [`Library::subscribe`](crate::Library::subscribe).
pub struct Subscription {
    sink: Arc<Sink>,
    subscribers: Weak<Mutex<Vec<Arc<Sink>>>>,
}

fn lock(subscribers: &Mutex<Vec<Arc<Sink>>>) -> MutexGuard<'_, Vec<Arc<Sink>>> {
    // No code that could panic runs under the lock, so a poisoned list is whole.
    subscribers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    pub(crate) fn interface(
        version: Version,
        class_type_info: *const c_void,
    ) -> Pin<Box<LogInterface>> {
        let log = Self { version, subscribers: Arc::default() };
        LogInterface::new(version, class_type_info, &ILogger::IDENTITY, log, |table| {
            table.set(&ILogger::LOG, log_message)
        })
        .expect("every generation has a logger")
    }

    pub(crate) fn subscribe(&self, sink: Arc<Sink>) -> Subscription {
        lock(&self.subscribers).push(Arc::clone(&sink));
        Subscription { sink, subscribers: Arc::downgrade(&self.subscribers) }
    }

    fn tell(&self, severity: i32, text: &str) {
        // A severity newer than the tables is above all that are known.
        let severity = Severity::from_raw(self.version, severity).unwrap_or(Severity::Verbose);
        // The list is copied, so that a sink may log, or end its own subscription.
        let subscribers = lock(&self.subscribers).clone();
        for sink in subscribers {
            sink(severity, text);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(subscribers) = self.subscribers.upgrade() {
            lock(&subscribers).retain(|sink| !Arc::ptr_eq(sink, &self.sink));
        }
    }
}

unsafe extern "C" fn log_message(this: This, severity: i32, message: *const c_char) {
    let text = if message.is_null() {
        "".into()
    } else {
        // SAFETY: TensorRT passes a string that lives during the call.
        unsafe { CStr::from_ptr(message) }.to_string_lossy()
    };
    // SAFETY: TensorRT calls this method of the logger it was given, which is never freed.
    unsafe { LogInterface::enter(this, (), |log| log.tell(severity, &text)) }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("subscribers", &lock(&self.subscribers).len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
