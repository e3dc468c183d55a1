//! Fits the tensors of samples to the inputs of the model.

use std::borrow::Cow;

use calibrant_tensor::{Dim, ElementType, Input, InputType, OtherFloat, Tensor, TensorData};

use crate::{LoadError, RunError, Sample};

/// An input of the model, of a type that samples come in.
#[derive(Debug)]
pub struct Fitter {
    input: Input,
    kind: ElementType,
    /// What floats are in the model, where they are not of 32 bits.
    rounded_to: Option<OtherFloat>,
    /// What messages call the runtime.
    runtime: &'static str,
}

/// What is wrong with a tensor of a sample.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The element type is another than the model's.
    #[error("input `{input}` of sample `{sample}` is {given}, the model expects {expected}")]
    Type {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Element type that the model states.
        expected: ElementType,
        /// Element type of the sample.
        given: ElementType,
    },
    /// The shape is another than the model's.
    #[error(
        "input `{input}` of sample `{sample}` has shape {given:?}, the model expects [{expected}]{}",
        fixed_batch(expected, given)
    )]
    Shape {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Dimensions that the model states, those that may vary by their symbol.
        expected: String,
        /// Dimensions of the sample.
        given: Vec<usize>,
    },
    /// A float is larger than the model's type can say.
    #[error(
        "input `{input}` of sample `{sample}` has {value} at element {index}, beyond the {float} that the model expects"
    )]
    Beyond {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Row-major index.
        index: usize,
        /// The float.
        value: f32,
        /// Element type that the model states.
        float: OtherFloat,
    },
    /// Samples that run together have different shapes.
    #[error(
        "input `{input}` of sample `{sample}` has shape {given:?}, another sample of its run has {first:?}"
    )]
    Uneven {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Dimensions of the first sample of the run.
        first: Vec<usize>,
        /// Dimensions of this sample.
        given: Vec<usize>,
    },
}

/// An input of one run: a sample's tensor, or those of several samples one after the other.
#[derive(Debug)]
pub struct Prepared<'s> {
    /// Length of each axis.
    pub shape: Cow<'s, [usize]>,
    /// The values, row-major.
    pub values: Values<'s>,
}

/// Values of one of the types that samples come in.
#[derive(Debug)]
pub enum Values<'s> {
    /// float32.
    F32(Cow<'s, [f32]>),
    /// int64.
    I64(Cow<'s, [i64]>),
    /// int32.
    I32(Cow<'s, [i32]>),
    /// uint8.
    U8(Cow<'s, [u8]>),
    /// bool.
    Bool(Cow<'s, [bool]>),
}

impl Fitter {
    /// Fits samples to what is stated of `input` for the runtime of this name; where no type is, they are floats.
    /// Floats of another width stay in 32 bits, rounded to what the input holds.
    ///
    /// # Errors
    ///
    /// When samples cannot have the element type.
    pub fn new(input: Input, runtime: &'static str) -> Result<Self, LoadError> {
        let (kind, rounded_to) = match input.element {
            InputType::Element(kind) => (kind, None),
            InputType::Float(float) => (ElementType::F32, Some(float)),
            InputType::Open => (ElementType::F32, None),
            InputType::Other(dtype) => {
                return Err(LoadError::InputType { input: input.name.to_string(), dtype });
            }
        };
        Ok(Self { input, kind, rounded_to, runtime })
    }

    /// The input's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.input.name
    }

    /// The tensors of the samples for this input, put together along the first axis.
    ///
    /// # Errors
    ///
    /// When a sample lacks the input, or its tensor has another type or shape.
    ///
    /// # Panics
    ///
    /// Where there is no sample.
    pub fn prepare<'s>(&self, samples: &'s [Sample]) -> Result<Prepared<'s>, RunError> {
        let (first, others) = samples.split_first().expect("a run is of one sample or more");
        let tensor = self.find(first)?;
        let mut shape = Cow::Borrowed(tensor.shape.as_slice());
        if let (Some(batch), 1..) = (shape.first().copied(), others.len()) {
            shape.to_mut()[0] = batch * (1 + others.len());
        }
        self.check_shape(&first.name, &shape).map_err(|it| self.failed(it))?;
        let mut values = self.values(&first.name, &tensor.data).map_err(|it| self.failed(it))?;
        for sample in others {
            let other = self.find(sample)?;
            if other.shape != tensor.shape {
                return Err(self.failed(InputError::Uneven {
                    input: self.input.name.to_string(),
                    sample: sample.name.to_string(),
                    first: tensor.shape.clone(),
                    given: other.shape.clone(),
                }));
            }
            values.append(self.values(&sample.name, &other.data).map_err(|it| self.failed(it))?);
        }
        Ok(Prepared { shape, values })
    }

    fn failed(&self, source: InputError) -> RunError {
        RunError::Runtime { runtime: self.runtime.to_owned(), source: source.into() }
    }

    fn find<'s>(&self, sample: &'s Sample) -> Result<&'s Tensor, RunError> {
        let found = sample.inputs.iter().find(|(name, _)| *name == self.input.name);
        found.map(|(_, tensor)| tensor).ok_or_else(|| RunError::MissingInput {
            input: self.input.name.to_string(),
            sample: sample.name.to_string(),
            given: sample.inputs.iter().map(|(name, _)| name.to_string()).collect(),
        })
    }

    fn check_shape(&self, sample: &str, given: &[usize]) -> Result<(), InputError> {
        let Some(dims) = &self.input.shape else { return Ok(()) };
        let fits = |(dim, size): (&Dim, &usize)| dim.size().is_none_or(|known| known == *size);
        if dims.len() == given.len() && dims.iter().zip(given).all(fits) {
            return Ok(());
        }
        Err(InputError::Shape {
            input: self.input.name.to_string(),
            sample: sample.to_owned(),
            expected: dims.iter().map(Dim::to_string).collect::<Vec<_>>().join(", "),
            given: given.to_vec(),
        })
    }

    /// The floats as the input holds them.
    fn floats<'s>(&self, sample: &str, values: &'s [f32]) -> Result<Cow<'s, [f32]>, InputError> {
        let Some(float) = self.rounded_to.filter(|&float| float != OtherFloat::F64) else {
            return Ok(Cow::Borrowed(values));
        };
        let nearest = |(index, &value): (usize, &f32)| {
            float.nearest(value).ok_or_else(|| InputError::Beyond {
                input: self.input.name.to_string(),
                sample: sample.to_owned(),
                index,
                value,
                float,
            })
        };
        values.iter().enumerate().map(nearest).collect()
    }

    fn values<'s>(&self, sample: &str, data: &'s TensorData) -> Result<Values<'s>, InputError> {
        Ok(match (self.kind, data) {
            (ElementType::F32, TensorData::F32(values)) => {
                Values::F32(self.floats(sample, values)?)
            }
            (ElementType::I32, TensorData::I32(values)) => Values::I32(Cow::Borrowed(values)),
            (ElementType::U8, TensorData::U8(values)) => Values::U8(Cow::Borrowed(values)),
            (ElementType::I64, TensorData::I64(values)) => Values::I64(Cow::Borrowed(values)),
            (ElementType::Bool, TensorData::Bool(values)) => Values::Bool(Cow::Borrowed(values)),
            (expected, data) => {
                let (input, sample) = (self.input.name.to_string(), sample.to_owned());
                return Err(InputError::Type {
                    input,
                    sample,
                    expected,
                    given: data.element_type(),
                });
            }
        })
    }
}

