//! Kernel timings kept from build to build.

use tensorrt_sys::classes::{IHostMemory, ITimingCache};

use crate::error::Error;
use crate::memory::HostMemory;
use crate::owned::Owned;

/// Kernel timings; see [`Config::set_timing_cache`](crate::Config::set_timing_cache).
#[doc(alias = "ITimingCache")]
#[derive(Debug)]
pub struct TimingCache {
    raw: Owned<ITimingCache>,
}

impl TimingCache {
    pub(crate) fn new(raw: Owned<ITimingCache>) -> Self {
        Self { raw }
    }

    /// The cache as bytes.
    ///
    /// # Errors
    /// [`Error::Null`].
    pub fn serialize(&self) -> Result<HostMemory, Error> {
        let (this, serialize) = self.raw.bind(&ITimingCache::SERIALIZE)?;
        // SAFETY: bound to the live cache.
        let memory = unsafe { serialize(this) };
        // SAFETY: host memory is the caller's to delete.
        let memory = unsafe {
            Owned::new(memory, &IHostMemory::DELETE, self.raw.library(), "ITimingCache::serialize")
        }?;
        Ok(HostMemory::new(memory))
    }
}
