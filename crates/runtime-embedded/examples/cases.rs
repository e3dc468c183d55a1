//! Runs cases of `fixtures/runtime-embedded/cases`, or of files of their kind, and prints which are not equal.
//!
//! `cases FILE…`

#![allow(clippy::print_stdout, reason = "what an example prints is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

#[path = "../tests/it/cases.rs"]
mod cases;

use cases::Outcome;

fn main() -> Result<(), Box<dyn Error>> {
    calibrant_runtime_embedded::silence_caught_panics();
    for file in std::env::args().skip(1) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, case) in cases::read(Path::new(&file))? {
            let (kind, said) = match cases::outcome(&case) {
                Outcome::Equal => ("equal", None),
                Outcome::Unseen => ("unseen", Some(String::new())),
                Outcome::Refused(said) => ("refused", Some(said)),
                Outcome::Wrong(said) => ("WRONG", Some(said)),
            };
            *counts.entry(kind).or_default() += 1;
            if let Some(said) = said {
                println!("{name}: {kind}: {said}");
            }
        }
        println!("{file}: {counts:?}");
    }
    Ok(())
}
