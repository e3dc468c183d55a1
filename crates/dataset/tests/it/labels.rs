//! Labels from tables and from folders.

use std::num::NonZeroUsize;

use calibrant_dataset::{Dataset, LabelError, Labels, Subset};

use crate::{chain, fixtures, folder_of};

fn read(table: &[u8]) -> Result<Labels, LabelError> {
    let folder = folder_of(&[("labels.csv", table)]);
    Labels::read(&folder.path().join("labels.csv"))
}

#[test]
fn columns_are_found_by_name() {
    let table = b"# by hand\r\nlabel_name, accepted,file,label\r\n\
        \"dam, large\",1 3 2,a.jpg, 2 \r\n,,\"b \"\"c\"\".jpg\",7\r\n\r\n,,sub/d.jpg,9";
    let labels = read(table).expect("every row is whole");
    let label = |name| labels.of(name).map(|it| (it.classes[0], it.accepted.clone()));
    assert_eq!(label("a.jpg"), Some((2, vec![1, 2, 3])));
    assert_eq!(label("b \"c\".jpg"), Some((7, vec![7])));
    assert_eq!(label("sub/d.jpg"), Some((9, vec![9])));
    // A name without a folder stands for the file in any; one with a folder does not.
    assert_eq!(label("images/a.jpg"), label("a.jpg"));
    assert_eq!((label("d.jpg"), label("images/sub/d.jpg")), (None, None));
    let accepted = labels.of("a.jpg").expect("it is there");
    assert!(accepted.accepts(3) && !accepted.accepts(4));
}

#[test]
fn faults_name_their_line() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "must begin with a line `file,label` or `file,label,accepted`, not ``"),
        (b"a.jpg,1\n", "not `a.jpg,1`"),
        (b"file,label\na.jpg\n", "line 2: no `label` in this row"),
        (b"file,label\n\na.jpg,dam\n", "line 3: the class `dam` is not a whole number from 0"),
        (b"file,label\na.jpg,-1\n", "line 2: the class `-1` is not a whole number from 0"),
        (
            b"file,label,accepted\na.jpg,1,1 x\n",
            "line 2: the class `x` is not a whole number from 0",
        ),
        (b"file,label\na.jpg,1\n./a.jpg,1\n", "line 3: `a.jpg` has a label already, in line 2"),
        (b"file,label\n\"a.jpg,1\n", "line 2: a quoted field does not end in its line"),
    ];
    for (table, words) in cases {
        let error = read(table).expect_err(words);
        assert!(chain(&error).contains(words), "{}", chain(&error));
    }
}

#[test]
fn every_sample_needs_its_label() {
    let folder = folder_of(&[("a.jpg", b""), ("b.jpg", b""), ("sub/c.jpg", b"")]);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let labels = read(b"file,label\na.jpg,1\nz.jpg,5\n").expect("it is whole");
    let error = dataset.clone().labelled(&labels).expect_err("two are missing");
    assert_eq!(error.to_string(), "2 of 3 samples have no label, `b.jpg` the first of them");

    let labels = read(b"file,label\na.jpg,1\nb.jpg,2\nc.jpg,3\n").expect("it is whole");
    let dataset = dataset.labelled(&labels).expect("all are there");
    let classes: Vec<_> =
        dataset.samples().iter().map(|it| it.label().map(|it| it.classes[0])).collect();
    assert_eq!(classes, [Some(1), Some(2), Some(3)]);
}

