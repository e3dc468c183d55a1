//! The safetensors format: a header in JSON that says where each tensor lies, and their bytes.
//!
//! The format is that of <https://huggingface.co/docs/safetensors>: the header's length in 8 bytes,
//! the header, and the values, little-endian, row-major and without holes. (The `safetensors` crate
//! would read it, but adds up offsets that a header claims without a check, and repeats the causes
//! of its errors in their texts.)

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::layout::{ByteOrder, Layout, Stored};
use crate::{LayoutError, SafetensorsError};

/// Bytes of the header's length.
pub(crate) const LENGTH_BYTES: usize = 8;

/// As in the reference implementation.
const HEADER_LIMIT_BYTES: u64 = 100_000_000;

/// The entry of the header that is no tensor.
const METADATA: &str = "__metadata__";

/// Whether a file with these first bytes is a safetensors: a length, and a brace.
///
/// No text has the zeros of a length below the limit.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.get(4..9) == Some(b"\0\0\0\0{")
}

/// As many bytes as hold the header that these first bytes announce, if it is not beyond reason.
pub(crate) fn head_bytes(first: &[u8]) -> usize {
    let claimed = first.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    let header = usize::try_from(claimed.min(HEADER_LIMIT_BYTES)).unwrap_or(0);
    LENGTH_BYTES + header
}

/// The tensors of a file that begins with these bytes and has `n_bytes`, in the order of their names.
///
/// `head` has the bytes that [`head_bytes`] tells, or all that there are.
pub(crate) fn parse(
    head: &[u8],
    n_bytes: usize,
) -> Result<Vec<(String, Layout)>, SafetensorsError> {
    let Some((length, rest)) = head.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(SafetensorsError::NoHeader { found: head.len() });
    };
    let claimed = u64::from_le_bytes(*length);
    if claimed > HEADER_LIMIT_BYTES {
        return Err(SafetensorsError::HeaderLength { claimed, limit: HEADER_LIMIT_BYTES });
    }
    let header = usize::try_from(claimed).ok().and_then(|claimed| rest.get(..claimed));
    let header = header
        .ok_or(SafetensorsError::HeaderTruncated { claimed, found: n_bytes - LENGTH_BYTES })?;
    let Header(tensors) = serde_json::from_slice(header).map_err(SafetensorsError::Header)?;
    if tensors.is_empty() {
        return Err(SafetensorsError::NoTensor);
    }
    let values_start = LENGTH_BYTES + header.len();
    check_that_they_tile(&tensors, n_bytes - values_start)?;
    let layout = |(name, tensor): (String, Tensor)| match tensor.layout(values_start) {
        Ok(layout) => Ok((name, layout)),
        Err(source) => Err(SafetensorsError::Tensor { name, source }),
    };
    tensors.into_iter().map(layout).collect()
}

/// The tensors lie one behind the other and fill the bytes of the values.
fn check_that_they_tile(
    tensors: &BTreeMap<String, Tensor>,
    n_bytes: usize,
) -> Result<(), SafetensorsError> {
    let mut places: Vec<_> = tensors.iter().map(|(name, it)| (it.data_offsets, name)).collect();
    places.sort_unstable();
    let mut expected = 0;
    for ([begin, end], name) in places {
        if begin != expected || end < begin || end > n_bytes {
            let name = name.clone();
            return Err(SafetensorsError::Place { name, begin, end, expected, n_bytes });
        }
        expected = end;
    }
    if expected == n_bytes {
        Ok(())
    } else {
        Err(SafetensorsError::LeftOver { end: expected, n_bytes })
    }
}

/// What the header says, without its metadata.
struct Header(BTreeMap<String, Tensor>);

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    /// Begin and end among the bytes of the values.
    data_offsets: [usize; 2],
}

