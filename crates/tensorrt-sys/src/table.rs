//! What the generated tables are made of.

use crate::version::{Generation, Version};

/// What one generation has in a row of a table: a slot, or an enumerator's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The slot or the number.
    pub value: u16,
    /// The first version that has it; below every version of the generation if all of it does.
    pub since: Version,
}

/// A row: one entry a generation, in the order of [`Generation::ALL`], `None` where the generation has nothing.
pub type Row = [Option<Entry>; Generation::COUNT];

/// No version of the generation has it.
pub(crate) const NONE: Option<Entry> = None;

/// Every version of the generation has it.
pub(crate) const fn at(value: u16) -> Option<Entry> {
    since(value, 0)
}

/// The generation has it from a version on, given as `getInferLibVersion` counts.
pub(crate) const fn since(value: u16, version: i32) -> Option<Entry> {
    Some(Entry { value, since: Version::from_raw(version) })
}

/// Why a version has no entry in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Its generation has none, or the version belongs to no generation.
    Never,
    /// A later version of its generation has one.
    Until(Version),
}

/// The entry of a version.
pub(crate) fn look_up(row: &Row, version: Version) -> Result<u16, Absent> {
    let entry = version
        .generation()
        .and_then(|generation| row[generation.column()])
        .ok_or(Absent::Never)?;
    if version < entry.since { Err(Absent::Until(entry.since)) } else { Ok(entry.value) }
}
