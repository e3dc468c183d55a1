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
    use calibrant_calibration::{Method, Table};
    use calibrant_format::INT8;

    use super::table;
    use crate::damage;
    use crate::statistics::small;

    #[test]
    fn damaged_tables_are_read_or_refused() {
        let good = Table::new(&small(), Method::Entropy, &INT8).expect("two samples were seen");
        damage::run(table, good.to_json().as_bytes(), 3000);
    }
}
