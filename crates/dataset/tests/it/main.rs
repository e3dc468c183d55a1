//! Data sets as their users open them: folders, lists, shards, annotations, arrays.

mod arrays;
mod coco;
mod cut;
mod folder;
mod hostile;
mod labels;
mod list;
mod mapped;
mod read;
mod shards;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use calibrant_dataset::Dataset;

/// The first bytes of pictures.
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x10JFIF";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A temporary folder with these files in it.
fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a subfolder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.samples().iter().map(|it| it.name()).collect()
}

/// An error and all its sources, as the program shows them.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
