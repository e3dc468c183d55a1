//! Reading the text of a calibration cache.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::str::FromStr;

use super::suspicion::{Suspicion, suspicions};
use super::{Algorithm, Cache, CacheError, unwritable};

/// Why a text is no calibration cache; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCacheError {
    /// The first line is something else.
    #[error(
        "line 1 is `{found}`, but it must be TRT-<version>-<algorithm>, for example TRT-8601-EntropyCalibration2"
    )]
    Header {
        /// The line, shortened.
        found: String,
    },
    /// The first line names a calibrator that TensorRT does not have.
    #[error(
        "line 1: unknown algorithm `{found}`; it must be EntropyCalibration2, EntropyCalibration, MinMaxCalibration or LegacyCalibration"
    )]
    Algorithm {
        /// The word, shortened.
        found: String,
    },
    /// A line has no name or no separator.
    #[error("line {line} is `{found}`, but it must be a tensor name, `: ` and a hexadecimal scale")]
    Entry {
        /// Its number.
        line: usize,
        /// The line, shortened.
        found: String,
    },
    /// What follows the last `: ` is not up to eight hexadecimal digits.
    #[error("line {line}: `{found}` is no scale; it must be 1 to 8 hexadecimal digits")]
    Scale {
        /// Its number.
        line: usize,
        /// The digits, shortened.
        found: String,
    },
    /// A name stands on two lines.
    #[error("line {line}: tensor `{name}` already stands on line {first}")]
    Duplicate {
        /// The number of the second line.
        line: usize,
        /// The number of the first line.
        first: usize,
        /// The name.
        name: String,
    },
}

impl ParseCacheError {
    /// Whether it is about the first line alone, so that the names and scales may still be good.
    pub fn is_header(&self) -> bool {
        matches!(self, Self::Header { .. } | Self::Algorithm { .. })
    }
}

/// All that can be read of a text, and all that is wrong with it.
///
/// [`Cache`] takes only what is sound; this is for looking at a file that is not, and for mending it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    header: Option<(u32, Algorithm)>,
    entries: Vec<(String, f32)>,
    problems: Vec<ParseCacheError>,
}

impl Reading {
    /// Reads all that can be read of `text`.
    pub fn of(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate();
        let mut problems = Vec::new();
        let mut keep = |problem| problems.push(problem);
        let header = parse_header(lines.next().map_or("", |(_, line)| line));
        let header = header.map_err(&mut keep).ok();
        let mut entries = Vec::new();
        let mut seen = BTreeMap::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let line_number = index + 1;
            let Some((name, scale)) = parse_entry(line_number, line).map_err(&mut keep).ok() else {
                continue;
            };
            match seen.entry(name) {
                Entry::Occupied(first) => {
                    let (first, name) = (*first.get(), name.to_owned());
                    keep(ParseCacheError::Duplicate { line: line_number, first, name });
                }
                Entry::Vacant(place) => {
                    place.insert(line_number);
                    entries.push((name.to_owned(), scale));
                }
            }
        }
        Self { header, entries, problems }
    }

    /// Reads all that can be read of the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is no text at all.
    pub fn read(path: &Path) -> Result<Self, CacheError> {
        let text = calibrant_files::read_text(path)
            .map_err(|source| CacheError::Read { path: path.to_owned(), source })?;
        Ok(Self::of(&text))
    }

    /// Version and calibrator, where the first line says both.
    pub fn header(&self) -> Option<(u32, Algorithm)> {
        self.header
    }

    /// The sound entries in the order of the file; of several with one name the first.
    pub fn entries(&self) -> &[(String, f32)] {
        &self.entries
    }

    /// What is wrong, in the order of the lines.
    pub fn problems(&self) -> &[ParseCacheError] {
        &self.problems
    }

    /// The entries whose scale is not to be trusted.
    pub fn suspicions(&self) -> impl Iterator<Item = Suspicion<'_>> {
        suspicions(&self.entries)
    }

    /// The cache, if nothing is wrong.
    ///
    /// # Errors
    ///
    /// The first problem.
    pub fn into_cache(self) -> Result<Cache, ParseCacheError> {
        match (self.header, self.problems.into_iter().next()) {
            (Some((version, algorithm)), None) => {
                Ok(Cache { version, algorithm, entries: self.entries })
            }
            (_, Some(problem)) => Err(problem),
            (None, None) => Err(ParseCacheError::Header { found: String::new() }),
        }
    }

    /// The names and scales under this header, if nothing is wrong but the header; people write `TRT-8XXX-…`.
    ///
    /// # Errors
    ///
    /// The first problem behind the first line.
    pub fn into_cache_for(
        self,
        version: u32,
        algorithm: Algorithm,
    ) -> Result<Cache, ParseCacheError> {
        match self.problems.into_iter().find(|problem| !problem.is_header()) {
            Some(problem) => Err(problem),
            None => Ok(Cache { version, algorithm, entries: self.entries }),
        }
    }
}

impl FromStr for Cache {
    type Err = ParseCacheError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Reading::of(text).into_cache()
    }
}

fn parse_header(line: &str) -> Result<(u32, Algorithm), ParseCacheError> {
    let line = line.trim_end();
    let header = || ParseCacheError::Header { found: shorten(line) };
    let (version, algorithm) =
        line.strip_prefix("TRT-").and_then(|rest| rest.split_once('-')).ok_or_else(header)?;
    if !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(header());
    }
    let version = version.parse().map_err(|_| header())?;
    let algorithm = Algorithm::from_name(algorithm)
        .ok_or_else(|| ParseCacheError::Algorithm { found: shorten(algorithm) })?;
    Ok((version, algorithm))
}

