//! A CUDA driver over host memory, for the copies, streams and events of a calibration's ring of batches.
//!
//! Every call does its work before it returns, so what it shows is that the calls are right, not that they overlap.
//! Device addresses are none of this process: host code that looks behind one crashes, as it would with a GPU. What is
//! still allocated can be asked for ([`Live`]), and memory can run out on demand ([`Faults`]).

mod context;
mod error;
mod memory;
mod stream;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

pub(crate) use self::context::{
    get_current, initialize, release_primary, retain_primary, set_current,
};
pub(crate) use self::memory::copy_to_host;
use crate::context::lock;
use crate::home;

/// What the driver of this process keeps, and what it was asked to do.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Live {
    /// Bytes of device memory.
    pub device_bytes: u64,
    /// Allocations of device memory.
    pub device_allocations: u64,
    /// Bytes of pinned host memory, registered memory included.
    pub pinned_bytes: u64,
    /// Allocations of pinned host memory.
    pub pinned_allocations: u64,
    /// How many streams were made and not destroyed.
    pub streams: u64,
    /// How many events were made and not destroyed.
    pub events: u64,
    /// How often the primary context is retained.
    pub contexts: u64,
    /// Copies between host and device since the process began.
    pub copies: u64,
    /// Those of them that were to be asynchronous and had host memory that is not pinned, with which they cannot be.
    pub pageable_copies: u64,
    /// The most device memory there ever was, in bytes.
    pub most_device_bytes: u64,
}

/// What is to go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// How much device memory there is; an allocation beyond is out of memory.
    pub out_of_memory_after: Option<u64>,
    /// After how many copies between host and device the next one fails.
    pub copies_fail_after: Option<u64>,
}

impl Faults {
    /// The names of the file's lines.
    const MEMORY: &str = "out-of-memory-after";
    const COPIES: &str = "copies-fail-after";

    /// The text of the file that says so.
    pub(crate) fn to_text(self) -> String {
        let line = |name: &str, number: Option<u64>| {
            number.map_or(String::new(), |number| format!("{name} {number}\n"))
        };
        line(Self::MEMORY, self.out_of_memory_after) + &line(Self::COPIES, self.copies_fail_after)
    }

    pub(crate) fn from_text(text: &str) -> Self {
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
            line.trim().parse().ok()
        };
        Self { out_of_memory_after: number(Self::MEMORY), copies_fail_after: number(Self::COPIES) }
    }

    /// What the file beside the library says now.
    fn current() -> Self {
        let text = home::folder()
            .and_then(|home| std::fs::read_to_string(home.join(home::CUDA_FAULTS)).ok());
        text.map_or(Self::default(), |text| Self::from_text(&text))
    }
}

/// The state of the driver.
#[derive(Default)]
struct Driver {
    initialized: bool,
    /// Device memory by its address.
    device: BTreeMap<u64, Vec<u8>>,
    /// Where the last allocation ended, as an offset.
    used: u64,
    /// Pinned host memory by its address: its size, and whether it is the driver's.
    pinned: BTreeMap<usize, Pinned>,
    streams: BTreeSet<usize>,
    /// Events, with the time they were recorded.
    events: BTreeMap<usize, Option<Instant>>,
    /// The last handle of a stream or an event.
    last_handle: usize,
    contexts: u64,
    copies: u64,
    pageable_copies: u64,
    most_device_bytes: u64,
}

/// A piece of pinned host memory.
struct Pinned {
    n_bytes: usize,
    /// The memory itself, unless it is the application's.
    own: Option<Vec<u8>>,
}

static DRIVER: Mutex<Option<Driver>> = Mutex::new(None);

thread_local! {
    /// The contexts of this thread, the current one last: handles, 0 for none.
    static CONTEXTS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The current context of this thread, or 0.
fn current() -> usize {
    CONTEXTS.with_borrow(|contexts| contexts.last().copied().unwrap_or(0))
}

/// The driver, locked, if it was initialized.
fn driver() -> Result<Locked, error::Code> {
    let mut locked = lock(&DRIVER);
    let initialized = locked.get_or_insert_default().initialized;
    if initialized { Ok(Locked(locked)) } else { Err(error::NOT_INITIALIZED) }
}

/// The driver, locked, for a thread with a current context.
fn driver_with_context() -> Result<Locked, error::Code> {
    let locked = driver()?;
    if current() == 0 { Err(error::INVALID_CONTEXT) } else { Ok(locked) }
}

struct Locked(MutexGuard<'static, Option<Driver>>);

impl std::ops::Deref for Locked {
    type Target = Driver;

    fn deref(&self) -> &Driver {
        self.0.as_ref().expect("a driver is locked after it was made")
    }
}

impl std::ops::DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Driver {
        self.0.as_mut().expect("a driver is locked after it was made")
    }
}

/// What the driver that is linked into this program keeps.
#[must_use]
pub fn live() -> Live {
    let mut locked = lock(&DRIVER);
    let driver = locked.get_or_insert_default();
    let sum = |sizes: &mut dyn Iterator<Item = usize>| sizes.map(|size| size as u64).sum();
    Live {
        device_bytes: sum(&mut driver.device.values().map(Vec::len)),
        device_allocations: driver.device.len() as u64,
        pinned_bytes: sum(&mut driver.pinned.values().map(|pinned| pinned.n_bytes)),
        pinned_allocations: driver.pinned.len() as u64,
        streams: driver.streams.len() as u64,
        events: driver.events.len() as u64,
        contexts: driver.contexts,
        copies: driver.copies,
        pageable_copies: driver.pageable_copies,
        most_device_bytes: driver.most_device_bytes,
    }
}

/// What the driver in a loaded copy of the double keeps.
#[unsafe(export_name = "tensorrt_double_live")]
pub(crate) extern "C" fn exported_live() -> Live {
    live()
}

/// Puts an answer where the application wants it.
///
/// # Safety
/// `target` is null or has room for the value.
unsafe fn answer<T>(target: *mut T, value: Result<T, error::Code>) -> error::Code {
    match value {
        Err(code) => code,
        Ok(_) if target.is_null() => error::INVALID_VALUE,
        Ok(value) => {
            // SAFETY: the caller's promise.
            unsafe { target.write(value) }
            error::SUCCESS
        }
    }
}

/// The code of a call that answers nothing else.
fn done(outcome: Result<(), error::Code>) -> error::Code {
    outcome.err().unwrap_or(error::SUCCESS)
}

#[cfg(test)]
mod tests;
