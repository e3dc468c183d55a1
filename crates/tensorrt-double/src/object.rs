//! C++ objects: tables of functions laid out by the slot tables, and the Rust state behind them.
//!
//! An object of a public class is laid out as [`Derived`], of which most classes know the first half only: its own table
//! has the destructors, and it points to a [`Body`], whose table has the methods. Objects that C++ calls directly (the
//! parser's classes, the plugin registry) are a [`Body`] alone.
//!
//! Deleted objects leave their few words behind, with tables in which every slot ends the process: a client that uses
//! what it deleted is told so, instead of whatever lies there now.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use tensorrt_sys::{Derived, Public, This, Version, VirtualMethod};

use crate::context::Context;
use crate::type_info::TypeInfo;
use crate::unforeseen::{SLOTS, dead, unforeseen};

/// A deleting destructor.
pub(crate) type Delete<C> = VirtualMethod<C, unsafe extern "C" fn(This)>;

/// The state of objects of a C++ class.
pub(crate) trait Class: Sized + 'static {
    /// The class in the slot tables.
    type Cpp: 'static;
    /// Its C++ name.
    const NAME: &'static str;
    /// Its C++ namespace.
    const NAMESPACE: &'static str = "nvinfer1";
    /// Its destructor, where clients may delete it.
    const DELETE: Option<&'static Delete<Self::Cpp>>;
    /// What the record calls it.
    const WORD: &'static str;
    /// Whose table the methods lie in.
    const FORM: Form = Form::Public;

    /// Puts its methods into their slots.
    fn fill(table: &mut Table<Self>);

    /// Puts what the public class itself has besides its destructors into the slots of the object's own table.
    fn fill_own(_table: &mut Table<Self>) {}
}

/// What stands between a client and a [`Body`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object that points to the body.
    Public,
    /// Nothing: the client's object is the body, or, of what a kind of layer has for itself, another object knows it.
    Direct,
}

/// What a client's calls arrive at: the table, and the state.
#[repr(C)]
pub(crate) struct Body<T> {
    vtable: *const *const c_void,
    context: Arc<Context>,
    state: ManuallyDrop<T>,
}

impl<T> Body<T> {
    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state
    }
}

/// An object, deleted when this is dropped unless a client got it.
pub(crate) struct Handle<T: Class> {
    client: NonNull<T::Cpp>,
    body: NonNull<Body<T>>,
}

impl<T: Class> Handle<T> {
    pub(crate) fn new(context: &Arc<Context>, state: T) -> Self {
        Self::with_own_implementation(context, state, ptr::null_mut())
    }

    /// An object with an implementation of what its kind alone has; that lives as long as the state.
    pub(crate) fn with_own_implementation(
        context: &Arc<Context>,
        state: T,
        implementation: This,
    ) -> Self {
        let tables = context.tables::<T>();
        context.count(T::WORD, true);
        let body = Box::leak(Box::new(Body {
            vtable: tables.methods,
            context: Arc::clone(context),
            state: ManuallyDrop::new(state),
        }));
        let body = NonNull::from(body);
        let client = match tables.own {
            Some(own) => {
                let base = Public { vtable: own, implementation: body.as_ptr().cast() };
                NonNull::from(Box::leak(Box::new(Derived { base, implementation }))).cast()
            }
            None => body.cast(),
        };
        Self { client, body }
    }

    /// The object as the client sees it; it stays this one's.
    pub(crate) fn as_client(&self) -> *mut T::Cpp {
        self.client.as_ptr()
    }

    /// Hands the object to the client, who deletes it.
    pub(crate) fn into_client(self) -> *mut T::Cpp {
        ManuallyDrop::new(self).client.as_ptr()
    }
}

impl<T: Class> Deref for Handle<T> {
    type Target = Body<T>;

    fn deref(&self) -> &Body<T> {
        // SAFETY: the body lives until this is dropped.
        unsafe { self.body.as_ref() }
    }
}

impl<T: Class> Drop for Handle<T> {
    fn drop(&mut self) {
        self.context.count(T::WORD, false);
        let dead = dead_table::<T>();
        // SAFETY: what a client holds begins with its table, was leaked by `new`, and nobody else looks at it now.
        unsafe { self.client.cast::<*const *const c_void>().write(dead) }
        // SAFETY: as above, of what stands behind it.
        unsafe { self.body.cast::<*const *const c_void>().write(dead) }
        // SAFETY: nobody else looks at the body now.
        let body = unsafe { self.body.as_mut() };
        // SAFETY: a handle is dropped once, and nothing reaches the state through the tables of the dead.
        unsafe { ManuallyDrop::drop(&mut body.state) }
    }
}

