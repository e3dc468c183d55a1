//! Rules on the text of single files.

use super::Finding;

/// Longer files are two files.
const MAX_LINES: usize = 700;

/// Marks of unfinished work.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// How lines begin that a merge left to be decided.
const UNDECIDED: [&str; 2] = [concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

/// Crates where unsafe code may stand; all others must forbid it.
const UNSAFE_CRATES: [&str; 11] = [
    "calibrant",
    "calibration",
    "cuda",
    "dataset",
    "decode-cuda",
    "jpeg",
    "preprocess",
    "runtime-onnxruntime",
    "tensorrt",
    "tensorrt-double",
    "tensorrt-sys",
];

/// Text that is true of one machine or one network only.
///
/// Names of package registries are left to the lock file; a path below `/usr` or `/opt` is a fact about systems, one below
/// a home folder is not.
const LOCAL: [&str; 7] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("files.python", "hosted.org"),
];

/// One finding for each rule that the file at `path` breaks.
pub(super) fn check(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if path == "Cargo.lock" || is_generated(content) {
        return findings;
    }
    for (number, line) in content.lines().enumerate() {
        let place = || format!("{path}:{}", number + 1);
        for word in UNFINISHED.into_iter().filter(|word| has_word(line, word)) {
            findings.push(Finding::new(place(), format!("`{word}`: finish it or leave it out")));
        }
        if UNDECIDED.into_iter().any(|mark| line.starts_with(mark)) {
            findings.push(Finding::new(place(), "a merge is left undecided"));
        }
        for text in LOCAL.into_iter().filter(|text| line.contains(text)) {
            findings.push(Finding::new(
                place(),
                format!("`{text}` means something on one machine only"),
            ));
        }
    }
    if path.ends_with(".rs") {
        findings.extend(check_rust(path, content));
    }
    if path.ends_with("/Cargo.toml") {
        findings.extend(check_member(path, content));
    }
    findings
}

fn check_rust(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !content.starts_with("//!") {
        findings.push(Finding::new(
            path,
            "a module begins with `//!`: what it does and what it does not",
        ));
    }
    let lines = content.lines().count();
    if lines > MAX_LINES {
        findings.push(Finding::new(
            path,
            format!("{lines} lines, more than {MAX_LINES}: make two modules of it"),
        ));
    }
    if content.lines().any(|line| line.trim_start().starts_with("#[ignore")) {
        findings.push(Finding::new(path, "an ignored test tests nothing"));
    }
    let may_be_unsafe =
        UNSAFE_CRATES.iter().any(|name| path.starts_with(&format!("crates/{name}/")));
    if path.ends_with("src/lib.rs")
        && !may_be_unsafe
        && !content.contains("#![forbid(unsafe_code)]")
    {
        findings.push(Finding::new(
            path,
            "a crate that needs no unsafe code says `#![forbid(unsafe_code)]`",
        ));
    }
    findings
}

fn check_member(path: &str, content: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !content.contains("[lints]\nworkspace = true") {
        findings.push(Finding::new(path, "a member says `[lints]` `workspace = true`"));
    }
    if !content.contains("\nbench = false") {
        let rule = "a library or program says `bench = false`: its tests take none of the arguments of `cargo bench`";
        findings.push(Finding::new(path, rule));
    }
    let mut in_dependencies = false;
    for (number, line) in content.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
            let place = format!("{path}:{}", number + 1);
            findings
                .push(Finding::new(place, "a dependency's version stands in the root manifest"));
        }
    }
    findings
}

fn is_generated(content: &str) -> bool {
    content.lines().take(3).any(|line| {
        line.contains("@generated") || (line.starts_with("//") && line.contains("do not edit"))
    })
}

/// Whether `word` stands in `line` with no letter, digit or underscore on either side.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, content: &str) -> usize {
        check(path, content).len()
    }

    #[test]
    fn a_tidy_file_breaks_no_rule() {
        assert_eq!(check("crates/onnx/src/model.rs", "//! A model.\n\nstruct Model;\n"), []);
        assert_eq!(check("docs/a.md", "It lies in `/usr/lib`.\n"), []);
        assert_eq!(check("fixtures/labels.csv", "file,label\n"), []);
    }

    #[test]
    fn each_rule_finds_its_violation() {
        let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(MAX_LINES));
        let unfinished = format!("//! M.\n// {}: later\n", UNFINISHED[0]);
        let undecided = format!("{}HEAD\n", UNDECIDED[0]);
        let local = format!("see {}me/models\n", LOCAL[0]);
        for (path, content) in [
            ("crates/onnx/src/model.rs", "struct Model;\n"),
            ("crates/onnx/src/model.rs", long.as_str()),
            ("crates/onnx/src/model.rs", unfinished.as_str()),
            ("crates/onnx/src/model.rs", "//! M.\n#[ignore]\nfn t() {}\n"),
            ("crates/onnx/src/lib.rs", "//! L.\n"),
            ("docs/a.md", local.as_str()),
            ("docs/a.md", undecided.as_str()),
            ("crates/onnx/Cargo.toml", "[lib]\nbench = false\n"),
            ("crates/onnx/Cargo.toml", "[lints]\nworkspace = true\n"),
            (
                "crates/onnx/Cargo.toml",
                "[dependencies]\nserde = \"1\"\n\n[lints]\nworkspace = true\n\n[lib]\nbench = false\n",
            ),
        ] {
            assert_eq!(rules(path, content), 1, "{path}: {content:.60}");
        }
    }

    #[test]
    fn unsafe_crates_need_not_forbid_it_and_generated_files_are_left_alone() {
        assert_eq!(rules("crates/tensorrt/src/lib.rs", "//! L.\n"), 0);
        assert_eq!(rules("crates/onnx/src/proto.rs", "// @generated by a program\nstruct M;\n"), 0);
    }

    #[test]
    fn a_word_inside_another_is_not_that_word() {
        assert!(has_word("a word, here", "word"));
        assert!(!has_word("a sword", "word"));
        assert!(!has_word("word_list", "word"));
    }
}
