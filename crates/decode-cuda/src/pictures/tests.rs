//! Where pictures come to lie, by a stand-in for the driver that copies, and what is refused.

use calibrant_cuda::{Device, DeviceBuffer, Driver};
use tempfile::TempDir;
use tensorrt_double::{Installation, install};
use tensorrt_sys::Version;

use super::*;

const SHAPE: [usize; 3] = [3, 2, 2];
const TENSOR_BYTES: usize = 48;

/// A device of the stand-in, which has to be there as long as it.
struct Lab {
    device: Device,
    _folder: TempDir,
}

/// What came of a plan.
#[derive(Debug)]
struct Planned {
    /// Blob and samples in units, row and blocks of each picture.
    places: Vec<(usize, usize, usize, usize)>,
    crossing_bytes: usize,
    /// The contents of the tensors, the blobs and the samples.
    buffers: [Vec<u8>; 3],
}

type Choose = for<'s> fn(&'s Vec<PinnedPiece>, &mut Pictures<'s>);

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options =
            Installation { driver: tensorrt_double::Driver::Double, ..Installation::default() };
        let installed = install(folder.path(), Version::from_raw(101_601), &options).unwrap();
        // SAFETY: the stand-in does as the driver's reference says.
        let driver = unsafe { Driver::load_from(&installed.driver.unwrap()) }.unwrap();
        let device = Device::with_driver(&driver, 0).unwrap();
        Self { device, _folder: folder }
    }

    /// Pieces in which every byte tells its place.
    fn slab(&self, count: usize, len: usize) -> Vec<PinnedPiece> {
        let mut slab = PinnedPiece::cut_slab(&self.device, count, len).unwrap();
        for (number, piece) in slab.iter_mut().enumerate() {
            let byte = |at: usize| (at * 7 + at / 256 + number * 61).to_le_bytes()[0];
            piece.iter_mut().enumerate().for_each(|(at, place)| *place = byte(at));
        }
        slab
    }

    /// Brings pictures to a batch of so many rows, and computes nothing of them.
    fn run(
        &self,
        slab: Vec<PinnedPiece>,
        end_row: usize,
        n_rows: usize,
        choose: Choose,
    ) -> Result<Planned, Error> {
        let streams = [(); 2].map(|()| Stream::new(&self.device).unwrap());
        let buffers = [n_rows * TENSOR_BYTES, 256, 256];
        let buffers = buffers.map(|len| DeviceBuffer::new(&self.device, len).unwrap());
        let mut upload = Upload::begin(&streams[0], buffers.into());
        let (mut places, mut crossing_bytes) = (Vec::new(), 0);
        let held = upload.append_computed(
            slab,
            &streams[1],
            |slab, pieces| {
                let mut pictures = Pictures::default();
                choose(slab, &mut pictures);
                let work = Work::plan(pictures, SHAPE, end_row, pieces)?;
                crossing_bytes = pieces.crossing_bytes();
                Ok(work)
            },
            |work, _| {
                let place = |it: &Place| (it.blob, it.samples, it.row, it.blocks);
                places = work.places.iter().map(place).collect();
                Ok(())
            },
        )?;
        assert_eq!(upload.filled_bytes(TENSORS), end_row * TENSOR_BYTES);
        let buffers = upload.finish()?.wait()?;
        drop(held);
        let content = |buffer: usize| {
            let mut bytes = vec![0; buffers[buffer].len_bytes()];
            buffers[buffer].read(0, &mut bytes).unwrap();
            bytes
        };
        let buffers = [TENSORS, BLOBS, SAMPLES].map(content);
        Ok(Planned { places, crossing_bytes, buffers })
    }
}

#[test]
fn every_picture_has_a_place_of_its_own() {
    let lab = Lab::new();
    let same = lab.slab(3, 1024);
    let choose: Choose = |slab, pictures| {
        pictures.coefficients(2, &slab[0], 300, 5);
        pictures.tensor(0, &slab[1]);
        pictures.pixels(1, &slab[2], 512..524);
    };
    let planned = lab.run(lab.slab(3, 1024), 3, 3, choose).unwrap();
    assert_eq!(planned.places, [(0, 0, 2, 5), (2, 2, 1, 0)], "in units of 256 bytes");
    assert_eq!(planned.crossing_bytes, 300 + TENSOR_BYTES + 512 + 12);
    let [tensors, blobs, samples] = planned.buffers;
    assert_eq!(tensors[..TENSOR_BYTES], same[1][..TENSOR_BYTES]);
    assert_eq!((&blobs[..300], &blobs[512..1024]), (&same[0][..300], &same[2][..512]));
    assert_eq!(samples[512..524], same[2][512..524]);
    assert!(blobs.len() >= 1024 && samples.len() >= 768, "{} {}", blobs.len(), samples.len());

    let too_few = lab.run(lab.slab(3, 1024), 3, 2, choose).unwrap_err();
    let (asked_bytes, buffer_bytes) = (3 * TENSOR_BYTES, 2 * TENSOR_BYTES);
    assert_eq!(too_few, Error::TooLong { buffer: TENSORS, asked_bytes, buffer_bytes });
}

#[test]
fn neighbours_that_are_nearly_full_are_one_copy() {
    let lab = Lab::new();
    let same = lab.slab(4, 1024);
    // The third leaves half of itself, and the fourth is no longer copied with it.
    const LENS: [usize; 4] = [900, 1000, 512, 300];
    let planned = lab.run(lab.slab(4, 1024), 4, 4, |slab, pictures| {
        for (row, len) in LENS.into_iter().enumerate() {
            pictures.coefficients(row, &slab[row], len, 1);
        }
    });
    let planned = planned.unwrap();
    let places: Vec<_> = planned.places.iter().map(|it| it.0).collect();
    assert_eq!(places, [0, 4, 8, 10]);
    assert_eq!(planned.crossing_bytes, 2560 + 300, "two copies");
    for ((place, len), piece) in places.into_iter().zip(LENS).zip(&same) {
        assert_eq!(planned.buffers[BLOBS][place * UNIT..][..len], piece[..len], "{place}");
    }
}

#[test]
fn what_lies_beyond_a_piece_is_refused() {
    let lab = Lab::new();
    for choose in [
        |slab, pictures| Pictures::coefficients(pictures, 0, &slab[0], 257, 1),
        |slab, pictures| Pictures::pixels(pictures, 0, &slab[0], 200..260),
    ] as [Choose; 2]
    {
        let outcome = lab.run(lab.slab(1, 256), 1, 1, choose);
        assert!(matches!(outcome, Err(Error::TooLong { .. })), "{outcome:?}");
    }
}

#[test]
fn a_job_is_its_words_in_order() {
    let job =
        PictureJob { method: 7, vectors: 5, plane_source: [2, 1, 0], ..PictureJob::default() };
    let words = job.words();
    assert_eq!((words.len(), words[1], words[28]), (32, 7, 5));
    assert_eq!(words[29..], [2, 1, 0]);
}
