//! What the user may decide about the placement.

use serde::{Deserialize, Serialize};

/// Which operators keep their float arithmetic although they could be quantized.
///
/// The lists are patterns: `*` stands for any run of characters, everything else for itself.
/// A node is meant by its name or by the name of any of its outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Nodes to leave in float; a pattern that meets no node is an error, so a typing slip is not a silent no-op.
    pub exclude_nodes: Vec<String>,
    /// Operator types to leave in float, such as `Gemm`; may name types that the model does not have.
    pub exclude_op_types: Vec<String>,
    /// What becomes of layers too small for int8 to be worth it.
    pub small_layers: SmallLayers,
}

/// What becomes of layers too small for int8 to be worth it; the `placement` module says which they are and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmallLayers {
    /// They stay in float: int8 kernels would pad their channels, and they cost accuracy first.
    Float,
    /// They are quantized like the others.
    Quantize,
}

impl Options {
    /// Returns the placement that TensorRT does best with: nothing excluded, small layers in float.
    #[must_use]
    pub fn for_tensorrt() -> Self {
        Self {
            exclude_nodes: Vec::new(),
            exclude_op_types: Vec::new(),
            small_layers: SmallLayers::Float,
        }
    }
}

/// Whether `text` is what `pattern` stands for; `*` is any run of characters.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let cases = [
            ("/head/conv", "/head/conv", true),
            ("/head/conv", "/head/conv1", false),
            ("/head/*", "/head/conv1", true),
            ("/head/*", "/neck/conv1", false),
            ("*conv*", "/head/conv1", true),
            ("*/conv*/x", "/a/conv12/x", true),
            ("*/conv*/x", "/a/conv12/y", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
