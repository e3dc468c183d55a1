//! The functions that libnvinfer, libnvonnxparser and libnvinfer_plugin export.
//!
//! One file plays them all: NVIDIA's three are loaded together, and find each other by their exported names.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use tensorrt_sys::classes::{INetworkDefinition, IPluginRegistry};
use tensorrt_sys::{EntryPoints, Version};

use crate::builder::Builder;
use crate::context::{Context, Manner};
use crate::network::Network;
use crate::object::{Handle, body};
use crate::parser::Parser;
use crate::registry::Registry;
use crate::runtime::Runtime;

/// The functions of a fresh TensorRT of this version, for calls from this thread.
pub(crate) fn entry_points(played: Version, manner: Manner) -> EntryPoints {
    Context::play(played, manner);
    EntryPoints {
        version,
        create_builder,
        create_runtime,
        parser_version,
        create_parser,
        init_plugins: Some(init_plugins),
        class_type_info: ptr::null(),
    }
}

/// The plugin registry of a TensorRT; it lives for ever.
pub(crate) fn registry(context: &Arc<Context>) -> *mut IPluginRegistry {
    let address = context
        .registry
        .get_or_init(|| Handle::new(context, Registry).into_client().expose_provenance());
    ptr::with_exposed_provenance_mut(*address)
}

/// Makes an object of a version that has tables; for another, null.
fn make<T>(make: impl FnOnce(&Arc<Context>) -> *mut T) -> *mut c_void {
    let context = Context::current();
    if context.generation().is_none() {
        return ptr::null_mut();
    }
    make(&context).cast()
}

/// `getInferLibVersion`.
#[unsafe(export_name = "getInferLibVersion")]
pub(crate) extern "C" fn version() -> i32 {
    Context::current().version().raw()
}

/// `getInferLibMajorVersion`.
#[unsafe(export_name = "getInferLibMajorVersion")]
pub(crate) extern "C" fn major() -> i32 {
    Context::current().version().parts().0
}

/// `getInferLibMinorVersion`.
#[unsafe(export_name = "getInferLibMinorVersion")]
pub(crate) extern "C" fn minor() -> i32 {
    Context::current().version().parts().1
}

/// `getInferLibPatchVersion`.
#[unsafe(export_name = "getInferLibPatchVersion")]
pub(crate) extern "C" fn patch() -> i32 {
    Context::current().version().parts().2
}

/// `getInferLibBuildVersion`.
#[unsafe(export_name = "getInferLibBuildVersion")]
pub(crate) extern "C" fn build() -> i32 {
    0
}

/// `createInferBuilder_INTERNAL`.
#[unsafe(export_name = "createInferBuilder_INTERNAL")]
pub(crate) extern "C" fn create_builder(logger: *mut c_void, version: i32) -> *mut c_void {
    make(|context| {
        context.note(format!("builder for {version}"));
        let builder = Handle::new(context, Builder::new(logger.cast()));
        builder.client.set(builder.as_client());
        builder.into_client()
    })
}

/// `createInferRuntime_INTERNAL`.
#[unsafe(export_name = "createInferRuntime_INTERNAL")]
pub(crate) extern "C" fn create_runtime(logger: *mut c_void, version: i32) -> *mut c_void {
    make(|context| {
        context.note(format!("runtime for {version}"));
        Handle::new(context, Runtime { logger: logger.cast() }).into_client()
    })
}

/// `createInferRefitter_INTERNAL`: engines of the double cannot be refitted.
#[unsafe(export_name = "createInferRefitter_INTERNAL")]
pub(crate) extern "C" fn create_refitter(
    _engine: *mut c_void,
    _logger: *mut c_void,
    _version: i32,
) -> *mut c_void {
    ptr::null_mut()
}

/// `getNvOnnxParserVersion`.
#[unsafe(export_name = "getNvOnnxParserVersion")]
pub(crate) extern "C" fn parser_version() -> i32 {
    Context::current().parser_version()
}

/// `createNvOnnxParser_INTERNAL`.
#[unsafe(export_name = "createNvOnnxParser_INTERNAL")]
pub(crate) extern "C" fn create_parser(
    network: *mut c_void,
    logger: *mut c_void,
    version: i32,
) -> *mut c_void {
    let network = network.cast::<INetworkDefinition>();
    // SAFETY: a parser is made for a network of the library it belongs to.
    let Some(found) = (unsafe { body::<Network>(network) }) else { return ptr::null_mut() };
    let context = found.context();
    context.note(format!("parser {version}"));
    Handle::new(context, Parser::new(logger.cast(), network)).into_client().cast()
}

/// `createNvOnnxParserRefitter_INTERNAL`: engines of the double cannot be refitted.
#[unsafe(export_name = "createNvOnnxParserRefitter_INTERNAL")]
pub(crate) extern "C" fn create_parser_refitter(
    _refitter: *mut c_void,
    _logger: *mut c_void,
    _version: i32,
) -> *mut c_void {
    ptr::null_mut()
}

/// `initLibNvInferPlugins`.
#[unsafe(export_name = "initLibNvInferPlugins")]
pub(crate) extern "C" fn init_plugins(_logger: *mut c_void, _namespace: *const c_char) -> bool {
    true
}

/// `getPluginRegistry`.
#[unsafe(export_name = "getPluginRegistry")]
pub(crate) extern "C" fn plugin_registry() -> *mut c_void {
    make(registry)
}

/// `getBuilderPluginRegistry`.
#[unsafe(export_name = "getBuilderPluginRegistry")]
pub(crate) extern "C" fn builder_plugin_registry(_capability: i32) -> *mut c_void {
    make(registry)
}

/// `getLogger`: nobody's.
#[unsafe(export_name = "getLogger")]
pub(crate) extern "C" fn logger() -> *mut c_void {
    ptr::null_mut()
}

/// `setInternalLibraryPath`.
#[unsafe(export_name = "setInternalLibraryPath")]
pub(crate) extern "C" fn set_internal_library_path(_path: *const c_char) -> bool {
    true
}

/// `nvuffparser::createUffParser()`, of libnvparsers.so.8, which NVIDIA's bindings of TensorRT 8 want to find.
#[unsafe(export_name = "_ZN11nvuffparser15createUffParserEv")]
pub(crate) extern "C" fn create_uff_parser() -> *mut c_void {
    ptr::null_mut()
}

/// The constructor of `nvuffparser::FieldMap`, as above.
#[unsafe(export_name = "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi")]
pub(crate) extern "C" fn make_field_map(
    _map: *mut c_void,
    _name: *const c_char,
    _data: *const c_void,
    _type: i32,
    _length: i32,
) {
}

/// `nvcaffeparser1::createCaffeParser()`, as above.
#[unsafe(export_name = "_ZN14nvcaffeparser117createCaffeParserEv")]
pub(crate) extern "C" fn create_caffe_parser() -> *mut c_void {
    ptr::null_mut()
}

/// `nvcaffeparser1::shutdownProtobufLibrary()`, as above.
#[unsafe(export_name = "_ZN14nvcaffeparser123shutdownProtobufLibraryEv")]
pub(crate) extern "C" fn shut_protobuf_down() {}
