//! What the network sees, shown by the command line; and preprocessing of the caller's own.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;

use calibrant_calibration::Table;
use calibrant_dataset::Dataset;
use calibrant_job::{Pictures, TABLE};
use calibrant_preprocess::{Preprocess, Recipe, ResizeKind, Scratch, Settings, Size};
use calibrant_tensor::TensorData;
use serde_json::Value;

use crate::fixtures::{any_picture_calibration, fixture, job, run};
use crate::models::Graph;

#[expect(dead_code, reason = "the example's own main is not called")]
#[path = "../../../job/examples/custom_decoder.rs"]
mod custom_decoder;

use custom_decoder::WithPixmaps;

fn preprocess(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_calibrant")).arg("preprocess").args(words).output().unwrap()
}

#[test]
fn a_picture_is_shown_as_the_network_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let [npy, png] = ["x.npy", "x.png"].map(|name| folder.path().join(name));
    let picture = fixture("preprocess/pictures/odd_53x37.png");
    let shown = preprocess(&[
        picture.to_str().unwrap(),
        "--preset",
        "ultralytics",
        "--size",
        "40x24",
        "--output",
        npy.to_str().unwrap(),
        "--png",
        png.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stderr));

    let seen: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(seen["shape"], serde_json::json!([3, 24, 40]));
    let text = seen["preprocessing"].as_str().unwrap();
    let recipe = Settings::from_toml(text).unwrap().recipe().unwrap();
    let pipeline = recipe.compile().unwrap();
    let encoded = fs::read(picture).unwrap();
    let mut expected = vec![0.0; 3 * 24 * 40];
    pipeline.preprocess(&encoded, &mut Scratch::new(), &mut expected).unwrap();

    // The array is read as the rows of a sample, which is what makes its 24 × 40 planes.
    let rows = Dataset::open(&npy).unwrap();
    let mut values = Vec::new();
    for row in rows.samples() {
        let mut buffer = calibrant_dataset::ReadBuffer::default();
        let calibrant_dataset::Content::Tensors(tensors) = row.read(&mut buffer).unwrap() else {
            panic!("an array")
        };
        let TensorData::F32(plane) = &tensors[0].1.data else { panic!("float32") };
        values.extend_from_slice(plane);
    }
    assert_eq!(values, expected);

    let least = expected[..24 * 40].iter().copied().fold(f32::INFINITY, f32::min);
    let red = &seen["channels"][0];
    assert_eq!(red["channel"], "red");
    assert!((red["minimum"].as_f64().unwrap() - f64::from(least)).abs() < 1e-6);

    // The PNG is the same picture: as it is, it gives the same tensor.
    let none = Settings { resize: Some(ResizeKind::None), ..Settings::default() };
    let as_it_is = Settings::from_toml(text).unwrap().overridden_by(none).recipe().unwrap();
    let mut again = vec![0.0; expected.len()];
    let pipeline = as_it_is.compile().unwrap();
    pipeline.preprocess(&fs::read(png).unwrap(), &mut Scratch::new(), &mut again).unwrap();
    assert_eq!(again, expected);
}

#[test]
fn the_steps_that_are_printed_are_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("steps.toml");
    let picture = fixture("preprocess/pictures/odd_53x37.png");
    let changes = ["--preset", "segment-anything", "--size", "96x96", "--mean", "1,2,3"];
    let printed = preprocess(&[&changes[..], &["--print"]].concat());
    assert_eq!(printed.status.code(), Some(0), "{}", String::from_utf8_lossy(&printed.stderr));
    fs::write(&file, &printed.stdout).unwrap();
    let file = ["--preprocess", file.to_str().unwrap()];
    assert_eq!(preprocess(&[&file[..], &["--print"]].concat()).stdout, printed.stdout);
    let shown = |words: &[&str]| {
        let shown = preprocess(&[&[picture.to_str().unwrap()], words].concat());
        assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stderr));
        String::from_utf8(shown.stdout).unwrap()
    };
    assert_eq!(shown(&file), shown(&changes));
    assert!(shown(&file).ends_with(std::str::from_utf8(&printed.stdout).unwrap()));
}

