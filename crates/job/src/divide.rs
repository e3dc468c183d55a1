//! What of which array goes into which input of a model: decided by the names, and by the axes that arrays have beside those
//! of the inputs.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;

use calibrant_dataset::{Divide, Division, Part};
use calibrant_tensor::{Dim, Input};

use crate::fit::InputProblem;
use crate::picture_input::BatchAxis;

/// Arrays for these inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForInputs<'a>(pub(crate) &'a [Input]);

/// How an array can be divided.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    division: Division,
    /// How many samples that makes; `None` fits any number.
    n_samples: Option<usize>,
    kind: Kind,
}

/// How likely a division is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The inputs say it.
    Stated,
    /// Another axis that is open might count samples, if as many as those of other inputs.
    Open,
    /// All of an array is one sample.
    Whole,
}

impl Divide for ForInputs<'_> {
    fn divide(&self, arrays: &[Input]) -> Result<Vec<Part>, Box<dyn Error + Send + Sync>> {
        Ok(divide(self.0, arrays)?)
    }

    fn is_input(&self, name: &str) -> bool {
        self.0.iter().any(|input| *input.name == *name)
    }
}

/// Divides arrays, each of a fixed shape, among samples for these inputs.
///
/// # Errors
///
/// When an input has no array, or one that does not fit it, or they hold other numbers of samples.
pub(crate) fn divide(inputs: &[Input], arrays: &[Input]) -> Result<Vec<Part>, InputProblem> {
    let mut fitting = Vec::with_capacity(inputs.len());
    for (place, input) in inputs.iter().enumerate() {
        let array = match (inputs, arrays) {
            // An array alone is for an input alone, whatever it is called.
            ([_], [_]) => 0,
            _ => find(input, arrays)?,
        };
        let shape = arrays[array].fixed_shape().unwrap_or_default();
        let candidates = candidates(inputs, place, &shape);
        if candidates.is_empty() {
            return Err(InputProblem::Array { input: input.to_string(), given: shape });
        }
        fitting.push((array, input, candidates));
    }
    let n_samples = common(&fitting)?;
    let chosen = fitting.iter().filter_map(|(array, input, candidates)| {
        let Candidate { division, .. } = *candidates.iter().find(|it| it.makes(n_samples))?;
        Some(Part { array: *array, input: Arc::clone(&input.name), division })
    });
    let mut parts: Vec<Part> = chosen.collect();
    // What is for no input is part of a sample too, if it has a row for it.
    parts.extend(arrays.iter().enumerate().filter_map(|(array, other)| {
        let is_used = fitting.iter().any(|it| it.0 == array);
        let has_rows = other.fixed_batch() == Some(n_samples) && !other.fixed_shape()?.contains(&0);
        let input = Arc::clone(&other.name);
        (!is_used && has_rows).then_some(Part { array, input, division: Division::Along(0) })
    }));
    parts.sort_by_key(|part| part.array);
    Ok(parts)
}

fn find(input: &Input, arrays: &[Input]) -> Result<usize, InputProblem> {
    arrays.iter().position(|array| array.name == input.name).ok_or_else(|| {
        let given = arrays.iter().map(|array| array.name.to_string()).collect();
        InputProblem::Missing { input: input.name.to_string(), given }
    })
}

