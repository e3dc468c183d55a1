//! How many pictures of a folder a second does one core turn into tensors?
//!
//! `cargo run --release -p calibrant-preprocess --example throughput -- FOLDER RECIPE [ROUNDS]`
//!
//! The recipe is the name of a preset, or a TOML file.
//! Every picture is preprocessed once a round, and counts with the fastest of its rounds: what else
//! the machine did in the others does not show. Tensors go round a ring that no cache holds, as
//! they do on the way to a network. Reading the files is left out.

#![expect(clippy::print_stdout, reason = "the numbers are the result")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use calibrant_preprocess::{Preprocess, Scratch, Settings};

/// Tensors of the ring: at 224x224 it has 38 MB.
const SLOTS: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(recipe)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput FOLDER RECIPE [ROUNDS]".into());
    };
    let rounds = arguments.next().map_or(Ok(20), |rounds| rounds.parse::<usize>())?;
    let settings = match recipe.strip_suffix(".toml") {
        Some(_) => Settings::from_toml(&std::fs::read_to_string(&recipe)?)?,
        None => Settings::preset(&recipe),
    };
    let pipeline = settings.recipe()?.compile()?;
    let pictures = pictures(&folder)?;
    let mut scratch = Scratch::new();
    let mut ring = vec![vec![0.0; pipeline.shape().iter().product()]; SLOTS];
    let mut fastest = vec![Duration::MAX; pictures.len()];
    for round in 0..rounds {
        for (i, (encoded, fastest)) in pictures.iter().zip(&mut fastest).enumerate() {
            let slot = &mut ring[(round * pictures.len() + i) % SLOTS];
            let start = Instant::now();
            pipeline.preprocess(encoded, &mut scratch, slot)?;
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let per_picture = fastest.iter().sum::<Duration>().as_secs_f64() / pictures.len() as f64;
    let (n, us, per_s) = (pictures.len(), per_picture * 1e6, 1.0 / per_picture);
    println!("{recipe}: {n} pictures, {us:.1} us each, {per_s:.1} a second");
    Ok(())
}

/// Returns the bytes of the folder's files, in the order of their names.
fn pictures(folder: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{folder}: {e}"))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    paths.sort();
    let read = |path: &PathBuf| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    Ok(paths.iter().map(read).collect::<Result<_, _>>()?)
}
