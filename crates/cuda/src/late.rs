//! A driver for the tests whose device does everything as late as it may: a copy happens when somebody
//! waits for it, and not before.
//!
//! It ends the process when a copy finds its memory gone, when memory goes that a copy still needs, and
//! when a call comes without a current context. So what passes here keeps its memory long enough.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;
use std::sync::{Mutex, MutexGuard};

use cudarc::driver::sys::{
    CUcontext, CUdevice, CUdevice_attribute, CUdeviceptr, CUevent, CUstream,
};

use crate::device::Device;
use crate::driver::{Code, Driver, Functions, code};

/// The device's memory.
pub(crate) const TOTAL_BYTES: usize = 1 << 20;
/// What a copy takes on the device's clock.
pub(crate) const COPY_MS: u32 = 1;
/// The device's name.
pub(crate) const NAME: &str = "a late device";
/// What every call returns on a broken device.
pub(crate) const ILLEGAL_ADDRESS: Code = 700;

/// One device, in a state of its own.
pub(crate) struct Gpu(Mutex<State>);

#[derive(Default)]
struct State {
    buffers: BTreeMap<usize, Vec<u8>>,
    pinned: BTreeMap<usize, Vec<u64>>,
    pinned_lens: BTreeMap<usize, usize>,
    streams: BTreeMap<usize, VecDeque<Work>>,
    /// When an event was reached on the device's clock, if it was.
    events: BTreeMap<usize, Option<u32>>,
    now_ms: u32,
    copies: usize,
    copies_that_work: Option<usize>,
    broken: bool,
}

enum Work {
    Copy { target: usize, source: usize, len: usize },
    Repeat { target: usize, source: usize, len: usize },
    Record(usize),
    WaitFor(usize),
}

thread_local! {
    static CURRENT: RefCell<Vec<&'static Gpu>> = const { RefCell::new(Vec::new()) };
    static NEWEST: Cell<Option<&'static Gpu>> = const { Cell::new(None) };
}

/// A device of its own, and the view behind it.
pub(crate) fn device() -> (Device, &'static Gpu) {
    let driver = Driver::initialise(functions(), Path::new("late")).unwrap();
    let device = Device::with_driver(&driver, 0).unwrap();
    (device, NEWEST.get().unwrap())
}

/// Whether a context is current on this thread.
pub(crate) fn is_current() -> bool {
    CURRENT.with_borrow(|stack| !stack.is_empty())
}

/// The driver's functions, to be changed by a test.
pub(crate) fn functions() -> Functions {
    Functions {
        init: succeed_flags,
        driver_version: version,
        device_count: one,
        device: first,
        device_name: name,
        device_attribute: nine,
        retain_context: retain,
        release_context: release,
        push_context: push,
        pop_context: pop,
        memory_info,
        allocate,
        free,
        allocate_pinned,
        free_pinned,
        copy_to_device,
        copy_to_host,
        copy_on_device,
        create_stream,
        destroy_stream,
        synchronize_stream,
        stream_wait,
        create_event,
        destroy_event,
        record_event,
        query_event,
        synchronize_event,
        elapsed_ms,
        programs: None,
        error_name: no_text,
        error_text: text,
    }
}

