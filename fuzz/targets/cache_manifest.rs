//! The libFuzzer entry of [`fuzz::cache_manifest`]; without `cargo fuzz` an empty program.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::cache_manifest(bytes));

#[cfg(not(fuzzing))]
fn main() {}
