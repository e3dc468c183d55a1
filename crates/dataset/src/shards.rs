//! Tar shards as WebDataset lays them out: the files of a sample stand together and share a key.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::census::Tally;
use crate::folder::{self, Wanted};
use crate::labels::parse_class;
use crate::picture::{self, EXTENSIONS, HEAD_BYTES, PICTURE_HEAD_BYTES, is_picture};
use crate::sample::Place;
use crate::store::{File, Store};
use crate::tar::{self, Member, MemberKind};
use crate::{Census, DatasetError, Kind, Label, LineError, ReadError, SampleRef, TarError, braces};

/// The extension of a member that holds the number of the sample's class.
const CLASS: &str = "cls";

/// No class takes more digits; what is longer is quoted in an error no further.
const CLASS_LIMIT_BYTES: usize = 64;

/// The samples of the shards that a path stands for: an archive, a folder of archives, or a pattern
/// in braces.
pub(crate) fn open(path: &Path) -> Result<(Vec<SampleRef>, Census), DatasetError> {
    let (shards, mut tally) = shards(path)?;
    let mut samples = Vec::new();
    for (name, path) in shards {
        let file = Arc::new(File::open(&path).map_err(DatasetError::File)?);
        let shard = Store::File(Arc::clone(&file));
        let broken = |source| DatasetError::Shard { path: path.clone(), source };
        let head = start(&shard, 0..shard.n_bytes(), HEAD_BYTES).map_err(DatasetError::File)?;
        if let Some(format) = picture::compression(&head) {
            return Err(DatasetError::Compressed { path, format });
        }
        for ArchivedPicture { name: member, range, label } in
            samples_of(&shard, &name, &mut tally).map_err(broken)?
        {
            let place = Place::Member { shard: Arc::clone(&file), range, n_shard: name.len() + 1 };
            let mut sample = SampleRef::new(&format!("{name}/{member}"), place);
            if let Some(label) = label {
                sample.set_label(Arc::new(label));
            }
            samples.push(sample);
        }
    }
    let census = tally.finish(samples.len());
    Ok((samples, census))
}

/// The archives, with their names, and what else lay in the folder.
fn shards(path: &Path) -> Result<(Vec<(String, PathBuf)>, Tally), DatasetError> {
    if path.is_dir() {
        return folder::search(path, Wanted::Shards);
    }
    let text = path.to_str().filter(|text| braces::is_pattern(text) && !path.exists());
    let Some(pattern) = text else {
        return Ok((vec![(crate::dataset::own_name(path), path.to_owned())], Tally::default()));
    };
    let names = braces::expand(pattern)
        .map_err(|source| DatasetError::Pattern { pattern: pattern.to_owned(), source })?;
    // The part before the first brace is the same for all; what follows its last slash names them.
    let n_folder = pattern.find('{').and_then(|brace| pattern[..brace].rfind('/'));
    let n_folder = n_folder.map_or(0, |slash| slash + 1);
    let named =
        |path: String| (crate::name::of_path(Path::new(&path[n_folder..])), PathBuf::from(path));
    Ok((names.into_iter().map(named).collect(), Tally::default()))
}

/// A picture in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ArchivedPicture {
    /// The picture's own path in the archive.
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
    pub(crate) label: Option<Label>,
}

/// The samples of one archive, in its order.
///
/// A member's key is its path up to the first dot of its own name, as in WebDataset; members with
/// one key stand together and are one sample. Its picture is the first member whose extension is a
/// picture's, or else ends in one (`left.png`); its class stands in the member `cls`.
pub(crate) fn samples_of(
    archive: &Store,
    shard: &str,
    tally: &mut Tally,
) -> Result<Vec<ArchivedPicture>, TarError> {
    let members = tar::members(archive)?;
    let mut ended: HashMap<&str, usize> = HashMap::new();
    let mut samples = Vec::new();
    let mut group: Vec<Part<'_>> = Vec::new();
    for member in &members {
        let part = match part(archive, member) {
            Ok(Some(part)) => part,
            Ok(None) => continue,
            Err(Aside::Unreadable(error)) => return Err(error.into()),
            Err(Aside::Ignored(kind)) => {
                tally.add(kind, format!("{shard}/{}", member.name));
                continue;
            }
        };
        if let Some(last) = group.last()
            && last.key != part.key
        {
            ended.insert(last.key, group[0].member.offset);
            samples.extend(sample(archive, &group, shard, tally)?);
            group.clear();
        }
        if let Some(&first) = ended.get(part.key) {
            return Err(TarError::Scattered {
                member: member.name.clone(),
                offset: member.offset,
                first,
            });
        }
        let is_same = |it: &&Part<'_>| it.extension.eq_ignore_ascii_case(part.extension);
        if let Some(twin) = group.iter().find(is_same) {
            return Err(TarError::Twice {
                member: member.name.clone(),
                offset: member.offset,
                first: twin.member.offset,
            });
        }
        group.push(part);
    }
    samples.extend(sample(archive, &group, shard, tally)?);
    Ok(samples)
}

