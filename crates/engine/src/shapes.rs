//! Optimization profiles: the shapes in which a model with dynamic inputs will run.

use std::fmt;
use std::str::FromStr;

/// The smallest, the usual and the largest shape of one input; TensorRT tunes for the usual one.
///
/// Written `name:min,opt,max`, each shape as sizes with `x` between them, or `name:shape` for all three at once.
///
/// ```
/// use calibrant_engine::ShapeRange;
///
/// let range: ShapeRange = "input:1x3x224x224,8x3x224x224,32x3x224x224".parse()?;
/// assert_eq!(range.opt, [8, 3, 224, 224]);
/// assert_eq!(range.to_string(), "input:1x3x224x224,8x3x224x224,32x3x224x224");
/// # Ok::<(), calibrant_engine::ShapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeRange {
    /// The input's name; it may contain colons.
    pub input: String,
    /// The smallest shape.
    pub min: Vec<u64>,
    /// The shape to tune for.
    pub opt: Vec<u64>,
    /// The largest shape.
    pub max: Vec<u64>,
}

/// One optimization profile: a range for every dynamic input.
#[doc(alias = "IOptimizationProfile")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The ranges, one an input.
    pub ranges: Vec<ShapeRange>,
}

/// The batch sizes to make a profile for: `1 <= min <= opt <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRange {
    /// The smallest batch.
    pub min: u64,
    /// The batch to tune for.
    pub opt: u64,
    /// The largest batch.
    pub max: u64,
}

/// What is wrong with a shape, or why none can be suggested.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// Not `name:shapes`.
    #[error(
        "{0:?} is no shape range; write input:1x3x224x224,8x3x224x224,32x3x224x224 (smallest, usual, largest)"
    )]
    Syntax(String),
    /// One shape, or three: nothing else.
    #[error(
        "input {input:?} has {found} shapes; give one for all, or the smallest, the usual and the largest"
    )]
    Count {
        /// The input's name.
        input: String,
        /// How many shapes were given.
        found: usize,
    },
    /// The shapes of one input differ in their number of dimensions.
    #[error("the shapes of input {input:?} have different numbers of dimensions")]
    Rank {
        /// The input's name.
        input: String,
    },
    /// Smallest, usual and largest do not follow each other.
    #[error("input {input:?}: dimension {axis} runs {min}, {opt}, {max}, which does not grow")]
    Order {
        /// The input's name.
        input: String,
        /// Which dimension, from 0.
        axis: usize,
        /// Its smallest size.
        min: u64,
        /// Its usual size.
        opt: u64,
        /// Its largest size.
        max: u64,
    },
    /// Dynamic dimensions whose sizes nothing tells.
    #[error(
        "how large the engine's inputs may be is not known: {}; give the smallest, the usual and the largest",
        listed(open)
    )]
    Open {
        /// The inputs that have such dimensions.
        open: Vec<OpenInput>,
    },
}

/// An input with dynamic dimensions whose sizes nothing tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInput {
    /// The input's name.
    pub input: String,
    /// Which dimensions, from 0.
    pub axes: Vec<usize>,
    /// A range that would do.
    pub example: ShapeRange,
}

impl fmt::Display for OpenInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes: Vec<String> = self.axes.iter().map(usize::to_string).collect();
        let s = if axes.len() == 1 { "" } else { "s" };
        write!(f, "dimension{s} {} of {:?}", axes.join(" and "), self.input)
    }
}

fn listed(open: &[OpenInput]) -> String {
    open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl ShapeRange {
    /// Checks that the three shapes agree in rank and grow.
    fn checked(self) -> Result<Self, ShapeError> {
        if self.min.len() != self.opt.len() || self.opt.len() != self.max.len() {
            return Err(ShapeError::Rank { input: self.input });
        }
        let sizes = self.min.iter().zip(&self.opt).zip(&self.max);
        for (axis, ((&min, &opt), &max)) in sizes.enumerate() {
            if !(min <= opt && opt <= max) {
                return Err(ShapeError::Order { input: self.input, axis, min, opt, max });
            }
        }
        Ok(self)
    }
}

impl FromStr for ShapeRange {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let syntax = || ShapeError::Syntax(text.to_owned());
        // A shape has no colon and a name may have one ("input:0"): the last colon is the separator.
        let (input, shapes) = text.trim().rsplit_once(':').ok_or_else(syntax)?;
        if input.is_empty() {
            return Err(syntax());
        }
        let shapes: Vec<Vec<u64>> =
            shapes.split(',').map(parse_shape).collect::<Option<_>>().ok_or_else(syntax)?;
        let input = input.to_owned();
        match <[Vec<u64>; 3]>::try_from(shapes) {
            Ok([min, opt, max]) => Self { input, min, opt, max }.checked(),
            Err(shapes) => match <[Vec<u64>; 1]>::try_from(shapes) {
                Ok([shape]) => {
                    Ok(Self { input, min: shape.clone(), opt: shape.clone(), max: shape })
                }
                Err(shapes) => Err(ShapeError::Count { input, found: shapes.len() }),
            },
        }
    }
}

