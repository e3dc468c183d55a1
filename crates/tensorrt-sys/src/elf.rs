//! A look at a shared library before the loader gets it.
//!
//! The loader maps what the program headers name without a look at the file's length; a truncated file, such as a
//! broken download leaves, is then no error but a bus error that ends the process.

use std::io::{self, Read, Seek, SeekFrom};

/// Offsets in the 64-bit ELF header.
const HEADER_BYTES: usize = 64;
const TABLE_OFFSET_AT: usize = 32;
const ENTRY_BYTES_AT: usize = 54;
const ENTRY_COUNT_AT: usize = 56;

/// Offsets in a program header.
const PROGRAM_HEADER_BYTES: usize = 56;
const FILE_OFFSET_AT: usize = 8;
const FILE_BYTES_AT: usize = 32;

/// The kind of a program header that is loaded.
const LOAD: u32 = 1;

/// How many bytes a file lacks at its end; `None` for one that is whole, and for anything but 64-bit little-endian ELF,
/// which the loader refuses by itself.
pub(crate) fn missing_bytes(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut header = [0; HEADER_BYTES];
    if file.read_exact(&mut header).is_err() || !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let entry_bytes = u64::from(u16_at(&header, ENTRY_BYTES_AT));
    let table = u64_at(&header, TABLE_OFFSET_AT);
    let count = u64::from(u16_at(&header, ENTRY_COUNT_AT));
    let mut end = table.saturating_add(entry_bytes * count);
    if end <= length && entry_bytes >= PROGRAM_HEADER_BYTES as u64 {
        for index in 0..count {
            let mut entry = [0; PROGRAM_HEADER_BYTES];
            file.seek(SeekFrom::Start(table + index * entry_bytes))?;
            file.read_exact(&mut entry)?;
            if u32_at(&entry, 0) == LOAD {
                let loaded_end =
                    u64_at(&entry, FILE_OFFSET_AT).saturating_add(u64_at(&entry, FILE_BYTES_AT));
                end = end.max(loaded_end);
            }
        }
    }
    Ok(end.checked_sub(length).filter(|&missing| missing > 0))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// An ELF file of one loaded segment that ends at byte 1000.
    fn elf() -> Vec<u8> {
        let mut elf = vec![0; 1000];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[TABLE_OFFSET_AT..][..8].copy_from_slice(&64_u64.to_le_bytes());
        elf[ENTRY_BYTES_AT..][..2].copy_from_slice(&56_u16.to_le_bytes());
        elf[ENTRY_COUNT_AT..][..2].copy_from_slice(&1_u16.to_le_bytes());
        elf[64..68].copy_from_slice(&LOAD.to_le_bytes());
        elf[64 + FILE_OFFSET_AT..][..8].copy_from_slice(&600_u64.to_le_bytes());
        elf[64 + FILE_BYTES_AT..][..8].copy_from_slice(&400_u64.to_le_bytes());
        elf
    }

    fn missing_in(bytes: &[u8]) -> Option<u64> {
        missing_bytes(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn what_is_cut_off_is_missing() {
        let cases = [
            (1000, None),
            (999, Some(1)),
            (600, Some(400)),
            (120, Some(880)),
            (100, Some(20)),
            (63, None),
            (0, None),
        ];
        for (length, missing) in cases {
            assert_eq!(missing_in(&elf()[..length]), missing, "{length}");
        }
    }

    #[test]
    fn what_is_no_library_is_left_to_the_loader() {
        assert_eq!(missing_in(include_bytes!("../Cargo.toml")), None);
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn this_very_program_is_whole() {
        let mut program = File::open(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(missing_bytes(&mut program).unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_read_past_the_end_or_panic(noise in prop::collection::vec(any::<u8>(), 58), length in 0_usize..1000) {
            let mut bytes = elf();
            bytes[6..64].copy_from_slice(&noise);
            missing_in(&bytes[..length]);
        }
    }
}
