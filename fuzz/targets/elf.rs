//! The libFuzzer entry of [`fuzz::elf`]; without `cargo fuzz` an empty program.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::elf(bytes));

#[cfg(not(fuzzing))]
fn main() {}
