//! The list of samples.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_files::head;
use calibrant_tensor::{Dim, Input, Tensor};

use crate::arrays::Arrays;
use crate::division::{Divide, Rows};
use crate::folder::{ARRAYS, Wanted};
use crate::picture::{HEAD_BYTES, compression, is_picture};
use crate::sample::Place;
use crate::set::Set;
use crate::{
    Census, Content, DatasetError, FilesStay, Kind, Label, LabelError, Labels, ReadBuffer,
    ReadError, SampleRef, Subset, arrays, braces, coco, folder, list, name, npy, npz, shards, tar,
};

/// The name of a row of arrays, and its tensors by input.
pub type Row = (Arc<str>, Vec<(Arc<str>, Tensor)>);

/// An ordered list of samples, never empty, and what was looked at to find them.
#[derive(Debug, Clone)]
pub struct Dataset {
    samples: Vec<SampleRef>,
    found: Census,
    sets: Vec<Arc<Set>>,
    /// The names of the classes by number, where they have any.
    class_names: Vec<String>,
    /// The classes of samples that a subset left out, too.
    classes: BTreeSet<u32>,
}

impl Dataset {
    /// Opens whatever the path is: a folder of pictures; a folder without any but with files of arrays
    /// or `.tar` files; an npy, an npz, a safetensors, a tar or a picture, which are known by their
    /// first bytes; COCO's annotations, which are known by the name `.json`; a pattern in braces,
    /// which names tar shards; or else a list file.
    ///
    /// # Errors
    ///
    /// As [`folder`](Self::folder), [`tensors`](Self::tensors), [`shards`](Self::shards),
    /// [`coco`](Self::coco) and [`list`](Self::list), and for a compressed file.
    pub fn open(path: &Path) -> Result<Self, DatasetError> {
        Self::open_divided(path, &Rows)
    }

