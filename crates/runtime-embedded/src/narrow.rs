//! Samples' tensors in the types that the executor computes with.

use std::borrow::Cow;

use calibrant_runtime::host::{Prepared, Values};
use calibrant_runtime::{RunError, Sample};
use rten::ValueView;

use crate::error::{RangeError, failed};

/// An input of one run; whole numbers and truth values are int32, as the executor has them.
#[derive(Debug)]
pub(crate) struct Narrowed<'s> {
    shape: Cow<'s, [usize]>,
    values: Narrow<'s>,
}

#[derive(Debug)]
enum Narrow<'s> {
    F32(Cow<'s, [f32]>),
    I32(Cow<'s, [i32]>),
    U8(Cow<'s, [u8]>),
}

impl<'s> Narrowed<'s> {
    /// The input called `name`, as it was prepared from `samples`.
    ///
    /// # Errors
    ///
    /// When a whole number does not fit.
    pub(crate) fn new(
        name: &str,
        Prepared { shape, values }: Prepared<'s>,
        samples: &[Sample],
    ) -> Result<Self, RunError> {
        let values = match values {
            Values::F32(values) => Narrow::F32(values),
            Values::I32(values) => Narrow::I32(values),
            Values::U8(values) => Narrow::U8(values),
            Values::Bool(values) => {
                Narrow::I32(values.iter().map(|&value| i32::from(value)).collect())
            }
            Values::I64(values) => Narrow::I32(narrow(name, &values, samples)?),
        };
        Ok(Self { shape, values })
    }

    /// The tensor as the executor takes it, `None` if it has other dimensions than it has values for.
    pub(crate) fn view(&self) -> Option<ValueView<'_>> {
        match &self.values {
            Narrow::F32(values) => ValueView::from_shape(&self.shape, values).ok(),
            Narrow::I32(values) => ValueView::from_shape(&self.shape, values).ok(),
            Narrow::U8(values) => ValueView::from_shape(&self.shape, values).ok(),
        }
    }

    /// Length of each axis.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values when they are floats.
    pub(crate) fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Narrow::F32(values) => Some(values),
            Narrow::I32(_) | Narrow::U8(_) => None,
        }
    }
}

fn narrow(name: &str, values: &[i64], samples: &[Sample]) -> Result<Cow<'static, [i32]>, RunError> {
    let of_each = (values.len() / samples.len().max(1)).max(1);
    let narrow = |(index, &value): (usize, &i64)| {
        i32::try_from(value).map_err(|_| {
            let sample = samples.get(index / of_each).map(|sample| sample.name.to_string());
            failed(RangeError {
                input: name.to_owned(),
                sample: sample.unwrap_or_default(),
                index: index % of_each,
                value,
            })
        })
    };
    values.iter().enumerate().map(narrow).collect()
}
