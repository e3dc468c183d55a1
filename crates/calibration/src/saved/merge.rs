//! Statistics of several shards as those of one run over all their samples.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use calibrant_tensor::Digest;

use super::{Parts, SavedStatistics, StatisticsError};
use crate::statistics::MOST_VALUES;
use crate::{Manifest, SampleDigest, Stale, TensorStatistics};

/// Statistics to merge, and what to call them in an error.
#[derive(Debug, Clone, Copy)]
pub struct Shard<'a> {
    /// The file's name, say.
    pub name: &'a str,
    /// The statistics.
    pub statistics: &'a SavedStatistics,
}

/// Statistics of all samples, and what a user should know of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MergedStatistics {
    /// What one run over the samples of all shards would have left, byte for byte.
    pub statistics: SavedStatistics,
    /// Samples that have the same bytes as one of another shard, and another name.
    pub repeated: Vec<String>,
    /// Whether histograms of TensorRT's own were left out: those of two first batches do not add up.
    pub left_out_faithful: bool,
}

/// Why statistics cannot be merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeStatisticsError {
    /// There are none.
    #[error("there are no statistics to merge")]
    Nothing,
    /// They are of different runs.
    #[error("`{second}` cannot be merged with `{first}`")]
    Differ {
        /// The first shard.
        first: String,
        /// The shard that differs from it.
        second: String,
        /// In what.
        source: Stale,
    },
    /// All samples of a shard are in another.
    #[error(
        "`{first}` and `{second}` are of the same samples, which would count twice; merge each shard once"
    )]
    SameSamples {
        /// One shard.
        first: String,
        /// The other.
        second: String,
    },
    /// A sample is in two shards.
    #[error(
        "sample `{sample}`{} in `{first}` and in `{second}`, and would count twice; calibrate shards that have none in common",
        if *n_samples == 1 { " is".to_owned() } else { format!(" and {} more are", n_samples - 1) }
    )]
    SampleTwice {
        /// The first such sample.
        sample: String,
        /// How many there are.
        n_samples: usize,
        /// One shard.
        first: String,
        /// The other.
        second: String,
    },
    /// More values than can be counted.
    #[error(
        "`{second}` and what came before have more values of tensor `{tensor}` than can be counted"
    )]
    TooMany {
        /// Its name in the model.
        tensor: String,
        /// The shard with which they are too many.
        second: String,
    },
    /// A shard cannot be taken apart.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
}