/// One file of a sample.
struct Part<'archive> {
    member: &'archive Member,
    key: &'archive str,
    /// All that follows the first dot, as in WebDataset: `jpg`, `seg.png`.
    extension: &'archive str,
}

/// Why a member is no part of a sample.
enum Aside {
    Ignored(Kind),
    Unreadable(ReadError),
}

/// The member as a part of a sample; `None` for a folder.
fn part<'archive>(
    archive: &Store,
    member: &'archive Member,
) -> Result<Option<Part<'archive>>, Aside> {
    let ignored = |kind| Err(Aside::Ignored(kind));
    let own_start = member.name.rfind('/').map_or(0, |slash| slash + 1);
    let own = &member.name[own_start..];
    match member.kind {
        MemberKind::Folder => return Ok(None),
        MemberKind::Other => return ignored(Kind::NotRegular),
        MemberKind::File if own.starts_with("._") => return ignored(Kind::AppleDouble),
        MemberKind::File if own.starts_with('.') => return ignored(Kind::Hidden),
        MemberKind::File => {}
    }
    // WebDataset's notes on the archive itself.
    if member.name.starts_with("__")
        && member.name.split('/').next().is_some_and(|it| it.ends_with("__"))
    {
        return ignored(Kind::Hidden);
    }
    match own.find('.') {
        Some(dot) => {
            let (key, extension) = member.name.split_at(own_start + dot);
            Ok(Some(Part { member, key, extension: &extension[1..] }))
        }
        // A picture without an extension is one nevertheless, as in a folder.
        None if begins_like_picture(archive, member).map_err(Aside::Unreadable)? => {
            Ok(Some(Part { member, key: &member.name, extension: "" }))
        }
        None => ignored(Kind::Foreign(String::new())),
    }
}

/// The picture and the class of a sample; what else it holds is counted.
fn sample(
    archive: &Store,
    group: &[Part<'_>],
    shard: &str,
    tally: &mut Tally,
) -> Result<Option<ArchivedPicture>, TarError> {
    let is_plain = |part: &&Part<'_>| EXTENSIONS.contains(&&*part.extension.to_ascii_lowercase());
    let ends_in_one = |part: &&Part<'_>| EXTENSIONS.contains(&&*last_extension(part));
    let mut picture = group.iter().find(is_plain).or_else(|| group.iter().find(ends_in_one));
    if picture.is_none() {
        for part in group {
            if begins_like_picture(archive, part.member)? {
                picture = Some(part);
                break;
            }
        }
    }
    let class = group.iter().find(|part| part.extension.eq_ignore_ascii_case(CLASS));
    for part in group {
        let is = |it: Option<&Part<'_>>| it.is_some_and(|it| std::ptr::eq(it, part));
        let is_used = is(picture) || picture.is_some() && is(class);
        if !is_used {
            let extension = last_extension(part);
            let kind = match picture {
                Some(_) if ends_in_one(&part) => Kind::Further,
                _ => Kind::Foreign(extension),
            };
            tally.add(kind, format!("{shard}/{}", part.member.name));
        }
    }
    let Some(Part { member, .. }) = picture else { return Ok(None) };
    let label = class.map(|part| label(archive, part.member)).transpose()?;
    Ok(Some(ArchivedPicture { name: member.name.clone(), range: member.range.clone(), label }))
}

fn label(archive: &Store, member: &Member) -> Result<Label, TarError> {
    let bytes = start(archive, member.range.clone(), CLASS_LIMIT_BYTES)?;
    let text = str::from_utf8(&bytes)
        .map_err(|error| LineError::NotUtf8 { valid_up_to: error.valid_up_to() });
    let class = text.and_then(parse_class).map_err(|source| TarError::Class {
        member: member.name.clone(),
        offset: member.offset,
        source: Box::new(source),
    })?;
    Ok(Label::of_class(class))
}

fn begins_like_picture(archive: &Store, member: &Member) -> Result<bool, ReadError> {
    Ok(is_picture(&start(archive, member.range.clone(), PICTURE_HEAD_BYTES)?))
}

/// The first bytes at these places, `n_bytes` or all.
fn start(archive: &Store, places: Range<usize>, n_bytes: usize) -> Result<Vec<u8>, ReadError> {
    let mut buffer = Vec::new();
    let end = places.end.min(places.start + n_bytes);
    Ok(archive.read(places.start..end, &mut buffer)?.to_owned())
}

fn last_extension(part: &Part<'_>) -> String {
    part.extension.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}
