//! Tar shards.

use calibrant_dataset::fuzzing;

/// Finds the samples of a tar shard; each lies within the archive and has a name of its own.
///
/// # Panics
///
/// When one does not, or has not.
pub fn tar(bytes: &[u8]) {
    fuzzing::tar(bytes);
}

#[cfg(test)]
mod tests {
    use super::tar;
    use crate::damage;

    #[test]
    fn damaged_shards_are_read_or_refused() {
        for seed in damage::files_in("fixtures/dataset/shards/good") {
            damage::run(tar, &seed, 500);
        }
    }
}