impl Tensor {
    /// The offsets are known to lie within the file.
    fn layout(&self, values_start: usize) -> Result<Layout, LayoutError> {
        let stored = match &*self.dtype {
            "F16" => Stored::F16,
            "BF16" => Stored::Bf16,
            "F32" => Stored::F32,
            "F64" => Stored::F64,
            "I32" => Stored::I32,
            "I64" => Stored::I64,
            "U8" => Stored::U8,
            "BOOL" => Stored::Bool,
            _ => return Err(LayoutError::Type { descr: self.dtype.chars().take(80).collect() }),
        };
        let [begin, end] = self.data_offsets.map(|offset| values_start + offset);
        Layout::new(stored, ByteOrder::Little, &self.shape, begin, end)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// Reads the map and refuses a name that comes twice, which serde's own maps do not.
struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from names to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut tensors = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let tensor = map.next_value()?;
            if tensors.contains_key(&name) {
                return Err(A::Error::custom(format_args!("there are two tensors `{name}`")));
            }
            tensors.insert(name, tensor);
        }
        Ok(Header(tensors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, n_values: usize) -> Vec<u8> {
        let length = (header.len() as u64).to_le_bytes();
        [&length[..], header.as_bytes(), &vec![1; n_values]].concat()
    }

    fn parse_whole(bytes: &[u8]) -> Result<Vec<(String, Layout)>, SafetensorsError> {
        parse(&bytes[..bytes.len().min(head_bytes(bytes))], bytes.len())
    }

    fn refused(header: &str, n_values: usize) -> String {
        let error = parse_whole(&file(header, n_values)).expect_err(header);
        let source = std::error::Error::source(&error).map(|it| format!(": {it}"));
        format!("{error}{}", source.unwrap_or_default())
    }

    #[test]
    fn tensors_are_found_wherever_they_stand_in_the_header() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"U8","shape":[2,3],"data_offsets":[8,14]},
            "a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}   "#;
        let tensors = parse_whole(&file(header, 14)).unwrap();
        let shapes: Vec<_> = tensors.iter().map(|(name, it)| (&**name, it.shape())).collect();
        assert_eq!(shapes, [("a", &[2, 2][..]), ("b", &[2, 3][..])]);
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let one = |dtype: &str, shape: &str, begin: u64, end: u64| {
            format!(
                r#"{{"x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#
            )
        };
        let two = |offsets: &str| {
            let tensor = r#"{"dtype":"U8","shape":[4],"data_offsets":"#;
            format!(r#"{{"a":{tensor}[0,4]}},"b":{tensor}{offsets}}}}}"#)
        };
        let cases: [(String, usize, &str); 12] = [
            ("{}".into(), 0, "no tensor"),
            ("[]".into(), 0, "expected a map from names to tensors"),
            (one("U8", "[4]", 1, 5), 5, "`x` lies at the bytes 1 to 5 of the 5 of the values"),
            (one("U8", "[4]", 0, 5), 4, "lies at the bytes 0 to 5 of the 4"),
            (one("U8", "[4]", 4, 0), 4, "lies at the bytes 4 to 0 of the 4"),
            (one("U8", "[4]", 0, u64::MAX), 4, "lies at the bytes 0 to 18446744073709551615"),
            (one("U8", "[4]", 0, 4), 5, "the tensors end at byte 4 of the values, and there are 5"),
            (one("U8", "[5]", 0, 4), 4, "the shape [5] needs 5 bytes of values, and there are 4"),
            (one("F8_E4M3", "[4]", 0, 4), 4, "values of type `F8_E4M3` are not supported"),
            (one("F32", "[9223372036854775807,4]", 0, 4), 4, "larger than memory can be"),
            (
                two("[2,6]"),
                6,
                "`b` lies at the bytes 2 to 6 of the 6 of the values, and should begin at 4",
            ),
            (two("[6,10]"), 10, "`b` lies at the bytes 6 to 10"),
        ];
        for (header, n_values, words) in cases {
            let text = refused(&header, n_values);
            assert!(text.contains(words), "{header}: {text}");
        }
        let twice = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
        assert!(refused(twice, 1).contains("there are two tensors `a`"));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let cases: [(&[u8], &str); 4] = [
            (b"", "it has 0 bytes, fewer than the 8"),
            (b"\x02\0\0\0\0\0\0", "it has 7 bytes, fewer than the 8"),
            (b"\x03\0\0\0\0\0\0\0{}", "claims 3 bytes, and 2 are there"),
            (b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", "claims 18446744073709551615 bytes, more than"),
        ];
        for (bytes, words) in cases {
            let text = parse_whole(bytes).expect_err(words).to_string();
            assert!(text.contains(words), "{text}");
        }
    }
}
