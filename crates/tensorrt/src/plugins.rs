//! Plugin libraries.

use std::ffi::CString;
use std::path::Path;

use tensorrt_sys::classes::IPluginRegistry;

use crate::error::Error;
use crate::library::Library;
use crate::owned::Borrowed;

/// Has a registry load the plugins of a library, which stay loaded as long as the registry's owner lives.
///
/// # Errors
/// [`Error::MissingMethod`] in TensorRT 8.5; [`Error::PluginLibrary`] for a file that cannot be loaded, or has no plugins
/// in the way that TensorRT looks for.
pub(crate) fn load(registry: Borrowed<'_, IPluginRegistry>, path: &Path) -> Result<(), Error> {
    let name = CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| Error::ZeroByte(path.display().to_string()))?;
    let (this, load) = registry.bind(&IPluginRegistry::LOAD_LIBRARY)?;
    // SAFETY: bound to the live registry, with a path that lives during the call. Loading runs the library's code, as
    // starting a program does; whoever names a library to TensorRT names one to run.
    let handle = unsafe { load(this, name.as_ptr()) };
    registry.library().resume_panic();
    if handle.is_null() { Err(Error::PluginLibrary { path: path.to_owned() }) } else { Ok(()) }
}

/// A registry that a getter of `call` returned.
///
/// # Errors
/// [`Error::Null`].
///
/// # Safety
/// As [`Borrowed::new`].
pub(crate) unsafe fn registry<'a>(
    registry: *mut IPluginRegistry,
    library: &'a Library,
    call: &'static str,
) -> Result<Borrowed<'a, IPluginRegistry>, Error> {
    // SAFETY: the caller's promise.
    unsafe { Borrowed::new(registry, library) }.ok_or(Error::Null { call })
}
