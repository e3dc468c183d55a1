//! Fits the tensors of samples to the inputs of the model.

use std::borrow::Cow;

use calibrant_tensor::{
    Dim, ElementType, Input, InputType, NotWhole, OtherFloat, Tensor, TensorData,
};

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
    /// A whole number is none of the model's type.
    #[error(
        "input `{input}` of sample `{sample}` has the value {value} at element {index}, which is no {expected}"
    )]
    Value {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Element type that the model states.
        expected: ElementType,
        /// The number.
        value: i64,
        /// Its place, row-major.
        index: usize,
    },
    /// Samples that run together have other values of an input that all of them share.
    #[error(
        "input `{input}` is one for all samples that run together, and sample `{sample}` has another than `{first}`"
    )]
    Shared {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Name of the first sample of the run.
        first: String,
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

    /// The tensors of the samples for this input, put together along the axis that the model fixes to as many, else along
    /// the first; where it takes the tensor of one sample alone, all must have the same.
    ///
    /// Whole numbers and truth values become the model's type where they fit.
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
        let together = self.together(&tensor.shape, samples.len());
        let mut shape = Cow::Borrowed(tensor.shape.as_slice());
        if let Together::Along(axis) = together {
            shape.to_mut()[axis] *= samples.len();
        }
        self.check_shape(&first.name, &shape).map_err(|it| self.failed(it))?;
        let mut parts = vec![self.values(&first.name, &tensor.data).map_err(|it| self.failed(it))?];
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
            if together == Together::Shared && other.data != tensor.data {
                return Err(self.failed(InputError::Shared {
                    input: self.input.name.to_string(),
                    sample: sample.name.to_string(),
                    first: first.name.to_string(),
                }));
            }
            if together != Together::Shared {
                parts.push(self.values(&sample.name, &other.data).map_err(|it| self.failed(it))?);
            }
        }
        let n_outer = match together {
            Together::Along(axis) => tensor.shape[..axis].iter().product(),
            Together::Shared => 1,
        };
        Ok(Prepared { shape, values: Values::joined(parts, n_outer) })
    }

    /// How tensors of this shape of so many samples become one.
    fn together(&self, shape: &[usize], n_samples: usize) -> Together {
        let Some(dims) = self.input.shape.as_deref().filter(|dims| dims.len() == shape.len())
        else {
            return if shape.is_empty() { Together::Shared } else { Together::Along(0) };
        };
        let fits = |dim: &Dim, size: usize| dim.size().is_none_or(|known| known == size);
        let fits_but = |axis: usize| {
            (0..dims.len()).all(|other| other == axis || fits(&dims[other], shape[other]))
        };
        let is_full = |axis: usize| dims[axis] == Dim::Fixed(shape[axis] * n_samples);
        let full = (0..dims.len()).find(|&axis| is_full(axis) && fits_but(axis));
        let first =
            (!dims.is_empty() && fits_but(0) && fits(&dims[0], shape[0] * n_samples)).then_some(0);
        match full.or(first) {
            Some(axis) => Together::Along(axis),
            None if fits_but(usize::MAX) => Together::Shared,
            None => Together::Along(0),
        }
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
                let given = data.element_type();
                return match data.whole_as(expected) {
                    Some(Ok(data)) => Ok(Values::owned(data)),
                    Some(Err(NotWhole { index, value })) => {
                        Err(InputError::Value { input, sample, expected, value, index })
                    }
                    None => Err(InputError::Type { input, sample, expected, given }),
                };
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

impl<'s> Values<'s> {
    fn owned(data: TensorData) -> Self {
        match data {
            TensorData::F32(values) => Self::F32(Cow::Owned(values)),
            TensorData::I64(values) => Self::I64(Cow::Owned(values)),
            TensorData::I32(values) => Self::I32(Cow::Owned(values)),
            TensorData::U8(values) => Self::U8(Cow::Owned(values)),
            TensorData::Bool(values) => Self::Bool(Cow::Owned(values)),
        }
    }

    /// Values of tensors of the same shape and type, because they fit the same input, put together along an axis before
    /// which so many indices stand.
    fn joined(mut parts: Vec<Self>, n_outer: usize) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        macro_rules! join {
            ($($variant:ident),*) => {
                match &parts[0] {
                    $(Self::$variant(_) => {
                        let parts = parts.iter().filter_map(|part| match part {
                            Self::$variant(values) => Some(&**values),
                            _ => None,
                        });
                        Self::$variant(Cow::Owned(join(&parts.collect::<Vec<_>>(), n_outer)))
                    })*
                }
            };
        }
        join!(F32, I64, I32, U8, Bool)
    }
}

/// How tensors of several samples become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    /// One behind the other along this axis.
    Along(usize),
    /// It is the same for all.
    Shared,
}

fn join<T: Copy>(parts: &[&[T]], n_outer: usize) -> Vec<T> {
    let of_each = parts[0].len() / n_outer.max(1);
    let pieces = (0..n_outer)
        .flat_map(|outer| parts.iter().map(move |part| &part[outer * of_each..][..of_each]));
    pieces.flatten().copied().collect()
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
