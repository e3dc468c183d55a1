//! Copies on a device that does everything as late as it may.

use super::*;
use crate::device::Device;
use crate::late;

/// Pieces of `len` bytes, the i-th filled with i + 1.
fn pieces(device: &Device, count: usize, len: usize) -> Vec<PinnedPiece> {
    let mut pieces = PinnedPiece::cut_slab(device, count, len).unwrap();
    pieces.iter_mut().zip(1..).for_each(|(piece, value)| piece.fill(value));
    pieces
}

fn upload(device: &Device, lens: &[usize]) -> (Stream, Upload) {
    let stream = Stream::new(device).unwrap();
    let buffers = lens.iter().map(|&len| DeviceBuffer::new(device, len).unwrap()).collect();
    (stream.clone(), Upload::begin(&stream, buffers))
}

fn content(buffer: &DeviceBuffer) -> Vec<u8> {
    let mut bytes = vec![0; buffer.len_bytes()];
    buffer.read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn neighbours_are_one_copy_and_gaps_are_closed() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[12]);
    let cases: [(&'static [usize], usize); 3] = [(&[0, 1], 1), (&[3, 5], 2), (&[1, 0], 2)];
    for (chosen, n_copies) in cases {
        let before = gpu.copies();
        let held = upload.append(pieces(&device, 6, 2), |source, rows| {
            chosen.iter().for_each(|&idx| rows.push(0, &source[idx]));
        });
        drop(held.unwrap());
        assert_eq!(gpu.copies() - before, n_copies, "{chosen:?}");
    }
    assert_eq!(upload.filled_bytes(0), 12);
    let buffers = upload.finish().unwrap().wait().unwrap();
    assert_eq!(content(&buffers[0]), [1, 1, 2, 2, 4, 4, 6, 6, 2, 2, 1, 1]);
}

/// Pieces of two slabs are two copies, also where the slabs happen to touch.
#[test]
fn each_input_has_its_own_buffer_and_its_own_runs() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[6, 3]);
    let source: Vec<_> = pieces(&device, 3, 2).into_iter().zip(pieces(&device, 3, 1)).collect();
    let held = upload.append(source, |source, rows| {
        for (wide, narrow) in source {
            rows.push(0, wide);
            rows.push(1, narrow);
        }
    });
    let held = held.unwrap();
    let buffers = upload.finish().unwrap().wait().unwrap();
    assert_eq!(gpu.copies(), 2);
    assert_eq!(content(&buffers[0]), [1, 1, 2, 2, 3, 3]);
    assert_eq!(content(&buffers[1]), [1, 2, 3]);
    let (source, took) = held.wait().unwrap();
    assert_eq!((source.len(), took), (3, Duration::from_millis(2)));
}

/// Each end waits by itself, in any order and when dropped; the driver of these tests ends the
/// process if it did not.
#[test]
fn both_ends_keep_their_memory_until_the_copy_is_done() {
    type End = fn(Uploaded, Held<Vec<PinnedPiece>>);
    let ends: [End; 4] = [
        |uploaded, held| drop((uploaded, held)),
        |uploaded, held| drop((held, uploaded)),
        |uploaded, held| drop((uploaded.wait().unwrap(), held)),
        |uploaded, held| drop((held.wait().unwrap(), uploaded)),
    ];
    for end in ends {
        let (device, gpu) = late::device();
        let (stream, mut upload) = upload(&device, &[4]);
        let held = upload.append(pieces(&device, 4, 1), |source, rows| {
            source.iter().for_each(|piece| rows.push(0, piece));
        });
        let held = held.unwrap();
        let uploaded = upload.finish().unwrap();
        drop(stream);
        end(uploaded, held);
        assert_eq!((gpu.pinned_bytes(), gpu.allocated_bytes()), (0, 0));
    }
}

/// What is computed reads the buffers in another stream, behind the copies; both ends wait for that stream as well.
#[test]
fn what_is_computed_comes_behind_the_copies_and_before_the_end() {
    type End = fn(Uploaded, Held<Vec<PinnedPiece>>);
    let ends: [End; 3] = [
        |uploaded, held| drop((uploaded, held)),
        |uploaded, held| drop((held.wait().unwrap(), uploaded)),
        |uploaded, held| {
            assert_eq!((uploaded.is_done(), held.is_done()), (Ok(false), Ok(false)));
            assert_eq!(content(&uploaded.wait().unwrap()[0]), [2, 2, 1, 1]);
            drop(held);
        },
    ];
    for end in ends {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[4, 1]);
        let computing = Stream::new(&device).unwrap();
        let held = upload.append_computed(
            pieces(&device, 2, 2),
            &computing,
            |source, pieces| {
                pieces.copy(0, 2, &source[0], 0..2)?;
                pieces.copy(0, 0, &source[1], 0..2)?;
                pieces.grow(1, 8);
                pieces.fill(0, 4);
                Ok(pieces.crossing_bytes())
            },
            |crossing_bytes, spans| {
                assert_eq!((crossing_bytes, spans[0].len_bytes), (4, 4));
                assert!(spans[1].len_bytes >= 8);
                Ok(())
            },
        );
        let held = held.unwrap();
        assert_eq!(upload.filled_bytes(0), 4);
        let uploaded = upload.finish().unwrap();
        // A stream that goes runs to its end.
        end(uploaded, held);
        drop(computing);
        assert_eq!((gpu.pinned_bytes(), gpu.allocated_bytes()), (0, 0));
    }
}

