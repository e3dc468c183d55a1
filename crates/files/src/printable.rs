//! Text from elsewhere on its way to a terminal.
//!
//! Names of tensors, nodes, files and classes, and what libraries say, may hold anything: sequences
//! that repaint the screen or fill the clipboard, marks that reverse the reading order, line breaks
//! that fake a line of ours. Whatever is printed goes through here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use crate::text::text_of;

/// A name within a line of its own: nothing in it ends the line or steers a terminal.
pub fn name(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable, push_escaped)
}

/// A path within a line, as [`name`].
pub fn path(path: &Path) -> String {
    name(&text_of(path)).into_owned()
}

/// A text of several lines, of which nothing steers a terminal.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |char| char != '\n' && is_unprintable(char), push_escaped)
}

/// JSON with the characters escaped that it may hold as they are and a terminal may obey.
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |char| char != '\n' && is_unprintable(char),
        |text, char| {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // A string takes all that is written to it.
                let _ = write!(text, "\\u{unit:04x}");
            }
        },
    )
}

/// One message of ours, whatever was put into it: its further lines are indented, so that none can
/// pass for another message.
pub fn message(text: &str) -> String {
    lines(text.trim_end()).replace('\n', "\n    ")
}

fn escaped(
    text: &str,
    is_refused: impl Fn(char) -> bool,
    push: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    if !text.contains(&is_refused) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_refused(char) { push(&mut shown, char) } else { shown.push(char) }
    }
    Cow::Owned(shown)
}

fn push_escaped(text: &mut String, char: char) {
    text.extend(char.escape_default());
}

/// Whether a terminal obeys the character instead of showing it: C0, DEL and C1, the ends of lines
/// and paragraphs, and the marks that change the direction of what follows.
fn is_unprintable(char: char) -> bool {
    let is_directional = matches!(
        char,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    char.is_control() || is_directional || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_line() {
        let cases = [
            ("conv1/weights", "conv1/weights"),
            ("写真 ünï", "写真 ünï"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\nerror: b\r\t", "a\\nerror: b\\r\\t"),
            ("\u{7f}\u{9b}31m", "\\u{7f}\\u{9b}31m"),
            ("\u{202e}gnp\u{2066}\u{2028}", "\\u{202e}gnp\\u{2066}\\u{2028}"),
        ];
        for (text, shown) in cases {
            assert_eq!(name(text), shown);
        }
    }

    #[test]
    fn a_message_is_one_whatever_is_in_it() {
        assert_eq!(
            message("node `a\nerror: b\u{1b}` failed\n"),
            "node `a\n    error: b\\u{1b}` failed"
        );
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "a\u{9b}\u{202e}\u{7f}";
        let value = serde_json::to_string(text).unwrap();
        let shown = json(&value).into_owned();
        assert_eq!(shown, "\"a\\u009b\\u202e\\u007f\"");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        assert_eq!(json("{\n}\n"), "{\n}\n");
    }

    #[cfg(unix)]
    #[test]
    fn paths_are_told_to_the_byte() {
        let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"out\xFF\n");
        assert_eq!(path(Path::new(bytes)), "out\\xFF\\n");
    }
}
