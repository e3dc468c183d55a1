//! Truncated and altered files: an error that says where, or the very pixels of libjpeg-turbo.

use calibrant_jpeg::{Error, Pixels};
use libjpeg_turbo_rs::Subsampling;

use crate::synthetic::Kind;
use crate::{compare, decode, fixture};

fn picture(name: &str) -> Vec<u8> {
    std::fs::read(fixture(&format!("preprocess/pictures/{name}"))).unwrap()
}

/// A small picture with a restart marker after each MCU, all of noise.
fn restarts() -> Vec<u8> {
    let kind = Kind {
        width: 100,
        height: 40,
        subsampling: Subsampling::S420,
        gray: false,
        quality: 95,
        optimized: false,
        restarts: 1,
        roughness: 200,
        seed: 3,
    };
    kind.encode()
}

#[test]
fn a_cut_picture_is_never_filled_up() {
    for name in ["q30_420.jpg", "q95_444.jpg", "q95_422.jpg", "restart.jpg", "gray.jpg"] {
        let whole = picture(name);
        let expected = decode(&whole, Pixels::Rgb).unwrap();
        let mut decoded = 0;
        for len in 0..whole.len() {
            match decode(&whole[..len], Pixels::Rgb) {
                // The end marker and perhaps the padding of the last byte are not needed.
                Ok(found) => {
                    assert_eq!(found, expected, "{name} cut to {len} of {}", whole.len());
                    decoded += 1;
                }
                Err(Error::Truncated { offset } | Error::Header { offset, .. }) => {
                    assert!(offset <= len, "{name} cut to {len}: told at {offset}");
                }
                Err(Error::BadCode { offset }) => assert!(offset + 4 > len, "{name} cut to {len}"),
                Err(error) => panic!("{name} cut to {len}: {error}"),
            }
        }
        assert!(decoded <= 3, "{name}: {decoded} cuts were read");
    }
}

/// Returns the places of the restart markers.
fn markers(encoded: &[u8]) -> Vec<usize> {
    let is_restart = |at: &usize| matches!(encoded[*at..], [0xff, 0xd0..=0xd7, ..]);
    (0..encoded.len()).filter(is_restart).collect()
}

#[test]
fn restart_markers_have_to_come_in_turn() {
    let whole = restarts();
    compare("restarts", &whole);
    let markers = markers(&whole);
    assert_eq!(markers.len(), 7 * 3 - 1);

    let mut wrong = whole.clone();
    wrong[markers[3] + 1] = 0xd6;
    let error = Error::RestartMarker { expected: 3, found: 6, offset: markers[3] };
    assert_eq!(decode(&wrong, Pixels::Rgb), Err(error));

    let without = [&whole[..markers[3]], &whole[markers[3] + 2..]].concat();
    let error = Error::RestartMarker { expected: 3, found: 4, offset: markers[4] - 2 };
    assert_eq!(decode(&without, Pixels::Rgb), Err(error));

    let ended = [&whole[..markers[3]], &[0xff, 0xd9]].concat();
    assert_eq!(decode(&ended, Pixels::Rgb), Err(Error::Truncated { offset: markers[3] }));
}

#[test]
fn a_stretch_has_to_end_where_its_samples_do() {
    let whole = restarts();
    let markers = markers(&whole);
    let longer = [&whole[..markers[5]], &[0x12], &whole[markers[5]..]].concat();
    assert_eq!(decode(&longer, Pixels::Rgb), Err(Error::Extraneous { offset: markers[5] }));

    let shorter = [&whole[..markers[5] - 8], &whole[markers[5]..]].concat();
    let error = decode(&shorter, Pixels::Rgb).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn what_follows_the_last_sample_does_not_matter() {
    let whole = picture("q30_420.jpg");
    let expected = decode(&whole, Pixels::Rgb).unwrap();
    let image = &whole[..whole.len() - 2];
    for end in [&b""[..], b"\xff", b"\x12\x34\xff\xd9", b"\xff\xd0\xff\xd9", b"\xff\xd9garbage"] {
        let found = decode(&[image, end].concat(), Pixels::Rgb);
        assert_eq!(found.as_ref(), Ok(&expected), "{end:?}");
    }
}

#[test]
fn slices_of_another_length_are_refused() {
    let encoded = picture("q30_420.jpg");
    let mut decoder = calibrant_jpeg::Decoder::new();
    let result = decoder.open(&encoded).unwrap().decode(Pixels::Luma, &mut [0; 3]);
    assert!(matches!(result, Err(Error::WrongLength { found: 3, .. })));
}

#[test]
fn luma_of_red_green_and_blue_is_left_to_others() {
    let error = decode(&picture("rgb_coded.jpg"), Pixels::Luma).unwrap_err();
    assert!(error.is_for_another_decoder(), "{error}");
}
