//! Writes `crates/tensorrt-sys/src/generated` from the tables in `fixtures/tensorrt`.
//!
//! The tables were computed from the vendor's public headers; what their columns mean stands in
//! `fixtures/tensorrt/README.md`. The output is checked in, so that a build needs neither this nor a header, and a test
//! holds it to be current.

mod classes;
mod enums;
mod signature;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use self::table::Table;

/// Where the tables lie, from the repository's root.
const TABLES: &str = "fixtures/tensorrt";

/// Where the output lies, from the repository's root.
const GENERATED: &str = "crates/tensorrt-sys/src/generated";

/// Writes every generated file under the repository's root, and returns their paths.
pub(crate) fn write(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let files = generate(root)?;
    for (path, text) in &files {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The generated files, as path and text.
fn generate(root: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let table = |name: &str| Table::read(&root.join(TABLES).join(name));
    let classes = classes::classes(
        &table("slots.tsv")?,
        &table("destructors.tsv")?,
        &table("sizes.tsv")?,
        &table("interfaces.tsv")?,
    )?;
    let enums = enums::enums(&table("enums.tsv")?)?;
    let entry_points = classes::entry_points(&table("entry-points.tsv")?)?;
    let file = |name: &str, text| (root.join(GENERATED).join(name), text);
    Ok(vec![
        file("classes.rs", classes),
        file("enums.rs", enums),
        file("entry_points.rs", entry_points),
    ])
}

/// `createNetworkV2` as `CREATE_NETWORK_V2`, `getNbIOTensors` as `GET_NB_IO_TENSORS`.
fn constant_name(camel: &str) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let mut name = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && !letters[at - 1].is_ascii_uppercase() && letters[at - 1] != '_';
        let before_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase()
            && at > 0
            && letters[at - 1] != '_'
            && (after_lower || before_lower)
        {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_current() {
        for (path, text) in generate(crate::root()).unwrap() {
            let stored = fs::read_to_string(&path).unwrap();
            assert!(
                stored == text,
                "{} is not current: run cargo xtask codegen tensorrt",
                path.display()
            );
        }
    }

    #[test]
    fn method_names_become_constant_names() {
        let cases = [
            ("createNetworkV2", "CREATE_NETWORK_V2"),
            ("getNbIOTensors", "GET_NB_IO_TENSORS"),
            ("getAPILanguage", "GET_API_LANGUAGE"),
            ("createInferBuilder_INTERNAL", "CREATE_INFER_BUILDER_INTERNAL"),
            ("platformHasFastInt8", "PLATFORM_HAS_FAST_INT8"),
            ("data", "DATA"),
        ];
        for (camel, constant) in cases {
            assert_eq!(constant_name(camel), constant);
        }
    }
}
