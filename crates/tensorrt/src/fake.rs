//! A TensorRT of any version, played by this process for the tests.
//!
//! Its objects are laid out and called as C++ would: a pointer to a table of functions, the slots where the tables put
//! them for the version, an implementation behind the public object. It keeps a record of what it was told, and its
//! "plan" is that record. So what it catches is a call by the wrong convention, a wrong argument, a missing delete; that
//! the slots are right, the vendor's library shows.
//!
//! State lies in thread-local variables, because the functions that a real library exports have no other place either.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;
use std::ptr::{self, NonNull};

use tensorrt_sys::classes::{
    IBuilder, IBuilderConfig, IHostMemory, ILayer, ILogger, INetworkDefinition,
    IOptimizationProfile, IParser, IParserError, IProgressMonitor, ITensor, ITimingCache,
};
use tensorrt_sys::{Dims32, Dims64, EntryPoints, Method, Public, This, Version};

use crate::library::Library;

thread_local! {
    static VERSION: Cell<i32> = const { Cell::new(0) };
    static RECORD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static LOGGER: Cell<*mut ILogger> = const { Cell::new(ptr::null_mut()) };
    static MONITOR: Cell<*mut IProgressMonitor> = const { Cell::new(ptr::null_mut()) };
    static FLAGS: Cell<u32> = const { Cell::new(0) };
    static WORKSPACE: Cell<usize> = const { Cell::new(0) };
    static LEVEL: Cell<i32> = const { Cell::new(3) };
}

/// A library of a version, with a clean record.
pub(crate) fn library(version: i32) -> Library {
    VERSION.set(version);
    RECORD.take();
    MONITOR.set(ptr::null_mut());
    FLAGS.set(0);
    WORKSPACE.set(0);
    LEVEL.set(3);
    let entry_points = EntryPoints {
        version: infer_version,
        create_builder,
        create_runtime,
        parser_version,
        create_parser,
        init_plugins: None,
        class_type_info: ptr::null(),
    };
    let path = PathBuf::from("fake");
    // SAFETY: the functions below behave as TensorRT's.
    Library::new(
        unsafe { tensorrt_sys::Library::from_entry_points(entry_points, path.clone(), path) }
            .unwrap(),
    )
}

/// What the library was told since it was made.
pub(crate) fn record() -> Vec<String> {
    RECORD.with_borrow(Clone::clone)
}

fn note(text: impl Into<String>) {
    RECORD.with_borrow_mut(|record| record.push(text.into()));
}

fn version() -> Version {
    Version::from_raw(VERSION.get())
}

/// A table of functions; a slot that no method was put into ends the test.
struct Table(Vec<*const c_void>);

impl Table {
    fn new() -> Self {
        let unforeseen: unsafe extern "C" fn() = unforeseen;
        Self(vec![unforeseen as *const c_void; 100])
    }

    /// Puts a function where this version has the method; where it has none, nothing can be called.
    fn with<C, F: Copy>(mut self, method: &Method<C, F>, function: F) -> Self {
        if let Ok(slot) = method.slot(version()) {
            // SAFETY: methods are function pointers.
            self.0[slot] = unsafe { std::mem::transmute_copy::<F, *const c_void>(&function) };
        }
        self
    }

    /// An object that has this table itself.
    fn direct<C>(self) -> *mut C {
        Box::leak(Box::new(self.0.leak().as_ptr())) as *mut _ as *mut C
    }

    /// A public object in front of an implementation with this table.
    fn public<C>(
        self,
        delete: &Method<C, unsafe extern "C" fn(This)>,
        deleted: unsafe extern "C" fn(This),
    ) -> *mut C {
        let implementation = self.direct::<c_void>();
        let own = Self::new().with(delete, deleted).0.leak().as_ptr();
        Box::into_raw(Box::new(Public { vtable: own, implementation })).cast()
    }
}

unsafe extern "C" fn unforeseen() {
    // Unwinding out of here would be undefined; a test that comes here is broken anyway.
    std::process::abort();
}