    /// The same, with arrays divided among samples as somebody says who knows what they are for.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`DatasetError::Unfit`] where arrays do not fit what they are for.
    pub fn open_divided(path: &Path, divide: &dyn Divide) -> Result<Self, DatasetError> {
        let io_error = |source| DatasetError::Io { path: path.to_owned(), source };
        let metadata = match fs::metadata(path) {
            Err(_) if path.to_str().is_some_and(braces::is_pattern) => return Self::shards(path),
            metadata => metadata.map_err(io_error)?,
        };
        if metadata.is_dir() {
            return match Self::folder(path) {
                Err(DatasetError::NoPictures { .. })
                    if npy::any_in(path, |name| divide.is_input(name)).map_err(io_error)? =>
                {
                    Self::arrays(path, divide)
                }
                Err(DatasetError::NoPictures { found, .. })
                    if ARRAYS.iter().any(|it| found.has(&files_called(it))) =>
                {
                    Self::folder_of_arrays(path, divide)
                }
                Err(DatasetError::NoPictures { found, .. }) if found.has(&files_called("tar")) => {
                    Self::shards(path)
                }
                found => found,
            };
        }
        let head = head(path, HEAD_BYTES).map_err(io_error)?;
        if let Some(format) = compression(&head) {
            Err(DatasetError::Compressed { path: path.to_owned(), format })
        } else if npy::begins(&head) || npz::begins(&head) || arrays::is_safetensors(path, &head) {
            Self::arrays(path, divide)
        } else if tar::begins(&head) || path.extension().is_some_and(|it| it == "tar") {
            Self::shards(path)
        } else if is_picture(&head) {
            let place = Place::File(path.into());
            Ok(Self::of_all(vec![SampleRef::new(&own_name(path), place)]))
        } else if coco::is_named_so(path) {
            Self::coco(path)
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
        let (files, tally) = folder::search(path, Wanted::Pictures)?;
        let found = tally.finish(files.len());
        if files.is_empty() {
            return Err(DatasetError::NoPictures { path: path.to_owned(), found: Box::new(found) });
        }
        let sample =
            |(name, path): (String, PathBuf)| SampleRef::new(&name, Place::File(path.into()));
        let samples = files.into_iter().map(sample).collect();
        Ok(Self { found, ..Self::of_all(samples) })
    }

    /// The pictures in tar shards as WebDataset makes them, which are not unpacked: one archive, a
    /// folder of `.tar` files and all its subfolders, or a pattern such as
    /// `train-{000..009}.tar`.
    ///
    /// Neighbouring members that differ from the first dot of their own names on are one sample:
    /// its picture is `key.jpg` or the first member with another picture's extension, its class the
    /// number in `key.cls`. All else is ignored and counted in the [`census`](Self::census). The
    /// samples come in the order of the shards, which in a folder is the natural one, and of their
    /// members.
    ///
    /// # Errors
    ///
    /// When there is no picture; when an archive is compressed, cut short, damaged or sparse, or
    /// holds the files of a sample apart or twice, with the shard and the place in it.
    pub fn shards(path: &Path) -> Result<Self, DatasetError> {
        let (samples, found) = shards::open(path)?;
        if samples.is_empty() {
            return Err(DatasetError::NoMembers { path: path.to_owned(), found: Box::new(found) });
        }
        Ok(Self { found, ..Self::of_all(samples) })
    }

    /// The pictures that COCO's annotations speak of, in their order, with all classes that each
    /// shows as its label.
    ///
    /// The pictures of `instances_val2017.json` are looked for in its own folder, in `val2017` and
    /// `images` there and one folder up, and in `val2017` within or around such an `images`. Where
    /// they lie elsewhere, open their folder and [label](Self::labelled) it from the annotations.
    ///
    /// # Errors
    ///
    /// When the annotations cannot be read or do not fit together, and when a picture is not there,
    /// with all of the folders or the first of the pictures.
    pub fn coco(path: &Path) -> Result<Self, DatasetError> {
        let (samples, class_names) = coco::samples(path)?;
        Ok(Self { class_names, ..Self::of_all(samples) })
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
        Ok(Self::of_all(list::read(path)?))
    }

    /// The rows of arrays, one array per model input: an `.npz` or a `.safetensors`, whose members
    /// are named like the inputs; a folder of `<input>.npy`; or a single `.npy`, whose input takes
    /// the file's name.
    ///
    /// The first axis counts the samples and must be the same for all. float64, float16 and bfloat16
    /// become float32; float32, int64, int32, uint8 and bool stay. npy files, safetensors and
    /// uncompressed npz members are read row by row and cost no memory. Compressed members (`numpy.savez_compressed`) are unpacked
    /// into memory, all of them, up to [`INFLATED_LIMIT_BYTES`](crate::INFLATED_LIMIT_BYTES). The
    /// checksums of uncompressed members are not verified, since that would read them all.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is damaged, holds another type or no rows, or the arrays differ
    /// in their first axis.
    pub fn tensors(path: &Path) -> Result<Self, DatasetError> {
        Self::arrays(path, &Rows)
    }

    /// The arrays of one file, or of a folder that holds one for each input.
    fn arrays(path: &Path, divide: &dyn Divide) -> Result<Self, DatasetError> {
        let set = Set::open(path, Arrays::open(path)?, divide)?;
        Ok(Self::of_sets([(own_name(path), Names::Numbered, set)]))
    }

    /// Files of arrays in a folder and all its subfolders, in natural order of their relative paths: each is a sample, or
    /// some.
    fn folder_of_arrays(path: &Path, divide: &dyn Divide) -> Result<Self, DatasetError> {
        let (files, tally) = folder::search(path, Wanted::Arrays)?;
        let sets = files
            .into_iter()
            .map(|(name, file)| Ok((name, Names::OfFile, Set::of_file(&file, divide)?)));
        let dataset = Self::of_sets(sets.collect::<Result<Vec<_>, DatasetError>>()?);
        let found = tally.finish(dataset.samples.len());
        Ok(Self { found, ..dataset })
    }

    /// Rows of arrays whose file is in memory: the bytes of an `.npz`, a `.safetensors` or an `.npy`, which stay there as they
    /// are. `name` is what the set is called, such as `samples.npz`; samples are then `samples.npz[0]`, and an npy's
    /// input `samples`.
    ///
    /// # Errors
    ///
    /// As [`tensors`](Self::tensors).
    pub fn tensors_in_memory(name: &str, bytes: Vec<u8>) -> Result<Self, DatasetError> {
        let path = Path::new(name);
        let set = Set::open(path, Arrays::in_memory(path, bytes)?, &Rows)?;
        Ok(Self::of_sets([(name.to_owned(), Names::Numbered, set)]))
    }

    fn of_sets(named: impl IntoIterator<Item = (String, Names, Set)>) -> Self {
        let (mut samples, mut sets) = (Vec::new(), Vec::new());
        for (name, names, set) in named {
            let set = Arc::new(set);
            let is_file = names == Names::OfFile && set.n_samples() == 1;
            samples.extend((0..set.n_samples()).map(|at| {
                let numbered = || format!("{name}[{at}]");
                let name = if is_file { name.clone() } else { numbered() };
                SampleRef::new(&name, Place::Part(Arc::clone(&set), at))
            }));
            sets.push(set);
        }
        Self { sets, ..Self::of_all(samples) }
    }

    /// The rows of a set of arrays, each read when it is asked for: a sample's name, and its tensors by input.
    ///
    /// A set of pictures has none.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, ReadError>> + Send + '_ {
        let mut buffer = ReadBuffer::default();
        self.samples.iter().filter_map(move |sample| match sample.read(&mut buffer) {
            Ok(Content::Tensors(tensors)) => {
                Some(Ok((sample.shared_name(), std::mem::take(tensors))))
            }
            Ok(Content::Encoded(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// The same set with its shards and arrays in the memory map instead of being read; pictures in
    /// files of their own are read as before.
    ///
    /// # Errors
    ///
    /// When the system does not map a file, or one has become too short.
    pub fn mapped(self, stays: FilesStay) -> Result<Self, DatasetError> {
        self.samples.iter().try_for_each(|sample| sample.map(stays)).map_err(DatasetError::File)?;
        Ok(self)
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
    /// for pictures. An axis whose length varies is open.
    pub fn inputs(&self) -> Vec<Input> {
        self.common(|size, other| if size == other { size } else { Dim::Open })
    }

    /// The same with the largest length of each axis that varies.
    pub fn largest_inputs(&self) -> Vec<Input> {
        self.common(|size, other| match (size.size(), other.size()) {
            (Some(size), Some(other)) => Dim::Fixed(size.max(other)),
            _ => Dim::Open,
        })
    }

    /// What the tensors of all samples look like, an axis of two of them as `join` says; where even the number of axes
    /// differs, nothing is said of them.
    fn common(&self, join: impl Fn(Dim, Dim) -> Dim) -> Vec<Input> {
        let mut sets = self.sets.iter();
        let mut common = sets.next().map(|set| set.inputs()).unwrap_or_default();
        for set in sets {
            for other in set.inputs() {
                let Some(input) = common.iter_mut().find(|it| it.name == other.name) else {
                    continue;
                };
                input.shape = match (input.shape.take(), other.shape) {
                    (Some(shape), Some(other)) if shape.len() == other.len() => Some(
                        shape
                            .into_iter()
                            .zip(other)
                            .map(|(size, other)| join(size, other))
                            .collect(),
                    ),
                    _ => None,
                };
            }
        }
        common
    }

    /// The samples of each class, by the class's name where it has one and else by its number;
    /// `None` when no sample has a label.
    ///
    /// Classes that have a name or had a sample before a [`subset`](Self::subset) are counted, too.
    /// A picture that shows several classes counts for each.
    pub fn class_counts(&self) -> Option<BTreeMap<String, u64>> {
        let labels = || self.samples.iter().filter_map(SampleRef::label);
        if self.class_names.is_empty() && self.classes.is_empty() && labels().next().is_none() {
            return None;
        }
        let name = |class: u32| {
            let named = usize::try_from(class).ok().and_then(|it| self.class_names.get(it));
            named.cloned().unwrap_or_else(|| class.to_string())
        };
        let names = self.class_names.iter().cloned();
        let known = names.chain(self.classes.iter().map(|&class| name(class)));
        let mut counts: BTreeMap<_, _> = known.map(|name| (name, 0)).collect();
        for &class in labels().flat_map(|label| &label.classes) {
            *counts.entry(name(class)).or_default() += 1;
        }
        Some(counts)
    }

    /// Keeps the samples that the subset chooses, in its order.
    ///
    /// # Errors
    ///
    /// When it is to be stratified and a sample has no label.
    pub fn subset(mut self, subset: &Subset) -> Result<Self, LabelError> {
        if subset.stratify {
            let has_label = |sample: &SampleRef| sample.label().is_some();
            if let Some((count, samples, example)) = self.unlabelled(has_label) {
                return Err(LabelError::Unstratified { count, samples, example });
            }
        }
        self.classes.extend(self.samples.iter().flat_map(classes_of));
        self.samples = subset.apply(&self.samples, classes_of);
        Ok(self)
    }

    /// Labels the samples from a table, in place of labels they may have.
    ///
    /// # Errors
    ///
    /// When a sample is not in the table.
    pub fn labelled(mut self, labels: &Labels) -> Result<Self, LabelError> {
        let has_label = |sample: &SampleRef| labels.of(sample.name()).is_some();
        if let Some((count, samples, example)) = self.unlabelled(has_label) {
            return Err(LabelError::Unlabelled { count, samples, example });
        }
        for sample in &mut self.samples {
            if let Some(label) = labels.shared(sample.name()) {
                sample.set_label(Arc::clone(label));
            }
        }
        self.class_names = labels.class_names().to_vec();
        Ok(self)
    }

    /// Labels the samples by the first folder of their paths: classes are numbered in the order of
    /// the folders' names byte by byte, as torchvision's `ImageFolder` does it (so `10` comes
    /// before `9`). The path of a shard's member begins in the shard.
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
            let class = sample.first_folder().ok_or_else(no_folder)?;
            classes.insert(class.to_owned(), Arc::new(Label::of_class(0)));
        }
        for (idx, label) in (0..).zip(classes.values_mut()) {
            *label = Arc::new(Label::of_class(idx));
        }
        for sample in &mut self.samples {
            let label = sample.first_folder().and_then(|it| classes.get(it)).cloned();
            if let Some(label) = label {
                sample.set_label(label);
            }
        }
        self.class_names = classes.into_keys().collect();
        Ok(self)
    }

    fn of_all(samples: Vec<SampleRef>) -> Self {
        let found = Census::of_taken(samples.len());
        Self { samples, found, sets: Vec::new(), class_names: Vec::new(), classes: BTreeSet::new() }
    }

    /// How many samples have no label, out of how many, and the first of them; `None` if all have.
    fn unlabelled(&self, has_label: impl Fn(&SampleRef) -> bool) -> Option<(usize, usize, String)> {
        let mut unlabelled = self.samples.iter().filter(|sample| !has_label(sample));
        let example = unlabelled.next()?.name().to_owned();
        Some((1 + unlabelled.count(), self.samples.len(), example))
    }
}

fn classes_of(sample: &SampleRef) -> &[u32] {
    sample.label().map_or(&[], |label| &label.classes)
}

fn files_called(extension: &str) -> Kind {
    Kind::Foreign(extension.to_owned())
}

/// What the samples of a set are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// By the set and their number.
    Numbered,
    /// By the file where it is one sample, else as above.
    OfFile,
}

/// The last part of a path, also of `.` and `a/..`.
pub(crate) fn own_name(path: &Path) -> String {
    let whole = || fs::canonicalize(path).ok()?.file_name().map(PathBuf::from);
    let own = path.file_name().map(PathBuf::from).or_else(whole);
    name::of_path(&own.unwrap_or_default())
}
