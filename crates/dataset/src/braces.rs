//! Names of several files in one, as shells and WebDataset write them: `shard-{000..009}.tar`.

use std::ops::RangeInclusive;

use crate::BraceError;

/// As many names as one pattern may stand for.
const NAMES_LIMIT: usize = 1 << 16;

/// Whether a path could be a pattern.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.split_once('{').is_some_and(|(_, rest)| rest.contains('}'))
}

/// The names that a pattern stands for, in the order in which bash writes them: `{000..009}` counts,
/// up or down, with as many digits as its longer end if that begins with a zero; `{a,b}` lists. A
/// pattern may have several; one within another is refused.
///
/// # Errors
///
/// When a pair of braces is neither, and beyond [`NAMES_LIMIT`] names.
pub(crate) fn expand(pattern: &str) -> Result<Vec<String>, BraceError> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((literal, after)) = rest.split_once('{') {
        let (inside, behind) = after.split_once('}').ok_or(BraceError::Open)?;
        let choices = choices(inside)?;
        let n_names = names.len().saturating_mul(choices.len());
        if n_names > NAMES_LIMIT {
            return Err(BraceError::TooMany { limit: NAMES_LIMIT });
        }
        let longer = |name: String| {
            choices.iter().map(move |choice| format!("{name}{literal}{choice}")).collect::<Vec<_>>()
        };
        names = names.into_iter().flat_map(longer).collect();
        rest = behind;
    }
    names.iter_mut().for_each(|name| name.push_str(rest));
    Ok(names)
}

fn choices(inside: &str) -> Result<Vec<String>, BraceError> {
    let neither = || BraceError::Neither { inside: inside.to_owned() };
    if inside.contains('{') {
        return Err(neither());
    }
    if inside.contains(',') {
        return Ok(inside.split(',').map(str::to_owned).collect());
    }
    let (first, last) = inside.split_once("..").ok_or_else(neither)?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<u64>().ok() } else { None }
    };
    let (from, to) = number(first).zip(number(last)).ok_or_else(neither)?;
    if from.abs_diff(to) >= NAMES_LIMIT as u64 {
        return Err(BraceError::TooMany { limit: NAMES_LIMIT });
    }
    let padded = [first, last].iter().any(|it| it.len() > 1 && it.starts_with('0'));
    let width = if padded { first.len().max(last.len()) } else { 0 };
    let written = |range: RangeInclusive<u64>| range.map(move |it| format!("{it:0width$}"));
    Ok(if from <= to { written(from..=to).collect() } else { written(to..=from).rev().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What bash prints for the same words.
    #[test]
    fn as_in_bash() {
        let cases: [(&str, &[&str]); 8] = [
            ("s-{000..002}.tar", &["s-000.tar", "s-001.tar", "s-002.tar"]),
            ("s-{8..10}", &["s-8", "s-9", "s-10"]),
            ("s-{08..10}", &["s-08", "s-09", "s-10"]),
            ("{8..010}", &["008", "009", "010"]),
            ("{2..0}", &["2", "1", "0"]),
            ("{a,b}/{1..2}.tar", &["a/1.tar", "a/2.tar", "b/1.tar", "b/2.tar"]),
            ("x{,.old}", &["x", "x.old"]),
            ("{0..0}", &["0"]),
        ];
        for (pattern, names) in cases {
            assert!(is_pattern(pattern));
            assert_eq!(expand(pattern).expect(pattern), names);
        }
        assert!(!is_pattern("plain.tar") && !is_pattern("}{"));
    }

    #[test]
    fn what_is_no_pattern_says_so() {
        let cases = [
            ("a{b}", "`{b}` is neither a range such as {000..009} nor a list such as {a,b}"),
            ("{a..c}", "`{a..c}` is neither"),
            ("{1..}", "`{1..}` is neither"),
            ("{a,{b,c}}", "`{a,{b,c}` is neither"),
            ("{+1..2}", "`{+1..2}` is neither"),
            ("{1..2}{3", "a brace is opened and not closed"),
            ("{0..65536}", "more than 65536 files"),
            ("{0..18446744073709551615}", "more than 65536 files"),
            ("{0..999}{0..999}", "more than 65536 files"),
        ];
        for (pattern, words) in cases {
            let text = expand(pattern).expect_err(pattern).to_string();
            assert!(text.contains(words), "{pattern}: {text}");
        }
    }
}
