//! What pretrained weights are evaluated with: `timm:NAME` and `torchvision:NAME`.
//!
//! Each table holds every configuration once, and then the names with the numbers of theirs;
//! `fixtures/preprocess/make_zoo.py` wrote them from the packages. A table is text, and searched line
//! by line when a name is asked for.

use std::fmt;

use crate::preset;
use crate::recipe::RecipeError;
use crate::recipe::{
    Arithmetic, Color, Crop, CropAnchor, Decode, Fill, Filter, Normalise, Pad, PadAnchor, PadTo,
    Resize, Rounding, Scale, Size, Step, Target,
};

/// How many names an error shows.
const NAMES_SHOWN: usize = 5;

/// Behind a name of timm's: the size that its authors test with, where that is another one.
const AT_TEST_SIZE: &str = "@test";

/// A package of pretrained weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zoo {
    /// What stands before the colon.
    pub(crate) name: &'static str,
    /// What stands behind it, in one line.
    pub(crate) summary: &'static str,
    table: &'static str,
    /// What may stand before a name, as on a model hub.
    owners: &'static [&'static str],
    /// How many of a row's fields are names of the model.
    n_names: usize,
}

/// Every package with a table.
pub(crate) const ZOOS: [Zoo; 2] = [
    Zoo {
        name: "torchvision",
        summary: "what `weights.transforms()` of torchvision does: torchvision:ResNet50_Weights.IMAGENET1K_V2, torchvision:resnet50",
        table: include_str!("../zoo/torchvision.tsv"),
        owners: &[],
        n_names: 2,
    },
    Zoo {
        name: "timm",
        summary: "what `create_transform` of timm does for a pretrained model: timm:resnet50.a1_in1k, timm:resnet50, timm:resnet50@test",
        table: include_str!("../zoo/timm.tsv"),
        owners: &["hf-hub:", "hf_hub:", "timm/"],
        n_names: 1,
    },
];

/// A line of a table: a model and its weights, the default first.
#[derive(Debug, Clone, Copy)]
struct Row {
    line: &'static str,
    n_names: usize,
}

impl Zoo {
    /// Returns the steps of some weights.
    ///
    /// # Errors
    ///
    /// [`RecipeError::UnknownWeights`] with the nearest names; [`RecipeError::NotPictures`] for
    /// weights that take anything else.
    pub(crate) fn steps(&self, weights: &str) -> Result<Vec<Step>, RecipeError> {
        let (weights, at_test_size) = match weights.strip_suffix(AT_TEST_SIZE) {
            Some(weights) => (weights, true),
            None => (weights, false),
        };
        let weights =
            self.owners.iter().fold(weights, |it, owner| it.strip_prefix(owner).unwrap_or(it));
        let (model, tag) = match weights.split_once('.') {
            Some((model, tag)) => (model, Some(tag)),
            None => (weights, None),
        };
        let row = self.rows().find(|row| row.is_of(model));
        let number = row.and_then(|row| row.number(tag, at_test_size));
        let Some(configuration) = number.and_then(|number| self.configuration(number)) else {
            let nearest = match row {
                Some(row) => row.tags().map(|(tag, _)| joined(model, tag)).collect(),
                None => self.nearest(model),
            };
            let (package, name) = (self.package(), weights.to_owned());
            return Err(RecipeError::UnknownWeights { package, name, nearest: Names(nearest) });
        };
        steps(configuration).ok_or_else(|| RecipeError::NotPictures {
            name: format!("{}:{weights}", self.name),
            what: configuration,
        })
    }

