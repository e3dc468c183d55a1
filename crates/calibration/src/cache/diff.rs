//! In what two caches differ.

use std::collections::BTreeMap;

use super::{Algorithm, Cache};

/// In what a cache differs from another.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Both versions, where they differ.
    pub version: Option<(u32, u32)>,
    /// Both calibrators, where they differ.
    pub algorithm: Option<(Algorithm, Algorithm)>,
    /// Tensors whose scales differ in any bit, those that moved furthest first.
    pub moved: Vec<Moved>,
    /// Tensors that only the first cache has, sorted.
    pub only_first: Vec<String>,
    /// Tensors that only the second cache has, sorted.
    pub only_second: Vec<String>,
    /// Number of tensors with the same scale in both.
    pub same: usize,
}

/// A tensor with one scale in a cache and another in the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Its name.
    pub name: String,
    /// Its scale in the first cache.
    pub first: f32,
    /// Its scale in the second cache.
    pub second: f32,
}

impl Moved {
    /// By how many percent of the first the second is larger, negative when it is smaller.
    ///
    /// Infinite when the first is 0 or one of them is not finite: no percentage tells that.
    pub fn percent(&self) -> f64 {
        let percent = 100.0 * (f64::from(self.second) / f64::from(self.first) - 1.0);
        if percent.is_finite() && self.second.is_finite() && self.first.is_finite() {
            percent
        } else if self.second < self.first {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        }
    }
}

impl Cache {
    /// In what `other` differs from this cache.
    pub fn diff(&self, other: &Self) -> Diff {
        let scales =
            |cache: &'_ Self| -> BTreeMap<String, f32> { cache.entries.iter().cloned().collect() };
        let (first, second) = (scales(self), scales(other));
        let mut moved = Vec::new();
        let mut same = 0;
        for (name, &first) in &first {
            match second.get(name) {
                Some(second) if second.to_bits() == first.to_bits() => same += 1,
                Some(&second) => moved.push(Moved { name: name.clone(), first, second }),
                None => {}
            }
        }
        // A stable sort: of equals the order of the names stays.
        moved.sort_by(|a, b| b.percent().abs().total_cmp(&a.percent().abs()));
        let only = |these: &BTreeMap<String, f32>, those: &BTreeMap<String, f32>| {
            these.keys().filter(|name| !those.contains_key(*name)).cloned().collect()
        };
        Diff {
            version: (self.version != other.version).then_some((self.version, other.version)),
            algorithm: (self.algorithm != other.algorithm)
                .then_some((self.algorithm, other.algorithm)),
            moved,
            only_first: only(&first, &second),
            only_second: only(&second, &first),
            same,
        }
    }
}

impl Diff {
    /// The tensors that moved by more than so many percent, up or down.
    pub fn above(&self, percent: f64) -> &[Moved] {
        let end = self.moved.partition_point(|moved| moved.percent().abs() > percent);
        &self.moved[..end]
    }

    /// Whether both caches have the same tensors, and none moved by more than so many percent; headers do not count.
    pub fn is_within(&self, percent: f64) -> bool {
        self.only_first.is_empty() && self.only_second.is_empty() && self.above(percent).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;

    fn cache(version: u32, entries: &[(&str, f32)]) -> Cache {
        let entries = entries.iter().map(|(name, scale)| ((*name).to_owned(), *scale)).collect();
        Cache::new(version, Algorithm::EntropyCalibration2, entries).unwrap()
    }

    #[test]
    fn what_moved_comes_with_its_percentage() {
        let first =
            cache(8601, &[("same", 1.0), ("up", 1.0), ("down", 1.0), ("gone", 1.0), ("zero", 0.0)]);
        let second = cache(
            100_300,
            &[("zero", 1.0), ("new", 2.0), ("down", 0.25), ("up", 1.5), ("same", 1.0)],
        );
        let second = second.with_header(100_300, Algorithm::MinMaxCalibration);
        let diff = first.diff(&second);
        assert_eq!(diff.version, Some((8601, 100_300)));
        assert_eq!(
            diff.algorithm,
            Some((Algorithm::EntropyCalibration2, Algorithm::MinMaxCalibration))
        );
        let moved: Vec<_> = diff.moved.iter().map(|it| (it.name.as_str(), it.percent())).collect();
        assert_eq!(moved, [("zero", f64::INFINITY), ("down", -75.0), ("up", 50.0)]);
        assert_eq!(
            (&diff.only_first[..], &diff.only_second[..]),
            (&["gone".to_owned()][..], &["new".to_owned()][..])
        );
        assert_eq!(diff.same, 1);
        assert_eq!(diff.above(50.0).len(), 2);
        assert!(!diff.is_within(f64::INFINITY), "other tensors");
    }

    #[test]
    fn infinities_and_nan_are_further_than_any_percentage() {
        let moved = |first, second| Moved { name: String::new(), first, second }.percent();
        assert_eq!(moved(1.0, f32::INFINITY), f64::INFINITY);
        assert_eq!(moved(f32::INFINITY, 1.0), f64::NEG_INFINITY);
        assert_eq!(moved(f32::NAN, 1.0), f64::INFINITY);
        assert_eq!(moved(-0.0, 0.0), f64::INFINITY);
    }

    fn entries() -> impl Strategy<Value = Cache> {
        let scale = prop_oneof![3 => 0.001f32..10.0, 1 => Just(0.5f32), 1 => any::<f32>()];
        btree_map("[a-h]", scale, 0..8).prop_map(|entries| {
            let entries: Vec<_> = entries.into_iter().collect();
            Cache::new(8601, Algorithm::EntropyCalibration2, entries).unwrap()
        })
    }

    proptest! {
        #[test]
        fn every_tensor_is_counted_once(first in entries(), second in entries()) {
            let diff = first.diff(&second);
            let in_both = diff.same + diff.moved.len();
            prop_assert_eq!(in_both + diff.only_first.len(), first.entries().len());
            prop_assert_eq!(in_both + diff.only_second.len(), second.entries().len());
            prop_assert!(first.diff(&first).is_within(0.0));
            let back = second.diff(&first);
            prop_assert_eq!(back.moved.len(), diff.moved.len());
            for moved in &diff.moved {
                prop_assert!(moved.first.to_bits() != moved.second.to_bits());
                prop_assert!(!moved.percent().is_nan());
            }
            prop_assert!(diff.above(1.0).iter().all(|moved| moved.percent().abs() > 1.0));
        }
    }
}
