//! SHA-256 in hex.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;

use calibrant_files::RegularFile;
use sha2::{Digest, Sha256};

/// The hash of bytes in memory.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The hash of a file, read piece by piece.
pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    let file = RegularFile::open(path)?;
    let mut file = file.file();
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn known_hashes() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((of_bytes(b"").as_str(), of_bytes(b"abc").as_str()), (empty, abc));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        assert_eq!(of_file(&file).unwrap(), abc);
    }
}
