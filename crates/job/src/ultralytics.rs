//! What an export of Ultralytics says of itself, and whether a preprocessing contradicts it.

use std::fmt;

use calibrant_preprocess::{Recipe, Settings, Size};

/// The metadata of an export of Ultralytics: what it was trained to do, and on what pictures.
///
/// It displays as what the model says, for an error or a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ultralytics {
    /// `detect`, `segment`, `pose`, `obb`, `classify`, or a later one.
    pub task: String,
    /// The size of the pictures (`imgsz`).
    pub size: Option<Size>,
    /// What the sides of pictures are multiples of (`stride`).
    pub stride: Option<u32>,
}

impl Ultralytics {
    /// Returns what the metadata of a model say, or `None` where they are not Ultralytics'.
    pub fn of<'a>(metadata: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let (mut task, mut size, mut stride, mut is_ultralytics) = (None, None, None, false);
        for (key, value) in metadata {
            match key {
                "author" => is_ultralytics |= value == "Ultralytics",
                "description" => is_ultralytics |= value.starts_with("Ultralytics "),
                "task" => task = Some(value.to_owned()),
                "imgsz" => size = picture_size(value),
                "stride" => stride = value.parse().ok().filter(|stride| *stride > 0),
                _ => {}
            }
        }
        Some(Self { task: task.filter(|_| is_ultralytics)?, size, stride })
    }

    /// Returns the preset that Ultralytics' own predictor equals; `None` for a task that has none here.
    #[must_use]
    pub fn preset(&self) -> Option<&'static str> {
        match self.task.as_str() {
            "detect" | "segment" | "pose" | "obb" => Some("ultralytics"),
            "classify" => Some("ultralytics-classify"),
            _ => None,
        }
    }

    /// Returns what the model says against a recipe that makes pictures of this size, if anything.
    #[must_use]
    pub fn against(&self, recipe: &Recipe, size: Size) -> Option<String> {
        let preset = self.preset()?;
        let own = Settings { size: Some(size), ..Settings::preset(preset) }.recipe().ok()?;
        if own != *recipe {
            return Some(format!("{self}, and the preprocessing given is not `{preset}`"));
        }
        let off_grid = |stride: &u32| {
            self.preset() == Some("ultralytics")
                && !(size.width.is_multiple_of(*stride) && size.height.is_multiple_of(*stride))
        };
        match (self.size, self.stride.filter(off_grid)) {
            (_, Some(stride)) => Some(format!(
                "{self}, whose pictures have sides that are multiples of {stride}, and the preprocessing makes {size}"
            )),
            (Some(own), None) if own != size => {
                Some(format!("{self}, and the preprocessing makes pictures of {size}"))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Ultralytics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the model says that it is Ultralytics', of the task `{}`", self.task)?;
        match self.size {
            Some(size) => write!(f, " on pictures of {size}"),
            None => Ok(()),
        }
    }
}

/// Reads `[height, width]`, or one number.
fn picture_size(text: &str) -> Option<Size> {
    let numbers = text.trim().trim_start_matches('[').trim_end_matches(']').split(',');
    let numbers: Vec<u32> = numbers.map(|side| side.trim().parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [side] => Some(Size::new(side, side)),
        [height, width] => Some(Size::new(width, height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(task: &str, imgsz: &str) -> Ultralytics {
        let description = "Ultralytics YOLO11n model trained on coco8.yaml";
        let pairs =
            [("description", description), ("task", task), ("imgsz", imgsz), ("stride", "32")];
        Ultralytics::of(pairs).unwrap()
    }

    fn against(model: &Ultralytics, toml: &str) -> Option<String> {
        let recipe = Settings::from_toml(toml).unwrap().recipe().unwrap();
        let size = recipe.compile().unwrap().size();
        model.against(&recipe, size)
    }

    #[test]
    fn metadata_are_read_as_ultralytics_writes_them() {
        let yolo = export("detect", "[384, 640]");
        assert_eq!(yolo.size, Some(Size::new(640, 384)));
        assert_eq!((yolo.stride, yolo.preset()), (Some(32), Some("ultralytics")));
        assert_eq!(export("classify", "[224, 224]").preset(), Some("ultralytics-classify"));
        assert_eq!(export("dream", "640").preset(), None);
        for others in [&[("task", "detect")][..], &[("author", "Ultralytics")], &[]] {
            assert_eq!(Ultralytics::of(others.iter().copied()), None, "{others:?}");
        }
        for nonsense in ["", "[]", "[a, b]", "[1, 2, 3]", "[-1, 2]", "[99999999999, 1]"] {
            assert_eq!(export("detect", nonsense).size, None, "{nonsense}");
        }
        let zero = [("author", "Ultralytics"), ("task", "detect"), ("stride", "0")];
        assert_eq!(Ultralytics::of(zero).unwrap().stride, None);
    }

    #[test]
    fn what_the_model_says_is_held_against_the_preprocessing() {
        let (yolo, classifier) = (export("detect", "[640, 640]"), export("classify", "[224, 224]"));
        assert_eq!(against(&yolo, "preset = 'ultralytics'"), None);
        assert_eq!(against(&classifier, "preset = 'ultralytics-classify'"), None);
        for (model, toml, said) in [
            (&classifier, "preset = 'ultralytics'", "is not `ultralytics-classify`"),
            (&classifier, "preset = 'torchvision'", "is not `ultralytics-classify`"),
            (&yolo, "preset = 'ultralytics-classify'", "is not `ultralytics`"),
            (&yolo, "preset = 'ultralytics'\nsize = '320x320'", "makes pictures of 320x320"),
            (&yolo, "preset = 'ultralytics'\nsize = '650x640'", "multiples of 32"),
            (&yolo, "preset = 'ultralytics'\nfill = 0", "is not `ultralytics`"),
        ] {
            let found = against(model, toml).unwrap();
            assert!(found.contains(said) && found.starts_with("the model says that "), "{found}");
        }
        assert_eq!(against(&export("dream", "640"), "preset = 'torchvision'"), None);
    }
}