/// The body behind an object of this very copy of the double that a client passes back, or `None` for null.
///
/// # Safety
/// `object` is null, or an object of class `T` that lives for `'a`.
pub(crate) unsafe fn body<'a, T: Class>(object: *mut T::Cpp) -> Option<&'a Body<T>> {
    let object = NonNull::new(object)?;
    let body = if T::FORM == Form::Direct {
        object.cast::<Body<T>>()
    } else {
        // SAFETY: objects of the public classes begin with these two words.
        let public = unsafe { object.cast::<Public>().as_ref() };
        NonNull::new(public.implementation)?.cast()
    };
    // SAFETY: the implementation of an object of this class is such a body.
    Some(unsafe { body.as_ref() })
}

/// The tables of a class, which live for ever.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    /// The public object's own table, unless objects of the class are called directly.
    own: Option<*const *const c_void>,
    methods: *const *const c_void,
}

// SAFETY: the tables are leaked and never written again.
unsafe impl Send for Tables {}

impl Tables {
    pub(crate) fn new<T: Class>(version: Version) -> Self {
        let mut table = Table::<T>::new(version, T::FORM == Form::Direct);
        T::fill(&mut table);
        if T::FORM == Form::Direct {
            if let Some(delete) = T::DELETE {
                table.put(delete, delete_direct::<T> as unsafe extern "C" fn(This));
            }
            return Self { own: None, methods: table.leak() };
        }
        let mut own = Table::<T>::new(version, true);
        T::fill_own(&mut own);
        if let Some(delete) = T::DELETE {
            own.put(delete, delete_public::<T> as unsafe extern "C" fn(This));
        }
        Self { own: Some(own.leak()), methods: table.leak() }
    }
}

/// The table of deleted objects.
fn dead_table<T: Class>() -> *const *const c_void {
    let table = const { &dead::<T>() };
    table.as_ptr().cast()
}

/// The table of a class in the making; a slot that no method is put into ends the process.
pub(crate) struct Table<T: Class> {
    version: Version,
    /// Whether it is the table of what the client holds.
    of_client: bool,
    /// Offset to top and type information, which C++ keeps before the first slot, then the slots.
    words: Vec<*const c_void>,
    class: PhantomData<fn(T)>,
}

/// How many words lie before the first slot.
const HEADER: usize = 2;

impl<T: Class> Table<T> {
    fn new(version: Version, of_client: bool) -> Self {
        let mut words = vec![ptr::null(), TypeInfo::of(T::NAMESPACE, T::NAME)];
        words
            .extend(const { &unforeseen::<T>() }.iter().map(|&function| function as *const c_void));
        Self { version, of_client, words, class: PhantomData }
    }

    fn leak(self) -> *const *const c_void {
        self.words.leak()[HEADER..].as_ptr()
    }

    /// Puts a function where this version has a method; where it has none, nothing can be called.
    fn put<C, F: Copy>(&mut self, method: &VirtualMethod<C, F>, function: F) {
        const { assert!(size_of::<F>() == size_of::<*const c_void>()) };
        let Ok(slot) = method.slot(self.version) else { return };
        assert!(slot < SLOTS, "{method:?} lies in slot {slot}");
        // SAFETY: the type of a method is a function pointer.
        self.words[HEADER + slot] =
            unsafe { std::mem::transmute_copy::<F, *const c_void>(&function) };
    }

