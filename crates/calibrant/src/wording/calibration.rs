//! Flags of the calibration.

use calibrant_calibration::TableError;
use calibrant_runtime::Shortage;

/// The flags that give a run more room.
pub(super) fn of_shortage(error: &Shortage) -> Option<String> {
    let flags = match error {
        Shortage::Memory { workers: 1, .. } | Shortage::Room { .. } => " (--memory)",
        Shortage::Memory { .. } => " (--memory, --workers)",
        Shortage::Thread(_) => " (--workers)",
        _ => return None,
    };
    Some(flags.to_owned())
}

/// The flags that calibrate for a method.
pub(super) fn of_table(error: &TableError) -> Option<String> {
    match error {
        TableError::NotKept { method, .. } => Some(format!(" with --method {method}")),
        _ => None,
    }
}
