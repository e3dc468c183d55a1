//! Presets, lists of steps, and the changes laid over them.

use calibrant_preprocess::{
    Crop, CropAnchor, DctScale, Filter, Preprocess, PreprocessError, Preset, Recipe, RecipeError,
    Rounding, Scale, Scratch, Settings, Size, Step, Target,
};

use crate::{bytes, chain, tensor};

fn layered(preset: &str, toml: &str) -> Result<Recipe, RecipeError> {
    Settings::preset(preset).overridden_by(Settings::from_toml(toml)?).recipe()
}

/// The recipe's steps but for the first and the last.
fn geometry(recipe: &Recipe) -> &[Step] {
    &recipe.steps[1..recipe.steps.len() - 1]
}

/// A list with these steps between `decode` and `normalise`, one a line.
fn listed(steps: &str) -> Result<Recipe, RecipeError> {
    let tables: String = steps
        .lines()
        .map(|step| {
            let fields: String = step.split("; ").map(|field| format!("{field}\n")).collect();
            format!("[[steps]]\nstep = {fields}")
        })
        .collect();
    Settings::from_toml(&format!("{DECODE}{tables}{NORMALISE}"))?.recipe()
}

const DECODE: &str = "
[[steps]]
step = 'decode'
pixels = 'opencv'
orientation = 'exif'
";

const NORMALISE: &str = "
[[steps]]
step = 'normalise'
color = 'rgb'
scale = 1.0
mean = [0.0]
std = [1.0]
arithmetic = 'f32'
";

#[test]
fn every_preset_survives_its_toml() {
    for preset in Preset::all().iter().filter(|preset| preset.name != "raw") {
        let recipe = Recipe::preset(preset.name).unwrap();
        let text = recipe.to_toml();
        assert_eq!(Settings::from_toml(&text).unwrap().recipe().unwrap(), recipe, "{text}");
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        assert_eq!(recipe.compile().unwrap().describe(), text);
    }
}

#[test]
fn a_size_takes_what_is_resized_along() {
    for (size, expected) in [("224x224", 256), ("299x299", 341), ("320x160", 365), ("1x1", 1)] {
        let recipe = layered("timm", &format!("size = '{size}'")).unwrap();
        let target = Target::ShorterSide { side: expected, rounding: Rounding::Down };
        let [Step::Resize(resize), Step::Crop(Crop::Size { size: crop, .. })] = geometry(&recipe)
        else {
            panic!("{recipe:?}")
        };
        assert_eq!((resize.target, crop.to_string()), (target, size.to_owned()));
        assert_eq!(
            recipe,
            layered("timm", &format!("resize = 'shorter-crop'\nsize = '{size}'")).unwrap()
        );
    }
    for (preset, size, others) in [
        ("timm", "299x299\nshorter-side = 320", "shorter-side = 320"),
        ("caffe-bvlc", "112x448", "to = \"128x512\""),
        ("ultralytics", "320x640", "within = \"320x640\""),
        ("segment-anything", "512x512", "longer-side = 512"),
        ("raw", "5x7", "step = \"expect\"\nsize = \"5x7\""),
        ("ppocr", "96x32", "line = \"96x32\""),
        ("ppocr-rec", "480x48", "line = \"480x48\""),
        ("ppocr-det", "640x640", "limit-side = 640"),
        ("rapidocr-det", "736x736", "multiple = 32"),
        ("ppocr-det", "1280x736", "limit-side = 736"),
        ("detr", "800x1000", "longest-edge = 800"),
    ] {
        let (size, more) = size.split_once('\n').unwrap_or((size, ""));
        let text = layered(preset, &format!("size = '{size}'\n{more}")).unwrap().to_toml();
        assert!(text.contains(others), "{preset}: {text}");
        let compiled = Settings::from_toml(&text).unwrap().recipe().unwrap().compile().unwrap();
        assert_eq!(compiled.size().to_string(), size);
    }
}

#[test]
fn another_geometry_replaces_the_steps_and_keeps_size_and_filter() {
    let timm = layered("timm", "resize = 'letterbox'\nfill = 3").unwrap();
    let text = timm.to_toml();
    assert_eq!(timm.steps.len(), 4);
    for part in ["within = \"224x224\"", "\"pil-bicubic\"", "fill = 3"] {
        assert!(text.contains(part), "{text}");
    }
    let crop = layered("imagenet", "resize = 'shorter-crop'").unwrap();
    assert!(crop.to_toml().contains("shorter-side = 256"), "{crop:?}");
    let fashion = layered("fashion", "resize = 'stretch'\nfilter = 'cv2-area'\nsize = '32x32'");
    assert!(matches!(geometry(&fashion.unwrap()), [Step::Resize(_)]));
}

