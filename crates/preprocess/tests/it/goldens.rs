//! Tensors against those of OpenCV, Pillow and NumPy: tolerance zero.

use std::collections::BTreeMap;

use calibrant_preprocess::{Filter, Pipeline, Preprocess, Preset, Recipe, Scratch, Settings};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{bytes, tensor};

#[derive(Deserialize)]
struct Goldens {
    recipes: BTreeMap<String, Recipe>,
    /// Recipe, picture, first digits of the SHA-256 of the little-endian tensor.
    goldens: Vec<(String, String, String)>,
}

fn goldens() -> Goldens {
    serde_json::from_slice(&bytes("preprocess/goldens.json")).unwrap()
}

fn pipelines(goldens: &Goldens) -> BTreeMap<&str, Pipeline> {
    let compile = |recipe: &Recipe| recipe.compile().unwrap();
    goldens.recipes.iter().map(|(name, recipe)| (name.as_str(), compile(recipe))).collect()
}

#[test]
fn every_tensor_equals_its_framework_s() {
    let goldens = goldens();
    let pipelines = pipelines(&goldens);
    // One scratch for all: what a picture leaves there must not show in the next tensor.
    let mut scratch = Scratch::new();
    let mut wrong = Vec::new();
    for (recipe, picture, expected) in &goldens.goldens {
        let pipeline = &pipelines[recipe.as_str()];
        let mut out = vec![f32::NAN; pipeline.shape().iter().product()];
        let found: String = match pipeline.preprocess(&bytes(picture), &mut scratch, &mut out) {
            Ok(()) => {
                let hash =
                    Sha256::digest(out.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
                hash.iter().map(|b| format!("{b:02x}")).collect()
            }
            Err(error) => crate::chain(&error),
        };
        if !found.starts_with(expected) {
            wrong.push(format!("{recipe} {picture}: {found}"));
        }
    }
    assert!(goldens.goldens.len() > 5000, "the goldens are there");
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), goldens.goldens.len());
}

#[test]
fn presets_are_what_the_goldens_were_made_with() {
    let goldens = goldens();
    for preset in Preset::all().iter().filter(|p| p.name != "raw") {
        assert_eq!(preset.steps(), goldens.recipes[preset.name].steps, "{}", preset.name);
    }
}

#[test]
fn whole_tensors_are_equal_value_by_value() {
    let goldens = goldens();
    let pipelines = pipelines(&goldens);
    for (recipe, stem, extension) in [
        ("cv2-shrink", "odd_53x37", "png"),
        ("pil-bicubic", "odd_37x53", "png"),
        ("pil-bilinear-crop", "q95_420", "jpg"),
        ("tv-bicubic", "odd_37x53", "png"),
        ("cv2-area", "odd_53x37", "png"),
        ("cv2-cubic", "odd_53x37", "png"),
    ] {
        let encoded = bytes(&format!("preprocess/pictures/{stem}.{extension}"));
        let found = tensor(&pipelines[recipe], &encoded).unwrap();
        let expected = npy(&bytes(&format!("preprocess/{recipe}.{stem}.npy")));
        assert_eq!(found.len(), expected.len(), "{recipe} {stem}");
        let differs = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(differs.map(|i| (i, found[i], expected[i])), None, "{recipe} {stem}");
    }
}

/// Returns the values of an f32 array in version 1 of NumPy's format.
fn npy(file: &[u8]) -> Vec<f32> {
    let header = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    assert!(std::str::from_utf8(&file[10..header]).unwrap().contains("'<f4'"));
    file[header..].as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect()
}

/// Steps of 255 by which the convolutions of `fast_image_resize` may miss Pillow's, at one value
/// and on average.
///
/// Its weights have fewer bits and its cubic is not cut where Pillow's is; measured are 1 and 4.
const FIR_STEPS: [f32; 2] = [18.0, 0.2];

#[test]
fn fir_filters_are_close_to_pillow_s() {
    let picture = bytes("photos/animal_moose.jpg");
    let with = |filter| {
        let steps = Settings::from_toml("scale = 1.0\nmean = [0.0]\nstd = [1.0]").unwrap();
        let filter = Settings { filter: Some(filter), ..steps };
        let recipe = Settings::preset("timm").overridden_by(filter).recipe().unwrap();
        tensor(&recipe.compile().unwrap(), &picture).unwrap()
    };
    let pairs =
        [(Filter::FirBilinear, Filter::PilBilinear), (Filter::FirCatmullRom, Filter::PilBicubic)];
    for (fir, pillow) in pairs {
        let differences: Vec<f32> =
            with(fir).iter().zip(with(pillow)).map(|(a, b)| (a - b).abs()).collect();
        let farthest = differences.iter().copied().fold(0.0, f32::max);
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        assert!(farthest <= FIR_STEPS[0] && mean <= FIR_STEPS[1], "{fir}: {farthest}, {mean}");
        assert!(farthest > 0.0, "if they were equal the documentation would have to say so");
    }
}

#[test]
fn every_filter_keeps_a_flat_picture_flat() {
    let picture = bytes("edge/ok_white.jpg");
    for &filter in Filter::ALL {
        for size in ["7x9", "64x64", "100x90"] {
            let text = format!("preset = 'imagenet'\nsize = '{size}'\nfilter = '{filter}'");
            let flat = "\nscale = 1.0\nmean = [0.0]\nstd = [1.0]";
            let recipe = Settings::from_toml(&(text + flat)).unwrap().recipe().unwrap();
            let values = tensor(&recipe.compile().unwrap(), &picture).unwrap();
            assert!(values.iter().all(|v| *v == 255.0), "{filter} to {size}");
        }
    }
}
