//! Tar shards: webdataset's own grouping and reading is what ours is held to.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use calibrant_dataset::{Content, Dataset, DatasetError, ReadBuffer, SampleRef};

use crate::{chain, fixtures, folder_of, names};

/// A sample in the words of `expected.tsv`.
fn words(sample: &SampleRef, buffer: &mut ReadBuffer) -> String {
    let (folders, own) = sample.name().rsplit_once('/').expect("it lies in a shard");
    let (key, extension) = own.split_once('.').expect("every picture here has an extension");
    let label = sample.label().map_or("-".to_owned(), |it| it.classes[0].to_string());
    let content = sample.read(buffer).expect("it is there");
    let extension = extension.to_lowercase();
    format!("{folders}/{key}\t{extension}\t{label}\t{}", content.digest())
}

fn refusal(path: &Path) -> String {
    chain(&Dataset::open(path).expect_err("it cannot be used"))
}

#[test]
fn samples_are_those_of_webdataset() {
    let folder = fixtures().join("dataset/shards");
    let expected = fs::read_to_string(folder.join("expected.tsv")).expect("it is checked in");
    let dataset = Dataset::open(&folder.join("good")).expect("there are shards");
    let mut buffer = ReadBuffer::default();
    let actual: Vec<_> = dataset.samples().iter().map(|it| words(it, &mut buffer)).collect();
    assert_eq!(actual, expected.lines().collect::<Vec<_>>());
}

#[test]
fn what_a_shard_holds_besides_is_counted() {
    let path = fixtures().join("dataset/shards/good/gnu.tar");
    let dataset = Dataset::open(&path).expect("it is whole");
    let expected = "8 taken, 7 ignored: 1 hidden (gnu.tar/.hidden.png), \
        1 AppleDouble (gnu.tar/folder.jpg/._a.PNG), 1 .txt (gnu.tar/words.txt), \
        3 not a regular file (gnu.tar/hard.png, gnu.tar/link.png, gnu.tar/long link.png), \
        1 further picture of a sample (gnu.tar/two.left.png)";
    assert_eq!(dataset.census().to_string(), expected);
    assert!(dataset.samples().iter().all(|it| it.path().is_none()));
}

#[test]
fn a_pattern_names_shards() {
    let good = fixtures().join("dataset/shards/good");
    let folder = Dataset::open(&good).expect("there are shards");
    let of_train = |it: &&str| it.starts_with("train-");
    let expected: Vec<_> = names(&folder).into_iter().filter(of_train).collect();
    let dataset = Dataset::open(&good.join("train-{000..001}.tar")).expect("both are there");
    assert_eq!(names(&dataset), expected);

    let deeper = fixtures().join("dataset/{shards/good}");
    assert!(refusal(&deeper).contains("`{shards/good}` is neither a range"));
    let folders = fixtures().join("dataset/shards/{good,bad}/train-{001,000}.tar");
    let text = refusal(&folders);
    assert!(text.contains("bad/train-001.tar` has gone"), "{text}");
    let listed = fixtures().join("dataset/{shards,shards}/good/train-000.tar");
    let dataset = Dataset::open(&listed).expect("it is there, twice");
    assert_eq!(names(&dataset)[6], "shards/good/train-000.tar/0000.png");
}

/// One identity for one picture, wherever it lies; a reader's buffer goes from one kind to another.
#[test]
fn a_picture_is_the_same_in_a_shard_and_unpacked() {
    let shard = fixtures().join("dataset/shards/good/train-000.tar");
    let dataset = Dataset::open(&shard).expect("it is whole");
    let mut buffer = ReadBuffer::default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for sample in dataset.samples() {
        let Ok(Content::Encoded(bytes)) = sample.read(&mut buffer) else { panic!("a picture") };
        let own = sample.name().rsplit('/').next().expect("a name");
        fs::write(folder.path().join(own), bytes).expect("it can be written");
    }
    let unpacked = Dataset::open(folder.path()).expect("there are pictures");
    assert_eq!(unpacked.samples().len(), dataset.samples().len());
    for (member, file) in dataset.samples().iter().zip(unpacked.samples()) {
        let digest = member.read(&mut buffer).expect("it is there").digest();
        assert_eq!(file.read(&mut buffer).expect("it is there").digest(), digest);
    }
}

