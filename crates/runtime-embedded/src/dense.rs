//! Inputs of the operators that are computed here, in row-major order.

use std::borrow::Cow;

use rten::ValueView;
use rten_tensor::{Layout as _, TensorView};

use crate::demand::Args;
use crate::error::StepError;

/// A tensor in row-major order.
#[derive(Debug, Clone)]
pub(crate) struct Dense<'a, T: Clone> {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Cow<'a, [T]>,
}

impl<'a, T: Clone> Dense<'a, T> {
    pub(crate) fn of(view: &'a TensorView<'_, T>) -> Self {
        Self { shape: view.shape().to_vec(), values: view.to_slice() }
    }
}

/// The floats of an input, `None` where it is left out.
///
/// # Errors
///
/// When it holds something else.
pub(crate) fn floats<'a>(
    args: &'a Args<'_, '_>,
    index: usize,
    name: &'static str,
) -> Result<Option<Dense<'a, f32>>, StepError> {
    match args.get(index) {
        None => Ok(None),
        Some(ValueView::FloatTensor(view)) => Ok(Some(Dense::of(view))),
        Some(_) => Err(StepError::Unfit { what: name }),
    }
}

/// The whole numbers of an input, `None` where it is left out.
///
/// # Errors
///
/// When it holds something else.
pub(crate) fn integers<'a>(
    args: &'a Args<'_, '_>,
    index: usize,
    name: &'static str,
) -> Result<Option<Dense<'a, i32>>, StepError> {
    match args.get(index) {
        None => Ok(None),
        Some(ValueView::Int32Tensor(view)) => Ok(Some(Dense::of(view))),
        Some(_) => Err(StepError::Unfit { what: name }),
    }
}