/// The deleting destructors: one a class, which notes the class.
macro_rules! deleted {
    ($($function:ident: $class:literal),*) => {
        $(unsafe extern "C" fn $function(_object: This) { note(concat!("delete ", $class)); })*
    };
}

deleted!(
    delete_builder: "builder", delete_config: "config", delete_network: "network", delete_memory: "memory",
    delete_cache: "timing cache", delete_parser: "parser", delete_nothing: "what is not ours"
);

fn text(text: *const c_char) -> String {
    // SAFETY: the tests pass C strings.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn infer_version() -> i32 {
    VERSION.get()
}

unsafe extern "C" fn parser_version() -> i32 {
    100
}

unsafe extern "C" fn create_builder(logger: *mut c_void, version: i32) -> *mut c_void {
    LOGGER.set(logger.cast());
    note(format!("builder for {version}"));
    Table::new()
        .with(&IBuilder::CREATE_BUILDER_CONFIG, create_config)
        .with(&IBuilder::CREATE_NETWORK_V2, create_network)
        .with(&IBuilder::CREATE_OPTIMIZATION_PROFILE, create_profile)
        .with(&IBuilder::BUILD_SERIALIZED_NETWORK, build)
        .public(&IBuilder::DELETE, delete_builder)
        .cast()
}

unsafe extern "C" fn create_runtime(_logger: *mut c_void, _version: i32) -> *mut c_void {
    ptr::null_mut()
}

unsafe extern "C" fn create_network(_: This, flags: u32) -> *mut INetworkDefinition {
    note(format!("network {flags:#b}"));
    Table::new()
        .with(&INetworkDefinition::GET_NB_INPUTS, one)
        .with(&INetworkDefinition::GET_INPUT, tensor)
        .with(&INetworkDefinition::GET_NB_OUTPUTS, one)
        .with(&INetworkDefinition::GET_OUTPUT, tensor)
        .with(&INetworkDefinition::GET_NB_LAYERS, one)
        .with(&INetworkDefinition::GET_LAYER, layer)
        .public(&INetworkDefinition::DELETE, delete_network)
}

unsafe extern "C" fn one(_: This) -> i32 {
    1
}

unsafe extern "C" fn tensor(_: This, _index: i32) -> *mut ITensor {
    Table::new()
        .with(&ITensor::GET_NAME, tensor_name)
        .with(&ITensor::GET_DIMENSIONS, tensor_dims)
        .with(&ITensor::GET_DIMENSIONS_TRT8, tensor_dims_by_32)
        .with(&ITensor::GET_TYPE, half)
        .public(&IBuilder::DELETE, delete_nothing)
        .cast()
}

unsafe extern "C" fn tensor_name(_: This) -> *const c_char {
    c"x".as_ptr()
}

unsafe extern "C" fn tensor_dims(_: This) -> Dims64 {
    Dims64 { count: 3, sizes: [-1, 3, 1 << 40, 9, 9, 9, 9, 9] }
}

unsafe extern "C" fn tensor_dims_by_32(_: This) -> Dims32 {
    Dims32 { count: 3, sizes: [-1, 3, 40, 9, 9, 9, 9, 9] }
}

unsafe extern "C" fn half(_: This) -> i32 {
    1
}

unsafe extern "C" fn layer(_: This, _index: i32) -> *mut ILayer {
    Table::new()
        .with(&ILayer::GET_TYPE, layer_type)
        .with(&ILayer::GET_NAME, tensor_name)
        .with(&ILayer::GET_NB_OUTPUTS, one)
        .with(&ILayer::GET_OUTPUT, tensor)
        .public(&IBuilder::DELETE, delete_nothing)
        .cast()
}

unsafe extern "C" fn layer_type(_: This) -> i32 {
    // Quantize, where it is numbered 33 and where it is numbered 32.
    if VERSION.get() < 10_000 { 33 } else { 32 }
}

