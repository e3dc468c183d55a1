//! What makes a file a candidate: the extensions and first bytes of pictures.

use crate::Compression;

/// Extensions of the pictures looked for, in lower case; a file's own may be in any.
///
/// Everything else, GIF and TIFF among it, is foreign, unless its first bytes are those of a JPEG,
/// PNG, WebP or BMP. Whether the extension tells the truth is seen when the picture is decoded, by
/// its bytes.
pub const EXTENSIONS: [&str; 7] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp"];

/// As many bytes as [`is_picture`] looks at.
pub(crate) const PICTURE_HEAD_BYTES: usize = 18;

/// As many bytes as tell every kind of file that a set may be: a tar says so at its byte 257.
pub(crate) const HEAD_BYTES: usize = 512;

/// The format of a compressed file that begins with these bytes, and what unpacks it.
pub(crate) fn compression(head: &[u8]) -> Option<Compression> {
    const FORMATS: [(&[u8], Compression); 4] = [
        (b"\x1F\x8B\x08", Compression { name: "gzip", tool: "gunzip" }),
        (b"\x28\xB5\x2F\xFD", Compression { name: "zstd", tool: "unzstd" }),
        (b"\xFD7zXZ\0", Compression { name: "xz", tool: "unxz" }),
        (b"BZh", Compression { name: "bzip2", tool: "bunzip2" }),
    ];
    FORMATS.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| format)
}

/// Whether a file that begins with these bytes is a JPEG, PNG, WebP or BMP.
pub(crate) fn is_picture(head: &[u8]) -> bool {
    let webp = |head: &[u8]| head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    head.starts_with(b"\xFF\xD8\xFF")
        || head.starts_with(b"\x89PNG\r\n\x1A\n")
        || webp(head)
        || is_bmp(head)
}

/// Two letters are too few to go by: the reserved fields must be zero and the second header of a
/// size that was ever in use.
fn is_bmp(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(6..10) == Some(&[0; 4])
        && matches!(head.get(14..18), Some(&[12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes() {
        let cases: [(&[u8], bool); 11] = [
            (b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00", true),
            (b"\xFF\xD8", false),
            (b"\x89PNG\r\n\x1A\n\x00\x00\x00\rIHDR", true),
            (b"\x89PNG\n\x1A\n", false),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ", true),
            (b"RIFF\x10\x00\x00\x00WAVEfmt ", false),
            (b"BM\xF6\xA8\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", true),
            (b"BM is how this note begins", false),
            (b"GIF89a", false),
            (b"II*\x00", false),
            (b"", false),
        ];
        for (head, expected) in cases {
            assert_eq!(is_picture(head), expected, "{head:?}");
        }
    }
}
