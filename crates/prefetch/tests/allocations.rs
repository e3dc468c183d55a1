//! That a warm pipeline allocates nothing: this file is a program of its own, whose allocator
//! counts.
#![expect(unsafe_code, reason = "an allocator that counts is an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use calibrant_prefetch::{Config, run};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator with the caller's own arguments, and comes back
// as it answers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise about the layout is the one asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System` by way of `alloc` or `realloc`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the pointer came from `System` with this layout, and the caller vouches for the
        // size.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What may be allocated late, and once: a channel makes room for waiting threads the first time
/// that one waits on it, and a thread its token the first time that it waits. There are five such
/// rooms and four threads; thousands of batches must fit below.
const ONCE: usize = 16;

#[test]
fn a_warm_pipeline_allocates_nothing_per_batch() {
    const WARM: usize = 50;
    const BATCHES: usize = 5_000;
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    let config = Config { workers: size(2), batch_size: size(4), batches_in_flight: size(3) };
    let (late, _) = run(
        &config,
        0..4 * (WARM + BATCHES),
        || vec![0_usize; 1000],
        || (),
        |(), _, item, slot| {
            slot.fill(item);
            Ok::<_, ()>(())
        },
        |receiver| {
            assert_eq!(receiver.by_ref().take(WARM).count(), WARM);
            let before = ALLOCATIONS.load(Relaxed);
            assert_eq!(receiver.by_ref().take(BATCHES).count(), BATCHES);
            ALLOCATIONS.load(Relaxed) - before
        },
    )
    .expect("a few threads");
    assert!(late <= ONCE, "{late} allocations in {BATCHES} batches");
    assert!(ALLOCATIONS.load(Relaxed) > 12, "the slots themselves were counted");
}
