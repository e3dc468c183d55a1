//! Which batch size leaves the last batch whole.

use std::num::NonZeroUsize;

/// The batch size, at most `wanted` and at least half of it, with which the fewest samples have to be repeated to make
/// the last batch whole; the largest of several. All samples at once, where there are no more than `wanted`.
///
/// ```
/// use std::num::NonZeroUsize;
/// use calibrant_backend_tensorrt::effective_batch_size;
///
/// let wanted = NonZeroUsize::new(64).expect("not zero");
/// let sizes = [1024, 1000, 997, 10].map(|samples| {
///     effective_batch_size(NonZeroUsize::new(samples).expect("not zero"), wanted).get()
/// });
/// // 16 × 64, 20 × 50, and 27 × 37, which is two more than 997.
/// assert_eq!(sizes, [64, 50, 37, 10]);
/// ```
pub fn effective_batch_size(n_samples: NonZeroUsize, wanted: NonZeroUsize) -> NonZeroUsize {
    if n_samples <= wanted {
        return n_samples;
    }
    let repeated =
        |size: &NonZeroUsize| n_samples.get().next_multiple_of(size.get()) - n_samples.get();
    let sizes = (wanted.get().div_ceil(2)..=wanted.get()).rev().filter_map(NonZeroUsize::new);
    sizes.min_by_key(repeated).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    fn repeated(n_samples: usize, batch_size: usize) -> usize {
        (batch_size - n_samples % batch_size) % batch_size
    }

    proptest! {
        #[test]
        fn no_size_in_range_repeats_less(n_samples in 1..5000_usize, wanted in 1..300_usize) {
            let chosen = effective_batch_size(size(n_samples), size(wanted)).get();
            prop_assert!(chosen <= wanted.min(n_samples));
            if n_samples > wanted {
                prop_assert!(2 * chosen >= wanted);
                for other in wanted.div_ceil(2)..=wanted {
                    let (less, most) = (repeated(n_samples, chosen), repeated(n_samples, other));
                    prop_assert!(less < most || less == most && chosen >= other, "{chosen} {other}");
                }
            } else {
                prop_assert_eq!(repeated(n_samples, chosen), 0);
            }
        }
    }
}
