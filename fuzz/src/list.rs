//! List files.

use calibrant_dataset::fuzzing;

/// Reads the lines of a list file; their numbers ascend, and each says something.
///
/// # Panics
///
/// When it does not.
pub fn list(bytes: &[u8]) {
    fuzzing::list(bytes);
}

#[cfg(test)]
mod tests {
    use super::list;
    use crate::damage;

    #[test]
    fn damaged_lists_are_read_or_refused() {
        let seed = b"\xef\xbb\xbf# pictures\na/1.png\t3\nb 2.png,4294967296\r\n\n  \nc.png 07\n";
        damage::run(list, seed, 3000);
    }
}
