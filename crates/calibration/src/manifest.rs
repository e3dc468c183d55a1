//! What a table or cache was made from, and whether it still is.

mod cache;

use std::collections::BTreeMap;
use std::fmt;

use calibrant_tensor::{Digest, digest_samples};
use serde::{Deserialize, Serialize};

pub use self::cache::{CacheManifest, CacheManifestError};
use crate::Method;

/// Everything that the numbers of a table or cache depend on.
///
/// `M` says how amax was chosen: a [`Method`] of ours, an [`Algorithm`](crate::Algorithm) of TensorRT's, or `()` where it
/// is still open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest<M = Method> {
    /// SHA-256 of the model, weights in other files included.
    pub model: Digest,
    /// SHA-256 of the list of samples, see [`Manifest::list_digest`].
    pub sample_list: Digest,
    /// The samples that were run, ordered by name.
    pub samples: Vec<SampleDigest>,
    /// The preprocessing, as its own description says.
    pub preprocessing: String,
    /// How amax was chosen.
    pub method: M,
    /// Samples in a batch, where numbers depend on that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// What ran the network.
    pub backend: BackendInfo,
    /// Name and version of the program that wrote this.
    pub program: String,
}

/// One sample's name and content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SampleDigest {
    /// Stable name of the sample.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// What ran a network: a runtime, or TensorRT's own calibrators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// Short name, for example `embedded`.
    pub name: String,
    /// Version of what does the arithmetic, for example `rten 0.27.0`.
    pub version: String,
    /// What a reader should know, one sentence each, for example "runs every sample alone".
    pub notes: Vec<String>,
}

/// One way in which two [`Manifest`]s differ; displays as a clause for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Another model.
    Model {
        /// SHA-256 then.
        was: Digest,
        /// SHA-256 now.
        is: Digest,
    },
    /// Other samples; the names say which.
    Samples {
        /// Only there now.
        added: Vec<String>,
        /// Only there then.
        removed: Vec<String>,
        /// The same name with other content.
        changed: Vec<String>,
    },
    /// Another preprocessing.
    Preprocessing {
        /// The description then.
        was: String,
        /// The description now.
        is: String,
    },
    /// Another method.
    Method {
        /// The method then.
        was: String,
        /// The method now.
        is: String,
    },
    /// Another batch size.
    BatchSize {
        /// The size then.
        was: Option<usize>,
        /// The size now.
        is: Option<usize>,
    },
    /// Another backend, or another version of it.
    Backend {
        /// The backend then.
        was: BackendInfo,
        /// The backend now.
        is: BackendInfo,
    },
    /// Another program, or another version of it.
    Program {
        /// The program then.
        was: String,
        /// The program now.
        is: String,
    },
}

/// A table or cache that was made from something else than what is asked for now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}; calibrate anew, or use the table that was made from this", .differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Stale {
    /// In what it differs; never empty.
    pub differences: Vec<Difference>,
}

impl Manifest {
    /// Sorts `samples` by name and returns them with the digest of their list ([`digest_samples`]).
    ///
    /// The digest depends neither on the order nor on the names of the samples, because calibration does not.
    pub fn list_digest(mut samples: Vec<SampleDigest>) -> (Digest, Vec<SampleDigest>) {
        samples.sort();
        (digest_samples(samples.iter().map(|sample| sample.sha256)), samples)
    }
}

impl<M> Manifest<M> {
    /// The same with another word on how amax was chosen.
    pub fn with_method<N>(self, method: N) -> Manifest<N> {
        let Self {
            model, sample_list, samples, preprocessing, batch_size, backend, program, ..
        } = self;
        Manifest {
            model,
            sample_list,
            samples,
            preprocessing,
            method,
            batch_size,
            backend,
            program,
        }
    }

