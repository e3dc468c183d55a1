//! The driver of a real GPU; each test fails where there is none.

use std::thread;

use calibrant_cuda::{Device, DeviceBuffer, Error, PinnedPiece, Stream, Upload, upload_rate};

const MIB: usize = 1 << 20;

fn device() -> Device {
    Device::open(0).expect("a GPU; these tests are for machines that have one")
}

/// Bytes that differ from place to place and from seed to seed.
fn pattern(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|idx| (idx * 31 + (idx >> 8) * 7 + seed * 131).to_le_bytes()[0]).collect()
}

fn pieces(device: &Device, count: usize, len: usize) -> Vec<PinnedPiece> {
    let mut pieces = PinnedPiece::cut_slab(device, count, len).expect("there is memory");
    pieces
        .iter_mut()
        .enumerate()
        .for_each(|(idx, piece)| piece.copy_from_slice(&pattern(idx, len)));
    pieces
}

fn content(buffer: &DeviceBuffer) -> Vec<u8> {
    let mut bytes = vec![0; buffer.len_bytes()];
    buffer.read(0, &mut bytes).expect("it can be read");
    bytes
}

#[test]
fn a_device_says_what_it_is() {
    let device = device();
    let (major, _) = device.compute_capability().unwrap();
    let memory = device.memory().unwrap();
    assert!(major >= 5 && !device.name().is_empty(), "{device:?}");
    assert!(0 < memory.free_bytes && memory.free_bytes <= memory.total_bytes);
}

#[test]
fn what_is_uploaded_is_what_was_in_the_pieces() {
    const LEN: usize = 3 * MIB + 4;
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let mut upload = Upload::begin(&stream, vec![DeviceBuffer::new(&device, 7 * LEN).unwrap()]);
    // Two runs with a gap between them, and the rest by repetition.
    let held = upload.append(pieces(&device, 4, LEN), |it, rows| {
        [0, 1, 3].iter().for_each(|&idx| rows.push(0, &it[idx]));
    });
    upload.repeat_to_fill().unwrap();
    let uploaded = upload.finish().unwrap();
    let buffers = uploaded.wait().unwrap();
    let expected: Vec<u8> = [0, 1, 3, 0, 1, 3, 0].iter().flat_map(|&it| pattern(it, LEN)).collect();
    assert!(content(&buffers[0]) == expected, "the bytes differ");
    let (pieces, took) = held.unwrap().wait().unwrap();
    assert!(pieces.iter().enumerate().all(|(idx, piece)| **piece == pattern(idx, LEN)));
    assert!(!took.is_zero());
}

/// Pieces may be dropped while they are read, and buffers while they are written: who gets their memory next does not
/// disturb the copy, nor the copy him.
#[test]
fn memory_outlives_its_copies() {
    const LEN: usize = 16 * MIB;
    let device = device();
    let (stream, other) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let buffer = || vec![DeviceBuffer::new(&device, LEN).unwrap()];
    for round in 0..20 {
        let mut upload = Upload::begin(&stream, buffer());
        drop(upload.append(pieces(&device, 1, LEN), |it, rows| rows.push(0, &it[0])).unwrap());
        // Another's memory, perhaps at the same place.
        let mut next = PinnedPiece::cut_slab(&device, 1, LEN).unwrap();
        next[0].copy_from_slice(&pattern(1, LEN));
        let uploaded = upload.finish().unwrap().wait().unwrap();
        assert!(
            content(&uploaded[0]) == pattern(0, LEN),
            "round {round}: what was dropped was read"
        );

        let mut upload = Upload::begin(&stream, buffer());
        let held = upload.append(pieces(&device, 1, LEN), |it, rows| rows.push(0, &it[0])).unwrap();
        drop(upload.finish().unwrap());
        let mut upload = Upload::begin(&other, buffer());
        let held_next = upload.append(next, |it, rows| rows.push(0, &it[0])).unwrap();
        let uploaded = upload.finish().unwrap().wait().unwrap();
        stream.synchronize().unwrap();
        assert!(content(&uploaded[0]) == pattern(1, LEN), "round {round}: a copy came late");
        drop((held, held_next));
    }
}

#[test]
fn every_thread_uploads_at_once() {
    let device = device();
    let upload = |seed: usize| {
        let stream = Stream::new(&device).unwrap();
        let mut piece = PinnedPiece::cut_slab(&device, 1, MIB).unwrap();
        piece[0].copy_from_slice(&pattern(seed, MIB));
        let mut upload = Upload::begin(&stream, vec![DeviceBuffer::new(&device, MIB).unwrap()]);
        let held = upload.append(piece, |it, rows| rows.push(0, &it[0])).unwrap();
        let buffers = upload.finish().unwrap().wait().unwrap();
        assert!(content(&buffers[0]) == pattern(seed, MIB), "the bytes of thread {seed} differ");
        drop(held);
    };
    thread::scope(|scope| {
        (0..8).for_each(|seed| drop(scope.spawn(move || (0..20).for_each(|_| upload(seed)))));
    });
}

#[test]
fn events_are_done_in_order_and_know_the_time() {
    let device = device();
    let (stream, other) = (Stream::new(&device).unwrap(), Stream::new(&device).unwrap());
    let begun = stream.record().unwrap();
    let mut upload = Upload::begin(&stream, vec![DeviceBuffer::new(&device, 64 * MIB).unwrap()]);
    let held =
        upload.append(pieces(&device, 1, 64 * MIB), |it, rows| rows.push(0, &it[0])).unwrap();
    let done = stream.record().unwrap();
    other.wait_for(&done).unwrap();
    other.record().unwrap().wait().unwrap();
    assert_eq!((begun.is_done(), done.is_done(), held.is_done()), (Ok(true), Ok(true), Ok(true)));
    let (_, took) = held.wait().unwrap();
    let all = done.elapsed_since(&begun).unwrap();
    assert!(took <= all && all.as_secs() < 10, "{took:?} of {all:?}");
    drop(upload);
}

#[test]
fn too_much_is_an_error_that_says_how_much() {
    let device = device();
    let total = device.memory().unwrap().total_bytes;
    let asked = 2 * total;
    match DeviceBuffer::new(&device, asked).unwrap_err() {
        Error::OutOfDeviceMemory { asked_bytes, total_bytes, .. } => {
            assert_eq!((asked_bytes, total_bytes), (asked, total));
        }
        other => panic!("{other}"),
    }
    // And the device works on.
    drop(DeviceBuffer::new(&device, MIB).unwrap());
}

/// Twice what there is fits one after another, and only then.
#[test]
fn memory_comes_back() {
    let device = device();
    let free = device.memory().unwrap().free_bytes;
    let quarter = free / 4;
    for round in 0..8 {
        let buffer = DeviceBuffer::new(&device, quarter);
        let buffer = buffer.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let free = device.memory().unwrap().free_bytes;
        assert!(free < 4 * quarter, "round {round}: {free} bytes are free beside {buffer:?}");
    }
}

#[test]
fn a_device_that_is_not_there_is_told_from_those_that_are() {
    let count = device().driver().device_count().unwrap();
    assert_eq!(Device::open(count).unwrap_err(), Error::NoSuchDevice { ordinal: count, count });
}

#[test]
fn bare_copies_have_a_rate() {
    let rate = upload_rate(&device(), 32 * MIB, 20).unwrap();
    assert!((1e8..1e12).contains(&rate), "{rate} bytes a second");
}
