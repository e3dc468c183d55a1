//! Paths as text.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serializer;

/// Returns the path as text: as it is where it is Unicode, and else with each byte that is none
/// written `\xFF`.
#[must_use]
pub fn text_of(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // A string takes all that is written to it.
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    Cow::Owned(text)
}

/// Serializes a path as [`text_of`] writes it; serde's own way fails where it is not Unicode.
///
/// # Errors
///
/// The serializer's.
pub fn serialize_path<S: Serializer>(
    path: impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(path.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_is() {
        for text in ["", "a/b", "ünï/写真", "back\\slash", "new\nline"] {
            assert_eq!(text_of(Path::new(text)), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn other_bytes_are_written_as_numbers() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let path = |bytes: &'static [u8]| Path::new(OsStr::from_bytes(bytes));
        assert_eq!(text_of(path(b"out\xFF/\xC3\xA9\x80")), "out\\xFF/é\\x80");
    }
}
