//! Objects of ours that TensorRT calls: a virtual table made at run time, and the one way back into Rust.

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::marker::{PhantomData, PhantomPinned};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use crate::classes::IVersionedInterface;
use crate::error::MissingMethod;
use crate::layout::InterfaceInfo;
use crate::method::{Identity, This, VirtualMethod};
use crate::version::{Generation, Version};

/// An object of interface class `C` with the state `T`, whose methods TensorRT calls.
///
/// It is pinned in a box, because TensorRT keeps its address; it must live until every object that was given it is
/// gone. TensorRT calls from threads of its own, hence `T: Send + Sync`. It never deletes what it was given.
///
/// A Rust panic must not unwind into C++. [`enter`](Self::enter) catches it, keeps it, and answers that and every later
/// call with the caller's "stop"; whoever started the C++ call takes the panic with [`take_panic`](Self::take_panic)
/// and lets it go on there.
#[repr(C)]
pub struct Interface<C, T> {
    /// What C++ sees: the address of the first slot in `table`. It must stay the first field.
    vtable: *const *const c_void,
    state: T,
    identity: Option<Identity>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    table: Vtable,
    type_info: TypeInfo,
    class: PhantomData<fn(C)>,
    pinned: PhantomPinned,
}

/// `std::type_info` of the object's class, so that a `dynamic_cast` in the library finds one: the table of
/// `__class_type_info`, and the mangled name.
#[repr(C)]
struct TypeInfo {
    vtable: *const c_void,
    name: *const c_char,
}

const TYPE_NAME: &CStr = c"N9calibrant9InterfaceE";

/// The virtual table of an [`Interface`] in the making.
#[derive(Debug)]
pub struct Vtable {
    version: Version,
    /// Offset to top and type information, which C++ keeps before the first slot, then the slots.
    words: Vec<*const c_void>,
}

/// How many words lie before the first slot.
const HEADER: usize = 2;

/// How many slots a table has at least: room for the largest interface, so that none is ever too short.
const SLOTS: usize = 16;

impl Vtable {
    fn new(version: Version) -> Self {
        let unset: unsafe extern "C" fn(This) -> usize = unset;
        let mut words = vec![unset as *const c_void; HEADER + SLOTS];
        words[..HEADER].fill(ptr::null());
        Self { version, words }
    }

    /// Puts a function into the slot that a method has in this version.
    ///
    /// # Errors
    /// [`MissingMethod`] where the version's interface has no such method.
    pub fn set<C, F: Copy>(
        &mut self,
        method: &VirtualMethod<C, F>,
        function: F,
    ) -> Result<(), MissingMethod> {
        const {
            assert!(
                size_of::<F>() == size_of::<*const c_void>(),
                "a method's type is a function pointer"
            )
        };
        let word = HEADER + method.slot(self.version)?;
        if word >= self.words.len() {
            let unset = self.words[self.words.len() - 1];
            self.words.resize(word + 1, unset);
        }
        // SAFETY: `F` is a function pointer: the generated tables give methods no other type.
        self.words[word] = unsafe { mem::transmute_copy::<F, *const c_void>(&function) };
        Ok(())
    }
}

/// What a slot without a method does: nothing. Those are the two destructors, which TensorRT does not call.
unsafe extern "C" fn unset(_this: This) -> usize {
    0
}

impl<C, T: Send + Sync> Interface<C, T> {
    /// An object whose table `fill` fills; the methods of a versioned interface are added where `identity` has one.
    ///
    /// `class_type_info` is the address of the C++ runtime's `__class_type_info` table, or null.
    ///
    /// # Errors
    /// What `fill` answers, for a version without the interface.
    pub fn new(
        version: Version,
        class_type_info: *const c_void,
        identity: &[Option<Identity>; Generation::COUNT],
        state: T,
        fill: impl FnOnce(&mut Vtable) -> Result<(), MissingMethod>,
    ) -> Result<Pin<Box<Self>>, MissingMethod> {
        let mut table = Vtable::new(version);
        fill(&mut table)?;
        let identity = version.generation().and_then(|generation| identity[generation.column()]);
        if identity.is_some() {
            table.set(&IVersionedInterface::GET_API_LANGUAGE, api_language)?;
            table.set(&IVersionedInterface::GET_INTERFACE_INFO, Self::interface_info)?;
        }
        // A type information begins with the address behind the header of its class's own table.
        let behind_header =
            |table: *const c_void| table.cast::<*const c_void>().wrapping_add(HEADER).cast();
        let type_info = TypeInfo {
            vtable: if class_type_info.is_null() {
                ptr::null()
            } else {
                behind_header(class_type_info)
            },
            name: TYPE_NAME.as_ptr(),
        };
        let mut object = Box::new(Self {
            vtable: ptr::null(),
            state,
            identity,
            panic: Mutex::new(None),
            table,
            type_info,
            class: PhantomData,
            pinned: PhantomPinned,
        });
        if !object.type_info.vtable.is_null() {
            object.table.words[1] = (&raw const object.type_info).cast();
        }
        object.vtable = object.table.words[HEADER..].as_ptr();
        Ok(Box::into_pin(object))
    }

