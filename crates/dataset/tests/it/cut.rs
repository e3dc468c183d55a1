//! Files that are cut short while they are in use.

use std::fs::OpenOptions;
use std::path::Path;

use calibrant_dataset::{Dataset, ReadBuffer, ReadError};

use crate::folder_of;

/// An npy of 4 rows of 64 KiB each, beyond the pages of its header.
pub(crate) fn npy() -> Vec<u8> {
    let header =
        format!("{:<117}\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 65536), }");
    let length = u16::try_from(header.len()).expect("a short header").to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &[7; 4 << 16]].concat()
}

pub(crate) fn safetensors() -> Vec<u8> {
    let header = br#"{"x":{"dtype":"U8","shape":[4,65536],"data_offsets":[0,262144]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[7; 4 << 16]].concat()
}

pub(crate) fn npz() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("x.npy", stored).expect("a member");
    std::io::Write::write_all(&mut zip, &npy()).expect("its bytes");
    zip.finish().expect("an archive").into_inner()
}

pub(crate) fn tar() -> Vec<u8> {
    let mut archive = Vec::new();
    for name in ["a.jpg", "b.jpg"] {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", 1 << 17).as_bytes());
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend(block);
        archive.extend([7; 1 << 17]);
    }
    archive.extend([0; 1024]);
    archive
}

fn cut(path: &Path, n_bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("it is there");
    file.set_len(n_bytes).expect("it may be cut");
}

#[test]
fn what_is_cut_short_while_it_is_read_is_an_error_that_names_the_file() {
    let large_picture = [&b"\xFF\xD8\xFF"[..], &vec![7; 3 << 20]].concat();
    let files: [(&str, Vec<u8>); 5] = [
        ("x.npy", npy()),
        ("x.npz", npz()),
        ("x.safetensors", safetensors()),
        ("x.tar", tar()),
        ("x.jpg", large_picture),
    ];
    for (name, bytes) in files {
        let folder = folder_of(&[(name, &bytes)]);
        let path = folder.path().join(name);
        let dataset = Dataset::open(&path).expect("it is whole");
        let mut buffer = ReadBuffer::default();
        let [first, .., last] = dataset.samples() else {
            // A picture of its own is as long as its file is by then.
            cut(&path, 5);
            dataset.samples()[0].read(&mut buffer).expect("it is shorter now");
            continue;
        };
        last.read(&mut buffer).expect("it is whole still");
        cut(&path, 1 << 17);
        let error = last.read(&mut buffer).expect_err(name);
        let ReadError::Changed { path: named, expected, found } = &error else {
            panic!("{name}: {error}")
        };
        assert_eq!((named, *expected, *found), (&path, bytes.len() as u64, 1 << 17), "{name}");
        cut(&path, 1000);
        first.read(&mut buffer).expect_err(name);
    }
}
