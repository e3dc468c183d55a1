//! Fits the tensors of samples to the inputs of the model.

use std::borrow::Cow;

use calibrant_runtime::{LoadError, RunError, Sample};
use calibrant_tensor::{Dim, ElementType, Input, InputType, Tensor, TensorData};
use rten::ValueView;

use crate::error::{InputError, failed};

/// An input of the model, of a type that samples come in.
#[derive(Debug)]
pub(crate) struct Fitter {
    input: Input,
    kind: ElementType,
}

/// An input of one run: a sample's tensor, or those of several samples one after the other.
#[derive(Debug)]
pub(crate) struct Prepared<'s> {
    shape: Cow<'s, [usize]>,
    values: Values<'s>,
}

#[derive(Debug)]
enum Values<'s> {
    F32(Cow<'s, [f32]>),
    I32(Cow<'s, [i32]>),
    U8(Cow<'s, [u8]>),
}

impl Fitter {
    /// Fits samples to what is stated of `input`; where no type is, they are floats.
    ///
    /// # Errors
    ///
    /// When samples cannot have the element type.
    pub(crate) fn new(input: Input) -> Result<Self, LoadError> {
        let kind = match input.element {
            InputType::Element(kind) => kind,
            InputType::Open => ElementType::F32,
            InputType::Other(dtype) => {
                return Err(LoadError::InputType { input: input.name.to_string(), dtype });
            }
        };
        Ok(Self { input, kind })
    }

    /// The input's name.
    pub(crate) fn name(&self) -> &str {
        &self.input.name
    }

    /// The tensors of the samples for this input, put together along the first axis.
    ///
    /// # Errors
    ///
    /// When a sample lacks the input, or its tensor has another type or shape.
    pub(crate) fn prepare<'s>(
        &self,
        first: &'s Sample,
        others: &'s [Sample],
    ) -> Result<Prepared<'s>, RunError> {
        let tensor = self.find(first)?;
        let mut shape = Cow::Borrowed(tensor.shape.as_slice());
        if let (Some(batch), 1..) = (shape.first().copied(), others.len()) {
            shape.to_mut()[0] = batch * (1 + others.len());
        }
        self.check_shape(&first.name, &shape).map_err(failed)?;
        let mut values = self.values(&first.name, &tensor.data).map_err(failed)?;
        for sample in others {
            let other = self.find(sample)?;
            if other.shape != tensor.shape {
                return Err(failed(InputError::Uneven {
                    input: self.input.name.to_string(),
                    sample: sample.name.to_string(),
                    first: tensor.shape.clone(),
                    given: other.shape.clone(),
                }));
            }
            values.append(self.values(&sample.name, &other.data).map_err(failed)?);
        }
        Ok(Prepared { shape, values })
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

    fn values<'s>(&self, sample: &str, data: &'s TensorData) -> Result<Values<'s>, InputError> {
        Ok(match (self.kind, data) {
            (ElementType::F32, TensorData::F32(values)) => Values::F32(Cow::Borrowed(values)),
            (ElementType::I32, TensorData::I32(values)) => Values::I32(Cow::Borrowed(values)),
            (ElementType::U8, TensorData::U8(values)) => Values::U8(Cow::Borrowed(values)),
            (ElementType::Bool, TensorData::Bool(values)) => {
                Values::I32(values.iter().map(|&value| i32::from(value)).collect())
            }
            (ElementType::I64, TensorData::I64(values)) => {
                let narrow = |(index, &value): (usize, &i64)| {
                    i32::try_from(value).map_err(|_| InputError::Range {
                        input: self.input.name.to_string(),
                        sample: sample.to_owned(),
                        index,
                        value,
                    })
                };
                Values::I32(values.iter().enumerate().map(narrow).collect::<Result<_, _>>()?)
            }
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
    /// The tensor as the executor takes it, `None` if it has other dimensions than it has values for.
    pub(crate) fn view(&self) -> Option<ValueView<'_>> {
        match &self.values {
            Values::F32(values) => ValueView::from_shape(&self.shape, values).ok(),
            Values::I32(values) => ValueView::from_shape(&self.shape, values).ok(),
            Values::U8(values) => ValueView::from_shape(&self.shape, values).ok(),
        }
    }

    /// Length of each axis.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values when they are floats.
    pub(crate) fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            Values::I32(_) | Values::U8(_) => None,
        }
    }
}

impl Values<'_> {
    /// Puts `next`, which is of the same kind because it fits the same input, after these.
    fn append(&mut self, next: Self) {
        match (self, next) {
            (Values::F32(all), Values::F32(next)) => all.to_mut().extend_from_slice(&next),
            (Values::I32(all), Values::I32(next)) => all.to_mut().extend_from_slice(&next),
            (Values::U8(all), Values::U8(next)) => all.to_mut().extend_from_slice(&next),
            _ => {}
        }
    }
}
