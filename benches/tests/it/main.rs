//! `cargo xtask bench` from end to end, on tiny pictures and without Python.

#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use serde_json::Value;

const SIZE: (usize, usize) = (32, 24);

fn pictures(folder: &Path) {
    for k in 0..8_u8 {
        let pixels: Vec<u8> =
            (0..SIZE.0 * SIZE.1 * 3).map(|i| k.wrapping_mul(i.to_le_bytes()[0])).collect();
        let encoder = Encoder::new(&pixels, SIZE.0, SIZE.1, PixelFormat::Rgb);
        let jpeg = encoder.subsampling(Subsampling::S420).encode().expect("a picture is encoded");
        fs::write(folder.join(format!("{k}.jpg")), jpeg)
            .expect("a temporary folder can be written");
    }
}

/// Runs the program on the folder's pictures, in it.
fn throughput(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throughput"));
    command
        .args(["--images", ".", "--cores", "1", "--count", "8", "--batch", "4", "--rounds", "2"]);
    command.args(arguments).current_dir(folder).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_measures_draws_and_compares_without_python() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pictures(folder.path());
    let only = ["--only", "imagenet,Python class", "--json", "a.json", "--svg", "a.svg"];
    let output = throughput(folder.path(), &only);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("`Python class` is left out: it needs --python"));
    assert!(text(&output.stdout).contains("| imagenet |"));

    let json = fs::read_to_string(folder.path().join("a.json")).expect("it was asked for");
    let results: Value = serde_json::from_str(&json).expect("JSON");
    let first = &results["runs"][0];
    assert_eq!(
        (&first["program"], &first["cores"], &first["batch"]),
        (&"imagenet".into(), &1.into(), &4.into())
    );
    let rates = first["images_per_s"].as_array().expect("a list");
    assert!(rates.len() == 2 && rates.iter().all(|rate| rate.as_f64() > Some(0.0)), "{rates:?}");
    let svg = fs::read_to_string(folder.path().join("a.svg")).expect("it was asked for");
    assert!(svg.contains("calibrant, imagenet"));

    let output = throughput(folder.path(), &["--only", "imagenet", "--compare", "a.json"]);
    assert!(
        text(&output.stdout).contains("the same machine and pictures"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_picture_that_cannot_be_decoded_is_an_error_that_says_which() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    pictures(folder.path());
    fs::write(folder.path().join("2.jpg"), "no picture")
        .expect("a temporary folder can be written");
    let output = throughput(folder.path(), &["--only", "imagenet"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("`imagenet` on 1 of the cores"),
        "{}",
        text(&output.stderr)
    );
    assert!(text(&output.stderr).contains("picture 2: "), "{}", text(&output.stderr));
}
