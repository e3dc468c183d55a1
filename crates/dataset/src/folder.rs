//! Folders of pictures or of shards, searched in all their subfolders.

use std::path::{Path, PathBuf};

use calibrant_files::head;
use walkdir::{DirEntry, WalkDir};

use crate::census::Tally;
use crate::picture::{EXTENSIONS, PICTURE_HEAD_BYTES, is_picture};
use crate::{DatasetError, Kind, name, natural_order};

/// What Windows leaves in folders.
const SYSTEM_FILES: [&str; 2] = ["Thumbs.db", "desktop.ini"];

/// What files of arrays are called.
pub(crate) const ARRAYS: [&str; 3] = ["npz", "npy", "safetensors"];

/// What a folder is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Files with a picture's extension or first bytes.
    Pictures,
    /// Files called `.tar`.
    Shards,
    /// Files called `.npz`, `.npy` or `.safetensors`.
    Arrays,
}

/// What was found: names and paths.
pub(crate) type Files = Vec<(String, PathBuf)>;

/// Finds what is wanted in a folder, in natural order of the names, and counts the rest.
pub(crate) fn search(root: &Path, wanted: Wanted) -> Result<(Files, Tally), DatasetError> {
    let mut taken = Files::new();
    let mut tally = Tally::default();
    let mut walk = WalkDir::new(root).min_depth(1).follow_links(true).into_iter();
    while let Some(entry) = walk.next() {
        let (path, kind) = match entry {
            Ok(entry) => {
                let kind = classify(&entry, wanted);
                if entry.file_type().is_dir() {
                    let Some(kind) = kind else { continue };
                    walk.skip_current_dir();
                    tally.add(kind, name_in(root, entry.path()) + "/");
                    continue;
                }
                (entry.into_path(), kind)
            }
            Err(error) => match excuse(&error, wanted) {
                Some((path, kind)) => (path.to_owned(), kind),
                None => return Err(DatasetError::Walk { path: root.to_owned(), source: error }),
            },
        };
        let name = name_in(root, &path);
        match kind {
            Some(kind) => tally.add(kind, name),
            None => taken.push((name, path)),
        }
    }
    taken.sort_by(|(left, _), (right, _)| natural_order(left, right));
    Ok((taken, tally))
}

/// Why a file is ignored, or a folder not searched; `None` if it is not.
fn classify(entry: &DirEntry, wanted: Wanted) -> Option<Kind> {
    let file_name = entry.file_name().as_encoded_bytes();
    if file_name.starts_with(b".") {
        let twin = file_name.starts_with(b"._") && entry.file_type().is_file();
        return Some(if twin { Kind::AppleDouble } else { Kind::Hidden });
    }
    if entry.file_type().is_dir() {
        return None;
    }
    if !entry.file_type().is_file() {
        return Some(Kind::NotRegular);
    }
    if SYSTEM_FILES.iter().any(|it| file_name.eq_ignore_ascii_case(it.as_bytes())) {
        return Some(Kind::System);
    }
    if is_called(entry.path(), wanted) {
        return None;
    }
    if wanted != Wanted::Pictures {
        return Some(Kind::Foreign(extension(entry.path())));
    }
    match head(entry.path(), PICTURE_HEAD_BYTES) {
        Ok(head) if is_picture(&head) => None,
        Ok(_) => Some(Kind::Foreign(extension(entry.path()))),
        Err(_) => Some(Kind::Unreadable),
    }
}

/// What the walk stumbles over without its being an error: a link in a circle, and a link that
/// leads nowhere, which is taken if it is called like a picture, so that the sample is missed when
/// it is read.
fn excuse(error: &walkdir::Error, wanted: Wanted) -> Option<(&Path, Option<Kind>)> {
    let path = error.path()?;
    if error.loop_ancestor().is_some() {
        return Some((path, Some(Kind::Loop)));
    }
    // A link to a folder that may not be listed is another matter: that one can be looked at.
    if error.depth() == 0 || !path.is_symlink() || path.metadata().is_ok() {
        return None;
    }
    let hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
    let kind = match is_called(path, wanted) {
        _ if hidden => Some(Kind::Hidden),
        true => None,
        false => Some(Kind::BrokenLink),
    };
    Some((path, kind))
}

fn is_called(path: &Path, wanted: Wanted) -> bool {
    let extension = extension(path);
    match wanted {
        Wanted::Pictures => EXTENSIONS.contains(&&*extension),
        Wanted::Shards => extension == "tar",
        Wanted::Arrays => ARRAYS.contains(&&*extension),
    }
}

fn extension(path: &Path) -> String {
    path.extension().map_or_else(String::new, |it| it.to_string_lossy().to_ascii_lowercase())
}

fn name_in(root: &Path, path: &Path) -> String {
    name::of_path(path.strip_prefix(root).unwrap_or(path))
}
