//! Names of samples: relative paths as text, without loss.

use std::fmt::Write as _;
use std::path::{Component, Path};

/// The path with `/` between its parts.
///
/// A byte that is not UTF-8 is written `\xFF`, and a backslash in a file's own name as two, so that
/// different paths have different names.
pub(crate) fn of_path(path: &Path) -> String {
    let mut name = String::new();
    for component in path.components() {
        match component {
            // "./a" and "a" are one path.
            Component::CurDir => continue,
            Component::RootDir => {}
            _ if name.is_empty() || name.ends_with('/') => {}
            _ => name.push('/'),
        }
        match component {
            Component::RootDir => name.push('/'),
            Component::Normal(part) => push_escaped(&mut name, part.as_encoded_bytes()),
            other => push_escaped(&mut name, other.as_os_str().as_encoded_bytes()),
        }
    }
    name
}

/// The path of a member of an archive, which is a relative one whatever the archive says.
pub(crate) fn of_bytes(path: &[u8]) -> String {
    let mut name = String::new();
    for part in path.split(|&byte| byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
        if !name.is_empty() {
            name.push('/');
        }
        push_escaped(&mut name, part);
    }
    name
}

fn push_escaped(name: &mut String, part: &[u8]) {
    for chunk in part.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\\' => name.push_str("\\\\"),
                _ => name.push(char),
            }
        }
        for byte in chunk.invalid() {
            write!(name, "\\x{byte:02X}").expect("a string takes all that is written to it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_by_slashes() {
        let cases = [
            ("a.jpg", "a.jpg"),
            ("sub/./b c.jpg", "sub/b c.jpg"),
            ("./写真.jpg", "写真.jpg"),
            ("../up.jpg", "../up.jpg"),
            ("", ""),
        ];
        for (path, name) in cases {
            assert_eq!(of_path(Path::new(path)), name);
        }
    }

    #[test]
    fn members_are_named_from_the_archive_s_root() {
        let cases: [(&[u8], &str); 5] = [
            (b"./a/b.jpg", "a/b.jpg"),
            (b"/a//b.jpg/", "a/b.jpg"),
            (b"../up.jpg", "../up.jpg"),
            (b"a\\\xFF.jpg", "a\\\\\\xFF.jpg"),
            (b"", ""),
        ];
        for (path, name) in cases {
            assert_eq!(of_bytes(path), name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn unusual_bytes_are_kept_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;

        let cases: [(&[u8], &str); 4] = [
            (b"a\xFFb.jpg", "a\\xFFb.jpg"),
            (b"a\\xFFb.jpg", "a\\\\xFFb.jpg"),
            (b"/abs/\xC3\xA9", "/abs/\u{e9}"),
            (b"\xC3/\xA9", "\\xC3/\\xA9"),
        ];
        for (path, name) in cases {
            assert_eq!(of_path(Path::new(OsStr::from_bytes(path))), name);
        }
    }
}
