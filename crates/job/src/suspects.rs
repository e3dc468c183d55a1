//! Samples that a calibration set is better off without, unless they are meant: copies, and pictures that show nothing.

use std::collections::BTreeMap;
use std::fmt;

use calibrant_calibration::SampleDigest;
use calibrant_preprocess::{Preprocess, Scratch};
use calibrant_tensor::Digest;
use serde::Serialize;

use crate::output::REPORT;

/// A picture is near-constant when no channel spreads by as many of a pixel's 256 levels (standard deviation).
///
/// The flattest of the photographs that the tests run on has 6.9 at 224 x 224 pixels.
const NEAR_CONSTANT_LEVELS: f64 = 2.0;

/// How many names a note gives; the report has all.
const N_NAMED: usize = 3;

/// Samples to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Suspects {
    /// Samples with the same bytes, each group in the order of the samples: each counts as often as it is there.
    pub duplicates: Vec<Vec<String>>,
    /// Pictures that show the network next to nothing: in every channel the standard deviation over the middle half of
    /// the tensor's height and width is below 2 of the 256 levels of a pixel. `None` where no tensor was looked at: of
    /// samples that are no pictures, of pictures whose tensors a GPU makes and keeps, and of a preprocessing that does
    /// not say what a level is.
    pub near_constant: Option<Vec<String>>,
}

impl Suspects {
    /// The suspects among the samples used; `near_constant` names those found while they were preprocessed, if any was
    /// looked at.
    pub(crate) fn among(used: &[SampleDigest], near_constant: Option<Vec<String>>) -> Self {
        let mut groups: BTreeMap<Digest, (usize, Vec<String>)> = BTreeMap::new();
        for (position, SampleDigest { name, sha256 }) in used.iter().enumerate() {
            let (_, names) = groups.entry(*sha256).or_insert((position, Vec::new()));
            names.push(name.clone());
        }
        let mut groups: Vec<_> =
            groups.into_values().filter(|(_, names)| names.len() > 1).collect();
        groups.sort_unstable();
        let duplicates = groups.into_iter().map(|(_, names)| names).collect();
        Self { duplicates, near_constant }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.duplicates.is_empty() && self.near_constant().is_empty()
    }

    /// The near-constant pictures that were found.
    fn near_constant(&self) -> &[String] {
        self.near_constant.as_deref().unwrap_or_default()
    }

    /// What a user should know, a sentence for each kind.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let copies = self.n_copies();
        let copied = (copies > 0).then(|| {
            let groups: Vec<_> = self.duplicates.iter().map(|names| names.join(" = ")).collect();
            format!(
                "{copies} {} the same bytes as others and count again: {}; leave out what you do not mean, {REPORT} lists all",
                if copies == 1 { "sample has" } else { "samples have" },
                first_few(&groups)
            )
        });
        let blank = self.near_constant().len();
        let blank = (blank > 0).then(|| {
            format!(
                "{blank} {} next to nothing (spread below {NEAR_CONSTANT_LEVELS} levels of 256): {}; leave out what you do not mean, {REPORT} lists all",
                if blank == 1 { "picture shows" } else { "pictures show" },
                first_few(self.near_constant())
            )
        });
        copied.into_iter().chain(blank)
    }

    /// Samples that have the same bytes as an earlier one.
    fn n_copies(&self) -> usize {
        self.duplicates.iter().map(|names| names.len() - 1).sum()
    }
}

impl fmt::Display for Suspects {
    /// A few words, such as `2 copies of others, 1 near-constant picture`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (copies, blank) = (self.n_copies(), self.near_constant().len());
        if copies > 0 {
            write!(f, "{copies} cop{} of others", if copies == 1 { "y" } else { "ies" })?;
        }
        if copies > 0 && blank > 0 {
            f.write_str(", ")?;
        }
        if blank > 0 {
            write!(f, "{blank} near-constant picture{}", plural(blank))?;
        }
        Ok(())
    }
}

/// The first few of many, and how many more there are.
pub fn first_few<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<_> = names.iter().take(N_NAMED).map(AsRef::as_ref).collect();
    let more = names.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &more
}

/// Tells near-constant pictures by their tensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spread {
    /// What one level of a pixel is in each channel of the tensor.
    levels: Vec<f64>,
    height: usize,
    width: usize,
}