/// How an array of this shape can be divided for an input, the likeliest first.
fn candidates(inputs: &[Input], place: usize, shape: &[usize]) -> Vec<Candidate> {
    let Some(dims) = inputs[place].shape.as_deref() else {
        let rows = |&n| Candidate::new(Kind::Stated, Division::Along(0), n);
        return shape.first().map(rows).into_iter().collect();
    };
    let fits = |dims: &[Dim], shape: &[usize]| {
        dims.len() == shape.len()
            && dims.iter().zip(shape).all(|(dim, size)| dim.size().is_none_or(|it| it == *size))
    };
    let mut found: Vec<Candidate> = Vec::new();
    let sample_axis = sample_axis(inputs, place);
    // What a batch is fixed to, a sample has one of.
    let mut of_sample = dims.to_vec();
    sample_axis.into_iter().for_each(|axis| of_sample[axis] = Dim::Fixed(1));
    if shape.len() == dims.len() + 1 && (fits(dims, &shape[1..]) || fits(&of_sample, &shape[1..])) {
        found.push(Candidate::new(Kind::Stated, Division::Stacked, shape[0]));
    }
    if shape.len() == dims.len() {
        // Rows of a first axis that an input fixes to 1 fit it as they are.
        let is_row = |axis: usize| axis == 0 && dims[0] == Dim::Fixed(1);
        let is_other = |axis: &usize| {
            Some(*axis) != sample_axis && (is_row(*axis) || dims[*axis].size().is_none())
        };
        for axis in sample_axis.into_iter().chain((0..dims.len()).filter(is_other)) {
            let (mut rest, mut sizes) = (dims.to_vec(), shape.to_vec());
            let (_, n_samples) = (rest.remove(axis), sizes.remove(axis));
            if fits(&rest, &sizes) && !shape.contains(&0) {
                let is_stated = Some(axis) == sample_axis || is_row(axis);
                let kind = if is_stated { Kind::Stated } else { Kind::Open };
                found.push(Candidate::new(kind, Division::Along(axis), n_samples));
            }
        }
        // Where a batch is open its samples are told by their rows.
        if fits(dims, shape) && sample_axis.is_none_or(|axis| dims[axis].size().is_some()) {
            let whole = Candidate::new(Kind::Whole, Division::Whole, 1);
            // A single value is everybody's.
            let n_samples = whole.n_samples.filter(|_| !dims.is_empty());
            found.push(Candidate { n_samples, ..whole });
        }
    }
    if let Some(axis) = sample_axis.filter(|_| shape.len() + 1 == dims.len()) {
        let added = Division::Added(axis);
        if dims[axis].size().is_none_or(|size| size == 1) && fits(dims, &added.shape(shape)) {
            found.push(Candidate::new(Kind::Stated, added, 1));
        }
    }
    found
}

/// The axis of an input that counts samples, as far as the inputs say it: the one that is called as the first axis of
/// another input, else the first. A picture's three axes have none.
pub(crate) fn sample_axis(inputs: &[Input], place: usize) -> Option<usize> {
    let input = &inputs[place];
    let dims = input.shape.as_deref()?;
    let batch = inputs.iter().find_map(|input| match input.shape.as_deref()?.first()? {
        Dim::Named(name) => Some(name),
        _ => None,
    });
    let is_batch =
        |dim: &Dim| matches!((dim, batch), (Dim::Named(name), Some(batch)) if name == batch);
    if let Some(axis) = dims.iter().position(is_batch) {
        return Some(axis);
    }
    if dims.is_empty() || dims.len() == 3 && input.layout.is_some() {
        return None;
    }
    // A first axis of another length than the batch that another input fixes is no batch.
    match (batch_length(inputs), dims[0].size()) {
        (Some(batch), Some(size)) if size != batch => {
            let mut axes = (1..dims.len()).filter(|&axis| dims[axis].size() == Some(batch));
            axes.next().filter(|_| axes.next().is_none() && batch > 1)
        }
        (None, Some(size)) if size > 1 && inputs.len() > 1 => {
            let mut axes = (1..dims.len()).filter(|&axis| dims[axis].size().is_none());
            axes.next().filter(|_| axes.next().is_none())
        }
        _ => Some(0),
    }
}

/// Of the lengths that inputs fix their first axis to the one that most inputs have; `None` where one leaves it open.
fn batch_length(inputs: &[Input]) -> Option<usize> {
    let with_axes = || inputs.iter().filter(|input| !matches!(input.shape.as_deref(), Some([])));
    let lengths: Vec<usize> = with_axes().map(Input::fixed_batch).collect::<Option<_>>()?;
    let n_inputs = |length: usize| {
        let has =
            |input: &&Input| input.shape.iter().flatten().any(|dim| *dim == Dim::Fixed(length));
        with_axes().filter(has).count()
    };
    // Of as many the first.
    lengths.into_iter().rev().max_by_key(|&length| n_inputs(length))
}

/// What inputs fix their axis of samples to, if they do.
pub(crate) fn fixed_batch(inputs: &[Input]) -> Option<NonZeroUsize> {
    let sizes = (0..inputs.len()).filter_map(|place| fixed_at(inputs, place).map(|(_, size)| size));
    sizes.max().and_then(NonZeroUsize::new)
}

/// The axis of samples of an input that fixes its length, with that.
fn fixed_at(inputs: &[Input], place: usize) -> Option<(usize, usize)> {
    let axis = sample_axis(inputs, place)?;
    Some((axis, inputs[place].shape.as_ref()?[axis].size()?))
}