#[test]
fn the_folders_of_a_shard_are_classes() {
    let folder = folder_of(&[]);
    let path = folder.path().join("set.tar");
    let shard = fs::read(fixtures().join("dataset/shards/good/old.tar")).expect("checked in");
    // Up to the second picture, which lies in no folder, and the mark of the end.
    fs::write(&path, [&shard[..2048], &[0; 1024]].concat()).expect("it can be written");
    let dataset = Dataset::open(&path).expect("it is whole").labelled_by_folder();
    let counts = dataset.expect("it lies in a folder").class_counts();
    assert_eq!(
        counts.expect("there is a label").into_iter().collect::<Vec<_>>(),
        [("sub".to_owned(), 1)]
    );
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason_and_the_place() {
    let cases = [
        ("cut_member.tar", "cut short: `b.png` at byte 1536 has 428 bytes, and 188 are left"),
        ("cut_header.tar", "cut short: it ends at byte 1636 without the block of zeros"),
        ("cut_between.tar", "cut short: it ends at byte 1536 without the block of zeros"),
        ("joined.tar", "it ends at byte 2560 and goes on at byte 10240"),
        ("damaged.tar", "there is no tar header at byte 1536"),
        ("no_size.tar", "the size in the header at byte 0 is no number"),
        ("huge.tar", "`a.png` at byte 0 has 9223372036854775807 bytes, and 1024 are left"),
        ("empty.tar", "it ends at byte 0 without the block of zeros"),
        ("nothing.tar", "looked for members called like pictures; 0 taken, 0 ignored"),
        ("no_picture.tar", "0 taken, 2 ignored: 1 .cls (no_picture.tar/a.cls), 1 .txt"),
        ("twice.tar", "`a.PNG` at byte 2560 is there already, at byte 0"),
        (
            "scattered.tar",
            "`a.cls` at byte 2560 stands apart from the files of its sample, which begin at byte 0",
        ),
        ("class_text.tar", "`a.cls` at byte 1536: the class `boot` is not a whole number from 0"),
        (
            "packed.tar.gz",
            "is compressed with gzip, and what is compressed cannot be read from its middle: unpack it once, with `gunzip --keep`",
        ),
        ("sparse_gnu.tar", "`a.png` at byte 0 is stored sparse"),
        ("sparse_pax.tar", "`a.png` at byte 1024 is stored sparse"),
        ("volume.tar", "`a.png` at byte 0 continues from another volume"),
        ("pax_length.tar", "the extended header at byte 0 is damaged"),
        (
            "pax_global.tar",
            "the extended header at byte 0 is damaged, or gives all members one name",
        ),
    ];
    let bad = fixtures().join("dataset/shards/bad");
    for (file, words) in cases {
        let text = refusal(&bad.join(file));
        assert!(text.contains(words) && text.contains(file), "{file}: {text}");
    }
    assert_eq!(fs::read_dir(bad).expect("it is checked in").count(), cases.len());
}

#[test]
fn a_folder_of_compressed_shards_says_what_it_holds() {
    let folder = folder_of(&[("a.tar.gz", b"\x1F\x8B\x08"), ("b.tar.gz", b"\x1F\x8B\x08")]);
    let error = Dataset::open(folder.path()).expect_err("there is no shard");
    assert!(matches!(error, DatasetError::NoPictures { .. }));
    assert!(error.to_string().ends_with("2 ignored: 2 .gz (a.tar.gz, b.tar.gz)"), "{error}");
}

/// 9 GiB of nothing: a size beyond what octal digits say, found without reading what lies between.
#[cfg(unix)]
#[test]
fn a_member_larger_than_octal_digits_say_is_not_read() {
    const GIB: u64 = 1 << 30;
    let header = |name: &str, size: u64| {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("huge.tar");
    let mut file = File::create(&path).expect("a file");
    file.write_all(&header("a.jpg", 9 * GIB)).expect("a header");
    file.seek(SeekFrom::Start(512 + 9 * GIB)).expect("files can be as long");
    file.write_all(&header("b.jpg", 3)).expect("a header");
    file.write_all(b"abc").expect("a member");
    file.set_len(512 + 9 * GIB + 3 * 512).expect("a sparse file");

    let dataset = Dataset::open(&path).expect("it is whole");
    let mut buffer = ReadBuffer::default();
    let [large, small] = dataset.samples() else { panic!("two samples") };
    let Ok(Content::Encoded(bytes)) = small.read(&mut buffer) else { panic!("a picture") };
    assert_eq!(bytes, b"abc");
    let text = chain(&large.read(&mut buffer).expect_err("no picture is as large"));
    assert!(text.starts_with("cannot read `huge.tar/a.jpg`"), "{text}");
    assert!(text.contains("it has 9663676416 bytes"), "{text}");
}