unsafe extern "C" fn create_profile(_: This) -> *mut IOptimizationProfile {
    Table::new()
        .with(&IOptimizationProfile::SET_DIMENSIONS, set_dims)
        .with(&IOptimizationProfile::SET_DIMENSIONS_TRT8, set_dims_by_value)
        .public(&IBuilder::DELETE, delete_nothing)
        .cast()
}

unsafe extern "C" fn set_dims(
    _: This,
    name: *const c_char,
    selector: i32,
    dims: *const Dims64,
) -> bool {
    // SAFETY: from TensorRT 10 on dimensions come by reference.
    let dims = unsafe { *dims };
    note(format!("{} {selector} {:?}", text(name), &dims.sizes[..dims.count as usize]));
    true
}

unsafe extern "C" fn set_dims_by_value(
    _: This,
    name: *const c_char,
    selector: i32,
    dims: Dims32,
) -> bool {
    note(format!("{} {selector} {:?}", text(name), &dims.sizes[..dims.count as usize]));
    true
}

unsafe extern "C" fn create_config(_: This) -> *mut IBuilderConfig {
    Table::new()
        .with(&IBuilderConfig::SET_FLAG, set_flag)
        .with(&IBuilderConfig::GET_FLAGS, flags)
        .with(&IBuilderConfig::SET_MEMORY_POOL_LIMIT, set_pool)
        .with(&IBuilderConfig::GET_MEMORY_POOL_LIMIT, pool)
        .with(&IBuilderConfig::SET_BUILDER_OPTIMIZATION_LEVEL, set_level)
        .with(&IBuilderConfig::GET_BUILDER_OPTIMIZATION_LEVEL, level)
        .with(&IBuilderConfig::SET_PROFILING_VERBOSITY, set_verbosity)
        .with(&IBuilderConfig::ADD_OPTIMIZATION_PROFILE, add_profile)
        .with(&IBuilderConfig::SET_PROGRESS_MONITOR, set_monitor)
        .with(&IBuilderConfig::CREATE_TIMING_CACHE, create_cache)
        .with(&IBuilderConfig::SET_TIMING_CACHE, set_cache)
        .with(&IBuilderConfig::SET_NB_COMPUTE_CAPABILITIES, set_capability_count)
        .with(&IBuilderConfig::SET_COMPUTE_CAPABILITY, set_capability)
        .public(&IBuilderConfig::DELETE, delete_config)
}

unsafe extern "C" fn set_flag(_: This, flag: i32) {
    FLAGS.set(FLAGS.get() | 1 << flag);
}

unsafe extern "C" fn flags(_: This) -> u32 {
    FLAGS.get()
}

unsafe extern "C" fn set_pool(_: This, pool: i32, bytes: usize) {
    note(format!("pool {pool} {bytes}"));
    WORKSPACE.set(bytes);
}

unsafe extern "C" fn pool(_: This, _pool: i32) -> usize {
    WORKSPACE.get()
}

unsafe extern "C" fn set_level(_: This, level: i32) {
    if level <= 5 {
        LEVEL.set(level);
    }
}

unsafe extern "C" fn level(_: This) -> i32 {
    LEVEL.get()
}

unsafe extern "C" fn set_verbosity(_: This, verbosity: i32) {
    note(format!("verbosity {verbosity}"));
}

unsafe extern "C" fn add_profile(_: This, _profile: *mut IOptimizationProfile) -> i32 {
    0
}

unsafe extern "C" fn set_monitor(_: This, monitor: *mut IProgressMonitor) {
    MONITOR.set(monitor);
}

unsafe extern "C" fn create_cache(
    _: This,
    _bytes: *const c_void,
    size: usize,
) -> *mut ITimingCache {
    note(format!("timing cache of {size} bytes"));
    Table::new()
        .with(&ITimingCache::SERIALIZE, serialize_cache)
        .public(&ITimingCache::DELETE, delete_cache)
}

unsafe extern "C" fn serialize_cache(_: This) -> *mut IHostMemory {
    memory()
}

unsafe extern "C" fn set_cache(_: This, _cache: *mut ITimingCache, ignore_mismatch: bool) -> bool {
    !ignore_mismatch
}

