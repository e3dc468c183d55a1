//! Enumerations with their values in every generation.

use std::fmt::Write as _;

use anyhow::bail;

use super::table::{Entries, GENERATIONS, Table, enter, entries_text};

/// An enumeration and its enumerators in order of appearance.
struct Enumeration<'t> {
    cpp: &'t str,
    values: Vec<(&'t str, Entries)>,
}

/// The text of `enums.rs`.
pub(super) fn enums(table: &Table) -> anyhow::Result<String> {
    let mut enumerations: Vec<Enumeration<'_>> = Vec::new();
    for row in table.rows() {
        let cpp = row.cell("enum")?;
        let same = |known: &&mut Enumeration<'_>| unversioned(known.cpp) == unversioned(cpp);
        let position = match enumerations.iter_mut().find(same) {
            Some(known) => known,
            None => {
                enumerations.push(Enumeration { cpp, values: Vec::new() });
                enumerations.last_mut().expect("one was just pushed")
            }
        };
        let name = row.cell("name")?;
        let at = match position.values.iter().position(|(known, _)| *known == name) {
            Some(at) => at,
            None => {
                position.values.push((name, [None; GENERATIONS]));
                position.values.len() - 1
            }
        };
        enter(
            &mut position.values[at].1,
            row.generation()?,
            row.cell("value")?,
            row.cell("first_version")?,
        )?;
        if row.cell("size")? != "4" {
            bail!("{cpp} is no 32-bit enumeration");
        }
    }
    let mut text = String::from(
        "//! Enumerations and the number of each enumerator in every generation.\n\
         //!\n\
         //! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/enums.tsv`; not to be edited.\n\n\
         use crate::enumeration::Enumeration;\n\
         use crate::table::{NONE, Row, at, since};\n",
    );
    for enumeration in &enumerations {
        write_enumeration(&mut text, enumeration);
    }
    Ok(text)
}

fn write_enumeration(text: &mut String, enumeration: &Enumeration<'_>) {
    let name = rust_name(enumeration.cpp);
    let mut variants = String::new();
    let mut rows = String::new();
    for (enumerator, entries) in &enumeration.values {
        let variant = variant_name(enumerator);
        let _ = writeln!(variants, "    /// `{enumerator}`.\n    {variant},");
        let _ = writeln!(
            rows,
            "        (Self::{variant}, \"{enumerator}\", {}),",
            entries_text(entries)
        );
    }
    let _ = write!(
        text,
        "\n/// `{}`.\n\
         #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
         #[non_exhaustive]\n\
         pub enum {name} {{\n{variants}}}\n\n\
         impl Enumeration for {name} {{\n    \
             const NAME: &'static str = \"{name}\";\n    \
             const ROWS: &'static [(Self, &'static str, Row)] = &[\n{rows}    ];\n}}\n",
        unversioned(enumeration.cpp),
    );
}

/// The C++ name without the inline namespace that later headers put it in.
fn unversioned(cpp: &str) -> String {
    cpp.replace("v_1_0::", "")
}

/// The enumeration's Rust name: the bare one, but for the two libraries' `ErrorCode`s.
fn rust_name(cpp: &str) -> &str {
    match cpp {
        "nvonnxparser::ErrorCode" => "ParserErrorCode",
        _ => cpp.rsplit("::").next().unwrap_or(cpp),
    }
}

/// `kLAYER_NAMES_ONLY` as `LayerNamesOnly`.
fn variant_name(enumerator: &str) -> String {
    let words = enumerator.strip_prefix('k').unwrap_or(enumerator).split('_');
    words
        .map(|word| {
            let (head, tail) = word.split_at(word.len().min(1));
            head.to_ascii_uppercase() + &tail.to_ascii_lowercase()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enumerators_become_variants() {
        for (enumerator, variant) in [
            ("kFP16", "Fp16"),
            ("kLAYER_NAMES_ONLY", "LayerNamesOnly"),
            ("kSM120", "Sm120"),
            ("kNONE", "None"),
        ] {
            assert_eq!(variant_name(enumerator), variant);
        }
    }
}