    /// The object as TensorRT wants it.
    pub fn as_object(self: Pin<&Self>) -> *mut C {
        ptr::from_ref(self.get_ref()).cast_mut().cast()
    }

    /// What the methods work on.
    pub fn state(&self) -> &T {
        &self.state
    }

    /// Takes the panic that a call caught, if one did; the object's methods do their work again afterwards.
    pub fn take_panic(&self) -> Option<Box<dyn Any + Send>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Runs `body` with the state of the object that C++ called a method of.
    ///
    /// If `body` panics, now or before, the answer is `stop`.
    ///
    /// # Safety
    /// `this` is the first argument of a method in this very type's table: TensorRT got it from
    /// [`as_object`](Self::as_object), and the object is alive.
    pub unsafe fn enter<R>(this: This, stop: R, body: impl FnOnce(&T) -> R) -> R {
        // SAFETY: the caller vouches that this is such an object; it is only ever shared.
        let object = unsafe { &*this.cast::<Self>() };
        if object.panic.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return stop;
        }
        catch_unwind(AssertUnwindSafe(|| body(&object.state))).unwrap_or_else(|panic| {
            *object.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            stop
        })
    }

    unsafe extern "C" fn interface_info(this: This) -> InterfaceInfo {
        // SAFETY: TensorRT calls this method of an object it was given.
        let object = unsafe { &*this.cast::<Self>() };
        let unknown = InterfaceInfo { kind: ptr::null(), major: 0, minor: 0 };
        object.identity.map_or(unknown, |identity| identity.info())
    }
}

/// `getAPILanguage`: C++, which is what the object looks like.
unsafe extern "C" fn api_language(_this: This) -> i32 {
    0
}

impl<C, T: fmt::Debug> fmt::Debug for Interface<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("state", &self.state)
            .field("version", &self.table.version)
            .finish()
    }
}

