//! Array files: npy, npz and safetensors.

use calibrant_dataset::fuzzing;

/// Reads bytes as an npy, an npz and a safetensors file; a row that is read has the values its shape says.
///
/// # Panics
///
/// When it has not.
pub fn tensors(bytes: &[u8]) {
    fuzzing::npy(bytes);
    fuzzing::npz(bytes);
    fuzzing::safetensors(bytes);
}

#[cfg(test)]
mod tests {
    use super::tensors;
    use crate::damage;

    #[test]
    fn damaged_arrays_are_read_or_refused() {
        for seed in damage::files_in("fuzz/seeds") {
            damage::run(tensors, &seed, 2000);
        }
        let seed = damage::file("fixtures/dataset/safetensors/inputs.safetensors");
        damage::run(tensors, &seed, 2000);
    }
}