/// `1x3x224x224` as sizes; none of them 0, which TensorRT has no kernel for.
fn parse_shape(text: &str) -> Option<Vec<u64>> {
    text.trim().split(['x', 'X']).map(|size| size.parse().ok().filter(|&size| size > 0)).collect()
}

impl fmt::Display for ShapeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |sizes: &[u64]| sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
        write!(f, "{}:{},{},{}", self.input, shape(&self.min), shape(&self.opt), shape(&self.max))
    }
}

impl Profile {
    /// The profiles that a list of ranges means: the first range of an input belongs to the first profile, its second
    /// to the second profile, and so on, so that a list may go on both with another input and with another
    /// profile.
    pub fn group(ranges: Vec<ShapeRange>) -> Vec<Self> {
        let mut profiles: Vec<Self> = Vec::new();
        for range in ranges {
            match profiles.iter_mut().find(|profile| profile.range(&range.input).is_none()) {
                Some(profile) => profile.ranges.push(range),
                None => profiles.push(Self { ranges: vec![range] }),
            }
        }
        profiles
    }

    /// The range of an input, if the profile has one.
    pub fn range(&self, input: &str) -> Option<&ShapeRange> {
        self.ranges.iter().find(|range| range.input == input)
    }
}

/// What to build for when the user gave no shapes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The range of the input.
    pub range: ShapeRange,
    /// Why it is that one, as a sentence that goes on after the input's name.
    pub reason: String,
}

/// A range for one input of a model: what to build for when the user gave no shapes.
///
/// `dims` are the model's dimensions, `None` (or below 1) where they are dynamic; `picture` is the shape of a picture as
/// the preprocessing makes it, where the input takes pictures: without the batch dimension, unless the input has none.
/// A dynamic first dimension takes the batch sizes, every other dynamic one the size that a picture has there.
/// `sample`, the shape of a sample at hand, decides nothing: other samples may have other sizes. It is what the example in
/// the error shows.
/// The answer is `None` for an input without a dynamic dimension: it needs no range.
///
/// ```
/// use calibrant_engine::{BatchRange, suggest};
///
/// let batch = BatchRange { min: 1, opt: 8, max: 32 };
/// let suggestion = suggest("x", &[None, Some(3), None, None], Some(&[3, 48, 192]), None, batch)?;
/// let range = suggestion.map(|suggestion| suggestion.range.to_string());
/// assert_eq!(range.as_deref(), Some("x:1x3x48x192,8x3x48x192,32x3x48x192"));
/// # Ok::<(), calibrant_engine::OpenInput>(())
/// ```
///
/// # Errors
/// [`OpenInput`] when a dynamic dimension is neither the batch nor a picture's.
pub fn suggest(
    input: &str,
    dims: &[Option<i64>],
    picture: Option<&[usize]>,
    sample: Option<&[usize]>,
    batch: BatchRange,
) -> Result<Option<Suggestion>, OpenInput> {
    let fixed =
        |dim: &Option<i64>| dim.and_then(|size| u64::try_from(size).ok()).filter(|&size| size > 0);
    if dims.iter().all(|dim| fixed(dim).is_some()) {
        return Ok(None);
    }
    // A shape of another rank tells nothing about the dimensions.
    let of_rank = |shape: Option<&[usize]>, axis: usize| {
        let shape = shape?;
        let before = dims.len().checked_sub(shape.len()).filter(|before| *before <= 1)?;
        shape.get(axis.checked_sub(before)?).map(|&size| size as u64)
    };
    let is_whole = picture.is_some_and(|shape| shape.len() == dims.len());
    let mut range = ShapeRange { input: input.to_owned(), min: vec![], opt: vec![], max: vec![] };
    let (mut pictures, mut open) = (Vec::new(), Vec::new());
    for (axis, dim) in dims.iter().enumerate() {
        let (min, opt, max) = match fixed(dim) {
            Some(size) => (size, size, size),
            None if axis == 0 && !is_whole => (batch.min, batch.opt, batch.max),
            None => match of_rank(picture, axis) {
                Some(size) => {
                    pictures.push(axis.to_string());
                    (size, size, size)
                }
                None => {
                    open.push(axis);
                    let usual = of_rank(sample, axis).unwrap_or(USUAL);
                    (1, usual, usual)
                }
            },
        };
        range.min.push(min);
        range.opt.push(opt);
        range.max.push(max);
    }
    if !open.is_empty() {
        return Err(OpenInput { input: input.to_owned(), axes: open, example: range });
    }
    let BatchRange { min, opt, max } = batch;
    let mut reasons = Vec::new();
    if !is_whole && dims.first().is_some_and(|dim| fixed(dim).is_none()) {
        reasons.push(format!("batches of {min} to {max}, tuned for {opt}, are the default"));
    }
    if !pictures.is_empty() {
        let s = if pictures.len() == 1 { "" } else { "s" };
        let axes = pictures.join(" and ");
        reasons.push(format!("dimension{s} {axes} are what the preprocessing makes"));
    }
    Ok(Some(Suggestion { range, reason: reasons.join("; ") }))
}