/// How many samples inputs take at once, whose tensors look so.
///
/// # Errors
///
/// When one takes other numbers than another.
pub(crate) fn samples_at_once(
    inputs: &[Input],
    samples: &[Input],
) -> Result<Option<NonZeroUsize>, InputProblem> {
    let mut taken: Option<(&Input, usize)> = None;
    for (place, input) in inputs.iter().enumerate() {
        let Some(shape) = shape_of(input, samples) else { continue };
        let dims = input.shape.as_deref().unwrap_or_default();
        // A sample that is all of an input leaves no room for another.
        let fixed = fixed_at(inputs, place)
            .filter(|&(axis, _)| shape.len() == dims.len() && shape[axis] == Dim::Fixed(1));
        let Some((_, batch)) = fixed else { continue };
        match taken {
            Some((first, first_batch)) if first_batch != batch => {
                let (first, second) = (first.name.to_string(), input.name.to_string());
                let second_batch = batch;
                return Err(InputProblem::Batches { first, first_batch, second, second_batch });
            }
            _ => taken = Some((input, batch)),
        }
    }
    Ok(taken.and_then(|(_, batch)| NonZeroUsize::new(batch)))
}

/// Whether samples whose tensors look so make batches along the first axis of every input.
pub(crate) fn batch_axis(inputs: &[Input], samples: &[Input]) -> BatchAxis {
    let is_first = |place: usize| {
        let first = shape_of(&inputs[place], samples).and_then(|shape| shape.first());
        let has_axis = inputs[place].shape.is_none() || sample_axis(inputs, place) == Some(0);
        has_axis && first == Some(&Dim::Fixed(1))
    };
    if (0..inputs.len()).all(is_first) { BatchAxis::First } else { BatchAxis::None }
}

fn shape_of<'a>(input: &Input, samples: &'a [Input]) -> Option<&'a [Dim]> {
    samples.iter().find(|it| it.name == input.name)?.shape.as_deref()
}

/// The number of samples that all arrays can be divided into.
fn common(fitting: &[(usize, &Input, Vec<Candidate>)]) -> Result<usize, InputProblem> {
    let stated = |it: &(usize, &Input, Vec<Candidate>)| {
        it.2.iter().find(|it| it.kind == Kind::Stated).and_then(|it| it.n_samples)
    };
    let all_make = |n: usize, is_meant: fn(Kind) -> bool| {
        fitting.iter().all(|(_, _, candidates)| {
            candidates.iter().any(|it| it.makes(n) && (is_meant(it.kind) || it.n_samples.is_none()))
        })
    };
    let divided = |n: &usize| all_make(*n, |kind| kind != Kind::Whole);
    if let Some(n) = fitting.iter().filter_map(stated).find(divided) {
        return Ok(n);
    }
    if all_make(1, |kind| kind != Kind::Open) {
        return Ok(1);
    }
    let mut counts = fitting.iter().filter_map(|it| Some((it.1.name.to_string(), stated(it)?)));
    let (first, first_samples) = counts.next().unwrap_or_default();
    let other = counts.find(|(_, n)| *n != first_samples);
    let (second, second_samples) = other.unwrap_or_else(|| {
        // Of what is only whole there is one.
        let whole = fitting.iter().find(|it| stated(it).is_none());
        (whole.map(|it| it.1.name.to_string()).unwrap_or_default(), 1)
    });
    Err(InputProblem::Counts { first, first_samples, second, second_samples })
}

impl Candidate {
    fn new(kind: Kind, division: Division, n_samples: usize) -> Self {
        Self { division, n_samples: Some(n_samples), kind }
    }