    /// Returns name and version of the package that the table was made from.
    pub(crate) fn package(&self) -> &'static str {
        let first = self.table.lines().next().unwrap_or_default();
        first.trim_start_matches("# ").split(';').next().unwrap_or_default()
    }

    fn configuration(&self, number: usize) -> Option<&'static str> {
        self.table.lines().skip(1).take_while(|line| !line.starts_with('#')).nth(number)
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let n_names = self.n_names;
        let behind = self.table.lines().skip(1).skip_while(|line| !line.starts_with('#'));
        behind.skip(1).map(move |line| Row { line, n_names })
    }

    /// The models whose names are most like one that is none.
    fn nearest(&self, model: &str) -> Vec<String> {
        let model = model.to_ascii_lowercase();
        let alike = |row: &Row| {
            let alike = |name: &str| strsim::jaro_winkler(&model, &name.to_ascii_lowercase());
            row.names().map(alike).fold(0.0, f64::max)
        };
        let mut rows: Vec<(f64, Row)> = self.rows().map(|row| (alike(&row), row)).collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let names = rows.into_iter().take(NAMES_SHOWN).filter_map(|(_, row)| row.names().next());
        names.map(str::to_owned).collect()
    }
}

impl Row {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.line.split('\t').take(self.n_names)
    }

    /// Whether it is the row of a model by any of its names; a class of weights is named without its
    /// ending as well.
    fn is_of(&self, model: &str) -> bool {
        let is = |name: &str| name.eq_ignore_ascii_case(model);
        self.names().any(|name| is(name) || name.strip_suffix("_Weights").is_some_and(is))
    }

    /// The tags of the weights with their numbers.
    fn tags(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.line.split('\t').skip(self.n_names).filter_map(|field| field.split_once('='))
    }

    /// The number of a configuration; without a tag, of the default's.
    fn number(&self, tag: Option<&str>, at_test_size: bool) -> Option<usize> {
        let is = |found: &str| tag.is_none_or(|tag| tag.eq_ignore_ascii_case(found));
        let default = tag.is_some_and(|tag| tag == "DEFAULT");
        let (_, numbers) = self.tags().find(|(found, _)| default || is(found))?;
        let (usual, test) = numbers.split_once('/').unwrap_or((numbers, numbers));
        if at_test_size { test } else { usual }.parse().ok()
    }
}

fn joined(model: &str, tag: &str) -> String {
    if tag.is_empty() { model.to_owned() } else { format!("{model}.{tag}") }
}

/// Returns the steps that a configuration stands for, or `None` where it is none of pictures.
fn steps(configuration: &str) -> Option<Vec<Step>> {
    let fields: Vec<&str> = configuration.split('\t').collect();
    let [geometry, resized, size, filter, mean, std] = fields[..] else { return None };
    let numbers =
        |text: &str| text.split(',').map(str::parse).collect::<Result<Vec<f64>, _>>().ok();
    let (color, scale, arithmetic) = (Color::Rgb, Scale::Over(255.0), Arithmetic::F32);
    let (mean, std) = (numbers(mean)?, numbers(std)?);
    let normalise = Normalise { color, scale, mean, std, arithmetic };
    let resize =
        |target| Some(Step::Resize(Resize { target, filter: filter.parse::<Filter>().ok()? }));
    let crop = |size| Step::Crop(Crop::Size { size, anchor: CropAnchor::Centre });
    let size: Option<Size> = size.parse().ok();
    let geometry = match (geometry, size) {
        ("shorter", size) => {
            let side = resized.parse().ok()?;
            let resize = resize(Target::ShorterSide { side, rounding: Rounding::Down })?;
            [Some(resize), size.map(crop)]
        }
        ("to", Some(size)) => {
            let to: Size = resized.parse().ok()?;
            [Some(resize(Target::To(to))?), (to != size).then(|| crop(size))]
        }
        ("border", Some(size)) => {
            let target = Target::Within { size, rounding: Rounding::HalfEvenOver };
            let fill = Fill::Pixel(BORDER);
            let pad = Pad { to: PadTo::Size(size), anchor: PadAnchor::Centre, fill };
            [Some(resize(target)?), Some(Step::Pad(pad))]
        }
        ("", None) => [None, None],
        _ => return None,
    };
    Some(preset::steps(Decode::PILLOW, geometry.into_iter().flatten(), normalise))
}

/// The mean of 0.5 as a pixel: `round(255 * 0.5)` of Python.
const BORDER: u8 = 128;

