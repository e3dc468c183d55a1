//! What is read, so that none of it is written to: the one place that decides whether a file may be replaced by one
//! that the user names.
//!
//! Files are told apart by what they are and not by how they are spelled. Results in an output folder have a rule of
//! their own on top, since nobody named them one by one, where nobody else's file is ever replaced.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use calibrant_engine::BuildOptions;
use calibrant_onnx::Model;

use crate::config::{Calibration, Config, Labelled, Ranges};
use crate::error::Error;
use crate::output::{CACHE_MANIFEST, STATISTICS, TABLE};

/// What the timing cache is called where it cannot be written.
pub const TIMING_CACHE: &str = "the timing cache";

/// No protobuf message is larger, and so no model without the files of its weights.
const MODEL_LIMIT_BYTES: u64 = 2 << 30;

/// What a file is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The network that the command is about.
    Model,
    /// Weights that the model keeps in a file of their own.
    Weights,
    /// Calibration statistics, a table or a cache, or what says where one comes from.
    Ranges,
    /// A sample, or a list of them.
    Samples,
    /// The file that says the classes of the samples.
    Labels,
    /// The steps of the preprocessing.
    Preprocessing,
    /// What is shown as the network sees it.
    Picture,
    /// A timing cache, which is written back to where it came from and nowhere else.
    TimingCache,
    /// A library of plugins.
    Plugin,
}

/// The files that a command reads.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    files: Vec<(Role, PathBuf)>,
}

/// Why a file that was named for a result cannot become it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// It is read, and would be overwritten.
    #[error("`{}` is {role}, and what is read is never written to", file.display())]
    Input {
        /// The file as it was named for the result.
        file: PathBuf,
        /// What it is read as.
        role: Role,
        /// What is to go there, as the caller calls it.
        what: &'static str,
    },
    /// Two results would be one file.
    #[error("{first} and {second} both name `{}`; name two files", file.display())]
    Twice {
        /// As it was given.
        file: PathBuf,
        /// What is to go there first, as the caller calls it.
        first: &'static str,
        /// What is to go there too.
        second: &'static str,
    },
    /// There is something that cannot be replaced by a file.
    #[error("`{}` is no regular file that another could replace", file.display())]
    NotAFile {
        /// What is there.
        file: PathBuf,
        /// What is to go there, as the caller calls it.
        what: &'static str,
    },
    /// The weights of a model would replace a file that has nothing to do with the one replaced by the model.
    #[error(
        "the weights of `{}` would replace `{}`, which does not belong to it",
        model.display(), file.display()
    )]
    Weights {
        /// The model that is to be written.
        model: PathBuf,
        /// The file in the way.
        file: PathBuf,
        /// What the model is to be, as the caller calls it.
        what: &'static str,
    },
}

/// A file that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Where it lies, as it was given.
    pub file: &'a Path,
    /// What it is to be, as the caller calls it: `the timing cache`, or the flag that named it.
    pub what: &'static str,
}

/// What tells one file from all others.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// Device and inode: links and mounts lead to the same.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The canonical path, as far as it exists.
    Path(PathBuf),
}

impl Inputs {
    /// These files, each with what it is read as.
    pub fn new(files: impl IntoIterator<Item = (Role, PathBuf)>) -> Self {
        Self { files: files.into_iter().collect() }
    }

    /// Adds further files.
    pub fn extend(&mut self, files: impl IntoIterator<Item = (Role, PathBuf)>) {
        self.files.extend(files);
    }

