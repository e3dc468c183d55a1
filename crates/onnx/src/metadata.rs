//! What a model says of itself in `metadata_props`, found without reading its graph.

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use buffa::Message as _;
use calibrant_files::RegularFile;

use crate::proto::StringStringEntryProto;

/// The number of the field `metadata_props` of `ModelProto`.
const METADATA_PROPS: u64 = 14;

/// The longest entry that is looked at; lists of a thousand class names take a fiftieth of it.
const ENTRY_LIMIT_BYTES: u64 = 1 << 20;

/// The most bytes of entries that are kept.
const TOTAL_LIMIT_BYTES: u64 = 8 << 20;

/// Returns the keys and values of the model in the file at `path`, in their order.
///
/// The file is skipped through, so this takes no longer for a large model. What is no model says
/// nothing here: reading it as one tells what is wrong with it.
///
/// # Errors
///
/// When the file cannot be opened or read.
pub fn metadata(path: &Path) -> io::Result<Vec<(String, String)>> {
    let file = RegularFile::open(path)?;
    let mut reader = BufReader::new(file.file());
    let mut found = Vec::new();
    let mut kept_bytes = 0;
    while let Some((field, wire_type)) = tag(&mut reader)? {
        let skipped = match wire_type {
            0 => varint(&mut reader)?.map(|_| 0),
            1 => Some(8),
            2 => varint(&mut reader)?,
            5 => Some(4),
            _ => None,
        };
        let Some(length) = skipped else { break };
        let is_entry = field == METADATA_PROPS && wire_type == 2 && length <= ENTRY_LIMIT_BYTES;
        if is_entry && kept_bytes + length <= TOTAL_LIMIT_BYTES {
            kept_bytes += length;
            let mut bytes = Vec::new();
            reader.by_ref().take(length).read_to_end(&mut bytes)?;
            let Ok(entry) = StringStringEntryProto::decode_from_slice(&bytes) else { break };
            found.push((entry.key.unwrap_or_default(), entry.value.unwrap_or_default()));
        } else {
            let left = file.length().saturating_sub(reader.stream_position()?);
            let Some(length) = i64::try_from(length).ok().filter(|_| length <= left) else { break };
            reader.seek_relative(length)?;
        }
    }
    Ok(found)
}

/// The number and the wire type of the next field, unless there is none.
fn tag(reader: &mut impl Read) -> io::Result<Option<(u64, u64)>> {
    Ok(varint(reader)?.map(|tag| (tag >> 3, tag & 7)))
}

/// The next number of variable length; `None` where the file ends or there is none.
fn varint(reader: &mut impl Read) -> io::Result<Option<u64>> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        if reader.read(&mut byte)? == 0 {
            return Ok(None);
        }
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{GraphProto, ModelProto};
    use crate::{MessageField, Model};
    use proptest::prelude::*;

    fn entry(key: &str, value: &str) -> StringStringEntryProto {
        let (key, value) = (Some(key.to_owned()), Some(value.to_owned()));
        StringStringEntryProto { key, value, ..Default::default() }
    }

    fn found(bytes: &[u8]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.onnx");
        std::fs::write(&file, bytes).unwrap();
        metadata(&file).unwrap()
    }

    #[test]
    fn entries_are_found_behind_a_graph() {
        let doc_string = Some("x".repeat(100_000));
        let proto = ModelProto {
            ir_version: Some(8),
            graph: MessageField::some(GraphProto { doc_string, ..Default::default() }),
            metadata_props: vec![entry("task", "classify"), entry("imgsz", "[224, 224]")],
            ..Default::default()
        };
        let bytes = Model::new(proto).to_bytes().unwrap();
        let pairs = [("task", "classify"), ("imgsz", "[224, 224]")];
        assert_eq!(found(&bytes), pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(found(b""), []);
        // A length beyond the end.
        assert_eq!(found(&[0x72, 0xff, 0xff, 0x7f]), []);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let longest = found(&bytes).iter().map(|(key, value)| key.len() + value.len()).max();
            prop_assert!(longest.unwrap_or_default() <= bytes.len());
        }
    }
}