impl Spread {
    /// Finds out what a level is from a black and a white picture; `None` where that does not say it, because the
    /// preprocessing takes no BMP or scales each picture by its own values.
    pub(crate) fn of(preprocess: &dyn Preprocess) -> Option<Self> {
        let [channels, height, width] = preprocess.shape();
        let plane = height * width;
        let mut scratch = Scratch::new();
        let mut centres = |level: u8| {
            let mut tensor = vec![0.0; channels * plane];
            let picture = bmp(width, height, level)?;
            preprocess.preprocess(&picture, &mut scratch, &mut tensor).ok()?;
            let centre = |channel: &[f32]| f64::from(channel[height / 2 * width + width / 2]);
            Some(tensor.chunks_exact(plane).map(centre).collect::<Vec<_>>())
        };
        let (black, white) = (centres(0)?, centres(u8::MAX)?);
        let level = |(black, white): (&f64, &f64)| (white - black).abs() / f64::from(u8::MAX);
        let levels: Vec<_> = black.iter().zip(&white).map(level).collect();
        let is_told = levels.iter().all(|level| level.is_finite() && *level > 0.0);
        is_told.then_some(Self { levels, height, width })
    }

    /// Whether a tensor of this preprocessing is one of a near-constant picture.
    ///
    /// Only the middle is looked at, since a letterbox puts bars beside it.
    pub(crate) fn is_near_constant(&self, tensor: &[f32]) -> bool {
        let channels = tensor.chunks_exact(self.height * self.width);
        self.levels.iter().zip(channels).all(|(level, channel)| {
            let limit = NEAR_CONSTANT_LEVELS * level;
            self.varies_less(channel, limit * limit)
        })
    }

    /// Whether the variance over the middle of a channel is below a limit.
    ///
    /// The sum of squares about the mean only grows with further values, so that few rows of a picture that shows
    /// something settle it.
    fn varies_less(&self, channel: &[f32], limit: f64) -> bool {
        let middle = |length: usize| length / 4..length - length / 4;
        let (rows, columns) = (middle(self.height), middle(self.width));
        let limit = limit * (rows.len() * columns.len()) as f64;
        // Sums about some value, so that those of a constant are zero.
        let pivot = channel[rows.start * self.width + columns.start];
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for row in channel.chunks_exact(self.width).take(rows.end).skip(rows.start) {
            for value in &row[columns.clone()] {
                let value = f64::from(value - pivot);
                sum += value;
                squares += value * value;
            }
            n += columns.len() as f64;
            if squares - sum * sum / n >= limit {
                return false;
            }
        }
        squares - sum * sum / n < limit
    }
}

/// A BMP file of one colour, 24 bits a pixel; `None` where it would be too large for one.
fn bmp(width: usize, height: usize, level: u8) -> Option<Vec<u8>> {
    const HEADERS_BYTES: u32 = 54;
    let (width_px, height_px) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let row_bytes = width_px.checked_mul(3)?.checked_next_multiple_of(4)?;
    let pixels_bytes = row_bytes.checked_mul(height_px)?;
    let mut file = b"BM".to_vec();
    for field in
        [pixels_bytes.checked_add(HEADERS_BYTES)?, 0, HEADERS_BYTES, 40, width_px, height_px]
    {
        file.extend(field.to_le_bytes());
    }
    file.extend([1, 0, 24, 0]);
    for field in [0, pixels_bytes, 0, 0, 0, 0] {
        file.extend(u32::to_le_bytes(field));
    }
    file.resize(file.len() + usize::try_from(pixels_bytes).ok()?, level);
    Some(file)
}

#[cfg(test)]
mod tests {
    use calibrant_preprocess::{Pipeline, PreprocessError, Settings};
    use calibrant_tensor::digest;

    use super::*;

    fn pipeline(toml: &str) -> Pipeline {
        Settings::from_toml(toml).unwrap().recipe().unwrap().compile().unwrap()
    }

