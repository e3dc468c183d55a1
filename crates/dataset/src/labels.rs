//! What class a sample belongs to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use calibrant_files::TEXT_LIMIT_BYTES;

use crate::coco::{self, Picture, Problem};
use crate::{LabelError, LineError, name};

/// The classes of a sample, and those that count as right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The numbers of its classes in ascending order: one of a classifier's sample, and of a
    /// detector's every class that the picture shows, which may be none.
    pub classes: Vec<u32>,
    /// Every class that counts as right, in ascending order; `classes` are among them.
    pub accepted: Vec<u32>,
}

/// A table of labels by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    by_name: BTreeMap<String, Arc<Label>>,
    /// The ends of longer names, where they are the end of one alone.
    by_tail: BTreeMap<String, Option<Arc<Label>>>,
    /// The names of the classes by number, where the table has them.
    classes: Vec<String>,
}

impl Label {
    /// The label of a class that alone counts as right.
    pub fn of_class(class: u32) -> Self {
        Self::of_classes(vec![class])
    }

    /// The label of classes, given in ascending order, that alone count as right.
    pub(crate) fn of_classes(classes: Vec<u32>) -> Self {
        Self { accepted: classes.clone(), classes }
    }

    /// Whether this class counts as right.
    pub fn accepts(&self, class: u32) -> bool {
        self.accepted.binary_search(&class).is_ok()
    }
}

impl Labels {
    /// Reads labels from a file: COCO's annotations if it is called `.json`, and else a table of
    /// comma-separated values.
    ///
    /// The first line of a table names its columns: `file`, `label` and, if you like, `accepted`.
    /// `file` is a sample's name; `label` its class, a number from 0; `accepted` are the numbers of
    /// all classes that count as right, with spaces between them. Further columns are for people. A
    /// field may be quoted, with a quote in it doubled; blank lines and lines that begin with `#`
    /// are skipped.
    ///
    /// Of annotations `file_name` is a sample's name, or ends in it; every class that a picture
    /// shows is one of its classes, numbered from 0 in the order of the categories' ids.
    ///
    /// # Errors
    ///
    /// [`LabelError`], with the line of a table.
    pub fn read(path: &Path) -> Result<Self, LabelError> {
        if coco::is_named_so(path) {
            return Self::read_coco(path);
        }
        let bytes = calibrant_files::read(path, TEXT_LIMIT_BYTES)
            .map_err(|source| LabelError::Io { path: path.to_owned(), source })?;
        Self::read_table(path, &bytes)
    }

    fn read_coco(path: &Path) -> Result<Self, LabelError> {
        let coco = coco::read(path).map_err(|problem| match problem {
            Problem::Read(error) => LabelError::File(error),
            Problem::Content(source) => LabelError::Coco { path: path.to_owned(), source },
        })?;
        let mut shown: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for Picture { file_name, classes } in coco.pictures {
            let classes =
                classes.ok_or_else(|| LabelError::NoAnnotations { path: path.to_owned() })?;
            // A file listed twice shows what either entry says.
            shown.entry(name::of_path(Path::new(&file_name))).or_default().extend(classes);
        }
        let mut labels = Self { classes: coco.classes, ..Self::default() };
        for (name, mut classes) in shown {
            classes.sort_unstable();
            classes.dedup();
            let label = Arc::new(Label::of_classes(classes));
            for (slash, _) in name.match_indices('/') {
                let tail = labels.by_tail.entry(name[slash + 1..].to_owned());
                tail.and_modify(|it| *it = None).or_insert_with(|| Some(Arc::clone(&label)));
            }
            labels.by_name.insert(name, label);
        }
        Ok(labels)
    }

    /// The labels in a table of these bytes, read from `path`.
    pub(crate) fn read_table(path: &Path, bytes: &[u8]) -> Result<Self, LabelError> {
        let mut rows = crate::list::lines(bytes);
        let at = |line| move |source| LabelError::Line { path: path.to_owned(), line, source };

        let (line, header) = rows.next().unwrap_or((1, Ok("")));
        let header = header.map_err(at(line))?;
        let columns = fields(header).map_err(at(line))?;
        let column = |name| columns.iter().position(|it| it.trim() == name);
        let (Some(file_idx), Some(label_idx)) = (column("file"), column("label")) else {
            return Err(LabelError::Header { path: path.to_owned(), found: header.to_owned() });
        };
        let accepted_idx = column("accepted");

        let mut labels = BTreeMap::new();
        let mut seen = BTreeMap::new();
        for (line, row) in rows {
            let row = row.and_then(fields).map_err(at(line))?;
            let field = |idx: usize, column| row.get(idx).ok_or(LineError::NoField { column });
            let file = field(file_idx, "file").map_err(at(line))?;
            let class =
                field(label_idx, "label").and_then(|it| parse_class(it)).map_err(at(line))?;
            let accepted = accepted_idx.and_then(|idx| row.get(idx)).map_or("", |it| it);
            let label = label(class, accepted).map_err(at(line))?;

            let file = name::of_path(Path::new(file));
            if let Some(first) = seen.insert(file.clone(), line) {
                return Err(at(line)(LineError::Twice { file, first }));
            }
            labels.insert(file, Arc::new(label));
        }
        Ok(Self { by_name: labels, ..Self::default() })
    }

    /// The label of the sample with this name: by the whole name, or by the file's own name where
    /// the table has it without a folder, or as the end of one name alone in COCO's annotations.
    pub fn of(&self, name: &str) -> Option<&Label> {
        self.shared(name).map(|it| &**it)
    }

    pub(crate) fn shared(&self, name: &str) -> Option<&Arc<Label>> {
        let own = name.rsplit('/').next().unwrap_or(name);
        let tail = || self.by_tail.get(name)?.as_ref();
        self.by_name.get(name).or_else(|| self.by_name.get(own)).or_else(tail)
    }

    /// The names of the classes by number, where the table has them.
    pub(crate) fn class_names(&self) -> &[String] {
        &self.classes
    }
}

pub(crate) fn parse_class(text: &str) -> Result<u32, LineError> {
    let trimmed = text.trim();
    trimmed.parse().map_err(|source| LineError::NotAClass { text: trimmed.to_owned(), source })
}

fn label(class: u32, accepted: &str) -> Result<Label, LineError> {
    let mut accepted: Vec<_> =
        accepted.split_whitespace().map(parse_class).collect::<Result<_, _>>()?;
    accepted.push(class);
    accepted.sort_unstable();
    accepted.dedup();
    Ok(Label { classes: vec![class], accepted })
}

/// The fields of a line of comma-separated values (RFC 4180, but for line breaks within quotes).
fn fields(line: &str) -> Result<Vec<String>, LineError> {
    let mut fields = vec![];
    let mut rest = line;
    loop {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (text, after) = quoted.split_once('"').ok_or(LineError::OpenQuote)?;
                field.push_str(text);
                match after.strip_prefix('"') {
                    Some(more) => {
                        field.push('"');
                        quoted = more;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
        }
        // After a closing quote there should be nothing; whatever there is belongs to the field.
        let (text, after) =
            rest.split_once(',').map_or((rest, None), |(it, after)| (it, Some(after)));
        field.push_str(text);
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}
