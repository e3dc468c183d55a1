//! Fits the tensors of samples to the inputs of the model.

use std::borrow::Cow;

use calibrant_calibration::{BackendError, Sample};
use calibrant_dataset::{ElementType, Tensor, TensorData};
use calibrant_onnx::proto::ValueInfoProto;
use calibrant_onnx::{DataType, Dim};

use crate::error::{InputError, LoadError};
use crate::executor::Feed;

/// What the model says of an input.
#[derive(Debug)]
pub(crate) struct ModelInput {
    name: String,
    kind: ElementType,
    /// A number, or the symbol of a dimension that may vary; `None` when even their count is open.
    dims: Option<Vec<Result<usize, String>>>,
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

impl ModelInput {
    /// What `info` says.
    ///
    /// # Errors
    ///
    /// When samples cannot have the element type.
    pub(crate) fn new(info: &ValueInfoProto) -> Result<Self, LoadError> {
        let stated = info.tensor_type();
        let dtype = stated.as_ref().and_then(|stated| stated.dtype).unwrap_or(DataType::FLOAT);
        let kind = match dtype {
            DataType::FLOAT => ElementType::F32,
            DataType::INT64 => ElementType::I64,
            DataType::INT32 => ElementType::I32,
            DataType::UINT8 => ElementType::U8,
            DataType::BOOL => ElementType::Bool,
            _ => return Err(LoadError::InputType { input: info.label().to_owned(), dtype }),
        };
        let dim = |dim: &Dim<'_>| match dim {
            Dim::Known(size) => Ok(*size),
            Dim::Symbol(_) | Dim::Unknown => Err(dim.to_string()),
        };
        let dims =
            stated.and_then(|stated| stated.shape).map(|dims| dims.iter().map(dim).collect());
        Ok(Self { name: info.label().to_owned(), kind, dims })
    }

    /// The input's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The tensors of `samples` for this input, put together along the first axis.
    ///
    /// # Errors
    ///
    /// When a sample lacks the input, or its tensor has another type or shape.
    pub(crate) fn prepare<'s>(&self, samples: &'s [Sample]) -> Result<Prepared<'s>, BackendError> {
        let tensors =
            samples.iter().map(|sample| self.find(sample)).collect::<Result<Vec<_>, _>>()?;
        let named = samples.iter().zip(&tensors).map(|(sample, &tensor)| (&*sample.name, tensor));
        self.fit(named.collect()).map_err(|error| BackendError::Runtime {
            backend: crate::embedded::NAME.to_owned(),
            source: error.into(),
        })
    }

    fn find<'s>(&self, sample: &'s Sample) -> Result<&'s Tensor, BackendError> {
        let found = sample.inputs.iter().find(|(name, _)| **name == *self.name);
        found.map(|(_, tensor)| tensor).ok_or_else(|| BackendError::MissingInput {
            input: self.name.clone(),
            sample: sample.name.to_string(),
            given: sample.inputs.iter().map(|(name, _)| name.to_string()).collect(),
        })
    }

    fn fit<'s>(&self, tensors: Vec<(&str, &'s Tensor)>) -> Result<Prepared<'s>, InputError> {
        let Some(&(first_name, first)) = tensors.first() else {
            return Ok(Prepared {
                shape: Cow::Borrowed(&[]),
                values: Values::F32(Cow::Borrowed(&[])),
            });
        };
        for &(sample, tensor) in &tensors {
            if tensor.shape != first.shape {
                let (first, given) = (first.shape.clone(), tensor.shape.clone());
                let (input, sample) = (self.name.clone(), sample.to_owned());
                return Err(InputError::Uneven { input, sample, first, given });
            }
        }
        let mut shape = Cow::Borrowed(first.shape.as_slice());
        if let Some(batch) =
            shape.first().filter(|_| tensors.len() > 1).map(|batch| batch * tensors.len())
        {
            shape.to_mut()[0] = batch;
        }
        self.check_shape(first_name, &shape)?;
        let values = tensors.into_iter().map(|(sample, tensor)| self.values(sample, &tensor.data));
        let values = values.reduce(|all, next| Ok(join(all?, next?))).transpose()?;
        let values = values.unwrap_or(Values::F32(Cow::Borrowed(&[])));
        Ok(Prepared { shape, values })
    }

    fn check_shape(&self, sample: &str, given: &[usize]) -> Result<(), InputError> {
        let Some(dims) = &self.dims else { return Ok(()) };
        let fits = |(dim, size): (&Result<usize, String>, &usize)| {
            dim.as_ref().map_or(true, |known| known == size)
        };
        if dims.len() == given.len() && dims.iter().zip(given).all(fits) {
            return Ok(());
        }
        let text =
            |dim: &Result<usize, String>| dim.as_ref().map_or_else(String::clone, usize::to_string);
        Err(InputError::Shape {
            input: self.name.clone(),
            sample: sample.to_owned(),
            expected: dims.iter().map(text).collect::<Vec<_>>().join(", "),
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
                        input: self.name.clone(),
                        sample: sample.to_owned(),
                        index,
                        value,
                    })
                };
                Values::I32(values.iter().enumerate().map(narrow).collect::<Result<_, _>>()?)
            }
            (expected, data) => {
                let (input, sample) = (self.name.clone(), sample.to_owned());
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
    /// The tensor as the executor takes it.
    pub(crate) fn feed<V>(&self) -> Feed<'_, V> {
        match &self.values {
            Values::F32(values) => Feed::F32(&self.shape, values),
            Values::I32(values) => Feed::I32(&self.shape, values),
            Values::U8(values) => Feed::U8(&self.shape, values),
        }
    }

    /// The values when they are floats.
    pub(crate) fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            Values::I32(_) | Values::U8(_) => None,
        }
    }
}

/// The values of both, which are of one kind because both fit one input.
fn join<'s>(mut all: Values<'s>, next: Values<'s>) -> Values<'s> {
    match (&mut all, next) {
        (Values::F32(all), Values::F32(next)) => all.to_mut().extend_from_slice(&next),
        (Values::I32(all), Values::I32(next)) => all.to_mut().extend_from_slice(&next),
        (Values::U8(all), Values::U8(next)) => all.to_mut().extend_from_slice(&next),
        _ => {}
    }
    all
}