    /// The files that a job is told to read; what they lead to comes later.
    ///
    /// # Errors
    ///
    /// When the timing cache, which is written back, is one of the others.
    pub(crate) fn of_job(config: &Config) -> Result<Self, GuardError> {
        let mut inputs = Self::new([(Role::Model, config.model.clone())]);
        match &config.ranges {
            Ranges::Calibrate(calibration) => {
                let Calibration { samples, labels, .. } = &**calibration;
                inputs.extend([(Role::Samples, samples.clone())]);
                if let Some(Labelled::ByFile(file)) = labels {
                    inputs.extend([(Role::Labels, file.clone())]);
                }
            }
            Ranges::Reuse { file, .. } => inputs.extend(ranges(file)),
            Ranges::None => {}
        }
        let BuildOptions { plugins, timing_cache, .. } = &config.engine.options;
        inputs.extend(plugins.iter().map(|file| (Role::Plugin, file.clone())));
        if let Some(file) = timing_cache {
            inputs.check(&[Target { file, what: TIMING_CACHE }])?;
            inputs.extend([(Role::TimingCache, file.clone())]);
        }
        Ok(inputs)
    }

    /// What each of these paths is read as, if it is.
    pub fn roles(&self, paths: &[PathBuf]) -> Vec<Option<Role>> {
        let mut roles = vec![None; paths.len()];
        let wanted: Vec<_> = paths.iter().map(|path| Identity::of_place(path)).collect();
        // Samples are many, and there are all of them: in a fresh folder none needs a look.
        let any_is_there = paths.iter().any(|path| path.exists());
        let files = self.files.iter().filter(|(role, _)| any_is_there || *role != Role::Samples);
        for (role, file) in files {
            let found = Identity::of_place(file);
            for (slot, _) in roles.iter_mut().zip(&wanted).filter(|(_, wanted)| **wanted == found) {
                *slot = slot.or(Some(*role));
            }
        }
        roles
    }

    /// Makes sure that files which the user named can be written: that each is another one, is none of these inputs, and
    /// is a regular file or nothing yet.
    ///
    /// A file that the user named, and that is none of these, is replaced: that is what was asked for. Of a link the
    /// link is replaced, and what it leads to stays.
    ///
    /// # Errors
    ///
    /// [`GuardError`], for the first that cannot.
    pub fn check(&self, targets: &[Target<'_>]) -> Result<(), GuardError> {
        let paths: Vec<_> = targets.iter().map(|target| target.file.to_owned()).collect();
        for (&Target { file, what }, role) in targets.iter().zip(self.roles(&paths)) {
            if let Some(role) = role {
                return Err(GuardError::Input { file: file.to_owned(), role, what });
            }
            if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
                return Err(GuardError::NotAFile { file: file.to_owned(), what });
            }
        }
        let mut places: Vec<(Identity, &'static str)> = Vec::new();
        for &Target { file, what } in targets {
            let place = Identity::of_place(file);
            if let Some((_, first)) = places.iter().find(|(other, _)| *other == place) {
                return Err(GuardError::Twice { file: file.to_owned(), first, second: what });
            }
            places.push((place, what));
        }
        Ok(())
    }
}

/// Makes sure that a model can be written to a file that the user named, and its weights beside it if need be.
///
/// # Errors
///
/// As [`Inputs::check`]; and when the weights would replace a file that is not of the model that is replaced.
pub fn check_model(
    read: impl IntoIterator<Item = (Role, PathBuf)>,
    model: &Path,
    what: &'static str,
) -> Result<(), GuardError> {
    let mut data = model.as_os_str().to_owned();
    data.push(".data");
    let data = PathBuf::from(data);
    let targets = [model, &data].map(|file| Target { file, what });
    Inputs::new(read).check(&targets)?;
    let is_its_own = || {
        let replaced = calibrant_files::read(model, MODEL_LIMIT_BYTES).ok()?;
        let replaced = Model::from_shared(replaced.into(), None).ok()?;
        let mut locations = replaced.data_locations();
        locations.any(|location| Some(location.as_os_str()) == data.file_name()).then_some(())
    };
    if data.symlink_metadata().is_ok() && is_its_own().is_none() {
        return Err(GuardError::Weights { model: model.to_owned(), file: data, what });
    }
    Ok(())
}

/// A model and the files that it keeps its weights in, which are not looked at.
///
/// # Errors
///
/// When the model cannot be read.
pub fn model(path: &Path) -> Result<Vec<(Role, PathBuf)>, Error> {
    let bytes = calibrant_files::read(path, MODEL_LIMIT_BYTES)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let model = Model::from_shared(bytes.into(), None)
        .map_err(|source| Error::Model { path: path.to_owned(), source })?;
    let mut files = weights(path, &model);
    files.push((Role::Model, path.to_owned()));
    Ok(files)
}

/// The files that a model keeps its weights in.
pub fn weights(path: &Path, model: &Model) -> Vec<(Role, PathBuf)> {
    let files = model.data_locations().map(|location| path.with_file_name(location));
    files.map(|file| (Role::Weights, file)).collect()
}

/// The file that ranges are read from, and what may say beside it where they come from.
pub fn ranges(file: &Path) -> [(Role, PathBuf); 4] {
    let beside = |name| file.with_file_name(name);
    [file.to_owned(), beside(STATISTICS), beside(TABLE), beside(CACHE_MANIFEST)]
        .map(|file| (Role::Ranges, file))
}

impl Identity {
    /// The identity of a file that is there.
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = fs::metadata(path).ok()?;
            Some(Self::Inode(metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        fs::canonicalize(path).ok().map(Self::Path)
    }

    /// The identity of a file that is there or will be.
    fn of_place(path: &Path) -> Self {
        Self::of(path).unwrap_or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
            let place = folder.ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
            Self::Path(place.unwrap_or_else(|| path.to_owned()))
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "the model that is read",
            Self::Weights => "where the model that is read keeps its weights",
            Self::Ranges => "where the ranges are read from",
            Self::Samples => "one of the samples",
            Self::Labels => "where the labels are read from",
            Self::Preprocessing => "where the preprocessing is read from",
            Self::Picture => "the picture that is read",
            Self::TimingCache => "the timing cache",
            Self::Plugin => "a library of plugins that is loaded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(files: &[&Path]) -> Inputs {
        Inputs::new(files.iter().map(|file| (Role::Model, (*file).to_owned())))
    }

    fn target(file: &Path) -> Target<'_> {
        Target { file, what: "--output" }
    }

