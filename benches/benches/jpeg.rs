//! How fast does a photograph become pixels, and how much does the resize's reading less of it save?
//!
//! `calibrant` and `libjpeg-turbo-rs` decode the same bytes to the same pixels, which is checked before anything is
//! timed. `for_224` makes the rows and columns that OpenCV's bilinear resize to 224 × 224 reads. `memcpy` of the pixels is
//! what writing them costs at the least.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use calibrant_jpeg::{Decoder, Pixels, Region};
use criterion::{BenchmarkId, Criterion, Throughput};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

/// Photographs of ordinary size, 4:2:0: a detailed one of 3.8 bits a pixel, and a calm one of 1.2.
const PHOTOS: [(&str, &str); 2] =
    [("500x375_detailed", "cut_13_life.jpg"), ("500x375_calm", "cut_03_seeding.jpg")];

/// The photograph that the large one is tiled of, and its size.
const TILE: &str = "photo_picture_0b_by_freespace.jpg";
const LARGE: (usize, usize) = (4000, 3000);

/// The reference's decoder as `calibrant-preprocess` drives it.
fn theirs(photo: &[u8], out: &mut [u8]) {
    let mut decoder = libjpeg_turbo_rs::Decoder::new(photo).unwrap_or_else(|e| panic!("{e}"));
    decoder.set_output_format(PixelFormat::Rgb);
    decoder.decode_image_into(out).unwrap_or_else(|e| panic!("{e}"));
}

fn ours(decoder: &mut Decoder, photo: &[u8], out: &mut [u8]) {
    let picture = decoder.open(photo).unwrap_or_else(|e| panic!("{e}"));
    picture.decode(Pixels::Rgb, out).unwrap_or_else(|e| panic!("{e}"));
}

/// What a bilinear resize to 224 × 224 reads.
fn read_for_224(width: usize, height: usize) -> Region {
    let taps = |n: usize| {
        (0..224_usize).map(move |d| {
            // The centre of pixel d lies at (d + 1/2) n / 224 - 1/2.
            let first = ((2 * d + 1) * n).saturating_sub(224) / 448;
            first..(first + 2).min(n)
        })
    };
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut region = Region::new();
    region.clear(side(width), side(height));
    taps(height).for_each(|rows| region.want_rows(rows));
    taps(width).for_each(|columns| region.want_columns(columns));
    region
}

fn bench(c: &mut Criterion, name: &str, photo: &[u8]) {
    let mut decoder = Decoder::new();
    let header = *decoder.open(photo).unwrap_or_else(|e| panic!("{name}: {e}")).header();
    let (width, height) = (header.width as usize, header.height as usize);
    let (mut out, mut expected) = (vec![0; 3 * width * height], vec![0; 3 * width * height]);
    ours(&mut decoder, photo, &mut out);
    theirs(photo, &mut expected);
    assert_eq!(out, expected, "{name}: the same pixels");

    let mut group = c.benchmark_group(format!("jpeg/{name}"));
    group.throughput(Throughput::Elements((width * height) as u64));
    group.bench_function(BenchmarkId::from_parameter("calibrant"), |b| {
        b.iter(|| ours(&mut decoder, black_box(photo), &mut out));
    });
    group.bench_function(BenchmarkId::from_parameter("libjpeg-turbo-rs"), |b| {
        b.iter(|| theirs(black_box(photo), &mut expected));
    });
    let region = read_for_224(width, height);
    group.bench_function(BenchmarkId::from_parameter("for_224"), |b| {
        b.iter(|| {
            let picture = decoder.open(black_box(photo)).unwrap_or_else(|e| panic!("{e}"));
            let rows = picture.rows(Pixels::Rgb, &region, |_, row| {
                black_box(row);
            });
            rows.unwrap_or_else(|e| panic!("{e}"));
        });
    });
    group.bench_function(BenchmarkId::from_parameter("memcpy"), |b| {
        b.iter(|| out.copy_from_slice(black_box(&expected)));
    });
    group.finish();
}

/// Repeats a photograph until it is large, and encodes it as cameras do: 4:2:0, quality 90.
fn large() -> Vec<u8> {
    let photo = read(TILE);
    let mut decoder = Decoder::new();
    let header = *decoder.open(&photo).unwrap_or_else(|e| panic!("{TILE}: {e}")).header();
    let (width, height) = (header.width as usize, header.height as usize);
    let mut tile = vec![0; 3 * width * height];
    ours(&mut decoder, &photo, &mut tile);
    let mut pixels = Vec::with_capacity(3 * LARGE.0 * LARGE.1);
    for y in 0..LARGE.1 {
        let row = &tile[y % height * 3 * width..][..3 * width];
        pixels.extend(row.iter().cycle().take(3 * LARGE.0));
    }
    Encoder::new(&pixels, LARGE.0, LARGE.1, PixelFormat::Rgb)
        .subsampling(Subsampling::S420)
        .quality(90)
        .encode()
        .unwrap_or_else(|e| panic!("{e}"))
}

fn read(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/photos").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, file) in PHOTOS {
        bench(&mut criterion, name, &read(file));
    }
    bench(&mut criterion, "4000x3000", &large());
    criterion.final_summary();
}
