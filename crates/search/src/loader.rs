//! Where the system's loader looks for a bare name.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::program::is_bare;

/// Returns the file that the loader would take for a bare name because `LD_LIBRARY_PATH` has an empty
/// or a relative entry, which leads to wherever the process happens to be; `None` for anything else.
///
/// A trailing colon is such an entry.
#[must_use]
pub fn led_astray(name: &Path) -> Option<PathBuf> {
    find(name, &env::var_os("LD_LIBRARY_PATH")?)
}

fn find(name: &Path, path: &OsStr) -> Option<PathBuf> {
    if !is_bare(name) || path.is_empty() {
        return None;
    }
    // glibc takes a semicolon for a colon.
    let entries = path.as_encoded_bytes().split(|byte| matches!(byte, b':' | b';'));
    let is_relative = |entry: &&[u8]| !entry.starts_with(b"/");
    let folders = entries.filter(is_relative).filter_map(|entry| str::from_utf8(entry).ok());
    folders.map(|folder| Path::new(folder).join(name)).find(|file| file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_relative_entries_lead_here() {
        // The tests run in the package's folder.
        let (name, here) = (Path::new("Cargo.toml"), Some(PathBuf::from("Cargo.toml")));
        for path in [":/opt", "/opt:", "/opt::/usr", "/opt;", "."] {
            assert_eq!(
                find(name, OsStr::new(path)).map(|it| it.file_name().map(PathBuf::from)),
                Some(here.clone()),
                "{path}"
            );
        }
        for path in ["", "/opt", "/opt:/usr", "src"] {
            assert_eq!(find(name, OsStr::new(path)), None, "{path}");
        }
        assert_eq!(find(Path::new("./Cargo.toml"), OsStr::new(":")), None);
        assert_eq!(find(Path::new("no-such.so"), OsStr::new(":")), None);
    }
}
