//! One cache of several.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Cache, Oddity};

/// Whose scale a tensor gets that stands in several caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeBy {
    /// The largest: nothing is clipped that any of them keeps.
    Max,
    /// That of the first cache that has the tensor.
    First,
    /// The mean of all.
    Mean,
}

/// A word that says nothing of whose scale to take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule `{text}`; the rules are max, first and mean")]
pub struct ParseMergeByError {
    text: String,
}

/// Several caches as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// All tensors, in the order in which they first appear, under the first cache's header.
    pub cache: Cache,
    /// The tensors on which the caches disagreed, in the same order.
    pub conflicts: Vec<Conflict>,
}

/// A tensor with more than one scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Its name.
    pub name: String,
    /// Its scale in each cache, `None` in those that do not have it.
    pub scales: Vec<Option<f32>>,
    /// The scale it has now.
    pub kept: f32,
}

/// Why caches cannot be merged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is none.
    #[error("there is no cache to merge")]
    Nothing,
    /// A scale has no place in an order and no part in a mean.
    #[error(
        "tensor `{name}` has the scale {scale}, with which nothing can be compared; mend it, or merge by first"
    )]
    Incomparable {
        /// Its name in the model.
        name: String,
        /// NaN, or below 0.
        scale: f32,
    },
}

impl Cache {
    /// The tensors of all `caches`, each once.
    ///
    /// # Errors
    ///
    /// When there are no caches, or two scales of one tensor cannot be compared.
    pub fn merge(caches: &[Self], by: MergeBy) -> Result<Merged, MergeError> {
        let header = caches.first().ok_or(MergeError::Nothing)?;
        let mut order: Vec<&str> = Vec::new();
        let mut scales: BTreeMap<&str, Vec<Option<f32>>> = BTreeMap::new();
        for (place, cache) in caches.iter().enumerate() {
            for (name, scale) in &cache.entries {
                let of_tensor = scales.entry(name).or_insert_with(|| {
                    order.push(name);
                    vec![None; caches.len()]
                });
                of_tensor[place] = Some(*scale);
            }
        }
        let mut entries = Vec::with_capacity(order.len());
        let mut conflicts = Vec::new();
        for name in order {
            let of_tensor = &scales[name];
            let kept = by.choose(name, of_tensor)?;
            if disagree(of_tensor) {
                let (name, scales) = (name.to_owned(), of_tensor.clone());
                conflicts.push(Conflict { name, scales, kept });
            }
            entries.push((name.to_owned(), kept));
        }
        let cache = Self { version: header.version, algorithm: header.algorithm, entries };
        Ok(Merged { cache, conflicts })
    }
}

impl MergeBy {
    /// The scale of a tensor with these, at least one of which is there.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of f32 is rounded to f32")]
    fn choose(self, name: &str, scales: &[Option<f32>]) -> Result<f32, MergeError> {
        let there = || scales.iter().flatten().copied();
        let first = there().next().unwrap_or_default();
        if self == Self::First || !disagree(scales) {
            return Ok(first);
        }
        let broken = there().find(|scale| {
            matches!(Oddity::of(*scale), Some(Oddity::NotANumber | Oddity::Negative))
        });
        if let Some(scale) = broken {
            return Err(MergeError::Incomparable { name: name.to_owned(), scale });
        }
        Ok(match self {
            Self::Mean => (there().map(f64::from).sum::<f64>() / there().count() as f64) as f32,
            Self::Max | Self::First => there().fold(first, f32::max),
        })
    }
}

impl FromStr for MergeBy {
    type Err = ParseMergeByError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "max" => Ok(Self::Max),
            "first" => Ok(Self::First),
            "mean" => Ok(Self::Mean),
            _ => Err(ParseMergeByError { text: text.to_owned() }),
        }
    }
}

/// Whether two of the scales differ in any bit.
fn disagree(scales: &[Option<f32>]) -> bool {
    let mut bits = scales.iter().flatten().map(|scale| scale.to_bits());
    let first = bits.next();
    bits.any(|bits| Some(bits) != first)
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::Algorithm;

    fn cache(entries: &[(&str, f32)]) -> Cache {
        let entries = entries.iter().map(|(name, scale)| ((*name).to_owned(), *scale)).collect();
        Cache::new(8601, Algorithm::EntropyCalibration2, entries).unwrap()
    }

    #[test]
    fn the_rule_decides_where_caches_disagree() {
        let caches = [
            cache(&[("a", 1.0), ("b", 4.0)]),
            cache(&[("c", 7.0), ("b", 1.0), ("a", 1.0)])
                .with_header(1, Algorithm::MinMaxCalibration),
            cache(&[("b", 1.0)]),
        ];
        for (by, b) in [("max", 4.0), ("first", 4.0), ("mean", 2.0)] {
            let merged = Cache::merge(&caches, by.parse().unwrap()).unwrap();
            assert_eq!(merged.cache, cache(&[("a", 1.0), ("b", b), ("c", 7.0)]), "{by}");
            let scales = vec![Some(4.0), Some(1.0), Some(1.0)];
            assert_eq!(merged.conflicts, [Conflict { name: "b".to_owned(), scales, kept: b }]);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused_unless_the_first_is_taken() {
        for broken in [f32::NAN, -1.0] {
            let caches = [cache(&[("a", 1.0)]), cache(&[("a", broken)])];
            for by in [MergeBy::Max, MergeBy::Mean] {
                let error = Cache::merge(&caches, by).unwrap_err();
                assert!(matches!(error, MergeError::Incomparable { .. }), "{error}");
            }
            assert_eq!(Cache::merge(&caches, MergeBy::First).unwrap().cache, caches[0]);
        }
        assert_eq!(Cache::merge(&[], MergeBy::Max), Err(MergeError::Nothing));
        assert!("median".parse::<MergeBy>().is_err());
    }

    proptest! {
        #[test]
        fn merging_by_max_keeps_every_range_and_the_order_does_not_matter(
            caches in vec(btree_map("[a-f]", 0f32..10.0, 0..6), 1..5),
        ) {
            let caches: Vec<Cache> = caches
                .into_iter()
                .map(|entries| Cache::new(8601, Algorithm::MinMaxCalibration, entries.into_iter().collect()).unwrap())
                .collect();
            let merged = Cache::merge(&caches, MergeBy::Max).unwrap();
            let ranges = merged.cache.ranges();
            for (name, amax) in caches.iter().flat_map(Cache::ranges) {
                prop_assert!(ranges.get(&name).unwrap() >= amax);
            }
            let backwards: Vec<Cache> = caches.iter().rev().cloned().collect();
            let backwards = Cache::merge(&backwards, MergeBy::Max).unwrap();
            prop_assert_eq!(backwards.cache.ranges(), ranges);
            prop_assert_eq!(backwards.conflicts.len(), merged.conflicts.len());
        }
    }
}