#[test]
fn folders_are_classes_in_the_order_of_their_bytes() {
    let folder =
        folder_of(&[("9/1.jpg", b""), ("10/1.jpg", b""), ("10/deep/2.jpg", b""), ("b/1.jpg", b"")]);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let dataset = dataset.labelled_by_folder().expect("each has a folder");
    let counts: Vec<_> = dataset.class_counts().expect("there are labels").into_iter().collect();
    assert_eq!(counts, [("10".to_owned(), 2), ("9".to_owned(), 1), ("b".to_owned(), 1)]);
    let classes: Vec<_> = dataset
        .samples()
        .iter()
        .map(|it| (it.name(), it.label().expect("all are labelled").classes[0]))
        .collect();
    let expected = [("9/1.jpg", 1), ("10/1.jpg", 0), ("10/deep/2.jpg", 0), ("b/1.jpg", 2)];
    assert_eq!(classes, expected);

    let folder = folder_of(&[("9/1.jpg", b""), ("loose.jpg", b"")]);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let error = dataset.labelled_by_folder().expect_err("one lies loose");
    assert_eq!(error.to_string(), "`loose.jpg` lies in no folder that could be its class");
}

#[test]
fn the_labels_of_the_photographs_fit() {
    let folder = fixtures().join("imagenet_mini");
    let labels = Labels::read(&folder.join("labels.csv")).expect("it is whole");
    let dataset = Dataset::folder(&folder).expect("there are pictures");
    let dataset = dataset.labelled(&labels).expect("each photograph has its row");
    for sample in dataset.samples() {
        let label = sample.label().expect("all are labelled");
        assert!(label.accepts(label.classes[0]) && label.accepted.iter().all(|&it| it < 1000));
    }
}

fn stratified(limit: usize, shuffle: Option<u64>) -> Subset {
    Subset { limit: NonZeroUsize::new(limit), shuffle, stratify: true, ..Subset::ALL }
}

/// A list in the way of ImageNet's `val.txt`: a thousand classes of three.
#[test]
fn five_hundred_of_imagenet_are_five_hundred_classes() {
    let file = |idx: usize| format!("{idx:04}.JPEG");
    let list: String = (0..3000).map(|idx| format!("{} {}\n", file(idx), idx * 7 % 1000)).collect();
    let names: Vec<_> = (0..3000).map(file).collect();
    let mut files: Vec<_> = names.iter().map(|it| (it.as_str(), &b""[..])).collect();
    files.push(("val.txt", list.as_bytes()));
    let folder = folder_of(&files);
    let dataset = Dataset::open(&folder.path().join("val.txt")).expect("all are there");
    for seed in [None, Some(0), Some(7)] {
        let of =
            |limit| dataset.clone().subset(&stratified(limit, seed)).expect("all are labelled");
        let counts = of(500).class_counts().expect("there are labels");
        assert_eq!(counts.len(), 1000);
        assert!(counts.values().all(|&count| count <= 1) && counts.values().sum::<u64>() == 500);
        let counts = of(2000).class_counts().expect("there are labels");
        assert!(counts.values().all(|&count| count == 2));
        let (few, many) = (of(20), of(200));
        assert_eq!(crate::names(&few), crate::names(&many)[..20], "a limit is a beginning");
    }
    let other = dataset.clone().subset(&stratified(20, Some(0))).expect("all are labelled");
    let another = dataset.subset(&stratified(20, Some(1))).expect("all are labelled");
    assert_ne!(crate::names(&other), crate::names(&another));
}

#[test]
fn stratifying_needs_labels_and_counts_the_classes_left_out() {
    let folder = folder_of(&[("9/1.jpg", b""), ("10/1.jpg", b""), ("10/2.jpg", b"")]);
    let dataset = Dataset::folder(folder.path()).expect("there are pictures");
    let error = dataset.clone().subset(&stratified(1, None)).expect_err("there are no labels");
    assert!(error.to_string().contains("3 of 3 samples have none, `9/1.jpg` the first"), "{error}");
    assert_eq!(dataset.class_counts(), None);
    let dataset = dataset.labelled_by_folder().expect("each has a folder");
    let dataset = dataset.subset(&stratified(1, None)).expect("all are labelled");
    let counts: Vec<_> = dataset.class_counts().expect("there are labels").into_iter().collect();
    assert_eq!(counts, [("10".to_owned(), 0), ("9".to_owned(), 1)]);
}
