//! A model in memory: reading, encoding, and the parts everybody asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::Path;

use buffa::bytes::{Buf as _, Bytes};
use buffa::{DecodeOptions, MAX_MESSAGE_BYTES, Message as _};
use calibrant_files::RegularFile;

use crate::external::Folders;
use crate::pieces::Pieces;
use crate::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use crate::write::WriteOptions;
use crate::{Error, Looks, external, locate, walk};

/// Nested messages a model may have; Python's and C++'s readers stop at the same depth.
const RECURSION_LIMIT: u32 = 100;

/// Memory that the elements of repeated fields may take, so that a small hostile file cannot ask
/// for gigabytes. A network of 50 000 nodes stays below it.
const ELEMENT_MEMORY_LIMIT_BYTES: usize = 512 << 20;

/// How the first field of a model is tagged: `ir_version`, a number.
const IR_VERSION_TAG: u8 = 0x08;

/// An ONNX model: the message, and whether its weights came in a file of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The message, free to change.
    pub proto: ModelProto,
    pub(crate) external: External,
}

/// Whether values came in a file of their own, so that writing puts them there again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum External {
    No,
    Loaded {
        locations: BTreeSet<String>,
    },
    /// The model was decoded without its folder.
    Unread {
        locations: BTreeSet<String>,
    },
}

impl Model {
    /// Returns a model that is written into a single file unless it is too large for one.
    #[must_use]
    pub fn new(proto: ModelProto) -> Self {
        Self { proto, external: External::No }
    }

    /// Returns the model in the file at `path`, external data loaded.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is not an ONNX model, or external data is missing, leads out of
    /// the model's folder or does not fit its tensor.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file = open(path)?;
        // The parent of a bare file name is the empty path: the current folder.
        let folders = Folders::of_model(path);
        if let Some(mut proto) = decoded_in_pieces(&file) {
            let external = external::load(&mut proto, Some(&folders))?;
            return Ok(Self { proto, external });
        }
        // What is wrong, and where, is told from the whole of it.
        let bytes = file.read(u64::from(MAX_MESSAGE_BYTES)).map_err(failed)?;
        Self::decode(bytes.into(), Some(&folders), path.display().to_string())
    }

    /// Returns the model encoded in `bytes`, which are copied once.
    ///
    /// External data is looked for in `base`; without one it stays unread, and asking for the
    /// values of such a tensor is an error.
    ///
    /// # Errors
    ///
    /// As [`Model::read`].
    pub fn from_bytes(bytes: &[u8], base: Option<&Path>) -> Result<Self, Error> {
        Self::from_shared(Bytes::copy_from_slice(bytes), base)
    }

    /// Returns the model encoded in `bytes`; its tensors keep pointing into them.
    ///
    /// # Errors
    ///
    /// As [`Model::read`].
    pub fn from_shared(bytes: Bytes, base: Option<&Path>) -> Result<Self, Error> {
        Self::decode(bytes, base.map(Folders::base).as_ref(), "the model".to_owned())
    }

    /// Returns the encoded model with all loaded weights inside.
    ///
    /// A model that was not changed gives the bytes it came from, provided its writer put fields
    /// in the order of their numbers, as those of Python and C++ do.
    ///
    /// # Errors
    ///
    /// When the result would exceed 2 GiB, which no protobuf reader accepts.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.proto.try_encode_to_vec().map_err(|source| Error::TooLarge { source })
    }

    /// Writes the model to `path`, whole or not at all.
    ///
    /// The weights go to `<file name>.data` beside it when they came from external data or when
    /// the model would be too large for one file; see [`WriteOptions`].
    ///
    /// # Errors
    ///
    /// When a file cannot be written. Neither file is then left half-written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        self.write_with(path, &WriteOptions::default())
    }

    /// Returns whether some weights came from files beside the model.
    #[must_use]
    pub fn came_external(&self) -> bool {
        self.external != External::No
    }

    /// Returns the files that weights came from or, when the model was decoded without its folder,
    /// still lie in: as the model names them, relative to its folder.
    pub fn data_locations(&self) -> impl Iterator<Item = &Path> {
        let locations = match &self.external {
            External::No => None,
            External::Loaded { locations } | External::Unread { locations } => Some(locations),
        };
        locations.into_iter().flatten().map(Path::new)
    }

    /// Returns the main graph, an empty one when the model has none.
    #[must_use]
    pub fn graph(&self) -> &GraphProto {
        &self.proto.graph
    }

    /// Returns the main graph to change it, made if there was none.
    pub fn graph_mut(&mut self) -> &mut GraphProto {
        self.proto.graph.get_or_insert_default()
    }

    /// Calls `visit` on every tensor that holds values, always in the same order: the weights of all graphs, bodies and
    /// functions, sparse ones in their parts, and the values of attributes.
    pub fn each_tensor_mut(&mut self, mut visit: impl FnMut(&mut TensorProto)) {
        let Ok(()) = walk::tensors_mut(&mut self.proto, &mut |tensor, _| {
            visit(tensor);
            Ok::<_, Infallible>(())
        });
    }

    /// Returns the version of ONNX's own operators that the model imports.
    #[must_use]
    pub fn opset(&self) -> Option<i64> {
        self.proto.opset_import.iter().find(|import| import.is_default_domain())?.version
    }

    /// Returns the domains other than ONNX's own that nodes of the model use, bodies included, with
    /// the number of nodes; functions that the model defines belong to such a domain too.
    #[must_use]
    pub fn other_domains(&self) -> BTreeMap<&str, usize> {
        let mut domains = BTreeMap::new();
        count_domains(&self.graph().node, &mut domains);
        domains
    }

    /// Sets the version of ONNX's own operators.
    pub fn set_opset(&mut self, version: i64) {
        let imports = &mut self.proto.opset_import;
        match imports.iter_mut().find(|import| import.is_default_domain()) {
            Some(import) => import.version = Some(version),
            None => imports.push(OperatorSetIdProto::default().with_version(version)),
        }
    }

    fn decode(bytes: Bytes, folders: Option<&Folders>, origin: String) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Err(Error::Empty { origin });
        }
        let mut rest = bytes.clone();
        let mut proto: ModelProto = limits()
            .decode(&mut rest)
            .map_err(|source| not_decoded(&bytes, rest.remaining(), origin.clone(), source))?;
        if let (None, Some(looks)) = (proto.graph.as_option(), Looks::of(&bytes)) {
            return Err(Error::Other { origin, looks });
        }
        let external = external::load(&mut proto, folders)?;
        Ok(Self { proto, external })
    }
}