    /// In what a run over other samples differs from this one, its batches left aside; empty when their statistics can be
    /// added up.
    pub fn compare_runs(&self, now: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        if self.model != now.model {
            differences.push(Difference::Model { was: self.model, is: now.model });
        }
        if self.preprocessing != now.preprocessing {
            let (was, is) = (self.preprocessing.clone(), now.preprocessing.clone());
            differences.push(Difference::Preprocessing { was, is });
        }
        if self.backend != now.backend {
            differences
                .push(Difference::Backend { was: self.backend.clone(), is: now.backend.clone() });
        }
        if self.program != now.program {
            differences
                .push(Difference::Program { was: self.program.clone(), is: now.program.clone() });
        }
        differences
    }
}

impl<M: PartialEq + fmt::Display> Manifest<M> {
    /// In what `now` differs from this manifest; empty when they agree.
    pub fn compare(&self, now: &Self) -> Vec<Difference> {
        let mut differences = self.compare_runs(now);
        if self.sample_list != now.sample_list {
            differences.push(compare_samples(&self.samples, &now.samples));
        }
        if self.method != now.method {
            let (was, is) = (self.method.to_string(), now.method.to_string());
            differences.push(Difference::Method { was, is });
        }
        if self.batch_size != now.batch_size {
            differences.push(Difference::BatchSize { was: self.batch_size, is: now.batch_size });
        }
        differences
    }

    /// Makes sure that what was made from this manifest may be used for `now`.
    ///
    /// # Errors
    ///
    /// When they differ; the error says in what.
    pub fn check(&self, now: &Self) -> Result<(), Stale> {
        let differences = self.compare(now);
        if differences.is_empty() { Ok(()) } else { Err(Stale { differences }) }
    }
}

/// Explains how two lists differ, name by name; the same name may stand there more than once.
fn compare_samples(was: &[SampleDigest], is: &[SampleDigest]) -> Difference {
    let group = |samples: &[SampleDigest]| {
        let mut by_name = BTreeMap::<String, Vec<Digest>>::new();
        for sample in samples {
            by_name.entry(sample.name.clone()).or_default().push(sample.sha256);
        }
        by_name.values_mut().for_each(|digests| digests.sort());
        by_name
    };
    let (was, is) = (group(was), group(is));
    let only = |left: &BTreeMap<String, Vec<Digest>>, right: &BTreeMap<String, Vec<Digest>>| {
        left.keys().filter(|name| !right.contains_key(*name)).cloned().collect::<Vec<_>>()
    };
    let changed =
        was.iter().filter(|(name, digests)| is.get(*name).is_some_and(|other| other != *digests));
    let changed: Vec<String> = changed.map(|(name, _)| name.clone()).collect();
    Difference::Samples { added: only(&is, &was), removed: only(&was, &is), changed }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { was, is } => {
                write!(f, "the model changed: was {}…, is {}…", short(was), short(is))
            }
            Self::Samples { added, removed, changed } => {
                let parts =
                    [("added", added), ("removed", removed), ("with other content", changed)];
                let parts = parts.iter().filter(|(_, names)| !names.is_empty());
                let parts: Vec<String> = parts
                    .map(|(what, names)| {
                        format!("{} {what} (`{}`{})", names.len(), names[0], more(names))
                    })
                    .collect();
                let separator = if parts.is_empty() { "" } else { ": " };
                write!(f, "the samples changed{separator}{}", parts.join(", "))
            }
            Self::Preprocessing { was, is } => {
                let (was, is) = first_difference(was, is);
                write!(f, "the preprocessing changed: was {was}, is {is}")
            }
            Self::Method { was, is } => write!(f, "the method changed: was {was}, is {is}"),
            Self::BatchSize { was, is } => {
                let [was, is] =
                    [was, is].map(|size| size.map_or("any".to_owned(), |size| size.to_string()));
                write!(f, "the batch size changed: was {was}, is {is}")
            }
            Self::Backend { was, is } if (&was.name, &was.version) == (&is.name, &is.version) => {
                let (was, is) = (was.notes.join("\n"), is.notes.join("\n"));
                let (was, is) = first_difference(&was, &is);
                write!(f, "the backend changed: was {was}, is {is}")
            }
            Self::Backend { was, is } => {
                write!(
                    f,
                    "the backend changed: was {} ({}), is {} ({})",
                    was.name, was.version, is.name, is.version
                )
            }
            Self::Program { was, is } => write!(f, "the program changed: was {was}, is {is}"),
        }
    }
}

fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(8).collect()
}

fn more(names: &[String]) -> &'static str {
    if names.len() > 1 { ", …" } else { "" }
}

/// The first lines in which two descriptions differ, for a message of one line.
fn first_difference(was: &str, is: &str) -> (String, String) {
    let quoted = |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{line}`"));
    let (mut was, mut is) = (was.lines(), is.lines());
    loop {
        match (was.next(), is.next()) {
            (Some(left), Some(right)) if left == right => {}
            (left, right) => return (quoted(left), quoted(right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use calibrant_tensor::digest;

    use super::*;

    fn sample(name: &str, content: &str) -> SampleDigest {
        SampleDigest { name: name.to_owned(), sha256: digest(content.as_bytes()) }
    }

    fn manifest(samples: &[(&str, &str)]) -> Manifest {
        let (sample_list, samples) =
            Manifest::list_digest(samples.iter().map(|(name, it)| sample(name, it)).collect());
        Manifest {
            model: digest(b"model"),
            sample_list,
            samples,
            preprocessing: "size = 224\nfilter = \"bilinear\"\n".to_owned(),
            method: Method::Mse,
            batch_size: Some(8),
            backend: BackendInfo {
                name: "embedded".to_owned(),
                version: "1".to_owned(),
                notes: Vec::new(),
            },
            program: "calibrant 0.1.0".to_owned(),
        }
    }

    fn sentences(was: &Manifest, is: &Manifest) -> Vec<String> {
        was.compare(is).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn neither_order_nor_names_of_samples_make_a_difference() {
        let was = manifest(&[("a", "1"), ("b", "2")]);
        assert_eq!(was.check(&manifest(&[("b", "2"), ("a", "1")])), Ok(()));
        assert_eq!(was.check(&manifest(&[("c", "1"), ("b", "2")])), Ok(()));
        assert_ne!(
            was.check(&manifest(&[("a", "1"), ("a", "1"), ("b", "2")])),
            Ok(()),
            "a sample given twice"
        );
    }

    #[test]
    fn other_samples_are_named() {
        let was = manifest(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let is = manifest(&[("b", "9"), ("c", "3"), ("d", "4"), ("e", "5")]);
        assert_eq!(
            sentences(&was, &is),
            ["the samples changed: 2 added (`d`, …), 1 removed (`a`), 1 with other content (`b`)"]
        );
    }

    #[test]
    fn every_other_difference_has_its_sentence() {
        let was = manifest(&[]);
        let mut is = was.clone();
        is.model = digest(b"other");
        is.preprocessing = "size = 224\nfilter = \"nearest\"\n".to_owned();
        is.method = Method::MinMax;
        is.batch_size = Some(1);
        is.backend.version = "2".to_owned();
        is.program = "calibrant 0.2.0".to_owned();
        assert_eq!(
            sentences(&was, &is),
            [
                "the model changed: was 9372c470…, is d9298a10…",
                "the preprocessing changed: was `filter = \"bilinear\"`, is `filter = \"nearest\"`",
                "the backend changed: was embedded (1), is embedded (2)",
                "the program changed: was calibrant 0.1.0, is calibrant 0.2.0",
                "the method changed: was mse, is minmax",
                "the batch size changed: was 8, is 1",
            ]
        );
        let stale = was.check(&is).unwrap_err();
        assert_eq!(stale.differences.len(), 6);
        assert!(
            stale
                .to_string()
                .starts_with("the model changed: was 9372c470…, is d9298a10…; the preprocessing")
        );
        assert!(
            stale
                .to_string()
                .ends_with("; calibrate anew, or use the table that was made from this")
        );
    }

    #[test]
    fn descriptions_of_other_lengths_show_where_one_ends() {
        assert_eq!(first_difference("a\nb", "a"), ("`b`".to_owned(), "nothing".to_owned()));
        assert_eq!(first_difference("a", "a\nb"), ("nothing".to_owned(), "`b`".to_owned()));
    }

    #[test]
    fn manifests_survive_json() {
        let manifest = manifest(&[("a", "1")]);
        let json = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    }
}
