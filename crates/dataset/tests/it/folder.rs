//! Folders: what is taken, in what order, and what is ignored.

use std::path::Path;

use calibrant_dataset::{Census, Dataset, DatasetError, Ignored, Kind, Subset};

use crate::{JPEG, PNG, fixtures, folder_of, names};

fn ignored(census: &Census) -> Vec<(String, u64, Vec<&str>)> {
    let row = |it: &'_ Ignored| (it.kind.to_string(), it.count);
    let rows = census.ignored.iter();
    rows.map(|it| (row(it).0, row(it).1, it.examples.iter().map(String::as_str).collect()))
        .collect()
}

#[test]
fn pictures_come_in_natural_order_of_their_paths() {
    let files: [(&str, &[u8]); 12] = [
        ("b/img10.png", b""),
        ("b/img2.png", b""),
        ("a/z/1.jpg", b""),
        ("img.jpg/inside.jpg", b""),
        ("img.JPEG", b""),
        ("no_extension", JPEG),
        ("notes.txt", b"some text"),
        ("really.txt", PNG),
        ("photo.bmp", b""),
        ("photo.WebP", b""),
        ("photo.gif", b"GIF89a"),
        ("README", b"some text"),
    ];
    let folder = folder_of(&files);
    let dataset = Dataset::open(folder.path()).expect("there are pictures");
    let expected = [
        "a/z/1.jpg",
        "b/img2.png",
        "b/img10.png",
        "img.JPEG",
        "img.jpg/inside.jpg",
        "no_extension",
        "photo.WebP",
        "photo.bmp",
        "really.txt",
    ];
    assert_eq!(names(&dataset), expected);
    assert_eq!(dataset.census().taken, 9);
    let expected = [
        ("without an extension".to_owned(), 1, vec!["README"]),
        (".gif".to_owned(), 1, vec!["photo.gif"]),
        (".txt".to_owned(), 1, vec!["notes.txt"]),
    ];
    assert_eq!(ignored(dataset.census()), expected);
}

#[test]
fn hidden_files_and_the_systems_own_are_counted() {
    let files: [(&str, &[u8]); 9] = [
        ("1.jpg", b""),
        (".hidden.jpg", JPEG),
        (".git/objects/1.jpg", JPEG),
        (".git/objects/2.jpg", JPEG),
        ("sub/._1.jpg", b"\0\x05\x16\x07"),
        ("sub/.DS_Store", b""),
        ("Thumbs.db", JPEG),
        ("sub/thumbs.DB", JPEG),
        ("desktop.ini", b""),
    ];
    let folder = folder_of(&files);
    let dataset = Dataset::folder(folder.path()).expect("there is a picture");
    assert_eq!(names(&dataset), ["1.jpg"]);
    let expected = [
        ("hidden".to_owned(), 3, vec![".git/", ".hidden.jpg", "sub/.DS_Store"]),
        ("AppleDouble".to_owned(), 1, vec!["sub/._1.jpg"]),
        ("of the system's".to_owned(), 3, vec!["Thumbs.db", "desktop.ini", "sub/thumbs.DB"]),
    ];
    assert_eq!(ignored(dataset.census()), expected);
    assert_eq!(dataset.census().n_ignored(), 7);
}

/// The root may be hidden: whoever names it means it.
#[test]
fn a_hidden_root_is_searched() {
    let folder = folder_of(&[(".cache/1.jpg", b"")]);
    let dataset = Dataset::folder(&folder.path().join(".cache")).expect("there is a picture");
    assert_eq!(names(&dataset), ["1.jpg"]);
}

#[test]
fn a_folder_without_pictures_says_what_it_holds() {
    let folder = folder_of(&[("a.txt", b"text"), ("b.txt", b"text"), (".c", b"")]);
    let error = Dataset::open(folder.path()).expect_err("there is no picture");
    let expected = "looked in all its folders for .jpg .jpeg .jpe .jfif .png .webp .bmp files and for files that begin like one of \
                    them; 0 taken, 3 ignored: 1 hidden (.c), 2 .txt (a.txt, b.txt)";
    assert!(error.to_string().ends_with(expected), "{error}");

    let empty = folder_of(&[]);
    let error = Dataset::open(empty.path()).expect_err("there is nothing");
    assert!(error.to_string().ends_with("0 taken, 0 ignored"), "{error}");
}

#[test]
fn what_is_no_folder_is_refused() {
    let folder = folder_of(&[("a.jpg", b"")]);
    let file = Dataset::folder(&folder.path().join("a.jpg"));
    assert!(matches!(file, Err(DatasetError::NotAFolder { .. })), "{file:?}");
    let missing = Dataset::open(&folder.path().join("missing"));
    assert!(matches!(missing, Err(DatasetError::Io { .. })), "{missing:?}");
}

#[test]
fn a_single_picture_is_a_set_of_one() {
    let folder = folder_of(&[("photo.dat", JPEG)]);
    let dataset = Dataset::open(&folder.path().join("photo.dat")).expect("it begins like a JPEG");
    assert_eq!(names(&dataset), ["photo.dat"]);
}