impl Gpu {
    /// Bytes of the device in use.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.state().allocated_bytes()
    }

    /// Bytes of the host that are pinned.
    pub(crate) fn pinned_bytes(&self) -> usize {
        self.state().pinned_lens.values().sum()
    }

    /// How many copies were asked for.
    pub(crate) fn copies(&self) -> usize {
        self.state().copies
    }

    /// Has every copy fail but so many.
    pub(crate) fn fail_after(&self, copies: usize) {
        self.state().copies_that_work = Some(copies);
    }

    /// Has every call fail from now on that a broken context fails.
    pub(crate) fn break_down(&self) {
        self.state().broken = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn allocated_bytes(&self) -> usize {
        self.buffers.values().map(Vec::len).sum()
    }

    fn outcome(&self) -> Code {
        if self.broken { ILLEGAL_ADDRESS } else { code::SUCCESS }
    }

    /// Runs a stream up to an event, or to its end.
    fn run(&mut self, stream: usize, until: Option<usize>) {
        while let Some(work) = self.streams.get_mut(&stream).and_then(VecDeque::pop_front) {
            match work {
                Work::Copy { target, source, len } => self.copy(target, source, len),
                Work::Repeat { target, source, len } => {
                    let bytes = self.bytes_at(source)[..len].to_vec();
                    self.bytes_at(target)[..len].copy_from_slice(&bytes);
                }
                Work::WaitFor(event) => self.reach(event),
                Work::Record(event) => {
                    if let Some(reached) = self.events.get_mut(&event) {
                        *reached = Some(self.now_ms);
                    }
                    if until == Some(event) {
                        return;
                    }
                }
            }
        }
    }

    /// Runs whichever stream an event is in.
    fn reach(&mut self, event: usize) {
        let holds = |work: &VecDeque<Work>| {
            work.iter().any(|it| matches!(it, Work::Record(id) if *id == event))
        };
        if let Some(stream) = self.streams.iter().find(|(_, work)| holds(work)).map(|(id, _)| *id) {
            self.run(stream, Some(event));
        }
    }

    fn copy(&mut self, target: usize, source: usize, len: usize) {
        let (base, pinned) =
            self.pinned.range(..=source).next_back().expect("pinned memory is gone");
        let offset = source - base;
        assert!(offset + len <= self.pinned_lens[base], "beyond the pinned memory");
        let from = pinned.as_ptr().cast::<u8>().wrapping_add(offset);
        // SAFETY: the range lies in the allocation, as just checked.
        let bytes = unsafe { std::slice::from_raw_parts(from, len) };
        self.bytes_at(target)[..len].copy_from_slice(bytes);
        self.now_ms += COPY_MS;
    }

    /// What lies at an address of the device, up to its buffer's end.
    fn bytes_at(&mut self, address: usize) -> &mut [u8] {
        let (base, buffer) =
            self.buffers.range_mut(..=address).next_back().expect("the buffer is gone");
        &mut buffer[address - base..]
    }

    /// Whether a copy is still to come that touches an address in this range.
    fn needed(&self, base: usize, len: usize) -> bool {
        let within = |address: usize| (base..base + len).contains(&address);
        self.streams.values().flatten().any(|work| match work {
            Work::Copy { target, source, .. } | Work::Repeat { target, source, .. } => {
                within(*target) || within(*source)
            }
            Work::Record(_) | Work::WaitFor(_) => false,
        })
    }
}

/// The state of the device whose context is current.
fn current() -> MutexGuard<'static, State> {
    let gpu = CURRENT.with_borrow(|stack| *stack.last().expect("a context is current"));
    gpu.state()
}

/// A handle that no other object has.
fn fresh() -> usize {
    Box::into_raw(Box::new(0_u64)) as usize
}

unsafe extern "C" fn succeed_flags(_: c_uint) -> Code {
    code::SUCCESS
}

unsafe extern "C" fn version(version: *mut c_int) -> Code {
    // SAFETY: the caller's place.
    unsafe { *version = 13_000 };
    code::SUCCESS
}

unsafe extern "C" fn one(count: *mut c_int) -> Code {
    // SAFETY: the caller's place.
    unsafe { *count = 1 };
    code::SUCCESS
}

unsafe extern "C" fn first(device: *mut CUdevice, ordinal: c_int) -> Code {
    // SAFETY: the caller's place.
    unsafe { *device = ordinal };
    code::SUCCESS
}

unsafe extern "C" fn name(name: *mut c_char, len: c_int, _: CUdevice) -> Code {
    assert!(NAME.len() < usize::try_from(len).unwrap());
    // SAFETY: the caller's place, which is longer.
    unsafe { ptr::copy_nonoverlapping(NAME.as_ptr().cast(), name, NAME.len()) };
    code::SUCCESS
}

