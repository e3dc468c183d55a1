//! Which samples to keep, and in what order: the same ones everywhere and always.

use std::num::NonZeroUsize;

/// A choice among the samples, made in this order: every n-th, shuffled, the first so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subset {
    /// Keep at most this many, after the shuffle.
    pub limit: Option<NonZeroUsize>,
    /// Keep the first of every so many, before the shuffle; 1 keeps all.
    pub stride: NonZeroUsize,
    /// Shuffle by this seed.
    pub shuffle: Option<u64>,
}

impl Subset {
    /// Every sample in its order.
    pub const ALL: Self = Self { limit: None, stride: NonZeroUsize::MIN, shuffle: None };

    pub(crate) fn apply<T>(&self, items: Vec<T>) -> Vec<T> {
        let mut items: Vec<_> = items.into_iter().step_by(self.stride.get()).collect();
        if let Some(seed) = self.shuffle {
            shuffle(&mut items, seed);
        }
        if let Some(limit) = self.limit {
            items.truncate(limit.get());
        }
        items
    }
}

/// Fisher and Yates' shuffle, from the last place down, with numbers from [`SplitMix64`].
///
/// This is fixed for ever: a seed in a report must name the same samples on every platform and in
/// every version.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, random.up_to(last));
    }
}

/// Sebastiano Vigna's `splitmix64.c` of 2015 (public domain).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `last`, each as likely as the next: Lemire's multiplication (arXiv
    /// 1805.10941), which draws again in the few cases that would make some numbers likelier.
    fn up_to(&mut self, last: usize) -> usize {
        let n = last as u64 + 1;
        let first_fair = n.wrapping_neg() % n;
        loop {
            let (low, high) = self.next().carrying_mul(n, 0);
            if low >= first_fair {
                return usize::try_from(high).expect("no more than `last`");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn subset(limit: usize, stride: usize, shuffle: Option<u64>) -> Subset {
        let stride = NonZeroUsize::new(stride).unwrap();
        Subset { limit: NonZeroUsize::new(limit), stride, shuffle }
    }

    /// The reference program prints these for the seed 1234567.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = SplitMix64(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!([(); 4].map(|()| random.next()), expected);
    }

    /// Reports name samples by seed: these lists, which a second implementation in Python gave, may
    /// never change.
    #[test]
    fn shuffles_are_for_ever() {
        let ten: Vec<u8> = (0..10).collect();
        let cases: [(u64, [u8; 10]); 3] = [
            (0, [4, 9, 2, 5, 1, 7, 6, 0, 3, 8]),
            (1, [9, 0, 1, 4, 8, 2, 3, 7, 6, 5]),
            (u64::MAX, [6, 7, 0, 3, 5, 4, 2, 1, 9, 8]),
        ];
        for (seed, expected) in cases {
            assert_eq!(subset(0, 1, Some(seed)).apply(ten.clone()), expected, "seed {seed}");
        }
    }

    #[test]
    fn stride_then_shuffle_then_limit() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(Subset::ALL.apply(items.clone()), items);
        assert_eq!(subset(3, 30, None).apply(items.clone()), [0, 30, 60]);
        assert_eq!(subset(1, 1000, Some(3)).apply(items.clone()), [0]);
        let shuffled = subset(0, 10, Some(5)).apply(items.clone());
        assert_eq!(subset(4, 10, Some(5)).apply(items), shuffled[..4]);
    }

    /// Every order of four items is as likely as any other: 24 orders, 2400 seeds, 100 expected of
    /// each. The chance that the statistic exceeds 60 by luck is below 1e-4, and the seeds are
    /// fixed.
    #[test]
    fn no_order_is_favoured() {
        let mut counts = std::collections::BTreeMap::<Vec<u8>, f64>::new();
        for seed in 0..2400 {
            *counts.entry(subset(0, 1, Some(seed)).apply(vec![0, 1, 2, 3])).or_default() += 1.0;
        }
        let chi_squared: f64 = counts.values().map(|n| (n - 100.0).powi(2) / 100.0).sum();
        assert_eq!(counts.len(), 24);
        assert!(chi_squared < 60.0, "{chi_squared}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_doubled(n in 1_usize..200, stride in 1_usize..9, seed: u64, limit in 0_usize..250) {
            let chosen = subset(limit, stride, Some(seed)).apply((0..n).collect());
            let strided = n.div_ceil(stride);
            prop_assert_eq!(chosen.len(), if limit == 0 { strided } else { strided.min(limit) });
            prop_assert!(chosen.iter().all(|it| it % stride == 0 && *it < n));
            prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), chosen.len());
        }
    }
}