#[test]
fn later_layers_win() {
    let file = Settings::from_toml("preset = 'timm'\nsize = '100x100'\nstd = [2.0]").unwrap();
    let flags = Settings::from_toml("size = '50x50'").unwrap();
    let recipe = file.clone().overridden_by(flags).recipe().unwrap();
    let Some(Step::Normalise(normalise)) = recipe.steps.last() else { panic!("{recipe:?}") };
    assert_eq!(normalise.std, [2.0]);
    assert_eq!(recipe.compile().unwrap().shape(), [3, 50, 50]);
    let steps = Settings { steps: Some(recipe.steps.clone()), ..Settings::default() };
    let replaced = file.overridden_by(steps);
    assert_eq!((replaced.preset.as_ref(), replaced.size), (None, Some(Size::new(100, 100))));
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
        (
            "imagenet",
            "std = [1.0, 0.0, 1.0]",
            "step 3 of the recipe, `normalise`, cannot be used: std cannot be 0",
        ),
        ("imagenet", "std = [nan]", "std cannot be NaN"),
        ("imagenet", "scale = 0.0", "scale cannot be 0"),
        ("imagenet", "size = '0x5'", "to of 0 px is out of range"),
        (
            "imagenet",
            "size = '5x20000'",
            "step 2 of the recipe, `resize`, cannot be used: to of 20000 px is out of range",
        ),
        ("timm", "shorter-side = 0", "shorter-side of 0 px"),
        (
            "imagenet",
            "jpeg = 'image'\ndct-scale = 'draft'",
            "the decoder `image` has no scaled decode",
        ),
        (
            "imagenet",
            "jpeg = 'nvjpeg'\ndct-scale = '1/2'",
            "the decoder `nvjpeg` has no scaled decode",
        ),
        ("imagenet", "max-pixels = 0", "max-pixels of 0 is out of range"),
        ("raw", "", "leave the tensor's size to the picture"),
        ("raw", "resize = 'stretch'", "or give a size"),
        ("fashion", "resize = 'stretch'", "the geometry `stretch` needs a filter"),
        (
            "fashion",
            "filter = 'cv2-area'",
            "`filter` changes a step `resize`, and the recipe has none",
        ),
        ("imagenet", "fill = 3", "`fill` changes a step `pad`, and the recipe has none"),
        (
            "imagenet",
            "shorter-side = 3",
            "`shorter-side` changes a step `resize` by `shorter-side`",
        ),
        ("imagenet", "steps = []", "the recipe has no steps"),
    ] {
        let message = chain(&layered(preset, toml).unwrap_err());
        assert!(message.contains(expected), "{preset} {toml}: {message}");
    }
    let both = Settings::from_toml("preset = 'timm'\nsteps = []").unwrap().recipe().unwrap_err();
    assert!(both.to_string().starts_with("both a preset and steps are given"), "{both}");
}

#[test]
fn a_list_that_makes_no_tensor_is_refused_at_the_step() {
    for (steps, expected) in [
        (
            "'resize'; to = '9x9'; filter = 'cv2-area'\n'resize'; to = '8x8'; filter = 'cv2-area'",
            "step 3 of the recipe, `resize`, cannot be used: the recipe has this step already",
        ),
        ("'crop'; size = '9x9'\n'crop'; fraction = 0.5", "step 3 of the recipe, `crop`"),
        ("'decode'; pixels = 'pillow'; orientation = 'stored'", "step 2 of the recipe, `decode`"),
        ("'crop'; size = '9x9'\n'expect'; size = '9x9'", "put it right after `decode`"),
        (
            "'expect'; size = '9x9'\n'pad'; size = '12x9'; fill = 1\n'resize'; to = '9x9'; filter = 'pil-box'",
            "step 4 of the recipe, `resize`, cannot be used: bars are neither cut nor resized",
        ),
        (
            "'resize'; shorter-side = 9; filter = 'pil-box'",
            "leave the tensor's size to the picture",
        ),
        (
            "'resize'; shorter-side = 9; filter = 'pil-box'\n'pad'; size = '12x9'; fill = 1",
            "the picture may be larger by then",
        ),
        (
            "'resize'; longer-side = 9; filter = 'pil-box'\n'pad'; size = '12x8'; fill = 1",
            "the picture may have 9x9 px by then",
        ),
        (
            "'resize'; longer-side = 9; filter = 'pil-box'\n'pad'; multiple = 8; fill = 1",
            "a multiple of what depends on the picture",
        ),
        (
            "'crop'; size = '9x9'\n'pad'; size = '12x9'; fill = 1",
            "fills with 0 what a picture lacks",
        ),
        (
            "'expect'; size = '9x9'\n'pad'; multiple = 16385; fill = 1",
            "multiple of 16385 px is out of range",
        ),
        (
            "'expect'; size = '9x1'\n'resize'; shorter-side = 9000; filter = 'pil-box'",
            "a tensor with a side of 81000 px",
        ),
        (
            "'crop'; fraction = 0.0\n'resize'; to = '9x9'; filter = 'pil-box'",
            "fraction of 0 is out of range",
        ),
        (
            "'normalise'; color = 'rgb'; scale = 1.0; mean = [0.0]; std = [1.0]; arithmetic = 'f32'",
            "step 3 of the recipe, `normalise`, cannot be used: nothing comes after `normalise`",
        ),
    ] {
        let message = chain(&listed(steps).unwrap_err());
        assert!(message.contains(expected), "{steps}: {message}");
    }
    let begun = Settings::from_toml(DECODE).unwrap().recipe().unwrap_err().to_string();
    assert_eq!(begun, "the recipe does not end with `normalise`: add it as step 2");
    let ended = chain(&Settings::from_toml(NORMALISE).unwrap().recipe().unwrap_err());
    assert!(ended.ends_with("a recipe begins with `decode`: put it first"), "{ended}");
}

