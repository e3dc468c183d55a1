//! Reading the bytes of a sample.

use std::fs;

use calibrant_dataset::{Content, Dataset, ReadBuffer, ReadError, SampleRef};
use calibrant_tensor::digest;

use crate::folder_of;

fn bytes_of(sample: &SampleRef, buffer: &mut ReadBuffer) -> Vec<u8> {
    match sample.read(buffer).expect("it is there") {
        Content::Encoded(bytes) => bytes.to_vec(),
        Content::Tensors(_) => panic!("a file is no tensor"),
    }
}

/// In turn, through one buffer.
#[test]
fn small_and_large_files_are_read_alike() {
    let threshold = 1 << 20;
    let content = |n: usize| -> Vec<u8> { (0..=252).cycle().take(n).collect() };
    let lengths = [threshold + 1, 0, threshold, 5, threshold - 1, 1, 3 * threshold];
    let contents = lengths.map(content);
    let names = ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg"];
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&contents).map(|(name, bytes)| (*name, &**bytes)).collect();
    let folder = folder_of(&files);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let mut buffer = ReadBuffer::default();
    for (sample, expected) in dataset.samples().iter().zip(&contents) {
        assert!(bytes_of(sample, &mut buffer) == *expected, "{}", sample.name());
        let content = sample.read(&mut buffer).expect("it is there");
        assert_eq!(content.digest(), digest(expected));
    }
}

#[test]
fn what_has_changed_since_is_named() {
    let folder =
        folder_of(&[("gone.jpg", b"1"), ("now_a_folder.jpg", b"1"), ("shorter.jpg", b"123")]);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let path = |name| folder.path().join(name);
    fs::remove_file(path("gone.jpg")).expect("it was there");
    fs::remove_file(path("now_a_folder.jpg")).expect("it was there");
    fs::create_dir(path("now_a_folder.jpg")).expect("the name is free");
    fs::write(path("shorter.jpg"), b"1").expect("it is there");
    let mut buffer = ReadBuffer::default();
    let [gone, now_a_folder, shorter] = dataset.samples() else { panic!("there are three") };
    let error = gone.read(&mut buffer).expect_err("it has gone");
    assert!(matches!(&error, ReadError::Gone { path: it } if *it == path("gone.jpg")), "{error}");
    let error = now_a_folder.read(&mut buffer).expect_err("it is a folder");
    assert!(matches!(&error, ReadError::Io { .. }), "{error}");
    // Between the listing and the reading a file may change: what is read is what it is then.
    assert_eq!(bytes_of(shorter, &mut buffer), b"1");
}

#[cfg(unix)]
#[test]
fn devices_are_not_read() {
    let folder = folder_of(&[("1.jpg", b"1")]);
    let dataset = Dataset::folder(folder.path()).expect("there is a picture");
    let path = folder.path().join("1.jpg");
    fs::remove_file(&path).expect("it was there");
    std::os::unix::fs::symlink("/dev/zero", &path).expect("a link");
    let mut buffer = ReadBuffer::default();
    let error = dataset.samples()[0].read(&mut buffer).expect_err("it never ends");
    assert!(matches!(&error, ReadError::Io { .. }), "{error}");
}

/// The kernel's own files say that they are empty and are not: the same as a file that grows while
/// it is read.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_grows_is_an_error() {
    let folder = folder_of(&[("1.jpg", b"1")]);
    let dataset = Dataset::folder(folder.path()).expect("there is a picture");
    let path = folder.path().join("1.jpg");
    fs::remove_file(&path).expect("it was there");
    std::os::unix::fs::symlink("/proc/self/status", &path).expect("a link");
    let mut buffer = ReadBuffer::default();
    let error = dataset.samples()[0].read(&mut buffer).expect_err("it gives more than it has");
    assert!(error.to_string().ends_with("it had 0 bytes and gave 1 or more"), "{error}");
}
