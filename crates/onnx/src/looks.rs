//! What a file is that is taken for an ONNX model and is none: told by how it begins.

use std::fmt;

/// What a file looks like that is no ONNX model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// A page for a browser, as servers send with an error or a login.
    Html,
    /// What Git has in place of a large file.
    LfsPointer,
    /// PyTorch's checkpoints, new and old.
    PyTorch,
    /// Compressed by zip, gzip, xz or zstd.
    Archive,
    /// HDF5, as Keras saves.
    Hdf5,
    /// TensorFlow Lite.
    TensorFlowLite,
    /// TensorFlow's graphs and SavedModels.
    TensorFlow,
    /// TensorRT's engines.
    Plan,
    /// Arrays of NumPy.
    NumPy,
    /// A JPEG, PNG or the like.
    Picture,
    /// Anything that can be read.
    Text,
}

/// Beginnings that belong to one format.
const MAGIC: [(&[u8], Looks); 13] = [
    (b"version https://git-lfs", Looks::LfsPointer),
    (b"PK\x03\x04", Looks::Archive),
    (b"\x1f\x8b", Looks::Archive),
    (b"\xfd7zXZ\0", Looks::Archive),
    (b"(\xb5/\xfd", Looks::Archive),
    (b"\x80\x02", Looks::PyTorch),
    (b"\x89HDF\r\n\x1a\n", Looks::Hdf5),
    (b"ftrt", Looks::Plan),
    (b"ptrt", Looks::Plan),
    (b"\x93NUMPY", Looks::NumPy),
    (b"\xff\xd8\xff", Looks::Picture),
    (b"\x89PNG\r\n\x1a\n", Looks::Picture),
    (b"RIFF", Looks::Picture),
];

/// How much of a file is looked at.
const LOOKED_AT: usize = 512;

impl Looks {
    /// What these bytes look like, if they begin like something that is known and no ONNX model.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let start = &bytes[..bytes.len().min(LOOKED_AT)];
        if let Some((_, looks)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
            let has = |name: &[u8]| start.windows(name.len()).any(|window| window == name);
            let is_torch = *looks == Self::Archive && (has(b"data.pkl") || has(b"archive/"));
            return Some(if is_torch { Self::PyTorch } else { *looks });
        }
        if start.get(4..8) == Some(b"TFL3") {
            return Some(Self::TensorFlowLite);
        }
        if is_tensorflow(start) {
            return Some(Self::TensorFlow);
        }
        let text = start.trim_ascii_start();
        let is_html =
            |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        if is_html(b"<!doctype html") || is_html(b"<html") {
            return Some(Self::Html);
        }
        is_text(start).then_some(Self::Text)
    }
}

/// A GraphDef begins with a node, where a model has a number; a SavedModel's second field is a message, where a model has
/// the name of its maker.
fn is_tensorflow(start: &[u8]) -> bool {
    match start {
        // field 1, its length, and in it field 1 (a name) or 2
        [0x0a, _, 0x0a, ..] | [0x0a, _, _, 0x0a, ..] => true,
        [0x08, 0x01, 0x12, rest @ ..] => {
            let body = rest.iter().position(|&byte| byte < 0x80).map(|at| &rest[at + 1..]);
            body.is_some_and(|body| body.first() == Some(&0x0a))
        }
        _ => false,
    }
}

/// Whether all of it can be read; a character may be cut at the end.
fn is_text(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|it| !it.is_control() || it.is_ascii_whitespace())
}

impl fmt::Display for Looks {
    /// What it is and what to do, as the end of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page, as a server sends in place of a file; download it again",
            Self::LfsPointer => "a Git LFS pointer; `git lfs pull` fetches the model itself",
            Self::PyTorch => "a PyTorch checkpoint; export the model with `torch.onnx.export`",
            Self::Archive => "a compressed archive; unpack it",
            Self::Hdf5 => "an HDF5 file, as Keras saves; convert it with tf2onnx",
            Self::TensorFlowLite => "a TensorFlow Lite model; convert it with tf2onnx",
            Self::TensorFlow => "a TensorFlow graph or SavedModel; convert it with tf2onnx",
            Self::Plan => "a TensorRT plan; give the ONNX model that it was built from",
            Self::NumPy => "an array of NumPy; give the model",
            Self::Picture => "a picture; give the model",
            Self::Text => "text; give the binary model",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_beginning() {
        let cases: [(&[u8], Option<Looks>); 18] = [
            (b"\n <!DOCTYPE HTML><title>404</title>", Some(Looks::Html)),
            (b"<HTML>", Some(Looks::Html)),
            (b"version https://git-lfs.github.com/spec/v1\noid", Some(Looks::LfsPointer)),
            (b"PK\x03\x04\0\0\0\0model/data.pkl", Some(Looks::PyTorch)),
            (b"PK\x03\x04\0\0\0\0model.onnx", Some(Looks::Archive)),
            (b"\x80\x02\x8a\nl\xfc", Some(Looks::PyTorch)),
            (b"\x1f\x8b\x08", Some(Looks::Archive)),
            (b"\x89HDF\r\n\x1a\n\0", Some(Looks::Hdf5)),
            (b"\x1c\0\0\0TFL3", Some(Looks::TensorFlowLite)),
            (b"\n\x1b\n\x05input\x12\x0bPlaceholder", Some(Looks::TensorFlow)),
            (b"\x08\x01\x12\xb4\x11\n\x8d\x11", Some(Looks::TensorFlow)),
            (b"ftrt\0\0", Some(Looks::Plan)),
            (b"{\"a\": 1}", Some(Looks::Text)),
            ("no model, d\u{fc}rfte es hei\u{df}en".as_bytes(), Some(Looks::Text)),
            // Models of PyTorch, and of a maker with a name of ten letters.
            (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:\x10", None),
            (b"\x08\x01\x12\nsome maker", None),
            (b"\x08\x07:\x02\n\0", None),
            (b"", None),
        ];
        for (bytes, looks) in cases {
            assert_eq!(Looks::of(bytes), looks, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