    fn used(contents: &[&str]) -> Vec<SampleDigest> {
        let sample = |(idx, content): (usize, &&str)| SampleDigest {
            name: format!("{idx}.jpg"),
            sha256: digest(content.as_bytes()),
        };
        contents.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn groups_come_in_the_order_of_the_samples() {
        let suspects = Suspects::among(&used(&["b", "a", "c", "a", "b", "a"]), None);
        assert_eq!(suspects.duplicates, [vec!["0.jpg", "4.jpg"], vec!["1.jpg", "3.jpg", "5.jpg"]]);
        let notes: Vec<_> = suspects.notes().collect();
        let expected = "3 samples have the same bytes as others and count again: 0.jpg = 4.jpg, 1.jpg = 3.jpg = 5.jpg; \
                        leave out what you do not mean, report.json lists all";
        assert_eq!(notes, [expected]);
        assert_eq!(suspects.to_string(), "3 copies of others");
        assert!(Suspects::among(&used(&["a", "b"]), Some(Vec::new())).is_empty());
    }

    #[test]
    fn notes_name_the_first_few() {
        let blank = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let suspects = Suspects::among(&used(&["x", "x"]), Some(blank));
        let note = suspects.notes().nth(1).unwrap();
        assert!(note.starts_with("5 pictures show next to nothing"), "{note}");
        assert!(note.contains("levels of 256): a, b, c and 2 more; leave out"), "{note}");
        assert_eq!(suspects.to_string(), "1 copy of others, 5 near-constant pictures");
    }

    /// What a level is follows from the scale and the standard deviation, whatever the preset.
    #[test]
    fn levels_are_found_by_looking() {
        let levels = |toml: &str| Spread::of(&pipeline(toml)).unwrap().levels;
        let std = [0.229, 0.224, 0.225];
        for (found, std) in levels("preset = 'torchvision'").into_iter().zip(std) {
            assert!((found * 255.0 * std - 1.0).abs() < 1e-6, "{found} {std}");
        }
        for found in levels("preset = 'raw'\nsize = '5x3'\nscale = -0.5") {
            assert!((found - 0.5).abs() < 1e-6);
        }
    }

    /// A preprocessing that gives each picture a spread of 1.
    struct Standardised;

    impl Preprocess for Standardised {
        fn shape(&self) -> [usize; 3] {
            [1, 2, 2]
        }

        fn describe(&self) -> String {
            String::new()
        }

        fn preprocess(
            &self,
            _: &[u8],
            _: &mut Scratch,
            out: &mut [f32],
        ) -> Result<(), PreprocessError> {
            out.fill(f32::NAN);
            Ok(())
        }
    }

    #[test]
    fn where_levels_mean_nothing_nothing_is_told() {
        assert_eq!(Spread::of(&Standardised), None);
    }

    /// Two passes over all of the middle, in the order of the definition.
    fn naive(spread: &Spread, tensor: &[f32]) -> bool {
        let (height, width) = (spread.height, spread.width);
        (0..spread.levels.len()).all(|channel| {
            let mut values = Vec::new();
            for y in height / 4..height - height / 4 {
                for x in width / 4..width - width / 4 {
                    values.push(f64::from(tensor[(channel * height + y) * width + x]));
                }
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance =
                values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / values.len() as f64;
            variance.sqrt() / spread.levels[channel] < 2.0
        })
    }

    #[test]
    fn spread_is_the_standard_deviation_of_the_middle() {
        let spread = Spread { levels: vec![0.01, 0.02], height: 16, width: 12 };
        // A wave of so many levels; its standard deviation is 1/√2 of that.
        let wave = |amplitudes: [f32; 2]| -> Vec<f32> {
            let value = |idx: usize| {
                let level = [0.01, 0.02][idx / 192] * amplitudes[idx / 192];
                1.5 + level * (idx as f32 * 0.7).sin()
            };
            (0..384).map(value).collect()
        };
        let cases = [
            ([0.0, 0.0], true),
            ([2.5, 2.5], true),
            ([3.2, 0.0], false),
            ([0.0, 3.2], false),
            ([90.0; 2], false),
        ];
        for (amplitudes, expected) in cases {
            let tensor = wave(amplitudes);
            assert_eq!(spread.is_near_constant(&tensor), expected, "{amplitudes:?}");
            assert_eq!(naive(&spread, &tensor), expected, "{amplitudes:?}");
        }
        let mut barred = vec![0.0; 384];
        for row in barred.chunks_exact_mut(12) {
            row[..3].fill(100.0);
        }
        assert!(spread.is_near_constant(&barred), "bars beside the middle do not count");
        assert!(!spread.is_near_constant(&[f32::NAN; 384]));
        let one = Spread { levels: vec![1.0], height: 1, width: 1 };
        assert!(one.is_near_constant(&[7.0]));
    }
}