/// Adds up the statistics of `shards`, exactly: order and grouping do not matter.
///
/// # Errors
///
/// When there are none, when they are not of one model, preprocessing, backend and program, or when samples would count
/// twice.
pub fn merge_statistics(shards: &[Shard<'_>]) -> Result<MergedStatistics, MergeStatisticsError> {
    let (first, rest) = shards.split_first().ok_or(MergeStatisticsError::Nothing)?;
    let mut merged = first.statistics.clone();
    let mut repeated = Vec::new();
    for (place, second) in rest.iter().enumerate() {
        let differences = first.statistics.manifest.compare_runs(&second.statistics.manifest);
        if !differences.is_empty() {
            let (first, second) = (first.name.to_owned(), second.name.to_owned());
            let source = Stale { differences };
            return Err(MergeStatisticsError::Differ { first, second, source });
        }
        for earlier in &shards[..=place] {
            check_samples(earlier, second)?;
        }
        repeated.extend(repeats(&merged.manifest.samples, &second.statistics.manifest.samples));
        merged = add(&merged, second)?;
    }
    let left_out_faithful =
        !rest.is_empty() && shards.iter().any(|shard| !shard.statistics.first_batch.is_empty());
    Ok(MergedStatistics { statistics: merged, repeated, left_out_faithful })
}

/// Makes sure that no sample is in both shards.
fn check_samples(first: &Shard<'_>, second: &Shard<'_>) -> Result<(), MergeStatisticsError> {
    let names = || (first.name.to_owned(), second.name.to_owned());
    let (were, are) = (&first.statistics.manifest, &second.statistics.manifest);
    if were.sample_list == are.sample_list {
        let (first, second) = names();
        return Err(MergeStatisticsError::SameSamples { first, second });
    }
    let were: BTreeSet<&SampleDigest> = were.samples.iter().collect();
    let mut twice = are.samples.iter().filter(|sample| were.contains(sample));
    let Some(sample) = twice.next() else { return Ok(()) };
    let (n_samples, sample) = (1 + twice.count(), sample.name.clone());
    let (first, second) = names();
    Err(MergeStatisticsError::SampleTwice { sample, n_samples, first, second })
}

/// The names of the new samples whose bytes are among those of the old.
fn repeats(old: &[SampleDigest], new: &[SampleDigest]) -> Vec<String> {
    let old: BTreeSet<Digest> = old.iter().map(|sample| sample.sha256).collect();
    let again = new.iter().filter(|sample| old.contains(&sample.sha256));
    again.map(|sample| sample.name.clone()).collect()
}

fn add(left: &SavedStatistics, right: &Shard<'_>) -> Result<SavedStatistics, MergeStatisticsError> {
    let mut tensors = (left.tensors().peekable(), right.statistics.tensors().peekable());
    let samples = left.samples.saturating_add(right.statistics.samples);
    let mut parts = Parts::new(samples, Vec::new(), union(left, right.statistics));
    loop {
        let order = match (tensors.0.peek(), tensors.1.peek()) {
            (None, None) => return Ok(parts.into_saved()),
            (Some(Ok((left, _))), Some(Ok((right, _)))) => left.cmp(right),
            (Some(_), None) | (Some(Err(_)), _) => Ordering::Less,
            (None, Some(_)) | (_, Some(Err(_))) => Ordering::Greater,
        };
        let left = if order.is_le() { tensors.0.next().transpose()? } else { None };
        let other = if order.is_ge() { tensors.1.next().transpose()? } else { None };
        let name = left.as_ref().or(other.as_ref()).map_or("", |(name, _)| *name);
        let sum = left.map(|(_, seen)| seen).unwrap_or_default().plus(other.map(|(_, it)| it));
        let sum = sum.ok_or_else(|| MergeStatisticsError::TooMany {
            tensor: name.to_owned(),
            second: right.name.to_owned(),
        })?;
        parts.push(name, &sum);
    }
}

impl TensorStatistics {
    /// What this and `other` saw, but for TensorRT's own histograms; `None` when that is more than can be counted.
    fn plus(mut self, other: Option<Self>) -> Option<Self> {
        let other = other.unwrap_or_default();
        self.count().checked_add(other.count()).filter(|count| *count <= MOST_VALUES)?;
        self.merge(&other);
        Some(self.without_faithful())
    }
}

/// What the samples of both together were made from.
fn union(left: &SavedStatistics, right: &SavedStatistics) -> Manifest<()> {
    let samples = left.manifest.samples.iter().chain(&right.manifest.samples).cloned().collect();
    let (sample_list, samples) = Manifest::list_digest(samples);
    Manifest { sample_list, samples, batch_size: None, ..left.manifest.clone() }
}

#[cfg(test)]
mod tests {
    use calibrant_format::INT8;
    use calibrant_tensor::digest;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::saved::tests::{manifest, samples, saved};
    use crate::{Method, Statistics, Table};

    fn shards(all: &[SavedStatistics]) -> Vec<Shard<'_>> {
        all.iter().map(|statistics| Shard { name: "shard", statistics }).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The statistics of shards, merged in any order, are one run over all samples, byte for byte.
        #[test]
        fn shards_are_one_run(
            samples in samples(),
            cuts in vec(any::<prop::sample::Index>(), 0..4),
            backwards: bool,
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(samples.len() + 1)).collect();
            cuts.extend([0, samples.len()]);
            cuts.sort_unstable();
            let mut parts: Vec<SavedStatistics> =
                cuts.windows(2).filter(|cut| cut[0] < cut[1]).map(|cut| saved(&samples, cut[0]..cut[1])).collect();
            if backwards {
                parts.reverse();
            }
            let merged = merge_statistics(&shards(&parts)).unwrap();
            let whole = saved(&samples, 0..samples.len());
            prop_assert_eq!(merged.statistics.as_bytes(), whole.as_bytes());
            prop_assert!(!merged.left_out_faithful && merged.repeated.is_empty());
        }
    }

    fn one(name: &str, content: &str, change: impl Fn(&mut Manifest<()>)) -> SavedStatistics {
        let mut statistics = Statistics { samples: 1, ..Statistics::default() };
        statistics.observe("x", &[1.0, 2.0]).unwrap();
        let sample = SampleDigest { name: name.to_owned(), sha256: digest(content.as_bytes()) };
        let (sample_list, samples) = Manifest::list_digest(vec![sample]);
        let mut manifest = Manifest { sample_list, samples, ..manifest() };
        change(&mut manifest);
        SavedStatistics::new(&statistics, manifest)
    }

    #[test]
    fn what_is_not_of_one_run_is_refused_by_name() {
        let ours = one("a", "1", |_| {});
        let merge = |other: &SavedStatistics| {
            let shards = [("a.stats", &ours), ("b.stats", other)];
            let shards = shards.map(|(name, statistics)| Shard { name, statistics });
            merge_statistics(&shards)
        };
        let model = one("b", "2", |manifest| manifest.model = digest(b"another"));
        let preprocessing = one("b", "2", |manifest| manifest.preprocessing = "other".to_owned());
        let backend = one("b", "2", |manifest| manifest.backend.version = "2".to_owned());
        let notes = one("b", "2", |manifest| manifest.backend.notes = vec!["other".to_owned()]);
        let program = one("b", "2", |manifest| manifest.program = "another".to_owned());
        for (other, difference) in [
            (model, "the model changed"),
            (preprocessing, "the preprocessing changed"),
            (backend, "the backend changed: was test (1), is test (2)"),
            (notes, "the backend changed: was nothing, is `other`"),
            (program, "the program changed"),
        ] {
            let error = merge(&other).unwrap_err();
            assert_eq!(error.to_string(), "`b.stats` cannot be merged with `a.stats`");
            let MergeStatisticsError::Differ { source, .. } = error else { panic!("{error:?}") };
            assert!(source.to_string().starts_with(difference), "{source}");
        }
        let error = merge(&one("other name", "1", |_| {})).unwrap_err().to_string();
        assert!(error.starts_with("`a.stats` and `b.stats` are of the same samples"), "{error}");
        assert!(matches!(merge_statistics(&[]), Err(MergeStatisticsError::Nothing)));
    }

    #[test]
    fn a_sample_counts_once_and_a_copy_of_it_is_told() {
        let [a, b, c] =
            [("a", "1"), ("b", "2"), ("c", "1")].map(|(name, it)| one(name, it, |_| {}));
        let ab = merge_statistics(&shards(&[a.clone(), b.clone()])).unwrap().statistics;
        let error = merge_statistics(&shards(&[ab.clone(), a])).unwrap_err().to_string();
        assert!(error.starts_with("sample `a` is in `shard` and in `shard`, and would"), "{error}");
        assert_eq!(merge_statistics(&shards(&[ab, c])).unwrap().repeated, ["c"]);
    }

    #[test]
    fn histograms_of_tensorrts_are_left_out_and_that_is_told() {
        let faithful = |name: &str| {
            let mut seen = TensorStatistics::after_first_batch(1.0);
            seen.observe(&[0.5, 1.0]).unwrap();
            let tensors = [("x".to_owned(), seen)].into();
            let statistics = Statistics { samples: 1, tensors, first_batch: vec![name.to_owned()] };
            let manifest = one(name, name, |_| {}).manifest;
            SavedStatistics::new(&statistics, Manifest { batch_size: Some(1), ..manifest })
        };
        let alone = merge_statistics(&shards(&[faithful("a")])).unwrap();
        assert!(!alone.left_out_faithful);
        assert!(Table::new(&alone.statistics, Method::TensorrtFaithful, &INT8).is_ok());
        let merged = merge_statistics(&shards(&[faithful("a"), faithful("b")])).unwrap();
        assert!(merged.left_out_faithful);
        assert!(Table::new(&merged.statistics, Method::TensorrtFaithful, &INT8).is_err());
        assert_eq!(merged.statistics.manifest().batch_size, None);
    }
}
