//! Names of several shards in one.

use calibrant_dataset::fuzzing;

/// Expands a pattern; no name has a pair of braces left.
///
/// # Panics
///
/// When it does not.
pub fn braces(bytes: &[u8]) {
    fuzzing::braces(bytes);
}

#[cfg(test)]
mod tests {
    use super::braces;
    use crate::damage;

    #[test]
    fn damaged_patterns_are_expanded_or_refused() {
        for seed in ["a{000..009}-{x,y}.tar", "{9..1}", "{18446744073709551615..0}{,}"] {
            damage::run(braces, seed.as_bytes(), 1000);
        }
    }
}
