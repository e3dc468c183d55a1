//! The headers of shared libraries.

use tensorrt_sys::fuzzing;

/// Looks for what a truncated library lacks.
///
/// # Panics
///
/// When it does not.
pub fn elf(bytes: &[u8]) {
    fuzzing::elf(bytes);
}

#[cfg(test)]
mod tests {
    use super::elf;
    use crate::damage;

    #[test]
    fn damaged_libraries_are_looked_at() {
        // A header of two segments, the second of which ends beyond the file.
        let mut seed = vec![0; 64 + 2 * 56];
        seed[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (seed[32], seed[54], seed[56]) = (64, 56, 2);
        (seed[64], seed[64 + 32], seed[120], seed[120 + 32]) = (1, 9, 1, 255);
        damage::run(elf, &seed, 3000);
    }
}
