//! Names the message at a byte of an encoded model, so that a decoding error says where it is.
//!
//! It walks the wire format from the top and knows the names of the few fields that hold nearly
//! all of a model; it stops at the first thing that makes no sense.

use std::collections::HashMap;

/// Returns the path of the innermost known field around byte `offset`, such as
/// `graph.node[3].attribute[0]`.
pub(crate) fn place(model: &[u8], offset: usize) -> String {
    let mut path = String::new();
    let mut message = Message::Model;
    let mut range = 0..model.len();
    while let Some(field) = field_at(&model[range.clone()], offset - range.start) {
        let Some((name, is_list, inner)) = message.child(field.number) else { break };
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        if is_list {
            path.push_str(&format!("[{}]", field.index));
        }
        let Some(payload) = field.payload else { break };
        range = range.start + payload.start..range.start + payload.end;
        if offset <= range.start {
            break; // the field's length is what is wrong
        }
        message = inner;
    }
    if path.is_empty() { "the model itself".to_owned() } else { path }
}

/// A message that a model is mostly made of.
#[derive(Debug, Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    Other,
}

impl Message {
    /// The name of a field, whether it is a list, and the message in it; numbers as in onnx-ml.proto.
    fn child(self, number: u64) -> Option<(&'static str, bool, Self)> {
        Some(match (self, number) {
            (Self::Model, 7) => ("graph", false, Self::Graph),
            (Self::Model, 8) => ("opset_import", true, Self::Other),
            (Self::Model, 14) => ("metadata_props", true, Self::Other),
            (Self::Model, 25) => ("functions", true, Self::Function),
            (Self::Graph, 1) => ("node", true, Self::Node),
            (Self::Graph, 2) => ("name", false, Self::Other),
            (Self::Graph, 5) => ("initializer", true, Self::Other),
            (Self::Graph, 15) => ("sparse_initializer", true, Self::Other),
            (Self::Graph, 11) => ("input", true, Self::Other),
            (Self::Graph, 12) => ("output", true, Self::Other),
            (Self::Graph, 13) => ("value_info", true, Self::Other),
            (Self::Function, 7) => ("node", true, Self::Node),
            (Self::Node, 1) => ("input", true, Self::Other),
            (Self::Node, 2) => ("output", true, Self::Other),
            (Self::Node, 5) => ("attribute", true, Self::Attribute),
            (Self::Attribute, 5) => ("t", false, Self::Other),
            (Self::Attribute, 6) => ("g", false, Self::Graph),
            (Self::Attribute, 10) => ("tensors", true, Self::Other),
            (Self::Attribute, 11) => ("graphs", true, Self::Graph),
            _ => return None,
        })
    }
}

/// A field on the wire.
struct Field {
    number: u64,
    /// How many fields of this number came before it.
    index: usize,
    /// Where its content lies, `None` when it is no message or does not fit.
    payload: Option<std::ops::Range<usize>>,
}

/// The field of `message` in which byte `offset` lies, or which ends there.
fn field_at(message: &[u8], offset: usize) -> Option<Field> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    let mut at = 0;
    loop {
        let tag = varint(message, &mut at)?;
        let count = counts.entry(tag >> 3).or_default();
        let index = *count;
        *count += 1;
        let length = match tag & 7 {
            0 => varint(message, &mut at).map(|_| 0),
            1 => Some(8),
            2 => varint(message, &mut at),
            5 => Some(4),
            _ => None,
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let end = length.and_then(|length| at.checked_add(length));
        let end = end.filter(|&end| end <= message.len());
        let payload = end.filter(|_| tag & 7 == 2).map(|end| at..end);
        match end {
            Some(end) if end < offset => at = end,
            _ => return Some(Field { number: tag >> 3, index, payload }),
        }
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use buffa::Message as _;

    use crate::proto::{AttributeProto, NodeProto};
    use crate::{Error, Model};

    fn model_with_string(text: &str) -> Vec<u8> {
        // As in every file, the version of the format comes first; without it a cut could be text.
        let proto = crate::proto::ModelProto { ir_version: Some(8), ..Default::default() };
        let mut model = Model::new(proto);
        model.set_opset(17);
        let node = NodeProto::new("Relu", "first", &["x"], &["y"]);
        model.graph_mut().node.push(node.clone());
        let node = node.with_attr(AttributeProto::int("a", 1));
        model.graph_mut().node.push(node.with_attr(AttributeProto::string(text, "")));
        model.to_bytes().unwrap()
    }

    #[test]
    fn names_the_innermost_message() {
        let mut bytes = model_with_string("marker");
        let start = bytes.windows(6).position(|window| window == b"marker").unwrap();
        bytes[start + 2] = 0xff; // not UTF-8
        let error = Model::from_bytes(&bytes, None).unwrap_err();
        let Error::Decode { place, offset, source, .. } = error else { panic!("{error}") };
        assert_eq!(place, "graph.node[1].attribute[1]");
        assert!((start..=start + 6).contains(&offset), "{offset} near {start}");
        assert_eq!(source, buffa::DecodeError::InvalidUtf8);
    }

    #[test]
    fn any_cut_has_a_place() {
        let bytes = model_with_string("marker");
        for end in 1..bytes.len() {
            // Some cuts fall between two fields and leave a smaller model.
            if let Err(error) = Model::from_bytes(&bytes[..end], None) {
                let (place, offset) = match error {
                    Error::Decode { place, offset, .. } => (place, offset),
                    Error::Cut { place, n_bytes, .. } => (place, n_bytes),
                    other => panic!("{end}: {other}"),
                };
                assert!(!place.is_empty() && offset <= end, "{place} at {offset} of {end}");
            }
        }
        assert_eq!(
            crate::proto::ModelProto::decode_from_slice(&bytes).unwrap().graph.node.len(),
            2
        );
    }
}
