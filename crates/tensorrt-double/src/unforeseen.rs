//! What a call of a slot without a method does: it says which, and ends the process.
//!
//! Unwinding out of a function that C++ called would be undefined, and going on would test nothing.

use crate::object::Class;

/// How many slots a table has; the largest class of any version has 91.
pub(crate) const SLOTS: usize = 128;

/// A function of a slot that nothing was put into.
pub(crate) type Function = unsafe extern "C" fn();

/// The slots of a class before any method is put there.
pub(crate) const fn unforeseen<T: Class>() -> [Function; SLOTS] {
    every_slot!(unforeseen_slot, T)
}

/// The slots of a deleted object.
pub(crate) const fn dead<T: Class>() -> [Function; SLOTS] {
    every_slot!(dead_slot, T)
}

/// The functions of all slots: each is a function of its own, because it is called without saying which it is.
macro_rules! every_slot {
    ($function:ident, $class:ident) => {
        every_slot!(@ $function, $class,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
            16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47
            48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
            64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79
            80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95
            96 97 98 99 100 101 102 103 104 105 106 107 108 109 110 111
            112 113 114 115 116 117 118 119 120 121 122 123 124 125 126 127
        )
    };
    (@ $function:ident, $class:ident, $($slot:literal)*) => { [$($function::<$class, $slot>),*] };
}
use every_slot;

unsafe extern "C" fn unforeseen_slot<T: Class, const SLOT: usize>() {
    end(&format!("{} is called at slot {SLOT}, where the double has no method", T::NAME));
}

unsafe extern "C" fn dead_slot<T: Class, const SLOT: usize>() {
    end(&format!("{} is called at slot {SLOT} after it was deleted", T::NAME));
}

#[expect(
    clippy::print_stderr,
    reason = "the last words of a process whose log may be the caller's bug"
)]
fn end(why: &str) -> ! {
    eprintln!("tensorrt-double: {why}");
    std::process::abort()
}