impl OperatorSetIdProto {
    /// Whether this imports ONNX's own operators; their domain has two spellings.
    #[must_use]
    pub fn is_default_domain(&self) -> bool {
        matches!(self.domain.as_deref(), None | Some("" | "ai.onnx"))
    }
}

/// Why bytes are no model: what they are instead, where they end too early, or what is wrong in them.
fn not_decoded(bytes: &[u8], n_left: usize, origin: String, source: buffa::DecodeError) -> Error {
    if let Some(looks) = Looks::of(bytes) {
        return Error::Other { origin, looks };
    }
    let offset = bytes.len() - n_left;
    let place = locate::place(bytes, offset);
    let begins_as_model = bytes.first() == Some(&IR_VERSION_TAG);
    match source {
        buffa::DecodeError::UnexpectedEof if begins_as_model => {
            Error::Cut { origin, n_bytes: bytes.len(), place }
        }
        source => Error::Decode { origin, offset, place, source },
    }
}

/// What a message may take.
fn limits() -> DecodeOptions {
    DecodeOptions::new()
        .with_recursion_limit(RECURSION_LIMIT)
        .with_element_memory_limit(ELEMENT_MEMORY_LIMIT_BYTES)
}

/// Opens a file no larger than a protobuf message can be, so that a video given by mistake does
/// not fill the memory first.
fn open(path: &Path) -> Result<RegularFile, Error> {
    let file = RegularFile::open(path);
    let file = file.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let n_bytes = file.length();
    if n_bytes > u64::from(MAX_MESSAGE_BYTES) {
        return Err(Error::FileTooLarge { path: path.to_owned(), n_bytes });
    }
    Ok(file)
}

/// The message in the file, `None` where it is none, has no graph, or cannot be read.
fn decoded_in_pieces(file: &RegularFile) -> Option<ModelProto> {
    let mut pieces = Pieces::new(file)?;
    let proto: ModelProto = limits().decode(&mut pieces).ok()?;
    (pieces.finish().ok()? && proto.graph.is_set()).then_some(proto)
}

fn count_domains<'m>(nodes: &'m [NodeProto], domains: &mut BTreeMap<&'m str, usize>) {
    for node in nodes {
        if !node.is_default_domain() {
            *domains.entry(node.domain.as_deref().unwrap_or_default()).or_default() += 1;
        }
        node.subgraphs().for_each(|body| count_domains(&body.node, domains));
    }
}