impl Prepared<'_> {
    /// The values when they are floats.
    #[must_use]
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }
}

impl Values<'_> {
    /// Puts `next`, which is of the same kind because it fits the same input, after these.
    fn append(&mut self, next: Self) {
        match (self, next) {
            (Values::F32(all), Values::F32(next)) => all.to_mut().extend_from_slice(&next),
            (Values::I64(all), Values::I64(next)) => all.to_mut().extend_from_slice(&next),
            (Values::I32(all), Values::I32(next)) => all.to_mut().extend_from_slice(&next),
            (Values::U8(all), Values::U8(next)) => all.to_mut().extend_from_slice(&next),
            (Values::Bool(all), Values::Bool(next)) => all.to_mut().extend_from_slice(&next),
            _ => {}
        }
    }
}

/// The way out where only the batch dimension differs.
fn fixed_batch(expected: &str, given: &[usize]) -> &'static str {
    let mut dims = expected.split(", ");
    let batch = dims.next().and_then(|dim| dim.parse().ok());
    let rest = dims.map(|dim| dim.parse().ok());
    let only_batch = batch
        .is_some_and(|batch: usize| given.first().is_some_and(|&first| first != batch))
        && given
            .iter()
            .skip(1)
            .map(Some)
            .eq(rest.collect::<Vec<Option<usize>>>().iter().map(Option::as_ref));
    if only_batch {
        "; export it with a dynamic batch dimension, or run that many samples together"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_differs_in_the_batch_alone_has_a_way_out() {
        let shape = |expected: &str, given: &[usize]| InputError::Shape {
            input: "x".to_owned(),
            sample: "a.jpg".to_owned(),
            expected: expected.to_owned(),
            given: given.to_vec(),
        };
        assert_eq!(
            shape("4, 3, 8, 8", &[1, 3, 8, 8]).to_string(),
            "input `x` of sample `a.jpg` has shape [1, 3, 8, 8], the model expects [4, 3, 8, 8]; export it with a \
             dynamic batch dimension, or run that many samples together"
        );
        assert_eq!(
            shape("N, 3, 8, 8", &[1, 3, 9, 8]).to_string(),
            "input `x` of sample `a.jpg` has shape [1, 3, 9, 8], the model expects [N, 3, 8, 8]"
        );
    }
}
