//! COCO's annotations: pycocotools' reading is what ours is held to.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use calibrant_dataset::{Dataset, Labels, SampleRef, Subset};

use crate::{chain, fixtures, folder_of, names};

const CLASSES: [&str; 3] = ["shirt", "bag", "boot"];

fn folder() -> PathBuf {
    fixtures().join("dataset/coco")
}

/// A sample in the words of `expected.tsv`.
fn words(sample: &SampleRef) -> String {
    let classes = &sample.label().expect("all are labelled").classes;
    let classes: Vec<_> = classes.iter().map(|&class| CLASSES[class as usize]).collect();
    format!("{}\t{}", sample.name(), classes.join(" "))
}

#[test]
fn annotations_find_their_pictures_and_say_what_they_show() {
    let expected = fs::read_to_string(folder().join("expected.tsv")).expect("it is checked in");
    let expected: Vec<_> = expected.lines().collect();
    let dataset = Dataset::open(&folder().join("annotations/instances_val.json"));
    let dataset = dataset.expect("the pictures are where they should be");
    assert_eq!(dataset.samples().iter().map(words).collect::<Vec<_>>(), expected);
    let counts: Vec<_> = dataset.class_counts().expect("there are labels").into_iter().collect();
    let expected_counts = [("bag".to_owned(), 2), ("boot".to_owned(), 3), ("shirt".to_owned(), 5)];
    assert_eq!(counts, expected_counts);

    let labels = Labels::read(&folder().join("annotations/instances_val.json"));
    let labels = labels.expect("they fit together");
    let pictures = Dataset::folder(&folder().join("val")).expect("there are pictures");
    let labelled = pictures.labelled(&labels).expect("each is listed");
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(labelled.samples().iter().map(words).collect::<Vec<_>>(), sorted);
}

/// Each class in turn, and those that show nothing are a class: eight pictures, four strata.
#[test]
fn stratifying_counts_a_picture_for_all_that_it_shows() {
    let dataset = Dataset::open(&folder().join("annotations/instances_val.json"));
    let subset = Subset { stratify: true, limit: NonZeroUsize::new(4), ..Subset::ALL };
    let dataset = dataset.expect("all is there").subset(&subset).expect("all are labelled");
    let expected = ["000000001000.png", "000000000986.png", "000000000993.png", "000000000979.png"];
    assert_eq!(names(&dataset), expected);
}

#[test]
fn names_with_folders_fit_by_their_ends_where_that_is_clear() {
    let json =
        br#"{"images":[{"id":1,"file_name":"train/sub/a.jpg"},{"id":2,"file_name":"train/b.jpg"},
        {"id":3,"file_name":"val/b.jpg"}],"annotations":[{"image_id":1,"category_id":5},
        {"image_id":3,"category_id":5}],"categories":[{"id":5,"name":"x"}]}"#;
    let folder = folder_of(&[("labels.json", json)]);
    let labels = Labels::read(&folder.path().join("labels.json")).expect("they fit together");
    let classes = |name| labels.of(name).map(|it| it.classes.clone());
    for name in ["train/sub/a.jpg", "sub/a.jpg", "a.jpg"] {
        assert_eq!(classes(name), Some(vec![0]), "{name}");
    }
    assert_eq!(classes("train/b.jpg"), Some(vec![]));
    assert_eq!(classes("val/b.jpg"), Some(vec![0]));
    assert_eq!((classes("b.jpg"), classes("other/a.jpg")), (None, None));
}

#[test]
fn missing_pictures_are_named_with_the_way_out() {
    let json = |files: [&str; 3]| {
        let image = |(id, file): (usize, &&str)| format!(r#"{{"id":{id},"file_name":"{file}"}}"#);
        let images: Vec<_> = files.iter().enumerate().map(image).collect();
        format!(r#"{{"images":[{}]}}"#, images.join(","))
    };
    let some = json(["a.jpg", "b.jpg", "c.jpg"]);
    let files: [(&str, &[u8]); 3] =
        [("annotations/val.json", some.as_bytes()), ("images/val/b.jpg", b""), ("c.jpg/d", b"")];
    let set = folder_of(&files);
    let error =
        Dataset::open(&set.path().join("annotations/val.json")).expect_err("two are missing");
    let text = chain(&error);
    assert!(text.contains("2 of 3 pictures are not in `"), "{text}");
    assert!(
        text.contains("images/val`: a.jpg, c.jpg; to use those that are, name the folder"),
        "{text}"
    );

    let none = json(["x.jpg", "y.jpg", "z.jpg"]);
    fs::write(set.path().join("annotations/val.json"), none).expect("it can be written");
    let text = chain(&Dataset::open(&set.path().join("annotations/val.json")).expect_err("none"));
    assert!(text.contains("its pictures, `x.jpg` the first of them, are in none of `"), "{text}");
}

#[test]
fn annotations_that_say_nothing_are_no_labels() {
    let folder = folder_of(&[
        ("a.json", br#"{"images":[{"id":1,"file_name":"a.jpg"}]}"#),
        ("empty.json", b""),
    ]);
    let error = Labels::read(&folder.path().join("a.json")).expect_err("there are no annotations");
    assert!(error.to_string().contains("no `annotations` with `categories`"), "{error}");
    let error = Labels::read(&folder.path().join("empty.json")).expect_err("there is nothing");
    assert!(chain(&error).contains("not in COCO's format"), "{error}");
}
