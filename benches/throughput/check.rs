//! Whether two programs make the same tensors of the same pictures.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// What a program's tensors are, beside those of our chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tensors {
    /// Those of our chain, or those of a chain that does not run.
    Reference,
    /// Equal to the bit.
    Equal,
    /// Not equal: in the network's units, where one level of a pixel is about 0.017.
    Different {
        /// The largest difference.
        max: f32,
        /// The root of the mean square.
        rms: f64,
        /// How many of the values differ, of 1.
        share: f64,
    },
}

/// Compares two files of little-endian f32.
///
/// # Errors
///
/// When they cannot be read, differ in length, or hold a value that is not a number.
pub(crate) fn compare(file: &Path, reference: &Path) -> anyhow::Result<Tensors> {
    let read = |file: &Path| fs::read(file).with_context(|| format!("{}", file.display()));
    differences(&read(file)?, &read(reference)?)
}

fn differences(ours: &[u8], theirs: &[u8]) -> anyhow::Result<Tensors> {
    if ours.len() != theirs.len() || ours.is_empty() {
        bail!("{} bytes of tensors beside {}", ours.len(), theirs.len());
    }
    if ours == theirs {
        return Ok(Tensors::Equal);
    }
    let (mut max, mut squares, mut different) = (0.0_f32, 0.0_f64, 0_usize);
    for (one, other) in values(ours).zip(values(theirs)) {
        let difference = (one - other).abs();
        if difference.is_nan() {
            bail!("a value that is not a number");
        }
        different += usize::from(one.to_bits() != other.to_bits());
        squares += f64::from(difference).powi(2);
        max = max.max(difference);
    }
    let n = (ours.len() / size_of::<f32>()) as f64;
    Ok(Tensors::Different { max, rms: (squares / n).sqrt(), share: different as f64 / n })
}

fn values(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn tensors_are_equal_to_the_bit_or_not_at_all() {
        let one = bytes(&[1.0, 2.0, 3.0, 0.0]);
        assert_eq!(differences(&one, &one).expect("as long"), Tensors::Equal);
        let other = bytes(&[1.0, 2.5, 3.0, -0.0]);
        let expected = Tensors::Different { max: 0.5, rms: 0.25, share: 0.5 };
        assert_eq!(differences(&one, &other).expect("as long"), expected);
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        assert!(differences(&bytes(&[1.0]), &bytes(&[1.0, 2.0])).is_err());
        assert!(differences(&[], &[]).is_err());
        assert!(differences(&bytes(&[1.0]), &bytes(&[f32::NAN])).is_err());
    }
}