// SAFETY: the raw pointers point into the object itself or at constants, nothing changes them after `new`, and what
// they point to is `Sync`: TensorRT's rule for interfaces, "must be thread-safe", is met by the bound on the state.
unsafe impl<C, T: Send + Sync> Send for Interface<C, T> {}
// SAFETY: as above.
unsafe impl<C, T: Send + Sync> Sync for Interface<C, T> {}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;
    use crate::classes::{IInt8Calibrator, IInt8EntropyCalibrator2, ILogger, IProgressMonitor};

    type Monitor = Interface<IProgressMonitor, Mutex<Vec<i32>>>;

    unsafe extern "C" fn step(this: This, _phase: *const c_char, step: i32) -> bool {
        // SAFETY: the tests call this method of a `Monitor`.
        unsafe {
            Monitor::enter(this, false, |steps| {
                assert!(step != 13, "thirteen");
                steps.lock().unwrap().push(step);
                true
            })
        }
    }

    fn monitor(version: i32) -> Result<Pin<Box<Monitor>>, MissingMethod> {
        let version = Version::from_raw(version);
        Interface::new(
            version,
            ptr::null(),
            &IProgressMonitor::IDENTITY,
            Mutex::new(Vec::new()),
            |table| table.set(&IProgressMonitor::STEP_COMPLETE, step),
        )
    }

    /// Calls `stepComplete` as C++ would: through the slot of the version.
    fn call_step(monitor: &Pin<Box<Monitor>>, version: i32, number: i32) -> bool {
        let object = NonNull::new(monitor.as_ref().as_object()).unwrap();
        // SAFETY: the object is alive and its table was made for this version.
        let (this, function) =
            unsafe { IProgressMonitor::STEP_COMPLETE.bind(Version::from_raw(version), object) }
                .unwrap();
        // SAFETY: the function does not look at the name.
        unsafe { function(this, ptr::null(), number) }
    }

    #[test]
    fn calls_arrive_in_every_generation_that_has_the_interface() {
        for version in [9_300, 100_000, 110_400, 10_400, 10_701] {
            let monitor = monitor(version).unwrap();
            assert!(call_step(&monitor, version, 7));
            assert_eq!(*monitor.state().lock().unwrap(), [7]);
        }
        assert!(monitor(8_601).is_err());
    }

    #[test]
    fn a_panic_stops_all_later_calls_until_it_is_taken() {
        let monitor = monitor(10_701).unwrap();
        assert!(!call_step(&monitor, 10_701, 13));
        assert!(!call_step(&monitor, 10_701, 1), "a call after the panic must stop too");
        let panic = monitor.take_panic().unwrap();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"thirteen"));
        assert!(call_step(&monitor, 10_701, 2));
        assert_eq!(*monitor.state().lock().unwrap(), [2]);
    }

    #[test]
    fn versioned_interfaces_say_what_they_are() {
        let monitor = monitor(10_701).unwrap();
        let object =
            NonNull::new(monitor.as_ref().as_object()).unwrap().cast::<IVersionedInterface>();
        // SAFETY: a versioned interface begins with these methods.
        let (this, info) = unsafe {
            IVersionedInterface::GET_INTERFACE_INFO.bind(Version::from_raw(10_701), object)
        }
        .unwrap();
        // SAFETY: bound to the object just above.
        let info = unsafe { info(this) };
        // SAFETY: the kind is a constant string.
        let kind = unsafe { CStr::from_ptr(info.kind) };
        assert_eq!((kind, info.major, info.minor), (c"IProgressMonitor", 1, 0));
    }

    /// Where the research on the headers found the methods of the interfaces that applications implement.
    #[test]
    fn interface_slots() {
        let slots = |row: &dyn Fn(Version) -> Option<usize>| {
            [8_601, 9_300, 101_601, 110_400, 10_400, 10_701]
                .map(|version| row(Version::from_raw(version)))
        };
        let log = slots(&|version| ILogger::LOG.slot(version).ok());
        assert_eq!(log, [Some(0), Some(0), Some(0), Some(4), Some(0), Some(4)]);
        let batch = slots(&|version| IInt8Calibrator::GET_BATCH.slot(version).ok());
        assert_eq!(batch, [Some(1), Some(1), Some(5), None, None, None]);
        let start = slots(&|version| IProgressMonitor::PHASE_START.slot(version).ok());
        assert_eq!(start, [None, Some(2), Some(4), Some(4), Some(4), Some(4)]);
        // The logger became a versioned interface with TensorRT 11 and RTX 1.5; calibrators were one in TensorRT 10.
        assert_eq!(
            ILogger::IDENTITY.map(|identity| identity.is_some()),
            [false, false, true, false, true]
        );
        let calibrator = IInt8EntropyCalibrator2::IDENTITY.map(|identity| identity.is_some());
        assert_eq!(calibrator, [false, true, false, false, false]);
    }

    #[test]
    fn unset_slots_are_harmless_and_type_information_precedes_them() {
        let fake_class_type_info = [ptr::null::<c_void>(); 4];
        let monitor: Pin<Box<Monitor>> = Interface::new(
            Version::from_raw(10_701),
            fake_class_type_info.as_ptr().cast(),
            &IProgressMonitor::IDENTITY,
            Mutex::new(Vec::new()),
            |_| Ok(()),
        )
        .unwrap();
        let type_info = monitor.table.words[1].cast::<TypeInfo>();
        assert_eq!(type_info, &raw const monitor.type_info);
        assert_eq!(monitor.type_info.vtable, fake_class_type_info[HEADER..].as_ptr().cast());
        // SAFETY: slot 3, the deleting destructor, is one of the unset ones.
        let destructor = unsafe {
            mem::transmute_copy::<*const c_void, unsafe extern "C" fn(This) -> usize>(
                &monitor.table.words[HEADER + 3],
            )
        };
        // SAFETY: it ignores its argument.
        assert_eq!(unsafe { destructor(monitor.as_ref().as_object().cast()) }, 0);
    }
}
