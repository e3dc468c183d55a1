//! COCO's annotations: which pictures there are, and what each shows.
//!
//! Of <https://cocodataset.org/#format-data> only what that takes is read: `images` (`id`,
//! `file_name`), `annotations` (`image_id`, `category_id`) and `categories` (`id`, `name`). Outlines
//! and boxes are skipped over and take no memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::sample::Place;
use crate::store::read_error;
use crate::{CocoError, DatasetError, Label, ReadError, SampleRef, name};

/// So many pictures are looked for to find the folder that they lie in.
const N_PROBES: usize = 16;

/// The largest file of annotations that is read: four times that of COCO's own 118,000 pictures.
const LIMIT_BYTES: u64 = 2 << 30;

/// A file of annotations.
#[derive(Debug)]
pub(crate) struct Coco {
    /// In the order of the file.
    pub(crate) pictures: Vec<Picture>,
    /// The names of the classes, by number.
    pub(crate) classes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) file_name: String,
    /// The classes that it shows, each once in ascending order; `None` where the file has no
    /// annotations.
    pub(crate) classes: Option<Vec<u32>>,
}

#[derive(Deserialize)]
struct Document {
    images: Vec<Image>,
    annotations: Option<Vec<Annotation>>,
    categories: Option<Vec<Category>>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: i64,
    /// Captions have none.
    category_id: Option<i64>,
}

#[derive(Deserialize)]
struct Category {
    id: i64,
    name: String,
}

/// Whether a file is one of annotations, by its name.
pub(crate) fn is_named_so(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"))
}

/// Why a file of annotations cannot be used.
#[derive(Debug)]
pub(crate) enum Problem {
    Read(ReadError),
    Content(CocoError),
}

/// Reads the annotations in a file.
pub(crate) fn read(path: &Path) -> Result<Coco, Problem> {
    let json = calibrant_files::read(path, LIMIT_BYTES);
    let json = json.map_err(|source| Problem::Read(read_error(path, source)))?;
    parse(&json).map_err(Problem::Content)
}

/// Reads annotations; classes are numbered from 0 in the order of their ids, as detectors do it.
pub(crate) fn parse(json: &[u8]) -> Result<Coco, CocoError> {
    let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
    let Document { images, annotations, categories } =
        serde_json::from_slice(json).map_err(CocoError::Json)?;
    if images.is_empty() {
        return Err(CocoError::NoPicture);
    }
    let (numbers, classes) = number(categories.unwrap_or_default())?;
    let mut shown = HashMap::with_capacity(images.len());
    for image in &images {
        if shown.insert(image.id, BTreeSet::new()).is_some() {
            return Err(CocoError::PictureTwice { id: image.id });
        }
    }
    let is_annotated = annotations.is_some() && !numbers.is_empty();
    for Annotation { image_id, category_id } in annotations.unwrap_or_default() {
        let picture = shown.get_mut(&image_id).ok_or(CocoError::UnknownPicture { id: image_id })?;
        if let Some(id) = category_id {
            picture.insert(*numbers.get(&id).ok_or(CocoError::UnknownCategory { id })?);
        }
    }
    let picture = |Image { id, file_name }| {
        let classes = shown.remove(&id).unwrap_or_default();
        Picture { file_name, classes: is_annotated.then(|| classes.into_iter().collect()) }
    };
    Ok(Coco { pictures: images.into_iter().map(picture).collect(), classes })
}

/// The number of each category, and their names by number; a name that comes twice gets its id.
fn number(mut categories: Vec<Category>) -> Result<(HashMap<i64, u32>, Vec<String>), CocoError> {
    categories.sort_by_key(|it| it.id);
    let mut numbers = HashMap::with_capacity(categories.len());
    let mut seen = BTreeSet::new();
    let mut names = Vec::with_capacity(categories.len());
    for (number, Category { id, name }) in (0..).zip(categories) {
        if numbers.insert(id, number).is_some() {
            return Err(CocoError::CategoryTwice { id });
        }
        let name = if seen.contains(&name) { format!("{name} (id {id})") } else { name };
        seen.insert(name.clone());
        names.push(name);
    }
    Ok((numbers, names))
}

/// The pictures of an annotation file as samples, which lie where people put them beside it, and
/// the names of the classes.
pub(crate) fn samples(path: &Path) -> Result<(Vec<SampleRef>, Vec<String>), DatasetError> {
    let broken = |source| DatasetError::Coco { path: path.to_owned(), source };
    let Coco { pictures, classes } = read(path).map_err(|problem| match problem {
        Problem::Read(error) => DatasetError::File(error),
        Problem::Content(error) => broken(error),
    })?;
    let folder = find(path, &pictures).map_err(broken)?;
    let mut labels = BTreeMap::new();
    let mut samples = Vec::with_capacity(pictures.len());
    let mut missing = Vec::new();
    for Picture { file_name, classes } in pictures {
        let place = folder.join(&file_name);
        if !place.is_file() {
            missing.push(file_name);
            continue;
        }
        let mut sample =
            SampleRef::new(&name::of_path(Path::new(&file_name)), Place::File(place.into()));
        if let Some(classes) = classes {
            let label = labels
                .entry(classes)
                .or_insert_with_key(|it| Arc::new(Label::of_classes(it.clone())));
            sample.set_label(Arc::clone(label));
        }
        samples.push(sample);
    }
    if missing.is_empty() {
        return Ok((samples, classes));
    }
    let (count, pictures) = (missing.len(), missing.len() + samples.len());
    missing.truncate(CocoError::N_EXAMPLES);
    Err(broken(CocoError::Missing { count, pictures, folder, examples: missing }))
}

