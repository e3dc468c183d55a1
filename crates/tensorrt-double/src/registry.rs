//! `IPluginRegistry`.
//!
//! A plugin library of the double is a text file: the line [`MAGIC`], then the name of an operator a line. Loading one
//! makes the parser take nodes with these operators. Anything else that exists is loaded without effect.

use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr;

use tensorrt_sys::classes::IPluginRegistry;

use crate::client::text;
use crate::context::{Context, lock};
use crate::object::{Class, Delete, Form, Table};

/// The first line of a plugin library of the double.
pub const MAGIC: &str = "tensorrt-double plugins";

/// A loaded plugin library.
pub(crate) struct PluginLibrary {
    path: PathBuf,
    operators: Vec<String>,
}

/// The plugin registry of a played TensorRT.
pub(crate) struct Registry;

/// Whether a loaded plugin library brings an operator.
pub(crate) fn brings(context: &Context, operator: &str) -> bool {
    let libraries = lock(&context.plugins);
    libraries.iter().any(|library| library.operators.iter().any(|name| name == operator))
}

/// Loads a library and returns its handle: its place in the list, counted from 1.
fn load(context: &Context, path: PathBuf) -> Option<usize> {
    let bytes = std::fs::read(&path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let operators = match lines.next() {
        Some(MAGIC) => lines.map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let mut libraries = lock(&context.plugins);
    libraries.push(PluginLibrary { path, operators });
    Some(libraries.len())
}

impl Class for Registry {
    type Cpp = IPluginRegistry;
    const NAME: &'static str = "IPluginRegistry";
    const DELETE: Option<&'static Delete<IPluginRegistry>> = None;
    const WORD: &'static str = "plugin registry";
    const FORM: Form = Form::Direct;

    fn fill(table: &mut Table<Self>) {
        table.on1(&IPluginRegistry::LOAD_LIBRARY, |registry, path| {
            let path = text(path);
            registry.context().note(format!("load plugins {path}"));
            let handle = load(registry.context(), path.into());
            handle.map_or(ptr::null_mut(), ptr::without_provenance_mut)
        });
        table.on1(&IPluginRegistry::DEREGISTER_LIBRARY, |registry, library: *mut c_void| {
            let mut libraries = lock(&registry.context().plugins);
            if let Some(library) = libraries.get_mut(library.addr().wrapping_sub(1)) {
                registry.context().note(format!("unload plugins {}", library.path.display()));
                library.operators.clear();
            }
        });
    }
}
