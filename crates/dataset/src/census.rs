//! What was looked at to find the samples: how many were taken, and what was ignored and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::natural_order;

/// How many examples of each kind are kept.
const N_EXAMPLES: usize = 5;

/// What was looked at to find the samples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Files, members of shards, or rows of arrays, that became samples.
    pub taken: u64,
    /// What did not, in the order of the kinds.
    pub ignored: Vec<Ignored>,
}

/// Everything of one kind that was ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Why it was ignored.
    pub kind: Kind,
    /// How many there were.
    pub count: u64,
    /// The names of the first few in natural order; a folder's ends in `/`.
    pub examples: Vec<String>,
}

/// Why something was ignored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its name begins with a dot, or in a shard with `__`. A hidden folder counts as one and is not
    /// searched.
    Hidden,
    /// A file `._x` in which macOS keeps what other file systems cannot say of `x`.
    AppleDouble,
    /// Windows' own `Thumbs.db` and `desktop.ini`.
    System,
    /// Neither the extension nor the first bytes are a picture's: the extension in lower case,
    /// empty where there is none.
    Foreign(String),
    /// No extension of a picture, and the first bytes could not be read.
    Unreadable,
    /// A pipe, a socket or a device, and in an archive a link.
    NotRegular,
    /// A symbolic link that leads nowhere or to itself, without a picture's extension. With one it
    /// is taken, and an error when it is read.
    BrokenLink,
    /// A symbolic link to a folder that it lies in.
    Loop,
    /// In a shard, a picture of a sample that has one already.
    Further,
}

impl Census {
    /// A census of what was taken alone.
    pub(crate) fn of_taken(taken: usize) -> Self {
        Self { taken: taken as u64, ignored: Vec::new() }
    }

    /// Whether anything of a kind was ignored.
    pub(crate) fn has(&self, kind: &Kind) -> bool {
        self.ignored.iter().any(|it| it.kind == *kind)
    }

    /// How many were ignored, of all kinds.
    pub fn n_ignored(&self) -> u64 {
        self.ignored.iter().map(|it| it.count).sum()
    }
}

impl fmt::Display for Census {
    /// One line, such as `128 taken, 3 ignored: 2 hidden (.a, .b), 1 .txt (notes.txt)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} taken, {} ignored", self.taken, self.n_ignored())?;
        for (idx, Ignored { kind, count, examples }) in self.ignored.iter().enumerate() {
            let lead = if idx == 0 { ":" } else { "," };
            let more = if *count > examples.len() as u64 { ", …" } else { "" };
            write!(f, "{lead} {count} {kind} ({}{more})", examples.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("hidden"),
            Self::AppleDouble => f.write_str("AppleDouble"),
            Self::System => f.write_str("of the system's"),
            Self::Foreign(extension) if extension.is_empty() => f.write_str("without an extension"),
            Self::Foreign(extension) => write!(f, ".{extension}"),
            Self::Unreadable => f.write_str("unreadable"),
            Self::NotRegular => f.write_str("not a regular file"),
            Self::BrokenLink => f.write_str("broken link"),
            Self::Loop => f.write_str("link to a folder above"),
            Self::Further => f.write_str("further picture of a sample"),
        }
    }
}

/// Counts what is ignored, in whatever order it comes.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<Kind, (u64, Vec<String>)>);

impl Tally {
    pub(crate) fn add(&mut self, kind: Kind, name: String) {
        let (count, examples) = self.0.entry(kind).or_default();
        *count += 1;
        // The first in natural order stay, whatever order they come in.
        let place = examples.partition_point(|it| natural_order(it, &name).is_le());
        if place < N_EXAMPLES {
            examples.truncate(N_EXAMPLES - 1);
            examples.insert(place, name);
        }
    }

    pub(crate) fn finish(self, taken: usize) -> Census {
        let ignored = self.0.into_iter();
        let ignored = ignored.map(|(kind, (count, examples))| Ignored { kind, count, examples });
        Census { ignored: ignored.collect(), ..Census::of_taken(taken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_do_not_depend_on_the_order_of_discovery() {
        let names: Vec<String> = (1..=12).map(|it| format!("n{it}.txt")).collect();
        let count = |names: &mut dyn Iterator<Item = &String>| {
            let mut tally = Tally::default();
            names.for_each(|it| tally.add(Kind::Foreign("txt".to_owned()), it.clone()));
            tally.add(Kind::Hidden, ".git/".to_owned());
            tally.finish(3)
        };
        let census = count(&mut names.iter());
        assert_eq!(census, count(&mut names.iter().rev()));
        assert_eq!(
            census.to_string(),
            "3 taken, 13 ignored: 1 hidden (.git/), 12 .txt (n1.txt, n2.txt, n3.txt, n4.txt, n5.txt, …)"
        );
        assert_eq!(Census::of_taken(2).to_string(), "2 taken, 0 ignored");
    }
}