#[test]
fn what_cannot_be_computed_gives_the_source_up_once_its_copies_are_through() {
    let (device, gpu) = late::device();
    let (stream, mut upload) = upload(&device, &[2]);
    let outcome = upload.append_computed(
        pieces(&device, 1, 2),
        &stream,
        |source, pieces| pieces.copy(0, 0, &source[0], 0..2),
        |(), _| Err(Error::NoDevice),
    );
    assert_eq!(outcome.unwrap_err(), Error::NoDevice);
    assert_eq!((gpu.copies(), gpu.pinned_bytes(), upload.filled_bytes(0)), (1, 0, 0));
    let outcome = upload.append_computed(
        pieces(&device, 1, 2),
        &stream,
        |source, pieces| pieces.copy(0, 1, &source[0], 0..2),
        |(), _| panic!("nothing is computed of what does not fit"),
    );
    let expected = Error::TooLong { buffer: 0, asked_bytes: 3, buffer_bytes: 2 };
    assert_eq!((outcome.unwrap_err(), gpu.copies()), (expected, 1));
}

#[test]
fn a_copy_is_done_when_it_is_done() {
    let (device, _) = late::device();
    let (stream, mut upload) = upload(&device, &[1]);
    let held = upload.append(pieces(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
    let uploaded = upload.finish().unwrap();
    assert_eq!((held.is_done(), uploaded.is_done()), (Ok(false), Ok(false)));
    stream.synchronize().unwrap();
    assert_eq!((held.is_done(), uploaded.is_done()), (Ok(true), Ok(true)));
}

#[test]
fn an_upload_that_is_given_up_waits_for_what_it_began() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[2]);
    let held = upload.append(pieces(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
    drop(upload);
    assert_eq!(held.is_done(), Ok(true));
    assert_eq!(gpu.allocated_bytes(), 0);
}

#[test]
fn what_is_left_repeats_what_is_there() {
    let cases: [(usize, &[u8]); 4] = [
        (1, &[1, 1, 1, 1, 1, 1, 1]),
        (2, &[1, 2, 1, 2, 1, 2, 1]),
        (3, &[1, 2, 3, 1, 2, 3, 1]),
        (5, &[1, 2, 3, 4, 5, 1, 2]),
    ];
    for (count, expected) in cases {
        let (device, _) = late::device();
        let (_stream, mut upload) = upload(&device, &[7, 3]);
        let held = upload.append(pieces(&device, count, 1), |it, rows| {
            it.iter().for_each(|piece| rows.push(0, piece));
        });
        upload.repeat_to_fill().unwrap();
        assert_eq!((upload.filled_bytes(0), upload.filled_bytes(1)), (7, 0));
        let buffers = upload.finish().unwrap().wait().unwrap();
        assert_eq!(content(&buffers[0]), expected);
        drop(held.unwrap());
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_copied() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[3]);
    let outcome = upload.append(pieces(&device, 2, 2), |it, rows| {
        it.iter().for_each(|piece| rows.push(0, piece));
    });
    let expected = Error::TooLong { buffer: 0, asked_bytes: 4, buffer_bytes: 3 };
    assert_eq!(outcome.unwrap_err(), expected);
    assert_eq!((gpu.copies(), gpu.pinned_bytes(), upload.filled_bytes(0)), (0, 0, 0));
}

#[test]
fn a_copy_that_fails_waits_for_those_before_and_says_why() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[4]);
    gpu.fail_after(1);
    let outcome = upload.append(pieces(&device, 4, 1), |it, rows| {
        rows.push(0, &it[0]);
        rows.push(0, &it[2]);
    });
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "cuMemcpyHtoDAsync failed with an unknown error (700): an illegal address"
    );
    assert_eq!((gpu.copies(), gpu.pinned_bytes()), (1, 0), "what is unused is freed");
}

/// Nobody can say what a broken device still reads and writes, so none of that memory is freed. But
/// its owner is dropped, who may be waited for.
#[test]
fn a_broken_context_leaks_the_memory_under_way() {
    let (device, gpu) = late::device();
    let (_stream, mut upload) = upload(&device, &[1]);
    let owner = Arc::new(());
    let source = (pieces(&device, 1, 1), Arc::clone(&owner));
    let held = upload.append(source, |it, rows| rows.push(0, &it.0[0])).unwrap();
    let uploaded = upload.finish().unwrap();
    gpu.break_down();
    assert!(uploaded.wait().is_err());
    assert!(held.wait().is_err());
    assert_eq!((gpu.pinned_bytes(), gpu.allocated_bytes()), (1, 1));
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn another_stream_can_wait_for_an_event() {
    let (device, gpu) = late::device();
    let (stream, mut upload) = upload(&device, &[1]);
    let held = upload.append(pieces(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
    let other = Stream::new(&device).unwrap();
    other.wait_for(&stream.record().unwrap()).unwrap();
    other.synchronize().unwrap();
    assert_eq!(held.is_done(), Ok(true));
    assert_eq!(gpu.copies(), 1);
}