#[test]
fn a_size_that_follows_is_not_set() {
    let steps = listed("'resize'; to = '9x9'; filter = 'pil-box'\n'crop'; fraction = 0.5");
    let base = Settings { steps: Some(steps.unwrap().steps), ..Settings::default() };
    let sized = base.overridden_by(Settings::from_toml("size = '4x4'").unwrap());
    let message = sized.recipe().unwrap_err().to_string();
    assert!(message.starts_with("`size` cannot change step 3, `crop`"), "{message}");
}

#[test]
fn a_crop_before_the_resize_wants_its_pixels() {
    let recipe =
        listed("'crop'; size = '60x20'\n'resize'; to = '9x9'; filter = 'pil-box'").unwrap();
    let picture = bytes("preprocess/pictures/odd_53x37.png");
    let message = tensor(&recipe.compile().unwrap(), &picture).unwrap_err().to_string();
    assert!(
        message.starts_with("the picture is 53x37 px, too small for the crop to 60x20 px"),
        "{message}"
    );
}

#[test]
fn toml_that_is_no_recipe_is_refused_with_its_place() {
    let step = |text: &str| {
        format!(
            "[[steps]]\nstep = 'decode'\npixels = 'pillow'\norientation = 'stored'\n[[steps]]\n{text}"
        )
    };
    for (toml, expected) in [
        ("sise = '5x5'".to_owned(), "unknown field `sise`"),
        ("filter = 'bilinear'".to_owned(), "unknown variant `bilinear`"),
        ("size = '5by5'".to_owned(), "`5by5` is no size"),
        ("scale = '1:255'".to_owned(), "`1:255` is no scale"),
        ("fill = 300".to_owned(), "300"),
        (step("step = 'blur'"), "step 2: unknown variant `blur`"),
        (step("size = '5x5'"), "step 2: missing field `step`"),
        (step("step = 'expect'\nsize = '5x5'\nfill = 3"), "step 2: unknown field `fill`"),
        (step("step = 'resize'\nto = '5x5'"), "step 2: missing field `filter`"),
        (
            step("step = 'resize'\nfilter = 'pil-box'"),
            "step 2: it takes exactly one of `to`, `shorter-side`",
        ),
        (
            step("step = 'resize'\nto = '5x5'\nrounding = 'down'\nfilter = 'pil-box'"),
            "`rounding` means nothing beside `to`",
        ),
        (
            step("step = 'crop'\nfraction = 0.5\nanchor = 'centre'"),
            "`anchor` means nothing beside `fraction`",
        ),
        (
            step("step = 'crop'\nfraction = 0.5\nsize = '5x5'"),
            "exactly one of `size` and `fraction`",
        ),
        (step("step = 'pad'\nsize = '5x5'"), "exactly one of `fill` and `fill-normalised`"),
        (step("step = 'pad'\nfill = 3"), "exactly one of `size` and `multiple`"),
    ] {
        let message = chain(&Settings::from_toml(&toml).unwrap_err());
        assert!(message.contains(expected), "{toml}: {message}");
    }
}

#[test]
fn what_is_absent_in_toml_is_the_usual() {
    let text = listed("'crop'; size = '9x9'").unwrap().to_toml();
    for usual in ["jpeg = \"libjpeg-turbo\"", "max-pixels = 32000000", "anchor = \"centre\""] {
        assert!(text.contains(usual), "{text}");
    }
    for (target, usual) in [
        ("shorter-side = 9", "down"),
        ("longer-side = 9", "half-up"),
        ("within = '9x9'", "half-even"),
    ] {
        let recipe =
            listed(&format!("'resize'; {target}; filter = 'pil-box'\n'crop'; size = '9x9'"));
        let text = recipe.unwrap().to_toml();
        assert!(text.contains(&format!("rounding = \"{usual}\"")), "{text}");
    }
}