    /// The body of a method without arguments.
    pub(crate) fn on<R: 'static, F>(
        &mut self,
        method: &VirtualMethod<T::Cpp, unsafe extern "C" fn(This) -> R>,
        _body: F,
    ) where
        F: Fn(&Body<T>) -> R + Copy,
    {
        if self.of_client {
            self.put(method, call::<T, F, R, true>);
        } else {
            self.put(method, call::<T, F, R, false>);
        }
    }

    /// The body of a method with an argument.
    pub(crate) fn on1<A: 'static, R: 'static, F>(
        &mut self,
        method: &VirtualMethod<T::Cpp, unsafe extern "C" fn(This, A) -> R>,
        _body: F,
    ) where
        F: Fn(&Body<T>, A) -> R + Copy,
    {
        if self.of_client {
            self.put(method, call1::<T, F, A, R, true>);
        } else {
            self.put(method, call1::<T, F, A, R, false>);
        }
    }

    /// The body of a method with two arguments.
    pub(crate) fn on2<A: 'static, B: 'static, R: 'static, F>(
        &mut self,
        method: &VirtualMethod<T::Cpp, unsafe extern "C" fn(This, A, B) -> R>,
        _body: F,
    ) where
        F: Fn(&Body<T>, A, B) -> R + Copy,
    {
        if self.of_client {
            self.put(method, call2::<T, F, A, B, R, true>);
        } else {
            self.put(method, call2::<T, F, A, B, R, false>);
        }
    }

    /// The body of a method with three arguments.
    pub(crate) fn on3<A: 'static, B: 'static, D: 'static, R: 'static, F>(
        &mut self,
        method: &VirtualMethod<T::Cpp, unsafe extern "C" fn(This, A, B, D) -> R>,
        _body: F,
    ) where
        F: Fn(&Body<T>, A, B, D) -> R + Copy,
    {
        if self.of_client {
            self.put(method, call3::<T, F, A, B, D, R, true>);
        } else {
            self.put(method, call3::<T, F, A, B, D, R, false>);
        }
    }
}

/// The value of a closure type that captures nothing: one was given to [`Table::on`], and they are all alike.
fn conjure<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "a method's body captures nothing") };
    // SAFETY: a type without a size has one value, which takes no memory to read.
    unsafe { NonNull::<F>::dangling().read() }
}

/// The body that a client calls a method of.
///
/// # Safety
/// The function that calls this lies in tables of class `T` alone, those of what clients hold or those of bodies, so C++
/// calls it with such an object, which is alive during the call.
unsafe fn receiver<'a, T: Class, const OF_CLIENT: bool>(this: This) -> &'a Body<T> {
    if OF_CLIENT {
        // SAFETY: the caller's promise.
        return unsafe { body::<T>(this.cast()) }.expect("a method is called with an object");
    }
    // SAFETY: the caller's promise.
    unsafe { &*this.cast::<Body<T>>() }
}

unsafe extern "C" fn call<T, F, R, const OF_CLIENT: bool>(this: This) -> R
where
    T: Class,
    F: Fn(&Body<T>) -> R + Copy,
{
    // SAFETY: the function lies in such tables of this class alone.
    conjure::<F>()(unsafe { receiver::<T, OF_CLIENT>(this) })
}

unsafe extern "C" fn call1<T, F, A, R, const OF_CLIENT: bool>(this: This, a: A) -> R
where
    T: Class,
    F: Fn(&Body<T>, A) -> R + Copy,
{
    // SAFETY: the function lies in such tables of this class alone.
    conjure::<F>()(unsafe { receiver::<T, OF_CLIENT>(this) }, a)
}

unsafe extern "C" fn call2<T, F, A, B, R, const OF_CLIENT: bool>(this: This, a: A, b: B) -> R
where
    T: Class,
    F: Fn(&Body<T>, A, B) -> R + Copy,
{
    // SAFETY: the function lies in such tables of this class alone.
    conjure::<F>()(unsafe { receiver::<T, OF_CLIENT>(this) }, a, b)
}

unsafe extern "C" fn call3<T, F, A, B, D, R, const OF_CLIENT: bool>(
    this: This,
    a: A,
    b: B,
    d: D,
) -> R
where
    T: Class,
    F: Fn(&Body<T>, A, B, D) -> R + Copy,
{
    // SAFETY: the function lies in such tables of this class alone.
    conjure::<F>()(unsafe { receiver::<T, OF_CLIENT>(this) }, a, b, d)
}

/// Deletes an object of a public class.
unsafe extern "C" fn delete_public<T: Class>(object: This) {
    let Some(client) = NonNull::new(object.cast::<T::Cpp>()) else { return };
    // SAFETY: the destructor of a public class is called with its object.
    let Some(found) = (unsafe { body::<T>(client.as_ptr()) }) else { return };
    delete(Handle::<T> { client, body: NonNull::from(found) });
}

/// Deletes an object that is called directly.
unsafe extern "C" fn delete_direct<T: Class>(object: This) {
    let Some(client) = NonNull::new(object.cast::<T::Cpp>()) else { return };
    delete(Handle::<T> { client, body: client.cast() });
}

fn delete<T: Class>(handle: Handle<T>) {
    handle.context.note(format!("delete {}", T::WORD));
    drop(handle);
}