fn parse_entry(line_number: usize, line: &str) -> Result<(&str, f32), ParseCacheError> {
    let entry = || ParseCacheError::Entry { line: line_number, found: shorten(line) };
    let (name, digits) = line.rsplit_once(": ").ok_or_else(entry)?;
    if unwritable(name).is_some() {
        return Err(entry());
    }
    let digits = digits.trim();
    let scale = || ParseCacheError::Scale { line: line_number, found: shorten(digits) };
    // `from_str_radix` would also take a sign.
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(scale());
    }
    let bits = u32::from_str_radix(digits, 16).map_err(|_| scale())?;
    Ok((name, f32::from_bits(bits)))
}

/// The first 60 characters, so that a message about a binary file stays one line.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    for character in text.chars().take(60).flat_map(char::escape_debug) {
        short.push(character);
    }
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hands_and_other_systems_may_have_been_there() {
        let tidy: Cache =
            "TRT-8601-EntropyCalibration2\na: 3c010204\nb: 0\nc: f\n".parse().unwrap();
        for text in [
            "TRT-8601-EntropyCalibration2\r\na: 3c010204\r\nb: 0\r\nc: f",
            "\u{feff}TRT-8601-EntropyCalibration2\na: 3C010204\nb: 00000000\nc: 0000000f",
            "TRT-8601-EntropyCalibration2 \n\na: 3c010204 \nb:  0\nc: F\n\n",
        ] {
            assert_eq!(text.parse::<Cache>().as_ref(), Ok(&tidy), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let long = "x".repeat(100);
        for (text, message) in [
            ("", "line 1 is ``, but it must be TRT-<version>-<algorithm>"),
            ("a: 0", "line 1 is `a: 0`, but it must be TRT-"),
            ("TRT--EntropyCalibration2", "line 1 is `TRT--EntropyCalibration2`"),
            ("TRT-+1-EntropyCalibration2", "line 1 is `TRT-+1-EntropyCalibration2`"),
            (
                "TRT-99999999999-EntropyCalibration2",
                "line 1 is `TRT-99999999999-EntropyCalibration2`",
            ),
            ("TRT-8601-Entropy", "line 1: unknown algorithm `Entropy`"),
            ("TRT-8601-MinMaxCalibration\na 0", "line 2 is `a 0`, but it must be a tensor name"),
            ("TRT-8601-MinMaxCalibration\n: 0", "line 2 is `: 0`, but it must be a tensor name"),
            ("TRT-8601-MinMaxCalibration\n\na: ", "line 3: `` is no scale"),
            ("TRT-8601-MinMaxCalibration\na: 123456789", "line 2: `123456789` is no scale"),
            ("TRT-8601-MinMaxCalibration\na: +1", "line 2: `+1` is no scale"),
            ("TRT-8601-MinMaxCalibration\na: 0x1", "line 2: `0x1` is no scale"),
            (
                "TRT-8601-MinMaxCalibration\na: 1\nb: 2\na: 1",
                "line 4: tensor `a` already stands on line 2",
            ),
            (&long, "line 1 is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`"),
            ("\0\u{1b}[31m", "line 1 is `\\0\\u{1b}[31m`"),
        ] {
            let error = text.parse::<Cache>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    /// What other tools write: NVIDIA's translator of Q/DQ models, ModelOpt's tests, people without a version at hand.
    #[test]
    fn caches_of_other_tools_are_read() {
        let translated = "TRT-8600-EntropyCalibration2\nimages: 3c010204\n/conv/Conv_output_0: 3d3f1412\nzero: 0\n";
        assert_eq!(translated.parse::<Cache>().unwrap().entries().len(), 3);
        let padded = "TRT-8501-EntropyCalibration2\ninput: 3e000000\nnothing: 00000000";
        assert_eq!(padded.parse::<Cache>().unwrap().entries()[0], ("input".to_owned(), 0.125));
        let reading = Reading::of("TRT-8XXX-EntropyCalibration2\nx: 3e000000\n");
        assert!(reading.clone().into_cache().unwrap_err().is_header());
        let cache = reading.into_cache_for(8601, Algorithm::EntropyCalibration2).unwrap();
        assert_eq!(cache.to_string(), "TRT-8601-EntropyCalibration2\nx: 3e000000\n");
    }

    #[test]
    fn everything_wrong_is_told_and_the_rest_is_read() {
        let reading = Reading::of("TRT-8601-Entropy\na: 1\nb\na: 2\nc: xyz\nd: 4\n");
        let problems: Vec<String> = reading.problems().iter().map(ToString::to_string).collect();
        let starts = [
            "line 1: unknown algorithm `Entropy`",
            "line 3 is `b`",
            "line 4: tensor `a` already stands on line 2",
            "line 5: `xyz` is no scale",
        ];
        assert_eq!(problems.len(), starts.len());
        assert!(
            problems.iter().zip(starts).all(|(it, start)| it.starts_with(start)),
            "{problems:?}"
        );
        assert_eq!(reading.header(), None);
        let entries =
            reading.entries().iter().map(|(name, scale)| (name.as_str(), scale.to_bits()));
        assert_eq!(entries.collect::<Vec<_>>(), [("a", 1), ("d", 4)]);
        let error = reading.into_cache_for(8601, Algorithm::MinMaxCalibration).unwrap_err();
        assert!(matches!(error, ParseCacheError::Entry { line: 3, .. }), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(lines in vec("(TRT-)?[0-9a-fA-F: -]{0,20}(EntropyCalibration2)?\\PC{0,5}", 0..8)) {
            if let Ok(cache) = lines.join("\n").parse::<Cache>() {
                let again: Cache = cache.to_string().parse().unwrap();
                prop_assert_eq!(again.to_string(), cache.to_string());
            }
        }
    }
}
