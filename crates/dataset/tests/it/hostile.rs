//! The fuzz targets' bodies over damaged files: any answer will do but a panic or a large
//! allocation.

use std::fs;

use calibrant_dataset::fuzzing;
use proptest::prelude::*;

use crate::fixtures;

fn goldens(extension: &str) -> Vec<Vec<u8>> {
    let folders = ["good", "bad", "shards/good", "shards/bad", "safetensors", "coco/annotations"];
    let folder = fixtures().join("dataset");
    let files = folders.map(|it| fs::read_dir(folder.join(it)).expect("it is checked in"));
    let paths = files.into_iter().flatten().map(|it| it.expect("it can be listed").path());
    let paths = paths.filter(|it| it.extension().is_some_and(|it| it == extension));
    let mut paths: Vec<_> = paths.collect();
    paths.sort();
    let mut files: Vec<_> =
        paths.into_iter().map(|it| fs::read(it).expect("it can be read")).collect();
    // There is nothing to damage in an empty one.
    files.retain(|it| !it.is_empty());
    files
}

/// A file and what is done to it: bytes put in place of others, and an end cut off.
fn damaged(extension: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    let files = prop::sample::select(goldens(extension));
    (files, edits, prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(
        |(mut file, edits, cut)| {
            for (place, byte) in edits {
                let place = place.index(file.len());
                file[place] = byte;
            }
            if let Some(cut) = cut {
                file.truncate(cut.index(file.len()));
            }
            file
        },
    )
}

/// Headers that are well formed, and claim what they like.
fn claimed() -> impl Strategy<Value = Vec<u8>> {
    let length =
        prop_oneof![0..4_usize, Just(1 << 31), Just(1 << 32), Just(usize::MAX), any::<usize>()];
    let descr = prop::sample::select(vec!["<f4", ">f8", "|u1", "|b1", "<i8", "|O", "<U3", ""]);
    let shape = prop::collection::vec(length, 0..5);
    (descr, any::<bool>(), shape, 0..64_usize).prop_map(|(descr, fortran, shape, n_bytes)| {
        let shape: String = shape.iter().map(|it| format!("{it}, ")).collect();
        let fortran = if fortran { "True" } else { "False" };
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n");
        let length = u16::try_from(header.len()).expect("a short header").to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &vec![1; n_bytes]].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_npy(bytes in damaged("npy")) {
        fuzzing::npy(&bytes);
    }

    #[test]
    fn damaged_npz(bytes in damaged("npz")) {
        fuzzing::npz(&bytes);
    }

    #[test]
    fn damaged_safetensors(bytes in damaged("safetensors")) {
        fuzzing::safetensors(&bytes);
    }

    #[test]
    fn damaged_tar(bytes in damaged("tar")) {
        fuzzing::tar(&bytes);
    }

    #[test]
    fn damaged_annotations(bytes in damaged("json")) {
        fuzzing::coco(&bytes);
    }

    #[test]
    fn boastful_npy(bytes in claimed()) {
        fuzzing::npy(&bytes);
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzzing::npy(&bytes);
        fuzzing::npz(&bytes);
        fuzzing::tar(&bytes);
        fuzzing::safetensors(&bytes);
        fuzzing::coco(&bytes);
        fuzzing::npy(&[b"\x93NUMPY\x01\x00", &bytes[..]].concat());
    }
}