unsafe extern "C" fn nine(value: *mut c_int, _: CUdevice_attribute, _: CUdevice) -> Code {
    // SAFETY: the caller's place.
    unsafe { *value = 9 };
    code::SUCCESS
}

unsafe extern "C" fn retain(context: *mut CUcontext, _: CUdevice) -> Code {
    let gpu: &'static Gpu = Box::leak(Box::new(Gpu(Mutex::default())));
    NEWEST.set(Some(gpu));
    // SAFETY: the caller's place.
    unsafe { *context = ptr::from_ref(gpu).cast_mut().cast() };
    code::SUCCESS
}

unsafe extern "C" fn release(_: CUdevice) -> Code {
    code::SUCCESS
}

unsafe extern "C" fn push(context: CUcontext) -> Code {
    // SAFETY: contexts are what `retain` gave, which are never freed.
    let gpu = unsafe { &*context.cast::<Gpu>() };
    CURRENT.with_borrow_mut(|stack| stack.push(gpu));
    code::SUCCESS
}

unsafe extern "C" fn pop(_: *mut CUcontext) -> Code {
    CURRENT.with_borrow_mut(Vec::pop).expect("something was pushed");
    code::SUCCESS
}

unsafe extern "C" fn memory_info(free: *mut usize, total: *mut usize) -> Code {
    // SAFETY: the caller's place.
    unsafe { *free = TOTAL_BYTES - current().allocated_bytes() };
    // SAFETY: the caller's place.
    unsafe { *total = TOTAL_BYTES };
    code::SUCCESS
}

unsafe extern "C" fn allocate(address: *mut CUdeviceptr, bytes: usize) -> Code {
    let mut state = current();
    if bytes > TOTAL_BYTES - state.allocated_bytes() {
        return code::OUT_OF_MEMORY;
    }
    let memory = vec![0xEE; bytes];
    let base = memory.as_ptr() as usize;
    state.buffers.insert(base, memory);
    // SAFETY: the caller's place.
    unsafe { *address = base as CUdeviceptr };
    code::SUCCESS
}

unsafe extern "C" fn free(address: CUdeviceptr) -> Code {
    let mut state = current();
    let base = usize::try_from(address).unwrap();
    let len = state.buffers[&base].len();
    assert!(!state.needed(base, len), "a buffer is freed that a copy needs");
    state.buffers.remove(&base);
    code::SUCCESS
}

unsafe extern "C" fn allocate_pinned(address: *mut *mut c_void, bytes: usize, _: c_uint) -> Code {
    if bytes > TOTAL_BYTES {
        return code::OUT_OF_MEMORY;
    }
    let mut memory = vec![0xEEEE_EEEE_EEEE_EEEE_u64; bytes.div_ceil(8)];
    let base = memory.as_mut_ptr();
    // SAFETY: the caller's place.
    unsafe { *address = base.cast() };
    let mut state = current();
    state.pinned_lens.insert(base as usize, bytes);
    state.pinned.insert(base as usize, memory);
    code::SUCCESS
}

unsafe extern "C" fn free_pinned(address: *mut c_void) -> Code {
    let mut state = current();
    let base = address as usize;
    let len = state.pinned_lens.remove(&base).expect("it was allocated");
    assert!(!state.needed(base, len), "pinned memory is freed that a copy needs");
    state.pinned.remove(&base);
    code::SUCCESS
}

unsafe extern "C" fn copy_to_device(
    target: CUdeviceptr,
    source: *const c_void,
    len: usize,
    stream: CUstream,
) -> Code {
    let mut state = current();
    if state.copies_that_work == Some(state.copies) {
        return ILLEGAL_ADDRESS;
    }
    state.copies += 1;
    let target = usize::try_from(target).unwrap();
    let work = Work::Copy { target, source: source as usize, len };
    state.streams.get_mut(&(stream as usize)).expect("the stream is alive").push_back(work);
    state.outcome()
}

