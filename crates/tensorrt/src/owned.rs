//! Vendor objects and their methods.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use tensorrt_sys::{MissingMethod, This, VirtualMethod};

use crate::error::Error;
use crate::library::Library;

/// The deleting destructor of class `C`.
pub(crate) type Delete<C> = VirtualMethod<C, unsafe extern "C" fn(This)>;

/// A vendor object that is ours to delete.
pub(crate) struct Owned<C: 'static> {
    object: NonNull<C>,
    delete: &'static Delete<C>,
    library: Library,
}

/// A vendor object that belongs to another, which lives for `'a`.
pub(crate) struct Borrowed<'a, C> {
    object: NonNull<C>,
    library: &'a Library,
    owner: PhantomData<&'a C>,
}

impl<C> Owned<C> {
    /// Takes over what `call` made.
    ///
    /// # Errors
    /// [`Error::Null`] for null.
    ///
    /// # Safety
    /// `object` is null, or a new object of class `C` of this library that nobody else deletes.
    pub(crate) unsafe fn new(
        object: *mut C,
        delete: &'static Delete<C>,
        library: &Library,
        call: &'static str,
    ) -> Result<Self, Error> {
        library.resume_panic();
        let object = NonNull::new(object).ok_or(Error::Null { call })?;
        Ok(Self { object, delete, library: library.clone() })
    }

    pub(crate) fn as_ptr(&self) -> *mut C {
        self.object.as_ptr()
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
    }

    /// The method to call, with its first argument.
    pub(crate) fn bind<F: Copy>(
        &self,
        method: &VirtualMethod<C, F>,
    ) -> Result<(This, F), MissingMethod> {
        // SAFETY: the object is alive, because only `drop` deletes it, and was made by this library.
        unsafe { method.bind(self.library.version(), self.object) }
    }
}

impl<C> Drop for Owned<C> {
    fn drop(&mut self) {
        // A class without a known destructor would be leaked; the tables have one for every generation.
        if let Ok((this, delete)) = self.bind(self.delete) {
            // SAFETY: the object is ours, alive, and not used again.
            unsafe { delete(this) }
        }
    }
}

impl<C> fmt::Debug for Owned<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.object, self.library.version())
    }
}

impl<'a, C> Borrowed<'a, C> {
    /// An object that `call` found, or `None` for null.
    ///
    /// # Safety
    /// `object` is null, or an object of class `C` of this library that lives for `'a`.
    pub(crate) unsafe fn new(object: *mut C, library: &'a Library) -> Option<Self> {
        NonNull::new(object).map(|object| Self { object, library, owner: PhantomData })
    }

    pub(crate) fn as_ptr(&self) -> *mut C {
        self.object.as_ptr()
    }

    /// The same object, as one of the class derived from `C` that it is.
    ///
    /// # Safety
    /// The object is of class `D`.
    pub(crate) unsafe fn cast<D>(self) -> Borrowed<'a, D> {
        Borrowed { object: self.object.cast(), library: self.library, owner: PhantomData }
    }

    pub(crate) fn library(&self) -> &'a Library {
        self.library
    }

    /// The method to call, with its first argument.
    pub(crate) fn bind<F: Copy>(
        &self,
        method: &VirtualMethod<C, F>,
    ) -> Result<(This, F), MissingMethod> {
        // SAFETY: the object is alive for `'a`, and was made by this library.
        unsafe { method.bind(self.library.version(), self.object) }
    }
}

impl<C> Clone for Borrowed<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Borrowed<'_, C> {}

impl<C> fmt::Debug for Borrowed<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.object, self.library.version())
    }
}

/// A string of TensorRT's as one of ours; empty for null.
///
/// # Safety
/// `text` is null or a C string that is alive during the call.
pub(crate) unsafe fn string(text: *const c_char) -> String {
    // SAFETY: the caller's promise.
    unsafe { borrowed_string(text) }.into_owned()
}

/// A string of TensorRT's, read where it lies; empty for null.
///
/// # Safety
/// `text` is null or a C string that is alive for `'a`.
pub(crate) unsafe fn borrowed_string<'a>(text: *const c_char) -> Cow<'a, str> {
    if text.is_null() {
        return Cow::Borrowed("");
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}