unsafe extern "C" fn set_capability_count(_: This, count: i32) -> bool {
    note(format!("{count} capabilities"));
    true
}

unsafe extern "C" fn set_capability(_: This, capability: i32, index: i32) -> bool {
    note(format!("capability {index} {capability}"));
    true
}

/// A build: a message, a phase of three steps that the monitor may stop, and the plan.
unsafe extern "C" fn build(
    _: This,
    _: *mut INetworkDefinition,
    _: *mut IBuilderConfig,
) -> *mut IHostMemory {
    // SAFETY: the logger was given with the builder and lives for ever.
    let (this, log) =
        unsafe { ILogger::LOG.bind(version(), NonNull::new(LOGGER.get()).unwrap()) }.unwrap();
    // SAFETY: bound to that logger.
    unsafe { log(this, 2, c"careful".as_ptr()) }
    let Some(monitor) = NonNull::new(MONITOR.get()) else { return memory() };
    // SAFETY: the config keeps the monitor.
    let (this, start) = unsafe { IProgressMonitor::PHASE_START.bind(version(), monitor) }.unwrap();
    // SAFETY: as above.
    let (_, step) = unsafe { IProgressMonitor::STEP_COMPLETE.bind(version(), monitor) }.unwrap();
    // SAFETY: as above.
    let (_, finish) = unsafe { IProgressMonitor::PHASE_FINISH.bind(version(), monitor) }.unwrap();
    // SAFETY: bound to that monitor.
    unsafe { start(this, c"inner".as_ptr(), c"outer".as_ptr(), 3) }
    for number in 0..3 {
        // SAFETY: bound to that monitor.
        if !unsafe { step(this, c"inner".as_ptr(), number) } {
            return ptr::null_mut();
        }
    }
    // SAFETY: bound to that monitor.
    unsafe { finish(this, c"inner".as_ptr()) }
    memory()
}

fn memory() -> *mut IHostMemory {
    Table::new()
        .with(&IHostMemory::DATA, memory_data)
        .with(&IHostMemory::SIZE, memory_size)
        .public(&IHostMemory::DELETE, delete_memory)
}

const MEMORY: &[u8] = b"plan";

unsafe extern "C" fn memory_data(_: This) -> *mut c_void {
    MEMORY.as_ptr().cast_mut().cast()
}

unsafe extern "C" fn memory_size(_: This) -> usize {
    MEMORY.len()
}

unsafe extern "C" fn create_parser(
    _network: *mut c_void,
    _logger: *mut c_void,
    version: i32,
) -> *mut c_void {
    note(format!("parser {version}"));
    Table::new()
        .with(&IParser::PARSE_FROM_FILE, parse_file)
        .with(&IParser::PARSE, parse)
        .with(&IParser::GET_NB_ERRORS, one)
        .with(&IParser::GET_ERROR, parser_error)
        .with(&IParser::DELETE, delete_parser)
        .direct()
}

unsafe extern "C" fn parse_file(_: This, path: *const c_char, verbosity: i32) -> bool {
    note(format!("parse {} {verbosity}", text(path)));
    text(path) != "bad.onnx"
}

unsafe extern "C" fn parse(
    _: This,
    _model: *const c_void,
    size: usize,
    _path: *const c_char,
) -> bool {
    note(format!("parse {size} bytes"));
    true
}

unsafe extern "C" fn parser_error(_: This, _index: i32) -> *mut IParserError {
    Table::new()
        .with(&IParserError::CODE, error_code)
        .with(&IParserError::DESC, error_text)
        .with(&IParserError::NODE, error_node)
        .with(&IParserError::NODE_NAME, error_text)
        .with(&IParserError::NODE_OPERATOR, error_text)
        .direct()
}

unsafe extern "C" fn error_code(_: This) -> i32 {
    8
}

unsafe extern "C" fn error_text(_: This) -> *const c_char {
    c"bad".as_ptr()
}

unsafe extern "C" fn error_node(_: This) -> i32 {
    4
}
