//! Damaged copies of good inputs: the same ones on every run.

use std::path::{Path, PathBuf};

use crate::random::Random;

#[cfg(test)]
/// Runs `target` on `seed`, on prefixes of it, and on `copies` copies with a few bytes changed.
pub(crate) fn run(target: fn(&[u8]), seed: &[u8], copies: u32) {
    target(seed);
    for eighth in 0..8 {
        target(&seed[..seed.len() * eighth / 8]);
    }
    let mut random = Random::new(u64::from(copies) ^ seed.len() as u64);
    for _ in 0..copies {
        let mut copy = seed.to_vec();
        for _ in 0..=random.below(4) {
            change(&mut copy, &mut random);
        }
        target(&copy);
    }
}

/// The bytes of a file, by its path from the root of the repository.
pub(crate) fn file(path: &str) -> Vec<u8> {
    std::fs::read(root().join(path)).expect(path)
}

#[cfg(test)]
/// The bytes of each file in a folder, in the order of their names.
pub(crate) fn files_in(folder: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join(folder)).expect(folder);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect(folder).path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    assert!(!paths.is_empty(), "no file in {folder}");
    paths.iter().map(|path| std::fs::read(path).expect(folder)).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One change of the kinds that find most: another byte, an extreme byte, a byte less, a byte more, a run repeated.
pub(crate) fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.byte());
        return;
    }
    let at = random.below(bytes.len());
    match random.below(5) {
        0 => bytes[at] = random.byte(),
        1 => bytes[at] = [0, 0x7f, 0x80, 0xff][random.below(4)],
        2 => drop(bytes.remove(at)),
        3 => bytes.insert(at, random.byte()),
        _ => {
            let end = bytes.len().min(at + 1 + random.below(16));
            bytes.extend_from_within(at..end);
        }
    }
}