    #[test]
    fn an_input_is_known_by_every_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("model"), "").unwrap();
        fs::create_dir(path("inner")).unwrap();
        fs::hard_link(path("model"), path("hard")).unwrap();
        let mut spellings =
            vec![path("model"), path("./model"), path("inner/../model"), path("hard")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("model", path("soft")).unwrap();
            std::os::unix::fs::symlink(folder.path(), path("inner/around")).unwrap();
            spellings.extend([path("soft"), path("inner/around/model"), path("inner/around/soft")]);
        }
        for spelling in &spellings {
            let error = inputs(&[&path("model")]).check(&[target(spelling)]).unwrap_err();
            assert!(matches!(error, GuardError::Input { role: Role::Model, .. }), "{error}");
            assert!(inputs(&[spelling]).check(&[target(&path("model"))]).is_err(), "{spelling:?}");
        }
        fs::write(path("other"), "").unwrap();
        inputs(&[&path("model"), &path("missing")])
            .check(&[target(&path("other")), target(&path("new")), target(&path("inner/model"))])
            .unwrap();
    }

    #[test]
    fn two_results_are_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let (one, same) = (folder.path().join("x"), folder.path().join("./x"));
        let targets = [target(&one), Target { file: &same, what: "--png" }];
        for _ in 0..2 {
            let error = Inputs::default().check(&targets).unwrap_err();
            assert!(error.to_string().starts_with("--output and --png both name"), "{error}");
            // The second time it is there already.
            fs::write(&one, "").unwrap();
        }
    }

    #[test]
    fn folders_and_devices_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut others = vec![folder.path().to_owned()];
        if cfg!(unix) {
            others.push(PathBuf::from("/dev/null"));
        }
        for other in others {
            let error = Inputs::default().check(&[target(&other)]).unwrap_err();
            assert!(matches!(error, GuardError::NotAFile { .. }), "{error}");
        }
    }
}
