//! Asking for files before their turn, where the disk keeps the workers waiting.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{Content, ReadBuffer, ReadError, SampleRef};

/// Files that are asked for beyond one that was waited for.
const AHEAD: usize = 16;

/// A read that takes longer is taken for one from the disk: a
/// photograph comes from memory in less.
const FROM_MEMORY: Duration = Duration::from_micros(250);

/// Reads the samples of a list that several workers go through together, and has the system fetch
/// the files that come next whenever one had to be waited for.
///
/// Files that are in memory cost nothing more than a look at the clock.
#[derive(Debug)]
pub struct ReadAhead<'samples> {
    samples: &'samples [SampleRef],
    /// The first position that nobody has asked for.
    next: AtomicUsize,
}

impl<'samples> ReadAhead<'samples> {
    /// Returns a reader of samples that are read about in this order.
    #[must_use]
    pub fn new(samples: &'samples [SampleRef]) -> Self {
        Self { samples, next: AtomicUsize::new(0) }
    }

    /// Reads the sample at a position.
    ///
    /// # Errors
    ///
    /// As [`SampleRef::read`].
    ///
    /// # Panics
    ///
    /// When there is no such position.
    pub fn read<'buffer>(
        &self,
        position: usize,
        buffer: &'buffer mut ReadBuffer,
    ) -> Result<Content<'buffer>, ReadError>
    where
        'samples: 'buffer,
    {
        let start = Instant::now();
        let content = self.samples[position].read(buffer)?;
        if start.elapsed() > FROM_MEMORY {
            self.samples[self.due(position)].iter().for_each(SampleRef::fetch);
        }
        Ok(content)
    }

    /// Returns those of the positions behind one that nobody was given before.
    fn due(&self, position: usize) -> Range<usize> {
        let end = (position + 1 + AHEAD).min(self.samples.len());
        let next = self.next.fetch_max(end, Ordering::Relaxed);
        let start = next.max(position + 1);
        start..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::sample::Place;

    fn samples(n: usize) -> Vec<SampleRef> {
        let place = |i| Place::File(Path::new(&format!("missing-{i}")).into());
        (0..n).map(|i| SampleRef::new(&i.to_string(), place(i))).collect()
    }

    proptest! {
        #[test]
        fn each_position_is_asked_for_at_most_once_and_lies_ahead(
            n in 1..200_usize,
            slow in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let samples = samples(n);
            let reader = ReadAhead::new(&samples);
            let mut asked = vec![false; n];
            for position in slow {
                let position = position.index(n);
                for due in reader.due(position) {
                    prop_assert!(position < due && due <= position + AHEAD);
                    prop_assert!(!std::mem::replace(&mut asked[due], true), "{due} twice");
                }
            }
        }
    }

    #[test]
    fn workers_in_order_ask_for_everything_behind_the_first_slow_read() {
        let samples = samples(50);
        let reader = ReadAhead::new(&samples);
        let asked: Vec<usize> = (3..50).flat_map(|position| reader.due(position)).collect();
        assert!(asked.into_iter().eq(4..50));
    }

    #[test]
    fn a_sample_is_read_as_without_it_and_missing_files_ahead_harm_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("here");
        std::fs::write(&path, b"bytes").unwrap();
        let mut samples = samples(3);
        samples.insert(0, SampleRef::new("here", Place::File(path.as_path().into())));
        let reader = ReadAhead::new(&samples);
        samples.iter().for_each(SampleRef::fetch);
        let mut buffer = ReadBuffer::default();
        let content = reader.read(0, &mut buffer).unwrap();
        assert!(matches!(content, Content::Encoded(b"bytes")));
        assert!(matches!(reader.read(1, &mut buffer), Err(ReadError::Gone { .. })));
    }
}
