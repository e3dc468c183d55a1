//! Tables of labels.

use calibrant_dataset::fuzzing;

/// Reads a table of labels.
pub fn labels(bytes: &[u8]) {
    fuzzing::labels(bytes);
}

#[cfg(test)]
mod tests {
    use super::labels;
    use crate::damage;

    #[test]
    fn damaged_labels_are_read_or_refused() {
        let seed = b"file,label,accepted\n\"a, \"\"b\"\".png\",3,1 2 3\n# none\nc.png,0,\n";
        damage::run(labels, seed, 3000);
    }
}
