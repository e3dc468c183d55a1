//! COCO's annotations.

use calibrant_dataset::fuzzing;

/// Reads COCO annotations; every class of a picture has a name.
///
/// # Panics
///
/// When one has none.
pub fn coco(bytes: &[u8]) {
    fuzzing::coco(bytes);
}

#[cfg(test)]
mod tests {
    use super::coco;
    use crate::damage;

    #[test]
    fn damaged_annotations_are_read_or_refused() {
        damage::run(
            coco,
            &damage::file("fixtures/dataset/coco/annotations/instances_val.json"),
            2000,
        );
    }
}
