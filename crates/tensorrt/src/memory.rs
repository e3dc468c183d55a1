//! Memory that TensorRT hands out.

use tensorrt_sys::classes::IHostMemory;

use crate::owned::Owned;

/// Bytes that TensorRT made: a plan, or a serialized timing cache.
#[doc(alias = "IHostMemory")]
#[derive(Debug)]
pub struct HostMemory {
    raw: Owned<IHostMemory>,
}

impl HostMemory {
    pub(crate) fn new(raw: Owned<IHostMemory>) -> Self {
        Self { raw }
    }

    /// What TensorRT put there.
    pub fn as_bytes(&self) -> &[u8] {
        let size = self.raw.bind(&IHostMemory::SIZE).map(|(this, size)| {
            // SAFETY: bound to the live memory.
            unsafe { size(this) }
        });
        let data = self.raw.bind(&IHostMemory::DATA).map(|(this, data)| {
            // SAFETY: bound to the live memory.
            unsafe { data(this) }
        });
        match (data, size) {
            (Ok(data), Ok(size)) if !data.is_null() => {
                // SAFETY: TensorRT says so many bytes lie there; they neither move nor change while the object lives.
                unsafe { std::slice::from_raw_parts(data.cast(), size) }
            }
            _ => &[],
        }
    }
}
