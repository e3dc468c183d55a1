//! A small client of TensorRT: what the tests need of its objects.

use std::ffi::{CStr, CString, c_char, c_void};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::Mutex;

use tensorrt_sys::classes::{
    IBuilder, IBuilderConfig, IHostMemory, ILogger, INetworkDefinition, IParser,
};
use tensorrt_sys::{EntryPoints, Interface, Library, This, Version, VirtualMethod};

/// What the log said.
pub(crate) type Log = Pin<Box<Interface<ILogger, Mutex<Vec<String>>>>>;

/// An opened TensorRT with its log.
pub(crate) struct Client {
    pub(crate) library: Library,
    pub(crate) log: Log,
}

unsafe extern "C" fn log(this: This, _severity: i32, text: *const c_char) {
    // SAFETY: the library passes C strings.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    let keep = |lines: &Mutex<Vec<String>>| lines.lock().unwrap().push(text);
    // SAFETY: tables of such interfaces alone have this function.
    unsafe { Interface::<ILogger, Mutex<Vec<String>>>::enter(this, (), keep) }
}

impl Client {
    /// A client of functions at hand.
    pub(crate) fn linked(entry_points: EntryPoints) -> Self {
        // SAFETY: the double's functions are TensorRT's.
        let library =
            unsafe { Library::from_entry_points(entry_points, "double".into(), "double".into()) };
        Self::new(library.unwrap())
    }

    pub(crate) fn new(library: Library) -> Self {
        let log = Interface::new(
            library.version(),
            library.class_type_info(),
            &ILogger::IDENTITY,
            Mutex::new(Vec::new()),
            |table| table.set(&ILogger::LOG, log),
        );
        Self { library, log: log.unwrap() }
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.log.state().lock().unwrap().clone()
    }

    fn logger(&self) -> *mut ILogger {
        self.log.as_ref().as_object()
    }

    pub(crate) fn version(&self) -> Version {
        self.library.version()
    }

    /// Calls a method without arguments.
    pub(crate) fn call<C, R>(
        &self,
        object: NonNull<C>,
        method: &VirtualMethod<C, unsafe extern "C" fn(This) -> R>,
    ) -> R {
        // SAFETY: the tests call methods of live objects.
        let (this, function) = unsafe { method.bind(self.version(), object) }.unwrap();
        // SAFETY: bound to the object.
        unsafe { function(this) }
    }

    /// Calls a method with an argument.
    pub(crate) fn call1<C, A, R>(
        &self,
        object: NonNull<C>,
        method: &VirtualMethod<C, unsafe extern "C" fn(This, A) -> R>,
        a: A,
    ) -> R {
        // SAFETY: the tests call methods of live objects.
        let (this, function) = unsafe { method.bind(self.version(), object) }.unwrap();
        // SAFETY: bound to the object.
        unsafe { function(this, a) }
    }

    /// Calls a method with two arguments.
    pub(crate) fn call2<C, A, B, R>(
        &self,
        object: NonNull<C>,
        method: &VirtualMethod<C, unsafe extern "C" fn(This, A, B) -> R>,
        a: A,
        b: B,
    ) -> R {
        // SAFETY: the tests call methods of live objects.
        let (this, function) = unsafe { method.bind(self.version(), object) }.unwrap();
        // SAFETY: bound to the object.
        unsafe { function(this, a, b) }
    }

    /// Calls a method with three arguments.
    pub(crate) fn call3<C, A, B, D, R>(
        &self,
        object: NonNull<C>,
        method: &VirtualMethod<C, unsafe extern "C" fn(This, A, B, D) -> R>,
        a: A,
        b: B,
        d: D,
    ) -> R {
        // SAFETY: the tests call methods of live objects.
        let (this, function) = unsafe { method.bind(self.version(), object) }.unwrap();
        // SAFETY: bound to the object.
        unsafe { function(this, a, b, d) }
    }

    pub(crate) fn builder(&self) -> NonNull<IBuilder> {
        // SAFETY: the logger lives as long as the client.
        NonNull::new(unsafe { self.library.create_builder(self.logger()) }).unwrap()
    }

    pub(crate) fn network(
        &self,
        builder: NonNull<IBuilder>,
        flags: u32,
    ) -> NonNull<INetworkDefinition> {
        NonNull::new(self.call1(builder, &IBuilder::CREATE_NETWORK_V2, flags)).unwrap()
    }

    pub(crate) fn config(&self, builder: NonNull<IBuilder>) -> NonNull<IBuilderConfig> {
        NonNull::new(self.call(builder, &IBuilder::CREATE_BUILDER_CONFIG)).unwrap()
    }

    pub(crate) fn parser(&self, network: NonNull<INetworkDefinition>) -> NonNull<IParser> {
        // SAFETY: network and logger live on.
        NonNull::new(unsafe { self.library.create_parser(network.as_ptr(), self.logger()) })
            .unwrap()
    }

    /// Parses a model of the fixtures.
    pub(crate) fn parse(&self, parser: NonNull<IParser>, model: &str) -> bool {
        let path = model_path(model);
        self.call2(parser, &IParser::PARSE_FROM_FILE, path.as_ptr(), 2)
    }

    /// The plan, or `None`.
    pub(crate) fn build(
        &self,
        builder: NonNull<IBuilder>,
        network: NonNull<INetworkDefinition>,
        config: NonNull<IBuilderConfig>,
    ) -> Option<Vec<u8>> {
        let (network, config) = (network.as_ptr(), config.as_ptr());
        let plan = self.call2(builder, &IBuilder::BUILD_SERIALIZED_NETWORK, network, config);
        Some(self.bytes(NonNull::new(plan)?))
    }

    /// The bytes of host memory, which is deleted.
    pub(crate) fn bytes(&self, memory: NonNull<IHostMemory>) -> Vec<u8> {
        let data: *mut c_void = self.call(memory, &IHostMemory::DATA);
        let size = self.call(memory, &IHostMemory::SIZE);
        // SAFETY: host memory holds as many bytes as it says.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) }.to_vec();
        self.call(memory, &IHostMemory::DELETE);
        bytes
    }
}

/// A model of the fixtures, as a C string.
pub(crate) fn model_path(model: &str) -> CString {
    let path = format!("{}/../../fixtures/tensorrt/models/{model}", env!("CARGO_MANIFEST_DIR"));
    CString::new(path).unwrap()
}

/// A null pointer of whatever type a call wants.
pub(crate) fn null<T>() -> *mut T {
    ptr::null_mut()
}
