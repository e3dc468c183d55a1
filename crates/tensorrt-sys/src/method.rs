//! Virtual methods: which slot of which table, in which version.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use crate::error::MissingMethod;
use crate::layout::{InterfaceInfo, Public};
use crate::table::{Absent, Row, look_up};
use crate::version::Version;

/// The first argument of every method: the object, or the implementation behind it, as [`Receiver`] says.
pub type This = *mut c_void;

/// Which object's table has a method's slot, and so which object is its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The object itself.
    Object,
    /// The implementation that a [`Public`] object points to.
    Implementation,
}

/// A virtual method of class `C` with the C++ signature that `F`, a function pointer type, spells in Rust.
///
/// Only the generated tables make methods, so `F` is always the type that the headers of those generations declare.
/// A method whose type changed is two methods, each absent where the other belongs: `ITensor::getDimensions` returns
/// [`Dims32`](crate::Dims32) up to TensorRT 9 ([`ITensor::GET_DIMENSIONS_TRT8`](crate::classes::ITensor::GET_DIMENSIONS_TRT8))
/// and [`Dims64`](crate::Dims64) from 10 on.
///
/// Inside a generation slots are only ever appended, with one exception: TensorRT 10.8 inserted a method into
/// `INetworkDefinition`, and 10.9 moved it to the end. In 10.8 alone the methods behind it lie one slot further.
pub struct Method<C, F> {
    class: &'static str,
    name: &'static str,
    receiver: Receiver,
    row: Row,
    exception: Option<(Version, u16)>,
    marker: PhantomData<(fn(C), F)>,
}

impl<C, F> Method<C, F> {
    /// A method of the object's own table.
    pub(crate) const fn on_object(class: &'static str, name: &'static str, row: Row) -> Self {
        Self { class, name, receiver: Receiver::Object, row, exception: None, marker: PhantomData }
    }

    /// A method of the implementation's table.
    pub(crate) const fn on_implementation(
        class: &'static str,
        name: &'static str,
        row: Row,
    ) -> Self {
        Self { receiver: Receiver::Implementation, ..Self::on_object(class, name, row) }
    }

    /// The same method, in another slot in the one release that begins with `first`.
    pub(crate) const fn with_exception(self, first: i32, slot: u16) -> Self {
        Self { exception: Some((Version::from_raw(first), slot)), ..self }
    }

    /// Whose table has the slot.
    pub fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// The slot in a version.
    ///
    /// # Errors
    /// [`MissingMethod`] where the version has no such method: its table may be shorter, and what lies behind it is no
    /// function.
    pub fn slot(&self, version: Version) -> Result<usize, MissingMethod> {
        let missing =
            |since| MissingMethod { version, class: self.class, method: self.name, since };
        let slot = look_up(&self.row, version).map_err(|absent| match absent {
            Absent::Never => missing(None),
            Absent::Until(since) => missing(Some(since)),
        })?;
        let release = |version: Version| version.raw() / 100;
        Ok(usize::from(match self.exception {
            Some((first, moved)) if release(first) == release(version) => moved,
            _ => slot,
        }))
    }
}

impl<C, F: Copy> Method<C, F> {
    /// The method of an object, as the first argument and the function to call with it.
    ///
    /// # Errors
    /// [`MissingMethod`], as [`slot`](Self::slot); the object is not touched then.
    ///
    /// # Safety
    /// `object` points to a live object of class `C` made by a library of this version.
    pub unsafe fn bind(
        &self,
        version: Version,
        object: NonNull<C>,
    ) -> Result<(This, F), MissingMethod> {
        const {
            assert!(
                size_of::<F>() == size_of::<*const c_void>(),
                "a method's type is a function pointer"
            )
        };
        let slot = self.slot(version)?;
        let this: This = match self.receiver {
            Receiver::Object => object.as_ptr().cast(),
            // SAFETY: the tables say so only of classes laid out as `Public`, and the caller vouches for the object.
            Receiver::Implementation => unsafe { object.cast::<Public>().as_ref() }.implementation,
        };
        // SAFETY: an object with virtual methods begins with the pointer to its table.
        let table = unsafe { *this.cast::<*const *const c_void>() };
        // SAFETY: the tables hold the slots of this version, so the slot lies inside.
        let entry = unsafe { table.add(slot) };
        // SAFETY: as above; a table lives as long as the library, which is never closed.
        let address = unsafe { *entry };
        // SAFETY: the slot of a virtual method holds the address of its function, and `F` is that function's type.
        let function = unsafe { mem::transmute_copy::<*const c_void, F>(&address) };
        Ok((this, function))
    }
}

impl<C, F> fmt::Debug for Method<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.class, self.name)
    }
}

/// What an interface implemented by the application reports about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    kind: &'static CStr,
    major: i32,
    minor: i32,
}

impl Identity {
    pub(crate) const fn new(kind: &'static CStr, major: i32, minor: i32) -> Self {
        Self { kind, major, minor }
    }

    /// The answer to `getInterfaceInfo`.
    pub fn info(&self) -> InterfaceInfo {
        InterfaceInfo { kind: self.kind.as_ptr(), major: self.major, minor: self.minor }
    }
}
