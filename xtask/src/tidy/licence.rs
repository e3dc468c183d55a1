//! Every dependency, of every platform, carries a licence that a program under MIT or Apache-2.0 may be built with.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use super::{Finding, output};

/// Licences that ask for no more than their text and the authors' names.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// One finding for each package of the lock file whose licence is not allowed.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let metadata = output(Command::new(cargo).args(arguments).current_dir(root))?;
    let metadata: Value =
        serde_json::from_str(&metadata).context("cannot read cargo's metadata")?;
    let packages = metadata["packages"].as_array().context("cargo's metadata lists no packages")?;
    Ok(packages.iter().filter_map(refused).collect())
}

fn refused(package: &Value) -> Option<Finding> {
    let licence = package["license"].as_str().unwrap_or("none named");
    if allows(licence) {
        return None;
    }
    let name = package["name"].as_str().unwrap_or("a package without a name");
    let version = package["version"].as_str().unwrap_or("");
    let rule = format!("its licence `{licence}` is not on the list in xtask/src/tidy/licence.rs");
    Some(Finding::new(format!("{name} {version}"), rule))
}

/// Whether an SPDX expression can be met with allowed licences alone; `/` is cargo's old way to write `OR`.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    alternatives(&mut rest) && rest.is_empty()
}

fn alternatives(rest: &mut &[&str]) -> bool {
    let mut allowed = conjunction(rest);
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        allowed |= conjunction(rest);
    }
    allowed
}

fn conjunction(rest: &mut &[&str]) -> bool {
    let mut allowed = single(rest);
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        allowed &= single(rest);
    }
    allowed
}

fn single(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let allowed = alternatives(rest);
            match *rest {
                [")", tail @ ..] => {
                    *rest = tail;
                    allowed
                }
                _ => false,
            }
        }
        [licence, "WITH", exception, tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, tail @ ..] => {
            *rest = tail;
            ALLOWED.contains(licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn an_expression_is_allowed_when_some_way_to_meet_it_is() {
        for allowed in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only/MIT",
            "(MIT OR Apache-2.0) AND NCSA",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(allows(allowed), "{allowed}");
        }
    }

    #[test]
    fn an_expression_is_refused_when_no_way_to_meet_it_is() {
        for refused in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "(MIT",
            "MIT)",
            "",
            "none named",
        ] {
            assert!(!allows(refused), "{refused}");
        }
    }
}
