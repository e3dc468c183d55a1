//! A warm decoder allocates nothing, counted by an allocator of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use calibrant_jpeg::{Decoder, Pixels, Reduction, Region};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may allocate after its counter is gone; nobody reads it then.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
#[expect(unsafe_code, reason = "an allocator that counts is the only way to see allocations")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of this function, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Decodes a picture whole, in luma, in part, and reduced.
fn decode(decoder: &mut Decoder, encoded: &[u8], region: &mut Region, out: &mut [u8]) {
    let picture = decoder.open(encoded).unwrap();
    let (width, height) = (picture.header().width, picture.header().height);
    let pixels = width as usize * height as usize;
    picture.decode(Pixels::Rgb, &mut out[..3 * pixels]).unwrap();
    decoder.open(encoded).unwrap().decode(Pixels::Luma, &mut out[..pixels]).unwrap();
    region.clear(width, height);
    region.want_rows(0..height as usize / 2);
    region.want_columns(0..width as usize / 2);
    let mut n_rows = 0;
    let picture = decoder.open(encoded).unwrap();
    picture.rows(Pixels::Rgb, region, |_, _| n_rows += 1).unwrap();
    assert_eq!(n_rows, height / 2);
    let picture = decoder.open(encoded).unwrap();
    if picture.is_reducible() {
        picture.reduced_rows(Pixels::Rgb, Reduction::Half, |_, _| n_rows += 1).unwrap();
        assert_eq!(n_rows, height / 2 + Reduction::Half.of(height));
    }
}

#[test]
fn a_warm_decoder_allocates_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/preprocess/pictures");
    let names = ["q95_420.jpg", "q95_422.jpg", "q95_444.jpg", "restart.jpg", "gray.jpg"];
    let pictures = names.map(|name| std::fs::read(folder.join(name)).unwrap());
    let (mut decoder, mut region) = (Decoder::new(), Region::new());
    let mut out = vec![0; 3 << 16];
    let mut pass = || {
        let before = COUNT.get();
        for encoded in &pictures {
            decode(&mut decoder, encoded, &mut region, &mut out);
        }
        COUNT.get() - before
    };
    assert!(pass() > 0, "a cold decoder makes room");
    assert_eq!(pass(), 0);
}
