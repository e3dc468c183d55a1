//! Tab-separated tables, and the words of theirs that every generator needs.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

/// How many generations the output distinguishes; the order is that of `tensorrt_sys::Generation`.
pub(super) const GENERATIONS: usize = 5;

/// A table with a header line.
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    columns: &'t [String],
    cells: &'t [String],
}

impl Table {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines =
            text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        let columns = lines.next().with_context(|| format!("{} is empty", path.display()))?;
        let rows: Vec<_> = lines.collect();
        if let Some(row) = rows.iter().find(|row| row.len() != columns.len()) {
            bail!(
                "{}: a row has {} cells, not {}: {row:?}",
                path.display(),
                row.len(),
                columns.len()
            );
        }
        Ok(Self { columns, rows })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.columns, cells })
    }
}

impl<'t> Row<'t> {
    /// The cell of a column.
    pub(super) fn cell(&self, column: &str) -> anyhow::Result<&'t str> {
        let at = self.columns.iter().position(|name| name == column);
        at.map(|at| self.cells[at].as_str()).with_context(|| format!("no column {column:?}"))
    }

    /// The class or enumeration without its namespaces.
    pub(super) fn bare(&self, column: &str) -> anyhow::Result<&'t str> {
        let cell = self.cell(column)?;
        Ok(cell.rsplit("::").next().unwrap_or(cell))
    }

    /// The generation's column in the output; TensorRT 9 only appends to TensorRT 8, so both share one.
    pub(super) fn generation(&self) -> anyhow::Result<usize> {
        Ok(match self.cell("generation")? {
            "trt-8" | "trt-9" => 0,
            "trt-10" => 1,
            "trt-11" => 2,
            "rtx-1.3" | "rtx-1.3..1.4" => 3,
            "rtx-1.5" | "rtx-1.5..1.7" => 4,
            other => bail!("unknown generation {other:?}"),
        })
    }
}

/// What a row of the output says about one generation: a slot or a value, and since which version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    value: i32,
    /// The first version that has it, as `getInferLibVersion` counts; 0 if all of the generation has it.
    since: i32,
}

/// One [`Entry`] a generation.
pub(super) type Entries = [Option<Entry>; GENERATIONS];

/// Enters what a row says; a second row for the same generation must agree and keeps the earlier version.
pub(super) fn enter(
    entries: &mut Entries,
    generation: usize,
    value: &str,
    since: &str,
) -> anyhow::Result<()> {
    let entry = Entry {
        value: value.parse().with_context(|| format!("bad value {value:?}"))?,
        since: first(since)?,
    };
    match &mut entries[generation] {
        Some(known) if known.value != entry.value => {
            bail!("{} and {} in one generation", known.value, entry.value)
        }
        Some(known) => known.since = known.since.min(entry.since),
        empty => *empty = Some(entry),
    }
    Ok(())
}

/// The entries as the text of a Rust array.
pub(super) fn entries_text(entries: &Entries) -> String {
    let text = entries.map(|entry| match entry {
        None => "NONE".to_owned(),
        Some(Entry { value, since: 0 }) => format!("at({value})"),
        Some(Entry { value, since }) => format!("since({value}, {since})"),
    });
    format!("[{}]", text.join(", "))
}

/// The version as an integer, or 0 for the first header set of a generation: what that has, the generation began with.
fn first(version: &str) -> anyhow::Result<i32> {
    if ["8.5.3", "10.0.0", "11.0", "1.3", "1.5"].contains(&version) {
        Ok(0)
    } else {
        version_number(version)
    }
}

/// `8.6.1` as 8601, `10.8.0` as 100800, `1.7` as 10700: as `getInferLibVersion` counts.
pub(super) fn version_number(version: &str) -> anyhow::Result<i32> {
    let parts: Vec<i32> = version
        .split('.')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("bad version {version:?}"))?;
    let part = |at: usize| parts.get(at).copied().unwrap_or(0);
    let unit = if matches!(part(0), 8 | 9) { 1_000 } else { 10_000 };
    Ok(part(0) * unit + part(1) * 100 + part(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_as_the_library_does() {
        for (text, number) in [
            ("8.6.1", 8_601),
            ("9.3.0", 9_300),
            ("10.8.0", 100_800),
            ("11.4", 110_400),
            ("1.7", 10_700),
        ] {
            assert_eq!(version_number(text).unwrap(), number);
        }
        assert!(version_number("ten").is_err());
    }

    #[test]
    fn what_a_generation_began_with_needs_no_version() {
        let mut entries = [None; GENERATIONS];
        enter(&mut entries, 1, "7", "10.0.0").unwrap();
        enter(&mut entries, 2, "5", "11.1").unwrap();
        assert_eq!(entries_text(&entries), "[NONE, at(7), since(5, 110100), NONE, NONE]");
        assert!(enter(&mut entries, 1, "8", "10.0.0").is_err());
    }
}
