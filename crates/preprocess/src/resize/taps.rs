//! Which source positions an output position sums, and with what weights.

use super::sampling::word;

/// For each output position a run of source positions, each with a weight.
#[derive(Debug)]
pub(super) struct Taps<W> {
    /// First source position, and where the weights begin and how many they are.
    spans: Vec<(usize, usize, usize)>,
    /// The weights of all positions, one after another.
    weights: Vec<W>,
}

impl<W> Default for Taps<W> {
    fn default() -> Self {
        Self { spans: Vec::new(), weights: Vec::new() }
    }
}

impl<W> Taps<W> {
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.weights.clear();
    }

    /// Adds an output position that sums the source from `first` on.
    pub(super) fn push(&mut self, first: usize, weights: impl Iterator<Item = W>) {
        let before = self.weights.len();
        self.weights.extend(weights);
        self.spans.push((first, before, self.weights.len() - before));
    }

    /// Returns the number of output positions.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns, for each output position, its first source position and its weights.
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[W])> {
        let weights = &self.weights[..];
        self.spans.iter().map(move |&(first, start, n)| (first, &weights[start..start + n]))
    }

    /// Returns the first source position and the weights of output position `d`.
    #[inline(always)]
    pub(super) fn get(&self, d: usize) -> Option<(usize, &[W])> {
        let &(first, start, n) = self.spans.get(d)?;
        Some((first, &self.weights[start..start + n]))
    }

    /// Returns the runs as words: for each position the first source position, where its weights
    /// begin and how many they are; and behind them the weights, each as the word that it is.
    pub(super) fn words(&self, word_of: fn(W) -> u32) -> Vec<u32>
    where
        W: Copy,
    {
        let mut at = 3 * self.spans.len();
        let mut words = Vec::with_capacity(at + self.weights.len());
        for &(first, _, count) in &self.spans {
            words.extend([first, at, count].map(word));
            at += count;
        }
        words.extend(self.weights.iter().map(|&weight| word_of(weight)));
        words
    }

    /// Returns the range of source positions that any output position needs.
    pub(super) fn reach(&self) -> std::ops::Range<usize> {
        let first = self.spans.iter().map(|s| s.0).min().unwrap_or(0);
        let end = self.spans.iter().map(|s| s.0 + s.2).max().unwrap_or(0);
        first..end
    }
}
