//! Where pictures come to lie, and what is refused.

use super::kernels::programs;
use super::*;
use crate::late;

const SHAPE: [usize; 3] = [3, 2, 2];
const TENSOR_BYTES: usize = 48;

#[test]
fn every_picture_has_a_place_of_its_own() {
    let (device, _) = late::device();
    let slots = PinnedSlot::cut_slab(&device, 3, 1024).unwrap();
    let mut pictures = Pictures::default();
    pictures.coefficients(2, &slots[0], 300, 5);
    pictures.tensor(0, &slots[1]);
    pictures.pixels(1, &slots[2], 512..524);
    let work = Work::plan(pictures, SHAPE).unwrap();
    let runs: Vec<_> = work.runs.iter().map(|it| (it.buffer, it.at, it.offset, it.len)).collect();
    let tensor = (TENSORS, 0, 1024, TENSOR_BYTES);
    assert_eq!(
        runs,
        [tensor, (BLOBS, 0, 0, 300), (BLOBS, 512, 2048, 512), (SAMPLES, 512, 2560, 12)]
    );
    let places: Vec<_> =
        work.places.iter().map(|it| (it.blob, it.samples, it.row, it.blocks)).collect();
    assert_eq!(places, [(0, 0, 2, 5), (2, 2, 1, 0)], "in units of 256 bytes");
    assert_eq!((work.blob_bytes, work.samples_bytes), (1024, 768));
    assert_eq!(work.copied_bytes, 300 + TENSOR_BYTES + 512 + 12);
    let buffer = |rows| DeviceBuffer::new(&device, rows * TENSOR_BYTES).unwrap();
    assert_eq!(work.check(&buffer(3), SHAPE), Ok(()));
    let (asked_bytes, buffer_bytes) = (3 * TENSOR_BYTES, 2 * TENSOR_BYTES);
    let expected = Error::TooLong { buffer: TENSORS, asked_bytes, buffer_bytes };
    assert_eq!(work.check(&buffer(2), SHAPE), Err(expected));
}

#[test]
fn neighbours_that_are_nearly_full_are_one_copy() {
    let (device, _) = late::device();
    let slots = PinnedSlot::cut_slab(&device, 4, 1024).unwrap();
    let mut pictures = Pictures::default();
    // The third leaves half of itself, and the fourth is no longer copied with it.
    for (row, len) in [900, 1000, 512, 300].into_iter().enumerate() {
        pictures.coefficients(row, &slots[row], len, 1);
    }
    let work = Work::plan(pictures, SHAPE).unwrap();
    let runs: Vec<_> = work.runs.iter().map(|it| (it.at, it.offset, it.len)).collect();
    assert_eq!(runs, [(0, 0, 2560), (2560, 3072, 300)]);
    let places: Vec<_> = work.places.iter().map(|it| it.blob).collect();
    assert_eq!(places, [0, 4, 8, 10]);
    assert_eq!((work.blob_bytes, work.copied_bytes), (3072, 2860));
}

#[test]
fn what_lies_beyond_a_slot_is_refused() {
    let (device, _) = late::device();
    let slots = PinnedSlot::cut_slab(&device, 1, 256).unwrap();
    for plan in [
        |it: &mut Pictures<'_>, slot| it.coefficients(0, slot, 257, 1),
        |it: &mut Pictures<'_>, slot| it.pixels(0, slot, 200..260),
    ] as [for<'a> fn(&mut Pictures<'a>, &'a PinnedSlot); 2]
    {
        let mut pictures = Pictures::default();
        plan(&mut pictures, &slots[0]);
        let outcome = Work::plan(pictures, SHAPE).map(drop);
        assert!(matches!(outcome, Err(Error::TooLong { .. })), "{outcome:?}");
    }
}

#[test]
fn a_driver_that_runs_no_programs_is_told() {
    let (device, _) = late::device();
    let missing = programs(&device).map(drop).unwrap_err();
    assert!(missing.is_missing(), "{missing}");
}

#[test]
fn a_job_is_its_words_in_order() {
    let job =
        PictureJob { method: 7, vectors: 5, plane_source: [2, 1, 0], ..PictureJob::default() };
    let words = job.words();
    assert_eq!((words.len(), words[1], words[28]), (32, 7, 5));
    assert_eq!(words[29..], [2, 1, 0]);
}
