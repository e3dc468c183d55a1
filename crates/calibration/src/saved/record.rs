//! One tensor's statistics in bytes.
//!
//! Most bins of most tensors hold little or nothing: a count takes as many bytes as it needs, a row of empty bins one
//! zero and its length, and what lies above the last value nothing.

use super::StatisticsError;
use super::bytes::{Reader, put_number};
use crate::faithful::{FAITHFUL_COUNTS, FaithfulHistogram};
use crate::{BINS, Histogram, MIN_EXPONENT, TensorStatistics};

/// Appends a tensor.
pub(super) fn put(out: &mut Vec<u8>, seen: &TensorStatistics) {
    let histogram = seen.histogram();
    put_number(out, u64::from(histogram.exponent().abs_diff(MIN_EXPONENT)));
    out.extend(seen.minimum().to_le_bytes());
    out.extend(seen.maximum().to_le_bytes());
    put_number(out, seen.zeros());
    put_counts(out, histogram.counts());
    match seen.faithful() {
        None => out.push(0),
        Some(faithful) => {
            out.push(1);
            out.extend(faithful.first_batch().to_le_bytes());
            put_number(out, u64::from(faithful.doublings()));
            put_counts(out, faithful.counts_and_edge());
        }
    }
}

/// Reads what [`put`] wrote, and makes sure that values can have given it.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<TensorStatistics, StatisticsError> {
    let exponent = i32::try_from(reader.number()?).ok();
    let exponent = exponent.and_then(|above| above.checked_add(MIN_EXPONENT));
    let exponent = exponent.ok_or_else(|| reader.wrong("an exponent is too large"))?;
    let (minimum, maximum) = (reader.float()?, reader.float()?);
    let zeros = reader.number()?;
    let histogram = Histogram::from_counts(exponent, counts::<BINS>(reader)?);
    let faithful = match reader.array()? {
        [0] => None,
        [1] => {
            let (first_batch, doublings) = (reader.float()?, reader.number()?);
            let counts = counts::<FAITHFUL_COUNTS>(reader)?;
            let parts = FaithfulHistogram::from_parts(first_batch, doublings, counts);
            Some(parts.ok_or_else(|| reader.wrong("a histogram of TensorRT's is impossible"))?)
        }
        _ => return Err(reader.wrong("neither 0 nor 1 histograms of TensorRT's")),
    };
    TensorStatistics::from_parts(histogram, [minimum, maximum], zeros, faithful)
        .ok_or_else(|| reader.wrong("no values give the statistics of the tensor before"))
}

fn put_counts(out: &mut Vec<u8>, counts: &[u64]) {
    let used = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    put_number(out, used as u64);
    for row in counts[..used].chunk_by(|left, right| *left == 0 && *right == 0) {
        put_number(out, row[0]);
        if row[0] == 0 {
            put_number(out, row.len() as u64);
        }
    }
}

fn counts<const N: usize>(reader: &mut Reader<'_>) -> Result<[u64; N], StatisticsError> {
    let mut counts = [0; N];
    let used = usize::try_from(reader.number()?).unwrap_or(usize::MAX);
    let Some(used) = counts.get_mut(..used) else {
        return Err(reader.wrong("there are more counts than bins"));
    };
    let (mut bin, mut was_empty) = (0, false);
    while bin < used.len() {
        let count = reader.number()?;
        let empty = if count == 0 { reader.number()? } else { 0 };
        let empty = usize::try_from(empty).unwrap_or(usize::MAX);
        // A row of empty bins is one row, and the last bin in use is none of it.
        let is_row = !was_empty && empty > 0 && empty < used.len() - bin;
        if count == 0 && !is_row {
            return Err(reader.wrong("a row of empty bins is impossible"));
        }
        used[bin] = count;
        bin += empty.max(1);
        was_empty = count == 0;
    }
    Ok(counts)
}
