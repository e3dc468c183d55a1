//! What class a sample belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::{LabelError, LineError};

/// A sample's class, and the classes that count as right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The index of the class among the model's outputs.
    pub class: u32,
    /// Every class that counts as right, in ascending order; `class` is one of them.
    pub accepted: Vec<u32>,
}

/// A table of labels by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, Arc<Label>>);

impl Label {
    /// The label of a class that alone counts as right.
    pub fn of_class(class: u32) -> Self {
        Self { class, accepted: vec![class] }
    }

    /// Whether this class counts as right.
    pub fn accepts(&self, class: u32) -> bool {
        self.accepted.binary_search(&class).is_ok()
    }
}

impl Labels {
    /// Reads a table of comma-separated values whose first line names its columns: `file`, `label`
    /// and, if you like, `accepted`.
    ///
    /// `file` is a sample's name; `label` its class, a number from 0; `accepted` are the numbers of
    /// all classes that count as right, with spaces between them. Further columns are for people. A
    /// field may be quoted, with a quote in it doubled; blank lines and lines that begin with `#`
    /// are skipped.
    ///
    /// # Errors
    ///
    /// [`LabelError`], with the line.
    pub fn read(path: &Path) -> Result<Self, LabelError> {
        let bytes =
            fs::read(path).map_err(|source| LabelError::Io { path: path.to_owned(), source })?;
        let mut rows = crate::list::lines(&bytes);
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

            let file = crate::name::of_path(Path::new(file));
            if let Some(first) = seen.insert(file.clone(), line) {
                return Err(at(line)(LineError::Twice { file, first }));
            }
            labels.insert(file, Arc::new(label));
        }
        Ok(Self(labels))
    }

    /// The label of the sample with this name: by the whole name, or by the file's own name where
    /// the table has it without a folder.
    pub fn of(&self, name: &str) -> Option<&Label> {
        self.shared(name).map(|it| &**it)
    }

    pub(crate) fn shared(&self, name: &str) -> Option<&Arc<Label>> {
        let own = name.rsplit('/').next().unwrap_or(name);
        self.0.get(name).or_else(|| self.0.get(own))
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
    Ok(Label { class, accepted })
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