/// The folder of the pictures: the first of the usual ones that has any of the first pictures.
fn find(path: &Path, pictures: &[Picture]) -> Result<PathBuf, CocoError> {
    let folders = usual_folders(path);
    let is_there = |folder: &Path| {
        pictures.iter().take(N_PROBES).any(|picture| folder.join(&picture.file_name).is_file())
    };
    match folders.iter().find(|folder| is_there(folder)) {
        Some(folder) => Ok(folder.clone()),
        None => {
            let example = pictures.first().map(|it| it.file_name.clone()).unwrap_or_default();
            Err(CocoError::Nowhere { example, folders })
        }
    }
}

/// Where pictures lie that `…/instances_val2017.json` speaks of.
fn usual_folders(path: &Path) -> Vec<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let above = if beside == Path::new("") { PathBuf::from("..") } else { beside.join("..") };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let splits = [stem.split_once('_').map(|(_, split)| split.to_owned()), Some(stem)];
    let mut folders = vec![beside.to_owned(), beside.join("images")];
    for split in splits.into_iter().flatten().filter(|it| !it.is_empty()) {
        for root in [beside, &above] {
            folders.push(root.join(&split));
            folders.push(root.join("images").join(&split));
            folders.push(root.join(&split).join("images"));
        }
    }
    folders.extend([above.join("images"), above]);
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(json: &str) -> Result<Vec<Option<Vec<u32>>>, CocoError> {
        parse(json.as_bytes()).map(|it| it.pictures.into_iter().map(|it| it.classes).collect())
    }

    #[test]
    fn classes_are_numbered_in_the_order_of_their_ids() {
        let json = r#"{"info":{"year":2017},"licenses":[{}],
            "images":[{"id":9,"file_name":"b.jpg","height":1},{"id":-2,"file_name":"a.jpg"},{"id":3,"file_name":"c.jpg"}],
            "annotations":[{"image_id":9,"category_id":90,"bbox":[1,2,3.5,4],"segmentation":[[1,2]]},
                {"image_id":9,"category_id":1},{"image_id":-2,"category_id":44},{"image_id":9,"category_id":90}],
            "categories":[{"id":90,"name":"kite"},{"id":1,"name":"cat"},{"id":44,"name":"kite"}]}"#;
        let coco = parse(json.as_bytes()).unwrap();
        assert_eq!(coco.classes, ["cat", "kite", "kite (id 90)"]);
        let pictures: Vec<_> =
            coco.pictures.iter().map(|it| (&*it.file_name, it.classes.clone().unwrap())).collect();
        assert_eq!(pictures, [("b.jpg", vec![0, 2]), ("a.jpg", vec![1]), ("c.jpg", vec![])]);
    }

    #[test]
    fn pictures_without_annotations_have_no_label_and_captions_no_class() {
        let images = r#""images":[{"id":1,"file_name":"a.jpg"}]"#;
        let cases = [
            (format!("{{{images}}}"), None),
            (format!(r#"{{{images},"categories":[{{"id":1,"name":"x"}}]}}"#), None),
            (format!(r#"{{{images},"annotations":[{{"image_id":1,"caption":"x"}}]}}"#), None),
            (
                format!(r#"{{{images},"annotations":[],"categories":[{{"id":1,"name":"x"}}]}}"#),
                Some(vec![]),
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(classes(&json).unwrap(), [expected], "{json}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let image = r#"{"id":1,"file_name":"a.jpg"}"#;
        let cases = [
            (String::new(), "not in COCO's format"),
            ("[]".into(), "not in COCO's format"),
            (r#"{"annotations":[]}"#.into(), "not in COCO's format"),
            (r#"{"images":[{"id":"x","file_name":"a.jpg"}]}"#.into(), "not in COCO's format"),
            (r#"{"images":[]}"#.into(), "no picture in its `images`"),
            (format!(r#"{{"images":[{image},{image}]}}"#), "two pictures have the id 1"),
            (
                format!(r#"{{"images":[{image}],"annotations":[{{"image_id":2}}]}}"#),
                "picture of the id 2",
            ),
            (
                format!(
                    r#"{{"images":[{image}],"annotations":[{{"image_id":1,"category_id":7}}]}}"#
                ),
                "category of the id 7",
            ),
            (
                format!(
                    r#"{{"images":[{image}],"categories":[{{"id":1,"name":"a"}},{{"id":1,"name":"b"}}]}}"#
                ),
                "two categories have the id 1",
            ),
            (
                format!(r#"{{"images":[{image}],"info":{}"#, "[".repeat(100_000)),
                "not in COCO's format",
            ),
        ];
        for (json, words) in cases {
            let text = classes(&json).expect_err(words).to_string();
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn the_usual_folders() {
        let folders = usual_folders(Path::new("coco/annotations/instances_val2017.json"));
        for folder in [
            "coco/annotations",
            "coco/annotations/../val2017",
            "coco/annotations/../images/val2017",
            "coco/annotations/..",
        ] {
            assert!(folders.contains(&PathBuf::from(folder)), "{folder}");
        }
        let beside = usual_folders(Path::new("train.json"));
        assert!(
            beside.contains(&PathBuf::from("train")) && beside.contains(&PathBuf::from("../train"))
        );
        let roboflow = usual_folders(Path::new("valid/_annotations.coco.json"));
        assert_eq!(roboflow[0], Path::new("valid"));
    }
}
