//! Writes a model to a file, its weights inside or in a second file beside it.
//!
//! Both files are written under other names first and moved into place when they are complete and
//! on disk: the weights, then the model. When the model cannot be moved, the weights that stood
//! there before are put back.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use buffa::bytes::Bytes;
use buffa::{Message as _, Rope};
use calibrant_files::unfinished;
use tempfile::{NamedTempFile, TempPath};

use crate::model::External;
use crate::proto::tensor_proto::DataLocation;
use crate::proto::{ModelProto, StringStringEntryProto, TensorProto};
use crate::walk::{self, Place};
use crate::{Error, Model};

/// Where the weights of a written model go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOptions {
    /// A model that would be larger has its weights in a second file.
    ///
    /// The default is 1.9 GiB: protobuf ends at 2 GiB.
    pub inline_limit_bytes: u64,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { inline_limit_bytes: 1_900 << 20 }
    }
}

/// Smaller weights stay in the model, as with ONNX's own writer.
const EXTERNAL_FROM_BYTES: usize = 1024;

/// Values in attributes are shapes and the like; only large ones move.
const EXTERNAL_ATTRIBUTE_FROM_BYTES: usize = 1 << 20;

/// A page: readers map files, and maps start at pages.
const ALIGNMENT_BYTES: u64 = 4096;

/// Windows maps files at multiples of this; weights from [`LARGE_BYTES`] on start there.
const LARGE_ALIGNMENT_BYTES: u64 = 64 << 10;

/// The size from which the larger alignment is worth its gaps, as ONNX Runtime has it.
const LARGE_BYTES: usize = 1 << 20;

impl Model {
    /// Writes the model to `path` as [`Model::write`] does, the weights where `options` say.
    ///
    /// # Errors
    ///
    /// When a file cannot be written, or a model of more than 2 GiB consists of something other
    /// than weights. Neither file is then left half-written.
    pub fn write_with(&self, path: &Path, options: &WriteOptions) -> Result<(), Error> {
        let encoded_len = self.proto.try_encoded_len();
        let fits = encoded_len.is_ok_and(|len| u64::from(len) <= options.inline_limit_bytes);
        match self.external {
            External::Unread { .. } => return Err(Error::Unread),
            External::No if fits => return stage_model(&self.proto, path)?.put(),
            External::No | External::Loaded { .. } => {}
        }
        let data_path = data_path(path)?;
        let mut proto = self.proto.clone();
        let Some(data) = stage_data(&mut proto, &data_path)? else {
            return stage_model(&proto, path)?.put();
        };
        let model = stage_model(&proto, path)?;
        let before = SetAside::take(&data_path)?;
        data.put().and_then(|()| model.put()).inspect_err(|_| before.put_back())
    }
}

/// A complete file under a temporary name, deleted unless it is put in its place.
#[derive(Debug)]
struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    fn new(path: &Path) -> Result<Self, Error> {
        let file = unfinished(path).map_err(|source| failed(path, source))?;
        Ok(Self { file, path: path.to_owned() })
    }

    fn put(self) -> Result<(), Error> {
        let Self { file, path } = self;
        file.as_file().sync_all().map_err(|source| failed(&path, source))?;
        file.persist(&path).map_err(|refused| failed(&path, refused.error))?;
        Ok(())
    }
}

/// The file that stood where another is going to be.
#[derive(Debug)]
struct SetAside {
    path: PathBuf,
    /// `None` when there was none.
    moved: Option<TempPath>,
}

impl SetAside {
    fn take(path: &Path) -> Result<Self, Error> {
        let moved = match path.symlink_metadata() {
            Ok(_) => {
                let aside = unfinished(path).map_err(|source| failed(path, source))?;
                fs::rename(path, aside.path()).map_err(|source| failed(path, source))?;
                Some(aside.into_temp_path())
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed(path, source)),
        };
        Ok(Self { path: path.to_owned(), moved })
    }

    /// Undoes what happened since; the error that made it necessary is the one to report.
    fn put_back(&self) {
        let _ = match &self.moved {
            Some(moved) => fs::rename(moved, &self.path),
            None => fs::remove_file(&self.path),
        };
    }
}

