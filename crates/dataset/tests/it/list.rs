//! List files.

use std::fs;

use calibrant_dataset::{Dataset, DatasetError, LineError};

use crate::{chain, folder_of, names};

fn classes(dataset: &Dataset) -> Vec<Option<u32>> {
    dataset.samples().iter().map(|it| it.label().map(|it| it.classes[0])).collect()
}

#[test]
fn paths_are_the_lists_own_and_keep_its_order() {
    let list = b"\xEF\xBB\xBF# calibration\r\n\r\nsub/b.jpg\r\na.jpg\n  \n./sub/../a.jpg\nsub/b.jpg\n#c.jpg\n";
    let folder = folder_of(&[("list.txt", list), ("a.jpg", b""), ("sub/b.jpg", b"")]);
    let dataset = Dataset::open(&folder.path().join("list.txt")).expect("all are there");
    assert_eq!(names(&dataset), ["sub/b.jpg", "a.jpg", "sub/../a.jpg", "sub/b.jpg"]);
    assert_eq!(classes(&dataset), [None; 4]);
    assert_eq!(dataset.census().taken, 4);
}

#[test]
fn a_number_behind_the_path_is_its_class() {
    let list = b"a.jpg 65\nb c.jpg\t970\nb c.jpg,1\nb c.jpg\nphoto 1\nphoto 1 2\n";
    let folder =
        folder_of(&[("val.txt", list), ("a.jpg", b""), ("b c.jpg", b""), ("photo 1", b"")]);
    let dataset = Dataset::list(&folder.path().join("val.txt")).expect("all are there");
    let expected = ["a.jpg", "b c.jpg", "b c.jpg", "b c.jpg", "photo 1", "photo 1"];
    assert_eq!(names(&dataset), expected);
    assert_eq!(classes(&dataset), [Some(65), Some(970), Some(1), None, None, Some(2)]);
}

#[test]
fn absolute_paths_are_taken_as_they_stand() {
    let folder = folder_of(&[("a.jpg", b"")]);
    let path = folder.path().join("a.jpg");
    let list = folder.path().join("list");
    fs::write(&list, path.to_str().expect("a plain name")).expect("a list");
    let dataset = Dataset::list(&list).expect("it is there");
    assert_eq!(dataset.samples()[0].path(), Some(&*path));
}

#[test]
fn faults_name_their_line() {
    let cases: [(&[u8], usize, &str); 5] = [
        (b"a.jpg\n\nb.jpg\n", 3, "`b.jpg` was looked for at `"),
        (b"a.jpg\nb.jpg 3\n", 2, "`b.jpg` was looked for at `"),
        (b"# one\n.\n", 2, "`.` is not a regular file"),
        (b"a.jpg\n\xFF.jpg\n", 2, "not UTF-8 from byte 0 of the line on"),
        (b"a.jpg 4294967296\n", 1, "the class `4294967296` is not a whole number from 0"),
    ];
    for (list, line, words) in cases {
        let folder = folder_of(&[("list.txt", list), ("a.jpg", b"")]);
        let error = Dataset::list(&folder.path().join("list.txt")).expect_err(words);
        assert!(
            matches!(error, DatasetError::Line { line: found, .. } if found == line),
            "{error}"
        );
        assert!(chain(&error).contains(words), "{}", chain(&error));
    }
}

#[test]
fn a_missing_file_keeps_the_systems_reason() {
    let folder = folder_of(&[("list.txt", b"missing.jpg")]);
    let error = Dataset::list(&folder.path().join("list.txt")).expect_err("it is missing");
    let DatasetError::Line { source: LineError::Missing { entry, source, .. }, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!((&*entry, source.kind()), ("missing.jpg", std::io::ErrorKind::NotFound));
}

#[test]
fn a_list_that_names_nothing_is_an_error() {
    for (list, words) in [
        (&b""[..], "0 blank lines and 0 comments"),
        (b"\n# nothing\n\n# here", "2 blank lines and 2 comments"),
    ] {
        let folder = folder_of(&[("list.txt", list)]);
        let error = Dataset::open(&folder.path().join("list.txt")).expect_err(words);
        assert!(error.to_string().ends_with(words), "{error}");
    }
}

/// Its writer may never come, and what it gives can be read once: a shell's `<(find …)` is to be
/// written into a file.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_no_list() {
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let list = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let text = chain(&Dataset::open(Path::new(&list)).expect_err("it may never end"));
    assert!(text.ends_with("write what it gives into a file, and name that file"), "{text}");
}
