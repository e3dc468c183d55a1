//! Files of other programs: what they ask for is done to the bit, or refused by the name of its key.

use std::collections::BTreeMap;

use calibrant_preprocess::{Foreign, Preset, Recipe};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{bytes, chain, tensor};

#[derive(Deserialize)]
struct Processors {
    processors: BTreeMap<String, Value>,
    /// Kind of file, processor, picture, beginning of the SHA-256.
    goldens: Vec<(String, String, String, String)>,
}

fn steps(kind: Foreign, config: &Value) -> Result<Recipe, String> {
    let steps = kind.steps(&config.to_string()).map_err(|error| chain(&error))?;
    Ok(Recipe { steps })
}

#[test]
fn image_processors_equal_those_of_transformers() {
    let file = bytes("preprocess/processors.json");
    let Processors { processors, goldens } = serde_json::from_slice(&file).unwrap();
    let mut wrong = Vec::new();
    for (prefix, name, picture, expected) in &goldens {
        let (kind, _) = Foreign::of(&format!("{prefix}:x")).unwrap();
        let pipeline = steps(kind, &processors[name]).unwrap().compile().unwrap();
        let values = tensor(&pipeline, &bytes(picture)).unwrap();
        let hash = Sha256::digest(values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        let found: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        if !found.starts_with(expected) {
            wrong.push(format!("{prefix}:{name} {picture}"));
        }
    }
    assert!(goldens.len() > 300, "the goldens are there");
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), goldens.len());
}

#[test]
fn what_a_processor_asks_for_and_is_not_done_is_named() {
    let of = |class: &str, more: Value| {
        let mut config = json!({ "image_processor_type": class });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let (hf, pil) = (Foreign::HuggingFace, Foreign::HuggingFacePil);
    for (kind, config, said) in [
        (hf, json!({}), "it names no class"),
        (
            hf,
            of("EfficientNetImageProcessor", json!({})),
            "`EfficientNetImageProcessor` are not known",
        ),
        (hf, of("ViTImageProcessor", json!({"resample": 0})), "`resample` of `0` is not done here"),
        (pil, of("ViTImageProcessor", json!({"resample": 9})), "`resample` is `9`, and should be"),
        (
            hf,
            of("ViTImageProcessor", json!({"size": "large"})),
            "`size` is `\"large\"`, and should be",
        ),
        (
            hf,
            of("ViTImageProcessor", json!({"size": {"min_pixels": 4}})),
            "`size` is `{\"min_pixels\":4}`",
        ),
        (hf, of("ViTImageProcessor", json!({"size": {"height": 0, "width": 4}})), "`size` is "),
        (
            hf,
            of("ViTImageProcessor", json!({"do_pad": true})),
            "`do_pad` of `true` is not done here",
        ),
        (hf, of("ViTImageProcessor", json!({"image_mean": [1, 2]})), "`image_mean` is `[1,2]`"),
        (hf, of("ViTImageProcessor", json!({"do_resize": 1})), "`do_resize` is `1`, and should be"),
        (hf, of("ViTImageProcessor", json!({"rescale_factor": 0})), "`rescale_factor` is `0`"),
        (
            hf,
            of("DPTImageProcessor", json!({"keep_aspect_ratio": true})),
            "`keep_aspect_ratio` of `true`",
        ),
        (
            hf,
            of("SamImageProcessor", json!({"size": {"height": 4, "width": 4}})),
            "the `longest_edge`",
        ),
        (
            hf,
            of("ConvNextImageProcessor", json!({"size": {"height": 4, "width": 4}})),
            "the `shortest_edge`",
        ),
        (
            hf,
            of("ConvNextImageProcessor", json!({"size": 224, "crop_pct": 0})),
            "`crop_pct` is `0`",
        ),
        (
            pil,
            of("CLIPImageProcessor", json!({"size": 48, "crop_size": 56})),
            "`crop_size` of `56` is not done here: a picture may be smaller",
        ),
    ] {
        let error = steps(kind, &config).unwrap_err();
        assert!(error.contains(said), "{config}: {error}");
    }
    let error = Foreign::HuggingFace.steps("{").unwrap_err();
    assert!(chain(&error).starts_with("it is no JSON: "), "{}", chain(&error));
}

#[test]
fn a_processor_may_stand_in_a_larger_file() {
    let processor =
        json!({"feature_extractor_type": "DetrFeatureExtractor", "size": 800, "max_size": 1333});
    let whole = json!({"processor_class": "X", "image_processor": processor});
    let found = steps(Foreign::HuggingFace, &whole).unwrap();
    assert_eq!(found.steps, Preset::named("detr").unwrap().steps());
    assert_eq!(steps(Foreign::HuggingFace, &processor).unwrap(), found);
}

#[test]
fn a_preset_names_a_file_by_its_kind() {
    assert_eq!(Foreign::of("hf:a/b.json"), Some((Foreign::HuggingFace, "a/b.json")));
    assert_eq!(Foreign::of("deepstream:C:/x.txt"), Some((Foreign::DeepStream, "C:/x.txt")));
    assert_eq!(Foreign::of("timm:resnet50"), None);
    assert_eq!(Foreign::of("hf"), None);
}
