//! The list of samples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::arrays::Arrays;
use crate::picture::{head, is_picture};
use crate::sample::Place;
use crate::{
    Census, DatasetError, Input, Label, LabelError, Labels, SampleRef, Subset, folder, list, name,
    npy, npz,
};

/// An ordered list of samples, never empty, and what was looked at to find them.
#[derive(Debug, Clone)]
pub struct Dataset {
    samples: Vec<SampleRef>,
    found: Census,
    arrays: Option<Arc<Arrays>>,
    classes: Vec<String>,
}

impl Dataset {
    /// Opens whatever the path is: a folder of pictures; a folder without any but with `.npy`
    /// files; an npy, an npz or a picture, which are known by their first bytes; or else a list
    /// file, which may be a pipe.
    ///
    /// # Errors
    ///
    /// As [`folder`](Self::folder), [`tensors`](Self::tensors) and [`list`](Self::list).
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        let io_error = |source| DatasetError::Io { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(io_error)?;
        if metadata.is_dir() {
            return match Self::folder(path) {
                Err(DatasetError::NoPictures { .. }) if npy::is_in(path).map_err(io_error)? => {
                    Self::tensors(path)
                }
                found => found,
            };
        }
        if !metadata.is_file() {
            // A pipe gives its bytes once: looking at the first would cost the list.
            return Self::list(path);
        }
        let head = head(path).map_err(io_error)?;
        if npy::begins(&head) || npz::begins(&head) {
            Self::tensors(path)
        } else if is_picture(&head) {
            Ok(Self::picture(path))
        } else {
            Self::list(path)
        }
    }

    /// The pictures in a folder and all its subfolders, in natural order of their relative paths.
    ///
    /// A file is taken when its extension is one of [`EXTENSIONS`](crate::EXTENSIONS) or its first
    /// bytes are those of a JPEG, PNG, WebP or BMP. Symbolic links are followed, but not in
    /// circles. Hidden and foreign files are ignored and counted in the [`census`](Self::census).
    ///
    /// # Errors
    ///
    /// When a folder cannot be listed, and when there is no picture, with what there is instead.
    pub fn folder(path: &Path) -> Result<Self, DatasetError> {
        let io_error = |source| DatasetError::Io { path: path.to_owned(), source };
        if !fs::metadata(path).map_err(io_error)?.is_dir() {
            return Err(DatasetError::NotAFolder { path: path.to_owned() });
        }
        let (samples, found) = folder::search(path)?;
        if samples.is_empty() {
            return Err(DatasetError::NoPictures { path: path.to_owned(), found: Box::new(found) });
        }
        Ok(Self { samples, found, arrays: None, classes: Vec::new() })
    }

    /// The files that a list names, in its order: one path a line, relative to the list's own
    /// folder, in UTF-8.
    ///
    /// Lines that begin with `#` and blank lines are skipped. A number after the last tab, comma or
    /// space of a line is the class, as in ImageNet's `val.txt`, unless the whole line is the path
    /// of a file. A path that begins with `#` is written `./#…`. A file named twice is two samples.
    /// A sample's name is its path as the list has it.
    ///
    /// # Errors
    ///
    /// When the list cannot be read or names nothing, and for the first line whose file is not
    /// there, with the line.
    pub fn list(path: &Path) -> Result<Self, DatasetError> {
        let samples = list::read(path)?;
        let found = Census::of_taken(samples.len());
        Ok(Self { samples, found, arrays: None, classes: Vec::new() })
    }