#[test]
fn words_are_read_as_they_are_written() {
    assert_eq!("1/255".parse::<Scale>().unwrap(), Scale::Over(255.0));
    assert_eq!("0.5".parse::<Scale>().unwrap(), Scale::Times(0.5));
    assert_eq!("640X480".parse::<Size>().unwrap(), Size::new(640, 480));
    assert_eq!("32".parse::<Size>().unwrap(), Size::new(32, 32));
    for filter in Filter::ALL {
        assert_eq!(filter.word().parse::<Filter>().unwrap(), *filter);
    }
    let message = "cubic".parse::<Filter>().unwrap_err().to_string();
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
    let filters = Filter::ALL.iter().map(|filter| filter.word());
    let resizes = calibrant_preprocess::ResizeKind::ALL.iter().map(|resize| resize.word());
    let colors = calibrant_preprocess::Color::ALL.iter().map(|color| color.word());
    let roundings = Rounding::ALL.iter().map(|rounding| rounding.word());
    let anchors = CropAnchor::ALL.iter().map(|anchor| anchor.word());
    let scales = DctScale::ALL.iter().map(|scale| scale.word());
    let words = scales
        .chain(presets)
        .chain(filters)
        .chain(resizes)
        .chain(colors)
        .chain(roundings)
        .chain(anchors);
    for word in words {
        assert!(page.contains(&format!("`{word}`")), "{word} is not documented");
    }
}

#[test]
fn a_rounding_is_that_of_the_resize() {
    let ceil = layered("ultralytics", "rounding = 'ceil'").unwrap().to_toml();
    assert!(ceil.contains("rounding = \"ceil\""), "{ceil}");
    let down = layered("ppocr", "rounding = 'down'").unwrap().to_toml();
    assert!(down.contains("rounding = \"down\""), "{down}");
    for preset in ["imagenet", "ppocr-det", "fashion"] {
        let error = layered(preset, "rounding = 'ceil'").unwrap_err().to_string();
        assert!(error.starts_with("`rounding` changes a step"), "{preset}: {error}");
    }
}

#[test]
fn a_resize_is_told_in_one_way() {
    for (step, said) in [
        ("'resize'; line = '9x9'; to = '9x9'; filter = 'cv2-linear'", "it takes exactly one of"),
        ("'resize'; filter = 'cv2-linear'", "it takes exactly one of"),
        (
            "'resize'; within = '9x9'; multiple = 3; filter = 'cv2-linear'",
            "`multiple` means nothing beside `within`",
        ),
        (
            "'resize'; limit-side = 9; rounding = 'ceil'; filter = 'cv2-linear'",
            "`rounding` means nothing beside `limit-side`",
        ),
        (
            "'resize'; limit-side = 100; multiple = 32; filter = 'cv2-linear'",
            "limit-side of 100 px is no multiple of 32: take 96",
        ),
        (
            "'resize'; limit-side = 30; multiple = 32; filter = 'cv2-linear'",
            "limit-side of 30 px is no multiple of 32: take 32",
        ),
        (
            "'resize'; limit-side = 64; multiple = 0; filter = 'cv2-linear'",
            "multiple of 0 px is out of range",
        ),
    ] {
        let error = chain(&listed(step).unwrap_err());
        assert!(error.contains(said), "{step}: {error}");
    }
    let lone = chain(&listed("'resize'; longest-edge = 9; filter = 'cv2-linear'").unwrap_err());
    assert!(lone.contains("`shortest-edge` and `longest-edge` together"), "{lone}");
    let fits = "'resize'; limit-side = 64; multiple = 32; filter = 'cv2-linear'\n'pad'; size = '64x64'; fill = 0";
    assert_eq!(listed(fits).unwrap().compile().unwrap().size(), Size::new(64, 64));
}

#[test]
fn a_picture_that_outgrows_its_tensor_is_refused() {
    let outgrown = listed(
        "'resize'; shortest-edge = 30; longest-edge = 63; filter = 'pil-bilinear'\n'pad'; size = '63x63'; fill = 0",
    );
    // 63 * 9 / 64 is 8.9, which rounds to the 9 that it has.
    let error =
        tensor(&outgrown.unwrap().compile().unwrap(), &bytes("preprocess/pictures/wide_64x9.png"));
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("the picture of 64x9 px becomes 64x9 px, larger than the 63x63 px"),
        "{error}"
    );
}