unsafe extern "C" fn copy_to_host(target: *mut c_void, source: CUdeviceptr, len: usize) -> Code {
    let state = current();
    let source = usize::try_from(source).unwrap();
    let (base, buffer) = state.buffers.range(..=source).next_back().expect("the buffer is alive");
    let bytes = &buffer[source - base..][..len];
    // SAFETY: the caller's place, which is as long.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target.cast(), len) };
    state.outcome()
}

unsafe extern "C" fn copy_on_device(
    target: CUdeviceptr,
    source: CUdeviceptr,
    len: usize,
    stream: CUstream,
) -> Code {
    let mut state = current();
    let (target, source) = (usize::try_from(target).unwrap(), usize::try_from(source).unwrap());
    assert!(source + len <= target, "the ranges overlap");
    let work = Work::Repeat { target, source, len };
    state.streams.get_mut(&(stream as usize)).expect("the stream is alive").push_back(work);
    state.outcome()
}

unsafe extern "C" fn create_stream(stream: *mut CUstream, flags: c_uint) -> Code {
    assert_eq!(flags, 1, "a stream that waits for the default stream would stop TensorRT");
    let id = fresh();
    current().streams.insert(id, VecDeque::new());
    // SAFETY: the caller's place.
    unsafe { *stream = id as CUstream };
    code::SUCCESS
}

unsafe extern "C" fn destroy_stream(stream: CUstream) -> Code {
    let mut state = current();
    state.run(stream as usize, None);
    state.streams.remove(&(stream as usize)).expect("it was created");
    code::SUCCESS
}

unsafe extern "C" fn synchronize_stream(stream: CUstream) -> Code {
    let mut state = current();
    if !state.broken {
        state.run(stream as usize, None);
    }
    state.outcome()
}

unsafe extern "C" fn stream_wait(stream: CUstream, event: CUevent, _: c_uint) -> Code {
    let mut state = current();
    let work = Work::WaitFor(event as usize);
    state.streams.get_mut(&(stream as usize)).expect("the stream is alive").push_back(work);
    state.outcome()
}

unsafe extern "C" fn create_event(event: *mut CUevent, flags: c_uint) -> Code {
    assert_eq!(flags, 1, "waiting for it must not spin, and its time is asked for");
    let id = fresh();
    current().events.insert(id, None);
    // SAFETY: the caller's place.
    unsafe { *event = id as CUevent };
    code::SUCCESS
}

unsafe extern "C" fn destroy_event(event: CUevent) -> Code {
    current().events.remove(&(event as usize)).expect("it was created");
    code::SUCCESS
}

unsafe extern "C" fn record_event(event: CUevent, stream: CUstream) -> Code {
    let mut state = current();
    let work = Work::Record(event as usize);
    state.streams.get_mut(&(stream as usize)).expect("the stream is alive").push_back(work);
    state.outcome()
}

unsafe extern "C" fn query_event(event: CUevent) -> Code {
    let state = current();
    match state.events[&(event as usize)] {
        _ if state.broken => ILLEGAL_ADDRESS,
        None => code::NOT_READY,
        Some(_) => code::SUCCESS,
    }
}

unsafe extern "C" fn synchronize_event(event: CUevent) -> Code {
    let mut state = current();
    if !state.broken {
        state.reach(event as usize);
    }
    state.outcome()
}

unsafe extern "C" fn elapsed_ms(elapsed: *mut f32, begin: CUevent, end: CUevent) -> Code {
    let state = current();
    let at = |event: CUevent| state.events[&(event as usize)];
    match (at(begin), at(end)) {
        (Some(begin), Some(end)) => {
            // SAFETY: the caller's place.
            unsafe { *elapsed = (end - begin) as f32 };
            state.outcome()
        }
        _ => code::NOT_READY,
    }
}

unsafe extern "C" fn no_text(_: Code, _: *mut *const c_char) -> Code {
    1
}

unsafe extern "C" fn text(code: Code, text: *mut *const c_char) -> Code {
    let known = if code == ILLEGAL_ADDRESS { c"an illegal address" } else { c"something else" };
    // SAFETY: the caller's place.
    unsafe { *text = known.as_ptr() };
    code::SUCCESS
}