#[test]
fn the_edge_pictures_are_told_from_the_rest() {
    let dataset = Dataset::open(&fixtures().join("edge")).expect("there are pictures");
    let taken = names(&dataset);
    for name in [
        "UPPER CASE.JPG",
        "Mixed.JpEg",
        "-leading-dash.jpg",
        "spaces & ünïcödé 写真 (1).jpg",
        "quote'and$dollar;semi.png",
        "no_extension",
        "jpeg_named.png",
        "subdir.jpg/inside.jpg",
        "other_photo.bmp",
        "other_alpha.webp",
        "bad_zero_byte.jpg",
    ] {
        assert!(taken.contains(&name), "{name}");
    }
    let examples: Vec<_> = dataset.census().ignored.iter().flat_map(|it| &it.examples).collect();
    for name in [
        ".hidden.jpg",
        "._ok_baseline.jpg",
        ".DS_Store",
        "Thumbs.db",
        "notes.txt",
        "other_animated.gif",
        "other_photo.tif",
    ] {
        assert!(!taken.contains(&name), "{name}");
        assert!(examples.iter().any(|it| *it == name), "{name}");
    }
}

#[test]
fn a_subset_keeps_the_census() {
    let files: Vec<_> = (0..20).map(|it| format!("{it}.jpg")).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|it| (it.as_str(), &b""[..])).collect();
    let folder = folder_of(&files);
    let size = std::num::NonZeroUsize::new;
    let subset = Subset { limit: size(3), stride: size(4).expect("not zero"), ..Subset::ALL };
    let dataset = Dataset::folder(folder.path()).expect("there are pictures").subset(&subset);
    let dataset = dataset.expect("nothing is stratified");
    assert_eq!(names(&dataset), ["0.jpg", "4.jpg", "8.jpg"]);
    assert_eq!(dataset.census().taken, 20);
}

#[test]
fn kinds_are_plain_words_for_machines() {
    let census = Census {
        taken: 1,
        ignored: vec![Ignored {
            kind: Kind::Foreign("txt".to_owned()),
            count: 2,
            examples: vec!["a.txt".to_owned()],
        }],
    };
    let json = serde_json::to_string(&census).expect("it is plain data");
    assert_eq!(
        json,
        r#"{"taken":1,"ignored":[{"kind":{"foreign":"txt"},"count":2,"examples":["a.txt"]}]}"#
    );
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::chain;
    use calibrant_dataset::ReadBuffer;

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = folder_of(&[("real/1.jpg", JPEG), ("elsewhere/2.jpg", JPEG)]);
        let root = folder.path().join("real");
        let link = |to: &Path, name: &str| symlink(to, root.join(name)).expect("a link");
        link(&folder.path().join("elsewhere"), "linked");
        link(&folder.path().join("elsewhere/2.jpg"), "3.jpg");
        link(&root, "circle");
        link(Path::new("missing.jpg"), "4.jpg");
        link(Path::new("missing.txt"), "5.txt");
        link(Path::new("missing.jpg"), ".6.jpg");
        link(Path::new("itself.txt"), "itself.txt");
        let dataset = Dataset::folder(&root).expect("a circle is no error");
        assert_eq!(names(&dataset), ["1.jpg", "3.jpg", "4.jpg", "linked/2.jpg"]);
        let expected = [
            ("hidden".to_owned(), 1, vec![".6.jpg"]),
            ("broken link".to_owned(), 2, vec!["5.txt", "itself.txt"]),
            ("link to a folder above".to_owned(), 1, vec!["circle"]),
        ];
        assert_eq!(ignored(dataset.census()), expected);

        let mut buffer = ReadBuffer::default();
        let error = dataset.samples()[2].read(&mut buffer).expect_err("it leads nowhere");
        assert!(
            chain(&error).contains("4.jpg` has gone, or is a link that leads nowhere"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_regular_file_is_ignored() {
        let folder = folder_of(&[("1.jpg", b"")]);
        let _socket = UnixListener::bind(folder.path().join("2.jpg")).expect("a socket");
        symlink("/dev/null", folder.path().join("3.jpg")).expect("a link");
        let dataset = Dataset::folder(folder.path()).expect("there is a picture");
        assert_eq!(names(&dataset), ["1.jpg"]);
        let expected = [("not a regular file".to_owned(), 2, vec!["2.jpg", "3.jpg"])];
        assert_eq!(ignored(dataset.census()), expected);
    }

    /// Not every file system takes such names; where it does, both are read.
    #[test]
    fn names_that_are_no_text_are_told_apart() {
        let folder = folder_of(&[("a\\xFF.jpg", b"text")]);
        let odd = folder.path().join(OsStr::from_bytes(b"a\xFF.jpg"));
        let expected: &[_] = match fs::write(&odd, b"bytes") {
            Ok(()) => &[("a\\\\xFF.jpg", &b"text"[..]), ("a\\xFF.jpg", b"bytes")],
            Err(_) => &[("a\\\\xFF.jpg", b"text")],
        };
        let dataset = Dataset::folder(folder.path()).expect("there are pictures");
        let mut buffer = ReadBuffer::default();
        for (sample, (name, bytes)) in dataset.samples().iter().zip(expected) {
            assert_eq!(sample.name(), *name);
            let content = sample.read(&mut buffer).expect("it is there");
            assert_eq!(content.digest(), calibrant_tensor::digest(bytes));
        }
        assert_eq!(dataset.samples().len(), expected.len());
    }
}
