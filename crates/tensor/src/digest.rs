//! SHA-256 of what was read, so that a table can say what it belongs to.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Tensor, TensorData};

/// A SHA-256, written as 64 hexadecimal digits in text and in serde's formats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The bytes that the text spells.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// A text is no [`Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sha-256 is 64 hexadecimal digits")]
pub struct ParseDigestError;

/// The digest of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The digest of all that a reader gives, in constant memory.
///
/// # Errors
///
/// Those of the reader.
pub fn digest_reader(mut reader: impl Read) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(Digest(hasher.finalize().into())),
            Ok(n) => hasher.update(&chunk[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The identity of a list of samples: the digest of its samples' digests, sorted and written one
/// after another.
///
/// Calibration is a pure function of the multiset of samples, and so is this: order and names do
/// not change it, a sample given twice does.
pub fn digest_samples(digests: impl IntoIterator<Item = Digest>) -> Digest {
    let mut digests: Vec<_> = digests.into_iter().collect();
    digests.sort_unstable();
    let mut hasher = Sha256::new();
    for digest in &digests {
        hasher.update(digest.0);
    }
    Digest(hasher.finalize().into())
}

/// The identity of a sample that consists of tensors: for each input in the order of the names, its
/// name, type, shape and little-endian values.
///
/// It does not depend on how the tensors were stored: a row of an npz file and the same row of npy
/// files are one sample.
pub fn digest_tensors(inputs: &[(Arc<str>, Tensor)]) -> Digest {
    let mut inputs: Vec<_> = inputs.iter().collect();
    inputs.sort_by(|(left, _), (right, _)| left.cmp(right));
    let mut hasher = Sha256::new();
    for (name, Tensor { shape, data }) in inputs {
        let lengths: Vec<_> = shape.iter().map(usize::to_string).collect();
        // No part holds a line feed but a name, whose length leads the line: one text, one tensor.
        hasher.update(format!("{} {name} {} {}\n", name.len(), data.dtype(), lengths.join("x")));
        match data {
            TensorData::F32(values) => values.iter().for_each(|it| hasher.update(it.to_le_bytes())),
            TensorData::I64(values) => values.iter().for_each(|it| hasher.update(it.to_le_bytes())),
            TensorData::I32(values) => values.iter().for_each(|it| hasher.update(it.to_le_bytes())),
            TensorData::U8(values) => hasher.update(values),
            TensorData::Bool(values) => values.iter().for_each(|&it| hasher.update([u8::from(it)])),
        }
    }
    Digest(hasher.finalize().into())
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(ParseDigestError) };
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() {
            return Err(ParseDigestError);
        }
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(high)? << 4 | nibble(low)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = ParseDigestError;

    fn try_from(text: String) -> Result<Self, ParseDigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

fn nibble(digit: u8) -> Result<u8, ParseDigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseDigestError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn text_and_back() {
        assert_eq!(digest(b"abc").to_string(), ABC);
        assert_eq!(ABC.parse(), Ok(digest(b"abc")));
        assert_eq!(ABC.to_uppercase().parse(), Ok(digest(b"abc")));
        for wrong in ["", "abc", &ABC[1..], &format!("{ABC}00"), &ABC.replace('b', "g")] {
            assert_eq!(wrong.parse::<Digest>(), Err(ParseDigestError), "{wrong}");
        }
    }

    #[test]
    fn a_reader_gives_what_its_bytes_give() {
        let bytes: Vec<u8> = (0..40_000_u32).map(|it| (it % 251) as u8).collect();
        assert_eq!(digest_reader(&*bytes).unwrap(), digest(&bytes));
    }

    #[test]
    fn a_list_is_a_multiset() {
        let [a, b] = [digest(b"a"), digest(b"b")];
        assert_eq!(digest_samples([a, b]), digest_samples([b, a]));
        assert_ne!(digest_samples([a, b]), digest_samples([a, b, b]));
        assert_eq!(digest_samples([]), digest(b""));
    }

    #[test]
    fn tensors_differ_by_name_type_shape_and_value_but_not_by_order() {
        let ids =
            (Arc::from("ids"), Tensor { shape: vec![1, 2], data: TensorData::I64(vec![1, 2]) });
        let mask = (Arc::from("mask"), Tensor { shape: vec![1, 1], data: TensorData::U8(vec![1]) });
        let same =
            [digest_tensors(&[ids.clone(), mask.clone()]), digest_tensors(&[mask, ids.clone()])];
        assert_eq!(same[0], same[1]);

        let mut variants = vec![ids.clone(), ids.clone(), ids.clone(), ids.clone(), ids];
        variants[1].0 = Arc::from("ids2");
        variants[2].1.data = TensorData::I32(vec![1, 2]);
        variants[3].1.shape = vec![2, 1];
        variants[4].1.data = TensorData::I64(vec![1, 3]);
        let digests: std::collections::BTreeSet<_> =
            variants.into_iter().map(|it| digest_tensors(&[it])).collect();
        assert_eq!(digests.len(), 5);
    }
}
