//! How far a tensor is from that of another run.

use crate::ExactSum;

/// A tensor's values beside those of a reference: a pure function of the multiset of pairs.
///
/// Sums are [exact](ExactSum) and rounded once, when they are asked for; that of the squared differences is
/// Σr² − 2 Σrv + Σv² of the values v and the reference's r, so that it is exact too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agreement {
    count: u64,
    reference: ExactSum,
    values: ExactSum,
    products: ExactSum,
    largest_difference: f64,
}

impl Agreement {
    /// The agreement of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds values and those of the reference at the same places; all must be finite, and what one has more of is left out.
    pub fn observe(&mut self, values: &[f32], reference: &[f32]) {
        self.count += values.len().min(reference.len()) as u64;
        for (&value, &expected) in values.iter().zip(reference) {
            self.reference.add_product(expected, expected);
            self.values.add_product(value, value);
            self.products.add_product(value, expected);
            let difference = (f64::from(value) - f64::from(expected)).abs();
            self.largest_difference = self.largest_difference.max(difference);
        }
    }

    /// Adds what `other` saw.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.reference.add(&other.reference, 1);
        self.values.add(&other.values, 1);
        self.products.add(&other.products, 1);
        self.largest_difference = self.largest_difference.max(other.largest_difference);
    }

    /// The number of pairs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of the squares of the reference's values.
    #[must_use]
    pub fn reference_squares(&self) -> f64 {
        self.reference.to_f64()
    }

    /// The sum of the squares of the values.
    #[must_use]
    pub fn squares(&self) -> f64 {
        self.values.to_f64()
    }

    /// The sum of the products of values and reference.
    #[must_use]
    pub fn dot(&self) -> f64 {
        self.products.to_f64()
    }

    /// The sum of the squares of the differences.
    #[must_use]
    pub fn squared_differences(&self) -> f64 {
        let mut sum = self.reference.clone();
        sum.add(&self.products, -2);
        sum.add(&self.values, 1);
        sum.to_f64()
    }

    /// The largest difference of a pair, each rounded to the nearest `f64`.
    #[must_use]
    pub fn largest_difference(&self) -> f64 {
        self.largest_difference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_exact_beside_large_values() {
        let mut seen = Agreement::new();
        seen.observe(&[1e30, 1.0, 0.5], &[1e30, 1.25, -0.5]);
        assert_eq!((seen.count(), seen.squared_differences()), (3, 1.0625));
        assert_eq!(seen.largest_difference(), 1.0);
        assert_eq!(seen.dot(), f64::from(1e30_f32) * f64::from(1e30_f32));
        assert_eq!(seen.reference_squares(), seen.squares());
    }

    #[test]
    fn merging_is_seeing_all_of_it() {
        let (values, reference) = ([1.0, -2.0, 3.5, 0.0], [1.5, -2.0, 3.0, 1e-20]);
        let mut whole = Agreement::new();
        whole.observe(&values, &reference);
        let mut parts = Agreement::new();
        parts.observe(&values[2..], &reference[2..]);
        let mut first = Agreement::new();
        first.observe(&values[..2], &reference[..2]);
        parts.merge(&first);
        assert_eq!(parts, whole);
    }
}