#[test]
fn without_a_preset_the_presets_are_listed_and_a_bad_picture_is_named() {
    let picture = fixture("edge/bad_truncated_60pct.jpg");
    let picture = picture.to_str().unwrap();
    for (words, status, said) in [
        (&[picture][..], 2, "choose with --preset NAME"),
        (&[picture, "--preset", "timm"], 1, "bad_truncated_60pct.jpg` cannot be preprocessed"),
        (&["missing.jpg", "--preset", "timm"], 1, "cannot read `missing.jpg`"),
    ] {
        let failed = preprocess(words);
        let message = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(status), "{message}");
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn files_of_other_programs_are_presets() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let processor =
        r#"{"image_processor_type": "ViTImageProcessor", "size": {"height": 20, "width": 24}}"#;
    write("preprocessor_config.json", processor);
    write(
        "nvinfer.txt",
        "[property]\ninfer-dims=3;20;24\nnet-scale-factor=0.5\nscaling-filter=1\n",
    );
    write("broken.txt", "[property]\ninfer-dims=3;20;24\nmean-file=mean.ppm\n");
    let of = |kind: &str, name: &str| format!("{kind}:{}", folder.path().join(name).display());
    let print = |preset: &str| preprocess(&["--preset", preset, "--print"]);
    for (preset, says) in [
        (of("hf", "preprocessor_config.json"), "filter = \"tv-bilinear\""),
        (of("hf", ""), "filter = \"tv-bilinear\""),
        (of("hf-pil", "preprocessor_config.json"), "filter = \"pil-bilinear\""),
        (of("deepstream", "nvinfer.txt"), "arithmetic = \"f32-reciprocal\""),
        ("timm:vit_tiny_patch16_224".to_owned(), "filter = \"pil-bicubic\""),
    ] {
        let printed = print(&preset);
        let text = String::from_utf8(printed.stdout).unwrap();
        assert!(
            text.contains(says),
            "{preset}: {text}{}",
            String::from_utf8_lossy(&printed.stderr)
        );
    }
    let recipe = folder.path().join("recipe.toml");
    let preset = of("hf", "preprocessor_config.json");
    fs::write(&recipe, format!("preset = '{preset}'\nstd = [2.0]\n")).unwrap();
    let printed = preprocess(&["--preprocess", recipe.to_str().unwrap(), "--print"]);
    assert!(String::from_utf8(printed.stdout).unwrap().contains("std = [2.0]"));
    for (preset, status, says) in [
        (of("deepstream", "broken.txt"), 2, "`mean-file` of `mean.ppm` is not done here"),
        (of("hf", "nvinfer.txt"), 2, "it is no JSON"),
        (of("hf", "missing.json"), 1, "missing.json"),
        ("timm:resnt50".to_owned(), 2, "the nearest are `resnet50`"),
    ] {
        let failed = print(&preset);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(status), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn an_export_of_ultralytics_says_its_size_and_its_task() {
    let folder = tempfile::tempdir().unwrap();
    let model = Graph::reading("images", &["batch", "3", "height", "width"])
        .by_ultralytics("detect", 96)
        .weight("w", &[4, 3, 1, 1])
        .node("Conv", "images w", "y")
        .output("y")
        .write(folder.path());
    let output = folder.path().join("out");
    let calibrate = |words: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_calibrant"))
            .args(["calibrate", "--limit", "4", "--images"])
            .arg(fixture("fashion/calibration"))
            .arg("--model")
            .arg(&model)
            .arg("--output")
            .arg(&output)
            .args(words)
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(0), "{said}");
        let table = Table::read(&output.join(TABLE)).unwrap();
        (said, table.manifest().preprocessing.clone())
    };
    let (said, preprocessing) = calibrate(&["--preset", "ultralytics"]);
    assert!(preprocessing.contains("within = \"96x96\""), "{preprocessing}");
    assert!(!said.contains("the model says"), "{said}");
    let (said, preprocessing) = calibrate(&["--preset", "ultralytics", "--size", "64x32"]);
    assert!(preprocessing.contains("within = \"64x32\""), "{preprocessing}");
    assert!(said.contains("`detect` on pictures of 96x96, and the preprocessing makes"), "{said}");
    let (said, _) = calibrate(&["--preset", "ultralytics-classify"]);
    assert!(said.contains("the preprocessing given is not `ultralytics`"), "{said}");
}

#[test]
fn a_decoder_of_one_s_own_is_used_and_named_in_the_manifest() {
    let samples = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..6 * 4 * 3).map(|n| n * 3).collect();
    fs::write(samples.path().join("a.ppm"), [b"P6\n6 4\n255\n", &pixels[..]].concat()).unwrap();
    let list = samples.path().join("list.txt");
    let photo = fixture("edge/ok_baseline.jpg");
    fs::write(&list, format!("a.ppm\n{}\n", photo.display())).unwrap();

    let settings = Settings { size: Some(Size::new(28, 28)), ..Settings::preset("imagenet") };
    let preprocess = WithPixmaps(settings.recipe().unwrap().compile().unwrap());
    let described = preprocess.describe();
    let mut calibration = any_picture_calibration(list);
    calibration.pictures = Some(Pictures::Host(Arc::new(preprocess)));
    let folder = tempfile::tempdir().unwrap();
    run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap();

    let table = Table::read(&folder.path().join(TABLE)).unwrap();
    assert_eq!(table.samples(), 2);
    assert_eq!(table.manifest().preprocessing, described);
    assert!(described.starts_with("pixmap-decoder = \"example 1\"\n"), "{described}");
    let damaged = WithPixmaps(Recipe::preset("imagenet").unwrap().compile().unwrap());
    let mut out = vec![0.0; 3 * 224 * 224];
    let error = damaged.preprocess(b"P6 3 x", &mut Scratch::new(), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "the pixmap's header is damaged");
}