/// A size for an example where nothing says a better one.
const USUAL: u64 = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BATCH: BatchRange = BatchRange { min: 1, opt: 8, max: 32 };

    #[test]
    fn one_shape_stands_for_all_three() {
        let range: ShapeRange = "input:0:4x10".parse().unwrap();
        assert_eq!(range.input, "input:0");
        assert_eq!(
            (&range.min, &range.opt, &range.max),
            (&vec![4, 10], &vec![4, 10], &vec![4, 10])
        );
    }

    #[test]
    fn bad_ranges_are_refused() {
        let syntax = |text: &str| ShapeError::Syntax(text.to_owned());
        let input = || "x".to_owned();
        let cases = [
            ("", syntax("")),
            ("x", syntax("x")),
            (":1", syntax(":1")),
            ("x:", syntax("x:")),
            ("x:1x", syntax("x:1x")),
            ("x:1x0", syntax("x:1x0")),
            ("x:1x-3", syntax("x:1x-3")),
            ("x:1,2", ShapeError::Count { input: input(), found: 2 }),
            ("x:1,2,3,4", ShapeError::Count { input: input(), found: 4 }),
            ("x:1,1x2,3", ShapeError::Rank { input: input() }),
            (
                "x:1x8,1x4,1x9",
                ShapeError::Order { input: input(), axis: 1, min: 8, opt: 4, max: 9 },
            ),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<ShapeRange>(), Err(error), "{text}");
        }
    }

    #[test]
    fn repeated_inputs_begin_further_profiles() {
        let ranges = ["a:1", "b:2", "a:3", "a:4", "b:5"].map(|text| text.parse().unwrap());
        let profiles = Profile::group(ranges.into());
        let names: Vec<Vec<String>> = profiles
            .iter()
            .map(|profile| profile.ranges.iter().map(ToString::to_string).collect())
            .collect();
        assert_eq!(
            names,
            [vec!["a:1,1,1", "b:2,2,2"], vec!["a:3,3,3", "b:5,5,5"], vec!["a:4,4,4"]]
        );
    }

    proptest! {
        #[test]
        fn ranges_are_read_as_they_are_written(
            input in "[a-z:/_.]{1,12}",
            sizes in prop::collection::vec([1..1000_u64, 0..1000, 0..1000], 1..9),
        ) {
            let shape = |upto: usize| sizes.iter().map(|size| size[..=upto].iter().sum()).collect::<Vec<u64>>();
            let range = ShapeRange { input, min: shape(0), opt: shape(1), max: shape(2) };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_makes_a_range_that_does_not_grow(text in "x:[0-9x,]{0,30}") {
            if let Ok(range) = text.parse::<ShapeRange>() {
                prop_assert!(range.min.iter().zip(&range.opt).zip(&range.max).all(|((min, opt), max)| min <= opt && opt <= max));
                prop_assert!(range.min.iter().all(|&size| size > 0));
            }
        }
    }

    #[test]
    fn suggestions_take_the_batch_and_a_picture() {
        let told = |dims: &[Option<i64>], picture: Option<&[usize]>| {
            let found = suggest("x", dims, picture, None, BATCH).unwrap();
            found.map(|found| (found.range.to_string(), found.reason))
        };
        let batch = "batches of 1 to 32, tuned for 8, are the default";
        assert_eq!(told(&[Some(1), Some(3)], None), None);
        assert_eq!(
            told(&[Some(-1), Some(3)], None),
            Some(("x:1x3,8x3,32x3".to_owned(), batch.to_owned()))
        );
        let picture = "dimensions 2 and 3 are what the preprocessing makes";
        assert_eq!(
            told(&[Some(1), Some(3), None, None], Some(&[3, 640, 480])),
            Some(("x:1x3x640x480,1x3x640x480,1x3x640x480".to_owned(), picture.to_owned()))
        );
    }

    #[test]
    fn samples_at_hand_decide_nothing_and_make_the_example() {
        let open = |input: &str, dims: &[Option<i64>], sample: Option<&[usize]>| {
            suggest(input, dims, None, sample, BATCH).unwrap_err()
        };
        let ids = open("ids", &[None, None], Some(&[77]));
        assert_eq!(
            (ids.axes.as_slice(), ids.example.to_string().as_str()),
            (&[1][..], "ids:1x1,8x77,32x77")
        );
        let odd = open("x", &[None, Some(3), None, None], Some(&[224]));
        assert_eq!(odd.axes, [2, 3]);
        assert_eq!(odd.example.to_string(), "x:1x3x1x1,8x3x128x128,32x3x128x128");
        for OpenInput { example, .. } in [&ids, &odd] {
            assert_eq!(example.to_string().parse().as_ref(), Ok(example));
        }
        assert_eq!(
            ShapeError::Open { open: vec![ids, odd] }.to_string(),
            "how large the engine's inputs may be is not known: dimension 1 of \"ids\", dimensions 2 and 3 of \"x\"; give \
             the smallest, the usual and the largest"
        );
    }
}
