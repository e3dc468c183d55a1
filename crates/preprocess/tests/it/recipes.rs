//! Presets, layers and TOML.

use calibrant_preprocess::{
    Preprocess, PreprocessError, Preset, Recipe, RecipeError, Resize, Scale, Scratch, Settings,
    Size,
};

use crate::{bytes, chain, tensor};

fn layered(preset: &str, toml: &str) -> Result<Recipe, RecipeError> {
    Settings::preset(preset).overridden_by(Settings::from_toml(toml)?).recipe()
}

#[test]
fn every_preset_survives_its_toml() {
    for preset in Preset::all() {
        let size = Settings::from_toml("size = '96x64'").unwrap();
        let recipe = Settings::preset(preset.name).overridden_by(size).recipe().unwrap();
        assert_eq!(recipe.size, Size::new(96, 64), "{}", preset.name);
        let text = recipe.to_toml();
        assert_eq!(Settings::from_toml(&text).unwrap().recipe().unwrap(), recipe, "{text}");
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        assert_eq!(recipe.compile().unwrap().describe(), text);
    }
}

#[test]
fn the_shorter_side_follows_the_size() {
    for (size, expected) in [("224x224", 256), ("299x299", 341), ("320x160", 365), ("1x1", 1)] {
        let recipe = layered("timm", &format!("size = '{size}'")).unwrap();
        assert_eq!(recipe.resize, Resize::ShorterCrop { shorter_side: expected }, "{size}");
    }
    let recipe = layered("timm", "size = '299x299'\nshorter-side = 320").unwrap();
    assert_eq!(recipe.resize, Resize::ShorterCrop { shorter_side: 320 });
    let recipe = layered("imagenet", "resize = 'shorter-crop'").unwrap();
    assert_eq!(recipe.resize, Resize::ShorterCrop { shorter_side: 256 });
}

#[test]
fn later_layers_win() {
    let file = Settings::from_toml("preset = 'timm'\nsize = '100x100'\nstd = [2.0]").unwrap();
    let flags = Settings::from_toml("size = '50x50'").unwrap();
    let recipe = file.overridden_by(flags).recipe().unwrap();
    assert_eq!((recipe.size, recipe.std), (Size::new(50, 50), vec![2.0]));
}

#[test]
fn a_missing_or_unknown_preset_lists_them_all() {
    let missing = Settings::default().recipe().unwrap_err().to_string();
    let unknown = Recipe::preset("imagnet").unwrap_err().to_string();
    for preset in Preset::all() {
        for message in [&missing, &unknown] {
            assert!(message.contains(preset.name) && message.contains(preset.summary), "{message}");
        }
    }
    assert!(unknown.starts_with("there is no preset `imagnet`"), "{unknown}");
}

#[test]
fn what_contradicts_itself_is_refused_by_name() {
    for (preset, toml, expected) in [
        ("imagenet", "color = 'gray'", "mean has 3 values, but gray has 1 channels"),
        ("imagenet", "std = [1.0, 0.0, 1.0]", "std cannot be 0"),
        ("imagenet", "std = [nan]", "std cannot be NaN"),
        ("imagenet", "scale = 0.0", "scale cannot be 0"),
        ("imagenet", "size = '0x5'", "size of 0 px is out of range"),
        ("imagenet", "size = '5x20000'", "size of 20000 px is out of range"),
        ("timm", "shorter-side = 0", "shorter-side of 0 px"),
        ("imagenet", "max-pixels = 0", "refuses every picture"),
        ("raw", "", "the recipe has no `size`"),
    ] {
        let message = layered(preset, toml).unwrap_err().to_string();
        assert!(message.contains(expected), "{toml}: {message}");
    }
}

#[test]
fn toml_that_is_no_recipe_is_refused_with_its_place() {
    for (toml, expected) in [
        ("sise = '5x5'", "unknown field `sise`"),
        ("filter = 'bilinear'", "unknown variant `bilinear`"),
        ("size = '5by5'", "`5by5` is no size"),
        ("scale = '1:255'", "`1:255` is no scale"),
        ("fill = 300", "300"),
    ] {
        let message = chain(&Settings::from_toml(toml).unwrap_err());
        assert!(message.contains(expected), "{toml}: {message}");
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    assert_eq!("1/255".parse::<Scale>().unwrap(), Scale::Over(255.0));
    assert_eq!("0.5".parse::<Scale>().unwrap(), Scale::Times(0.5));
    assert_eq!("640X480".parse::<Size>().unwrap(), Size::new(640, 480));
    assert_eq!("32".parse::<Size>().unwrap(), Size::new(32, 32));
    for filter in calibrant_preprocess::Filter::ALL {
        assert_eq!(filter.word().parse::<calibrant_preprocess::Filter>().unwrap(), *filter);
    }
    let message = "cubic".parse::<calibrant_preprocess::Filter>().unwrap_err().to_string();
    assert!(message.starts_with("`cubic` is no filter; known are cv2-linear, cv2-"), "{message}");
}

#[test]
fn colours_are_planes_in_their_order() {
    let picture = bytes("preprocess/pictures/one.bmp");
    let of = |color: &str| {
        let toml = format!("size = '1x1'\ncolor = '{color}'");
        tensor(&layered("raw", &toml).unwrap().compile().unwrap(), &picture).unwrap()
    };
    assert_eq!(of("rgb"), [200.0, 100.0, 50.0]);
    assert_eq!(of("bgr"), [50.0, 100.0, 200.0]);
    assert_eq!(of("gray"), [124.0]);
}

#[test]
fn sizes_must_agree() {
    let pipeline = layered("raw", "size = '2x2'").unwrap().compile().unwrap();
    let picture = bytes("preprocess/pictures/one.bmp");
    let error = tensor(&pipeline, &picture).unwrap_err();
    assert!(matches!(error, PreprocessError::WrongSize { found, .. } if found == Size::new(1, 1)));
    let error = pipeline.preprocess(&picture, &mut Scratch::new(), &mut [0.0; 11]).unwrap_err();
    assert_eq!(error.to_string(), "the output slice has 11 values, the tensor has 12");
}

#[test]
fn the_documentation_names_every_word() {
    let page = String::from_utf8(bytes("../docs/preprocessing.md")).unwrap();
    let presets = Preset::all().iter().map(|preset| preset.name);
    let filters = calibrant_preprocess::Filter::ALL.iter().map(|filter| filter.word());
    let resizes = calibrant_preprocess::ResizeKind::ALL.iter().map(|resize| resize.word());
    let colors = calibrant_preprocess::Color::ALL.iter().map(|color| color.word());
    for word in presets.chain(filters).chain(resizes).chain(colors) {
        assert!(page.contains(&format!("`{word}`")), "{word} is not documented");
    }
}
