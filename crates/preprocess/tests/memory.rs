//! What a picture may make the decoders allocate, counted by an allocator of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use calibrant_preprocess::{MAX_PICTURE_SIDE_PX, Preprocess, Recipe, Scratch, Settings};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

/// Counts the bytes that each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends frees after its counters are gone; nobody reads them then.
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add_signed(bytes));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
#[expect(unsafe_code, reason = "an allocator that counts is the only way to see a peak")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of this function, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the most bytes that preprocessing held at once beyond what was there before, and
/// whether it gave a tensor.
fn peak(recipe: &Recipe, encoded: &[u8], scratch: &mut Scratch) -> (usize, bool) {
    let pipeline = recipe.compile().unwrap();
    let mut out = vec![0.0; pipeline.shape().iter().product()];
    let before = HELD.get();
    PEAK.set(before);
    let result = pipeline.preprocess(encoded, scratch, &mut out);
    (PEAK.get().saturating_sub(before), result.is_ok())
}

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)).unwrap()
}

/// A refused picture takes the decoder's state, not its pixels.
const REFUSED_BYTES: usize = 1 << 20;

#[test]
fn bombs_are_refused_without_a_large_allocation() {
    for name in [
        "bomb_header_60000x60000.png",
        "bomb_valid_30000x30000_1bit.png",
        "bomb_header_65500x65500.jpg",
    ] {
        for decoder in ["libjpeg-turbo", "image"] {
            let text = format!("preset = 'imagenet'\njpeg = '{decoder}'");
            let recipe = Settings::from_toml(&text).unwrap().recipe().unwrap();
            let (bytes, read) =
                peak(&recipe, &fixture(&format!("edge/{name}")), &mut Scratch::new());
            assert!(!read && bytes < REFUSED_BYTES, "{name}: {bytes} bytes, read: {read}");
        }
    }
}

/// What a picture within the default limit of pixels may take, whatever its format and shape.
const ALLOWED_BYTES: usize = 512 << 20;

#[test]
fn pictures_as_large_as_the_limit_stay_within_the_bound() {
    const SIDE: u32 = MAX_PICTURE_SIDE_PX;
    for (width, height) in [(8000, 4000), (SIDE, 30), (30, SIDE)] {
        let picture = flat_png(width, height);
        for filter in ["cv2-linear", "pil-bicubic", "fir-bilinear"] {
            let text = format!("preset = 'imagenet'\nfilter = '{filter}'");
            let recipe = Settings::from_toml(&text).unwrap().recipe().unwrap();
            let (bytes, read) = peak(&recipe, &picture, &mut Scratch::new());
            assert!(bytes < ALLOWED_BYTES, "{width}x{height} {filter}: {bytes} bytes");
            let refused = filter == "fir-bilinear" && width.max(height) == SIDE;
            assert_eq!(read, !refused, "{width}x{height} {filter}");
        }
    }
}

#[test]
fn a_picture_longer_than_any_is_refused() {
    let recipe = Recipe::preset("timm").unwrap();
    for (width, height) in [(MAX_PICTURE_SIDE_PX + 1, 1), (1, MAX_PICTURE_SIDE_PX + 1)] {
        let (bytes, read) = peak(&recipe, &flat_png(width, height), &mut Scratch::new());
        assert!(!read && bytes < REFUSED_BYTES + 4 * width as usize, "{bytes} bytes, read: {read}");
    }
}

#[test]
fn a_warm_scratch_takes_no_more_for_resizing() {
    let recipe = Recipe::preset("timm").unwrap();
    let picture = fixture("preprocess/pictures/rgb.bmp");
    let mut scratch = Scratch::new();
    let (cold, _) = peak(&recipe, &picture, &mut scratch);
    let (warm, _) = peak(&recipe, &picture, &mut scratch);
    // What is left is the BMP decoder's.
    assert!(warm < 4096 && cold > 50 * warm, "{cold} bytes cold, {warm} bytes warm");
}

/// The filters that need no whole picture, one of each kind.
const STREAMED: [&str; 7] = [
    "cv2-linear",
    "cv2-area",
    "cv2-cubic",
    "cv2-nearest",
    "pil-bilinear",
    "pil-lanczos",
    "tv-bicubic",
];

fn imagenet_with(filter: &str) -> Recipe {
    let text = format!("preset = 'imagenet'\nfilter = '{filter}'");
    Settings::from_toml(&text).unwrap().recipe().unwrap()
}

#[test]
fn a_large_jpeg_takes_rows_and_not_pixels() {
    /// Rows of samples, tables of a decoder and of a resize; the data itself comes on top.
    const ROWS: usize = 96;
    let (width, height) = (4000, 3000);
    let row = (0..=250_u8).cycle().take(3 * width).collect::<Vec<_>>();
    let pixels = row.repeat(height);
    let encoder = Encoder::new(&pixels, width, height, PixelFormat::Rgb);
    let encoded = encoder.subsampling(Subsampling::S420).encode().unwrap();
    for filter in STREAMED {
        let (bytes, read) = peak(&imagenet_with(filter), &encoded, &mut Scratch::new());
        let allowed = encoded.len() + ROWS * 3 * width;
        assert!(read && bytes < allowed, "{filter}: {bytes} bytes of {allowed}, read: {read}");
    }
}

#[test]
fn a_warm_scratch_takes_nothing_for_a_jpeg() {
    let mut scratch = Scratch::new();
    for filter in STREAMED {
        for name in ["q95_420", "q95_444", "restart", "gray", "exif_6"] {
            let picture = fixture(&format!("preprocess/pictures/{name}.jpg"));
            let recipe = imagenet_with(filter);
            let (_, read) = peak(&recipe, &picture, &mut scratch);
            let (bytes, _) = peak(&recipe, &picture, &mut scratch);
            assert!(read && bytes == 0, "{filter} {name}: {bytes} bytes, read: {read}");
        }
    }
}

/// Returns a PNG of black RGB pixels.
fn flat_png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let pixels = vec![0; width as usize * height as usize * 3];
    let encoder =
        PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::NoFilter);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
    file
}
