//! Text of the sources: what is in quotes outside of comments, documentation and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// Flags of other programs that are spelled as ours, and are handed to them.
pub(super) const FOREIGN: [&str; 2] = ["--sort", "--std"];

/// Every text of the command line's sources that names a flag, with the file it is in.
pub(super) fn texts() -> Vec<(String, String)> {
    // The definition of the flags themselves.
    let defines = ["args", "cache/args"].map(|it| format!("calibrant/src/{it}"));
    let mut texts = of_crates(|it| it == "calibrant");
    // A flag alone is handed to a program.
    texts.retain(|(place, text)| {
        let is_definition = defines.iter().any(|it| place.starts_with(it));
        !is_definition && text.contains(' ') && !flags(text).is_empty()
    });
    texts
}

/// Every text of the libraries' sources, with the file it is in.
pub(super) fn of_libraries() -> Vec<(String, String)> {
    of_crates(|it| !["calibrant", "tensorrt-double"].contains(&it))
}

/// Every text in the sources of these crates, with the file it is in.
fn of_crates(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in fs::read_dir(&crates).unwrap().map(|it| it.unwrap()) {
        if is_wanted(folder.file_name().to_str().unwrap()) {
            collect(&folder.path().join("src"), &mut files);
        }
    }
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let place = file.strip_prefix(&crates).unwrap().display().to_string();
        let source = fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        texts.extend(literals(source).into_iter().map(|text| (place.clone(), text)));
    }
    texts
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The flags that a text names.
pub(super) fn flags(text: &str) -> Vec<&str> {
    let mut flags = Vec::new();
    for (at, _) in text.match_indices("--") {
        let is_begun =
            text[..at].chars().next_back().is_none_or(|it| !it.is_alphanumeric() && it != '-');
        let rest = &text[at + 2..];
        let length =
            rest.find(|it: char| !it.is_ascii_lowercase() && it != '-').unwrap_or(rest.len());
        let name = rest[..length].trim_end_matches('-');
        if is_begun && name.len() > 1 {
            flags.push(&text[at..at + 2 + name.len()]);
        }
    }
    flags
}

/// The string literals of a source, with lines joined as the compiler joins them.
fn literals(source: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let (found, behind) = (&rest[at..], &rest[at + 1..]);
        rest = if found.starts_with("//") {
            &found[found.find('\n').unwrap_or(found.len())..]
        } else if found.starts_with('"') {
            let (text, behind) = literal(behind);
            literals.push(text);
            behind
        } else if let Some(behind) = found.strip_prefix("'\"'") {
            behind
        } else if let Some(behind) = found.strip_prefix("'\\\"'") {
            behind
        } else {
            behind
        };
    }
    literals
}

/// The text up to the closing quote, and what follows it.
fn literal(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = source.char_indices().peekable();
    while let Some((at, it)) = chars.next() {
        match it {
            '"' => return (text, &source[at + 1..]),
            '\\' => match chars.next() {
                Some((_, '\n')) => while chars.next_if(|(_, it)| it.is_whitespace()).is_some() {},
                Some((_, 'n')) => text.push('\n'),
                Some((_, it)) => text.push(it),
                None => {}
            },
            it => text.push(it),
        }
    }
    (text, "")
}