fn stage_model(proto: &ModelProto, path: &Path) -> Result<Staged, Error> {
    let mut rope = Rope::new();
    proto.try_encode(&mut rope).map_err(|source| Error::TooLarge { source })?;
    let mut staged = Staged::new(path)?;
    for segment in rope.into_segments() {
        staged.file.write_all(&segment).map_err(|source| failed(path, source))?;
    }
    Ok(staged)
}

/// Moves the weights of `proto` into a new file, `None` when there is nothing to move.
fn stage_data(proto: &mut ModelProto, path: &Path) -> Result<Option<Staged>, Error> {
    let location = path.file_name().and_then(|name| name.to_str());
    let location = location.ok_or_else(|| Error::FileName { path: path.to_owned() })?;
    let staged = Staged::new(path)?;
    let out = BufWriter::new(staged.file.as_file());
    let mut out = DataWriter { out, offset: 0, path, places: HashMap::new() };
    walk::tensors_mut(proto, &mut |tensor, place| {
        let from_bytes = match place {
            Place::Initializer => EXTERNAL_FROM_BYTES,
            Place::Attribute => EXTERNAL_ATTRIBUTE_FROM_BYTES,
        };
        // What is too broken or of the wrong kind to move stays as it is.
        let is_due = tensor.n_bytes().is_ok_and(|n_bytes| n_bytes >= from_bytes);
        let Some(values) = is_due.then(|| tensor.to_le_bytes().ok()).flatten() else {
            return Ok(());
        };
        let offset = match tensor.raw_data {
            Some(_) => out.append_once(&values)?,
            None => out.append(&values)?, // made just now, so nothing else can hold them
        };
        point_to(tensor, location, offset, values.len());
        Ok::<_, Error>(())
    })?;
    let is_any = out.offset > 0;
    out.finish()?;
    Ok(is_any.then_some(staged))
}

/// Appends values to the data file, each at its alignment.
struct DataWriter<'a> {
    out: BufWriter<&'a File>,
    offset: u64,
    path: &'a Path,
    /// Where values in memory went.
    places: HashMap<Range<*const u8>, u64>,
}

impl DataWriter<'_> {
    /// Appends `values` unless they went out before: tied weights share their memory, which the
    /// model that is being written keeps alive.
    fn append_once(&mut self, values: &Bytes) -> Result<u64, Error> {
        let memory = values.as_ptr_range();
        if let Some(&offset) = self.places.get(&memory) {
            return Ok(offset);
        }
        let offset = self.append(values)?;
        self.places.insert(memory, offset);
        Ok(offset)
    }

    fn append(&mut self, values: &Bytes) -> Result<u64, Error> {
        let large = values.len() >= LARGE_BYTES;
        let alignment = if large { LARGE_ALIGNMENT_BYTES } else { ALIGNMENT_BYTES };
        let start = self.offset.next_multiple_of(alignment);
        let mut gap = io::Read::take(io::repeat(0), start - self.offset);
        io::copy(&mut gap, &mut self.out).map_err(|source| failed(self.path, source))?;
        self.out.write_all(values).map_err(|source| failed(self.path, source))?;
        self.offset = start + values.len() as u64;
        Ok(start)
    }

    fn finish(mut self) -> Result<(), Error> {
        self.out.flush().map_err(|source| failed(self.path, source))
    }
}

/// Replaces the values of `tensor` by where they now lie.
fn point_to(tensor: &mut TensorProto, location: &str, offset: u64, length: usize) {
    tensor.raw_data = None;
    tensor.float_data.clear();
    tensor.int32_data.clear();
    tensor.int64_data.clear();
    tensor.double_data.clear();
    tensor.uint64_data.clear();
    tensor.data_location = Some(DataLocation::EXTERNAL);
    let entry = |key: &str, value: String| {
        StringStringEntryProto::default().with_key(key).with_value(value)
    };
    tensor.external_data = vec![
        entry("location", location.to_owned()),
        entry("offset", offset.to_string()),
        entry("length", length.to_string()),
    ];
}

/// `model.onnx` keeps its weights in `model.onnx.data`.
fn data_path(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::FileName { path: path.to_owned() })?;
    Ok(path.with_file_name(format!("{name}.data")))
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