/// Names, as an error shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|name| format!("`{name}`")).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    /// The recipe of some weights, for the size that weights without one are given.
    fn recipe(preset: &str) -> Result<Recipe, RecipeError> {
        crate::Settings::preset(preset).recipe()
    }

    fn print(preset: &str) -> String {
        recipe(preset).unwrap().to_toml()
    }

    #[test]
    fn every_name_of_every_table_has_steps() {
        let mut n_weights = [0, 0];
        for (zoo, n_weights) in ZOOS.iter().zip(&mut n_weights) {
            for row in zoo.rows() {
                let model = row.names().next().unwrap();
                for (tag, numbers) in row.tags() {
                    *n_weights += 1;
                    for number in numbers.split('/') {
                        assert!(zoo.configuration(number.parse().unwrap()).is_some(), "{row:?}");
                    }
                    let name = joined(model, tag);
                    match zoo.steps(&name) {
                        Ok(steps) => assert!(matches!(steps.last(), Some(Step::Normalise(_)))),
                        Err(RecipeError::NotPictures { what, .. }) => {
                            assert!(what.ends_with(" of frames"), "{name}: {what}");
                        }
                        Err(error) => panic!("{name}: {error}"),
                    }
                    assert!(
                        zoo.steps(&format!("{name}{AT_TEST_SIZE}")).is_ok() || zoo.n_names == 2
                    );
                }
            }
        }
        assert_eq!(n_weights, [166, 1826]);
    }

    #[test]
    fn weights_have_more_than_one_spelling() {
        let v2 = print("torchvision:ResNet50_Weights.IMAGENET1K_V2");
        for same in
            ["resnet50", "ResNet50_Weights.DEFAULT", "ResNet50.IMAGENET1K_V2", "ResNet50_Weights"]
        {
            assert_eq!(print(&format!("torchvision:{same}")), v2, "{same}");
        }
        assert!(v2.contains("shorter-side = 232"), "{v2}");
        let v1 = print("torchvision:resnet50.IMAGENET1K_V1");
        assert_eq!(v1, Recipe::preset("torchvision").unwrap().to_toml());
        let a1 = print("timm:resnet50.a1_in1k");
        for same in ["resnet50", "timm/resnet50.a1_in1k", "hf-hub:timm/resnet50.a1_in1k"] {
            assert_eq!(print(&format!("timm:{same}")), a1, "{same}");
        }
        assert!(a1.contains("shorter-side = 235") && a1.contains("\"224x224\""), "{a1}");
        let test = print("timm:resnet50.a1_in1k@test");
        assert!(test.contains("shorter-side = 288") && test.contains("\"288x288\""), "{test}");
    }

    #[test]
    fn a_name_that_is_none_gets_its_neighbours() {
        for (preset, said) in [
            ("timm:resnt50", "`resnet50`"),
            ("timm:resnet50.a1_in22k", "`resnet50.a1_in1k`"),
            ("torchvision:resnett50", "`resnet50`"),
            ("torchvision:ResNet50_Weights.IMAGENET1K_V9", "`ResNet50_Weights.IMAGENET1K_V2`"),
        ] {
            let error = recipe(preset).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(" has no pretrained "), "{error}");
        }
        let error = recipe("torchvision:raft_large").unwrap_err().to_string();
        assert_eq!(
            error,
            "`torchvision:raft_large` takes pairs of frames, which no recipe makes of a picture"
        );
    }

    #[test]
    fn weights_without_a_size_ask_for_one() {
        for preset in ["torchvision:fcn_resnet50", "torchvision:fasterrcnn_resnet50_fpn"] {
            assert!(matches!(recipe(preset), Err(RecipeError::OpenSize)), "{preset}");
        }
        let sized = |preset: &str, more: &str| {
            let settings =
                crate::Settings::from_toml(&format!("preset = '{preset}'\n{more}")).unwrap();
            settings.recipe().unwrap().to_toml()
        };
        let detector = sized("torchvision:fasterrcnn_resnet50_fpn", "size = '800x600'");
        assert!(detector.contains("step = \"expect\"") && detector.contains("scale = \"1/255\""));
        let stretched = sized("torchvision:fcn_resnet50", "resize = 'stretch'\nsize = '520x520'");
        assert!(stretched.contains("to = \"520x520\"") && stretched.contains("pil-bilinear"));
    }
}
