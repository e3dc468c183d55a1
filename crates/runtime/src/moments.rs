//! Count, sum and sum of squares of every channel of a tensor.

use crate::{ExactSum, Seen};

/// What was seen of a tensor's channels: a pure function of the multiset of values of each.
///
/// A channel is a place along the axis; where samples differ in its length, there are as many as the longest had.
/// Sums are [exact](ExactSum) and rounded once, when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moments {
    axis: usize,
    channels: Vec<Channel>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Channel {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
}

impl Moments {
    /// Moments of nothing, along an axis.
    #[must_use]
    pub fn new(axis: usize) -> Self {
        Self { axis, channels: Vec::new() }
    }

    /// Adds the values of a tensor, all of which must be finite.
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let n_channels = seen.shape.get(self.axis).copied().unwrap_or(1);
        let behind = seen.shape.get(self.axis + 1..).unwrap_or_default();
        let run = match seen.shape.get(self.axis) {
            Some(_) => behind.iter().product(),
            None => seen.values.len(),
        };
        if self.channels.len() < n_channels {
            self.channels.resize_with(n_channels, Channel::default);
        }
        if run == 0 || n_channels == 0 {
            return;
        }
        for rows in seen.values.chunks(run * n_channels) {
            for (channel, values) in self.channels.iter_mut().zip(rows.chunks(run)) {
                channel.count += values.len() as u64;
                for &value in values {
                    channel.sum.add_product(value, 1.0);
                    channel.squares.add_product(value, value);
                }
            }
        }
    }

    /// Adds what `other`, which is along the same axis, saw.
    pub fn merge(&mut self, other: &Self) {
        if self.channels.len() < other.channels.len() {
            self.channels.resize_with(other.channels.len(), Channel::default);
        }
        for (channel, more) in self.channels.iter_mut().zip(&other.channels) {
            channel.count += more.count;
            channel.sum.add(&more.sum, 1);
            channel.squares.add(&more.squares, 1);
        }
    }

    /// The axis along which channels lie.
    #[must_use]
    pub fn axis(&self) -> usize {
        self.axis
    }

    /// The number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// The number of values of a channel.
    ///
    /// # Panics
    ///
    /// When there is no such channel.
    #[must_use]
    pub fn count(&self, channel: usize) -> u64 {
        self.channels[channel].count
    }

    /// The sum of a channel's values.
    ///
    /// # Panics
    ///
    /// When there is no such channel.
    #[must_use]
    pub fn sum(&self, channel: usize) -> f64 {
        self.channels[channel].sum.to_f64()
    }

    /// The sum of the squares of a channel's values.
    ///
    /// # Panics
    ///
    /// When there is no such channel.
    #[must_use]
    pub fn sum_of_squares(&self, channel: usize) -> f64 {
        self.channels[channel].squares.to_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(axis: usize, tensors: &[(&[usize], &[f32])]) -> Moments {
        let mut moments = Moments::new(axis);
        for &(shape, values) in tensors {
            moments.observe(&Seen { tensor: "t", samples: &[], shape, values });
        }
        moments
    }

    #[test]
    fn channels_lie_along_the_axis() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let of = |axis| {
            let moments = observed(axis, &[(&[1, 3, 2], &values)]);
            (0..moments.channels())
                .map(|it| (moments.count(it), moments.sum(it)))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0), [(6, 21.0)]);
        assert_eq!(of(1), [(2, 3.0), (2, 7.0), (2, 11.0)]);
        assert_eq!(of(2), [(3, 9.0), (3, 12.0)]);
        assert_eq!(of(3), [(6, 21.0)], "no such axis");
        assert_eq!(observed(1, &[(&[1, 2, 0], &[])]).count(1), 0);
    }

    #[test]
    fn merging_is_seeing_all_of_it_in_any_order() {
        let short = (&[1, 1][..], &[1e-30][..]);
        let long = (&[2, 2][..], &[1.0, 2.0, 1e30, -4.0][..]);
        let whole = observed(1, &[short, long]);
        assert_eq!(whole, observed(1, &[long, short]));
        let mut merged = observed(1, &[short]);
        merged.merge(&observed(1, &[long]));
        assert_eq!(merged, whole);
        assert_eq!((whole.count(0), whole.sum_of_squares(1)), (3, 20.0));
    }
}
