//! Calibration tables.

use calibrant_calibration::Table;

/// Reads bytes as a calibration table; one that reads must write and read to an equal one.
///
/// # Panics
///
/// When it does not.
pub fn table(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    let Ok(table) = Table::from_json(json) else { return };
    let again = Table::from_json(&table.to_json()).expect("a written table reads");
    assert_eq!(again, table);
}

#[cfg(test)]
mod tests {
    use calibrant_calibration::{BackendInfo, Manifest, Method, Statistics, Table};
    use calibrant_dataset::digest;

    use super::table;
    use crate::damage;

    /// A table of two tensors, one of them all zero.
    fn small() -> Table {
        let mut statistics = Statistics { samples: 2, ..Statistics::default() };
        statistics.observe("conv/output: 0", &[0.5, -3.25, 1e-30]).expect("finite");
        statistics.observe("dead", &[0.0, 0.0]).expect("finite");
        let manifest = Manifest {
            model: digest(b"model"),
            sample_list: digest(b"list"),
            samples: Vec::new(),
            preprocessing: "preset = \"imagenet\"".to_owned(),
            method: Method::Entropy,
            batch_size: 8,
            backend: BackendInfo { name: "fake".into(), version: "1".into(), notes: Vec::new() },
            program: "fuzz".to_owned(),
        };
        Table::new(&statistics, manifest).expect("two samples were seen")
    }

    #[test]
    fn damaged_tables_are_read_or_refused() {
        damage::run(table, small().to_json().as_bytes(), 3000);
    }
}