    /// The rows of NumPy arrays, one array per model input: an `.npz`, whose members are named like
    /// the inputs; a folder of `<input>.npy`; or a single `.npy`, whose input takes the file's
    /// name.
    ///
    /// The first axis counts the samples and must be the same for all. float64 and float16 become
    /// float32; float32, int64, int32, uint8 and bool stay. npy files and uncompressed npz members
    /// are mapped and cost no memory. Compressed members (`numpy.savez_compressed`) are unpacked
    /// into memory, all of them, up to [`INFLATED_LIMIT_BYTES`](crate::INFLATED_LIMIT_BYTES). The
    /// checksums of uncompressed members are not verified, since that would read them all.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is damaged, holds another type or no rows, or the arrays differ
    /// in their first axis.
    pub fn tensors(path: &Path) -> Result<Self, DatasetError> {
        let arrays = Arc::new(Arrays::open(path)?);
        let set = own_name(path);
        let row =
            |row| SampleRef::new(&format!("{set}[{row}]"), Place::Row(Arc::clone(&arrays), row));
        let samples: Vec<_> = (0..arrays.n_rows()).map(row).collect();
        let found = Census::of_taken(samples.len());
        Ok(Self { samples, found, arrays: Some(arrays), classes: Vec::new() })
    }

    /// The samples, in order; there is at least one.
    pub fn samples(&self) -> &[SampleRef] {
        &self.samples
    }

    /// What was looked at when the set was opened; a subset does not change it.
    pub fn census(&self) -> &Census {
        &self.found
    }

    /// What the tensors of every sample are called and look like, in the order of the names; empty
    /// for pictures.
    pub fn inputs(&self) -> Vec<Input> {
        self.arrays.as_ref().map(|it| it.inputs()).unwrap_or_default()
    }

    /// The classes that the folders stand for, after
    /// [`labelled_by_folder`](Self::labelled_by_folder).
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Keeps the samples that the subset chooses, in its order.
    #[must_use]
    pub fn subset(mut self, subset: &Subset) -> Self {
        self.samples = subset.apply(self.samples);
        self
    }

    /// Labels the samples from a table, in place of labels they may have.
    ///
    /// # Errors
    ///
    /// When a sample is not in the table.
    pub fn labelled(mut self, labels: &Labels) -> Result<Self, LabelError> {
        let unlabelled = |it: &&SampleRef| labels.of(it.name()).is_none();
        if let Some(example) = self.samples.iter().find(unlabelled) {
            let count = self.samples.iter().filter(unlabelled).count();
            let (samples, example) = (self.samples.len(), example.name().to_owned());
            return Err(LabelError::Unlabelled { count, samples, example });
        }
        for sample in &mut self.samples {
            if let Some(label) = labels.shared(sample.name()) {
                sample.set_label(Arc::clone(label));
            }
        }
        Ok(self)
    }

    /// Labels the samples by the first folder of their paths: classes are numbered in the order of
    /// the folders' names byte by byte, as torchvision's `ImageFolder` does it (so `10` comes
    /// before `9`).
    ///
    /// Do it before the [`subset`](Self::subset), which may leave a class without a sample.
    ///
    /// # Errors
    ///
    /// When a sample lies in no subfolder.
    pub fn labelled_by_folder(mut self) -> Result<Self, LabelError> {
        let mut classes = BTreeMap::new();
        for sample in &self.samples {
            let no_folder = || LabelError::NoFolder { example: sample.name().to_owned() };
            let (class, _) = sample.name().split_once('/').ok_or_else(no_folder)?;
            classes.insert(class.to_owned(), Arc::new(Label::of_class(0)));
        }
        for (idx, label) in (0..).zip(classes.values_mut()) {
            *label = Arc::new(Label::of_class(idx));
        }
        for sample in &mut self.samples {
            let class = sample.name().split('/').next();
            if let Some(label) = class.and_then(|it| classes.get(it)) {
                sample.set_label(Arc::clone(label));
            }
        }
        self.classes = classes.into_keys().collect();
        Ok(self)
    }

    fn picture(path: &Path) -> Self {
        let sample = SampleRef::new(&own_name(path), Place::File(path.into()));
        Self {
            samples: vec![sample],
            found: Census::of_taken(1),
            arrays: None,
            classes: Vec::new(),
        }
    }
}

/// The last part of a path, also of `.` and `a/..`.
fn own_name(path: &Path) -> String {
    let whole = || fs::canonicalize(path).ok()?.file_name().map(PathBuf::from);
    let own = path.file_name().map(PathBuf::from).or_else(whole);
    name::of_path(&own.unwrap_or_default())
}
