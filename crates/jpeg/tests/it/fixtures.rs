//! The photographs and the odd pictures of `fixtures/`.

use calibrant_jpeg::{Decoder, Error, Pixels, Reduction};
use sha2::{Digest, Sha256};

use crate::{compare, decode, fixture, jpegs, reduced};

/// What the pictures have that are left to the general decoder.
const LEFT: [&str; 2] = ["several passes", "other than 1 or 3 components"];

#[test]
fn pictures_are_libjpeg_turbo_s() {
    let mut compared = 0;
    for folder in ["photos", "preprocess/pictures", "edge"] {
        for (name, encoded) in jpegs(folder) {
            if name.starts_with("bad_") || name.starts_with("bomb_") {
                continue;
            }
            match Decoder::new().open(&encoded) {
                Ok(_) => {
                    compare(&name, &encoded);
                    compared += 1;
                }
                Err(Error::Unsupported { what, .. }) if LEFT.contains(&what) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(compared > 90, "{compared} pictures were compared");
}

#[test]
fn pictures_are_opencv_s_and_pillow_s() {
    let digests = std::fs::read_to_string(fixture("jpeg/digests.tsv")).unwrap();
    let digest = |pixels: &[u8]| -> String {
        Sha256::digest(pixels).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let mut n_reduced = 0;
    for line in digests.lines().skip(1) {
        let columns = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let [name, rgb, luma, half, quarter, eighth] = columns;
        let encoded = std::fs::read(fixture(name)).unwrap();
        assert_eq!(digest(&decode(&encoded, Pixels::Rgb).unwrap()), rgb, "{name}");
        if !name.ends_with("rgb_coded.jpg") {
            assert_eq!(digest(&decode(&encoded, Pixels::Luma).unwrap()), luma, "{name}");
        }
        for (reduction, expected) in
            [(Reduction::Half, half), (Reduction::Quarter, quarter), (Reduction::Eighth, eighth)]
        {
            if let Some(found) = reduced(&encoded, Pixels::Rgb, reduction).unwrap() {
                assert_eq!(digest(&found), expected, "{name} {reduction:?}");
                n_reduced += 1;
            }
        }
    }
    assert_eq!(digests.lines().count(), 101);
    assert!(n_reduced > 200, "{n_reduced} reduced pictures were compared");
}

#[test]
fn bad_pictures_are_refused() {
    for (name, encoded) in jpegs("edge") {
        if name.starts_with("bad_") {
            let error = decode(&encoded, Pixels::Rgb).unwrap_err();
            let in_scan = ["bad_truncated_60pct.jpg", "bad_corrupt_scan.jpg"];
            let expected = !in_scan.contains(&name.as_str());
            assert_eq!(error.is_for_another_decoder(), expected, "{name}: {error}");
        }
    }
}
