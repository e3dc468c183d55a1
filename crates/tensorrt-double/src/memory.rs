//! `IHostMemory`.

use std::sync::Arc;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::IHostMemory;
use tensorrt_sys::enums::DataType;

use crate::context::Context;
use crate::object::{Class, Delete, Handle, Table};

/// Bytes that the client reads and deletes.
pub(crate) struct HostMemory(pub(crate) Vec<u8>);

impl Class for HostMemory {
    type Cpp = IHostMemory;
    const NAME: &'static str = "IHostMemory";
    const DELETE: Option<&'static Delete<IHostMemory>> = Some(&IHostMemory::DELETE);
    const WORD: &'static str = "memory";

    fn fill(table: &mut Table<Self>) {
        table.on(&IHostMemory::DATA, |memory| memory.0.as_ptr().cast_mut().cast());
        table.on(&IHostMemory::SIZE, |memory| memory.0.len());
        table.on(&IHostMemory::TYPE, |memory| {
            DataType::Int8.to_raw(memory.context().version()).unwrap_or_default()
        });
    }
}

/// Bytes for the client to delete.
pub(crate) fn host_memory(context: &Arc<Context>, bytes: Vec<u8>) -> *mut IHostMemory {
    Handle::new(context, HostMemory(bytes)).into_client()
}
