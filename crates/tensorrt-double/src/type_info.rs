//! `std::type_info` of the classes, for clients that ask an object what it is.
//!
//! Python bindings compare the names, and a `dynamic_cast` reads the type information's own table, which belongs to the
//! C++ runtime: it is taken from there if the process has loaded one, and is null otherwise.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use crate::context::lock;

/// The words of a `__class_type_info`.
#[repr(C)]
pub(crate) struct TypeInfo {
    vtable: *const c_void,
    name: *const c_char,
}

/// Leaked type information, as an address.
static KNOWN: Mutex<BTreeMap<(&str, &str), usize>> = Mutex::new(BTreeMap::new());

impl TypeInfo {
    /// The type information of a class; it lives for ever.
    pub(crate) fn of(namespace: &'static str, class: &'static str) -> *const c_void {
        let mut known = lock(&KNOWN);
        let address = known.entry((namespace, class)).or_insert_with(|| {
            let mangled = format!("N{}{namespace}{}{class}E", namespace.len(), class.len());
            let name = CString::new(mangled).unwrap_or_default().into_raw();
            let info = Self { vtable: class_type_info(), name };
            ptr::from_ref(Box::leak(Box::new(info))).expose_provenance()
        });
        ptr::with_exposed_provenance(*address)
    }
}

/// What an object of the C++ runtime's `__class_type_info` begins with, or null where there is no C++ runtime.
#[cfg(target_os = "linux")]
fn class_type_info() -> *const c_void {
    use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};

    /// Finds a library that is loaded already, and loads none.
    const RTLD_NOLOAD: i32 = 4;
    /// Offset to top and type information lie before the first slot.
    const HEADER: usize = 2;

    // SAFETY: nothing is loaded, so no code runs.
    let runtime =
        unsafe { Library::open(Some("libstdc++.so.6"), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD) };
    let Ok(runtime) = runtime else { return ptr::null() };
    // SAFETY: only the address is taken.
    let table = unsafe { runtime.get::<*const c_void>("_ZTVN10__cxxabiv117__class_type_infoE") };
    table.map_or(ptr::null(), |table| {
        table.as_raw_ptr().cast::<*const c_void>().wrapping_add(HEADER).cast()
    })
}

#[cfg(not(target_os = "linux"))]
fn class_type_info() -> *const c_void {
    ptr::null()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn a_class_has_one_type_information_with_its_mangled_name() {
        let info = TypeInfo::of("nvinfer1", "IBuilder");
        assert_eq!(info, TypeInfo::of("nvinfer1", "IBuilder"));
        // SAFETY: type information lives for ever.
        let info = unsafe { &*info.cast::<TypeInfo>() };
        // SAFETY: its name is a leaked C string.
        assert_eq!(unsafe { CStr::from_ptr(info.name) }, c"N8nvinfer18IBuilderE");
    }
}