    /// Whether it makes so many samples.
    fn makes(&self, n_samples: usize) -> bool {
        self.n_samples.is_none_or(|n| n == n_samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Division::{Added, Along, Stacked, Whole};
    use calibrant_tensor::{ElementType, InputType, Layout};

    /// Inputs' names and dimensions.
    type Stated<'a> = &'a [(&'a str, &'a str)];

    /// Arrays' names and shapes.
    type Given<'a> = &'a [(&'a str, &'a [usize])];

    /// An input of these dimensions, named where they are no number.
    fn stated(name: &str, dims: &str) -> Input {
        let dims = dims.split(' ').filter(|dim| !dim.is_empty());
        let dim = |dim: &str| match dim.parse() {
            Ok(size) => Dim::Fixed(size),
            Err(_) if dim == "?" => Dim::Open,
            Err(_) => Dim::Named(dim.into()),
        };
        Input {
            name: name.into(),
            element: InputType::Element(ElementType::F32),
            shape: Some(dims.map(dim).collect()),
            layout: None,
        }
    }

    fn array(name: &str, shape: &[usize]) -> Input {
        Input::fixed(name, ElementType::F32, shape)
    }

    fn divided(inputs: Stated<'_>, arrays: Given<'_>) -> Result<Vec<Division>, InputProblem> {
        let inputs: Vec<Input> = inputs.iter().map(|(name, dims)| stated(name, dims)).collect();
        let arrays: Vec<Input> = arrays.iter().map(|(name, shape)| array(name, shape)).collect();
        Ok(divide(&inputs, &arrays)?.into_iter().map(|part| part.division).collect())
    }

    #[test]
    fn axes_say_what_a_sample_has() {
        let cases: [(Stated<'_>, Given<'_>, &[Division]); 17] = [
            (&[("x", "n 3")], &[("x", &[8, 3])], &[Along(0)]),
            (&[("x", "4 3")], &[("x", &[8, 3])], &[Along(0)]),
            // One more axis counts whole inputs.
            (&[("x", "n 3")], &[("x", &[8, 5, 3])], &[Stacked]),
            (&[("x", "")], &[("x", &[8])], &[Stacked]),
            // One less is a sample without its batch.
            (&[("x", "n 3")], &[("x", &[3])], &[Added(0)]),
            // The batch of a state is called as that of the others, or the only one open.
            (
                &[("h", "2 n 5"), ("x", "n 3")],
                &[("h", &[2, 8, 5]), ("x", &[8, 3])],
                &[Along(1), Along(0)],
            ),
            (
                &[("h", "2 n 5"), ("x", "n 3")],
                &[("h", &[8, 2, 1, 5]), ("x", &[8, 3])],
                &[Stacked, Along(0)],
            ),
            (
                &[("h", "2 ? 5"), ("x", "? 3")],
                &[("h", &[2, 8, 5]), ("x", &[8, 3])],
                &[Along(1), Along(0)],
            ),
            (
                &[("h", "1 ? 5"), ("x", "? 3")],
                &[("h", &[1, 8, 5]), ("x", &[8, 3])],
                &[Along(1), Along(0)],
            ),
            (
                &[("h", "1 n 5"), ("x", "n 3")],
                &[("h", &[8, 1, 5]), ("x", &[8, 3])],
                &[Along(0), Along(0)],
            ),
            (
                &[("h", "2 4 5"), ("x", "4 3")],
                &[("h", &[2, 8, 5]), ("x", &[8, 3])],
                &[Along(1), Along(0)],
            ),
            // One value is everybody's.
            (&[("s", ""), ("x", "n 3")], &[("s", &[]), ("x", &[8, 3])], &[Whole, Along(0)]),
            // Nothing else fits: all of it is one sample.
            (&[("x", "3 4"), ("y", "5")], &[("x", &[3, 4]), ("y", &[5])], &[Whole, Whole]),
            (
                &[("x", "3 4"), ("y", "0")],
                &[("x", &[1, 3, 4]), ("y", &[1, 0])],
                &[Stacked, Stacked],
            ),
            // An array alone has any name, and further ones stay where they have rows.
            (&[("x", "n 3")], &[("arr_0", &[8, 3])], &[Along(0)]),
            (&[("x", "n 3")], &[("l", &[8]), ("x", &[8, 3])], &[Along(0), Along(0)]),
            (&[("x", "n 3")], &[("l", &[9]), ("x", &[8, 3])], &[Along(0)]),
        ];
        for (inputs, arrays, expected) in cases {
            assert_eq!(divided(inputs, arrays).as_deref(), Ok(expected), "{inputs:?} {arrays:?}");
        }
    }

    #[test]
    fn a_picture_without_a_batch_has_no_axis_of_samples() {
        let input = Input { layout: Some(Layout::ChannelsFirst), ..stated("x", "3 h w") };
        let parts = |shape: &[usize]| divide(std::slice::from_ref(&input), &[array("x", shape)]);
        assert_eq!(parts(&[8, 3, 6, 6]).unwrap()[0].division, Stacked);
        assert_eq!(parts(&[3, 6, 6]).unwrap()[0].division, Whole);
        assert!(parts(&[4, 6, 6]).is_err());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let said = |inputs: Stated<'_>, arrays: Given<'_>| {
            divided(inputs, arrays).unwrap_err().to_string()
        };
        let text = said(&[("x", "n 3")], &[("x", &[8, 4])]);
        assert!(text.contains("`x` float [?,3]") && text.contains("[8, 4]"), "{text}");
        let two = [("x", "n 3"), ("y", "n 3")];
        let text = said(&two, &[("x", &[8, 3]), ("y", &[7, 3])]);
        assert!(text.contains("`x` holds 8 samples and `y` holds 7"), "{text}");
        let text = said(&two, &[("x", &[8, 3])]);
        assert!(text.contains("no array for input `y`"), "{text}");
    }
}
