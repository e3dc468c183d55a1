//! How TensorRT numbers its versions in caches.

/// Why a text is no version of TensorRT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no version of TensorRT; write it as 8.6.1, or as it stands in a cache, such as 8601 or 101601"
)]
pub struct ParseVersionError {
    /// The text as given.
    pub text: String,
}

/// The first number of a TensorRT without calibrators, which reads no cache: 11.0.0.
pub const FIRST_WITHOUT_CACHES: u32 = 110_000;

/// The number that TensorRT `major.minor.patch` writes into its caches (`NV_TENSORRT_VERSION`).
///
/// `None` when it would not be told from another version's.
pub fn tensorrt_version(major: u32, minor: u32, patch: u32) -> Option<u32> {
    match major {
        _ if minor > 99 || patch > 99 => None,
        0..10 if minor > 9 => None,
        0..10 => Some(major * 1000 + minor * 100 + patch),
        _ => major.checked_mul(10_000)?.checked_add(minor * 100 + patch),
    }
}

/// The major, minor and patch that [`tensorrt_version`] makes this number of; `None` when no version has it.
pub fn tensorrt_release(version: u32) -> Option<[u32; 3]> {
    let of = |per_major, minors| [version / per_major, version / 100 % minors, version % 100];
    match version {
        1000..10_000 => Some(of(1000, 10)),
        100_000.. => Some(of(10_000, 100)),
        _ => None,
    }
}

/// The number of the version written `major.minor.patch`, with or without a build behind it, or as it stands in caches.
///
/// # Errors
///
/// When no version of TensorRT is written so.
pub fn parse_tensorrt_version(text: &str) -> Result<u32, ParseVersionError> {
    let wrong = || ParseVersionError { text: text.to_owned() };
    if text.split('.').any(|part| !part.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(wrong());
    }
    let parts: Vec<u32> =
        text.split('.').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let version = match parts[..] {
        [version] => Some(version),
        [major, minor, patch] | [major, minor, patch, _] => tensorrt_version(major, minor, patch),
        _ => None,
    };
    version.filter(|&version| tensorrt_release(version).is_some()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_numbered_as_tensorrt_does() {
        for (version, number) in [
            ((7, 0, 0), Some(7000)),
            ((7, 2, 2), Some(7202)),
            ((8, 4, 1), Some(8401)),
            ((8, 6, 2), Some(8602)),
            ((10, 3, 0), Some(100_300)),
            ((10, 13, 3), Some(101_303)),
            ((10, 16, 1), Some(101_601)),
            ((8, 10, 0), None),
            ((10, 100, 0), None),
            ((u32::MAX, 0, 0), None),
        ] {
            assert_eq!(tensorrt_version(version.0, version.1, version.2), number, "{version:?}");
        }
    }

    #[test]
    fn versions_are_read_as_people_and_caches_write_them() {
        for (text, number) in [
            ("8.6.1", 8601),
            ("8.6.1.6", 8601),
            ("10.16.1.11", 101_601),
            ("8601", 8601),
            ("101601", 101_601),
            ("7.0.0", 7000),
            ("11.1.0", 110_100),
        ] {
            assert_eq!(parse_tensorrt_version(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "8",
            "8.6",
            "8.6.1.2.3",
            "8.6.x",
            "8XXX",
            "+8601",
            "8.10.0",
            "0.8.6",
            "99999",
            "99999999999",
        ] {
            let error = parse_tensorrt_version(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is no version of TensorRT")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(major in 1u32..400_000, minor in 0u32..100, patch in 0u32..100) {
            if let Some(version) = tensorrt_version(major, minor, patch) {
                prop_assert_eq!(tensorrt_release(version), Some([major, minor, patch]));
            }
        }
    }
}
