//! Puts together what the turns of a loop left behind.

use rten::Value;
use rten_tensor::{AsView as _, Layout as _, Tensor};

use crate::error::StepError;

/// The tensors one after the other along a new first axis.
///
/// # Errors
///
/// When there are none, or they differ in type or shape.
pub(super) fn stacked(values: Vec<Value>) -> Result<Value, StepError> {
    match values.first() {
        Some(Value::FloatTensor(_)) => stacked_of::<f32>(values),
        Some(Value::Int32Tensor(_)) => stacked_of::<i32>(values),
        Some(Value::Int8Tensor(_)) => stacked_of::<i8>(values),
        Some(Value::UInt8Tensor(_)) => stacked_of::<u8>(values),
        // Without a turn nothing says of which shape they would be.
        _ => Err(StepError::Scan),
    }
}

fn stacked_of<T: Copy>(values: Vec<Value>) -> Result<Value, StepError>
where
    Tensor<T>: TryFrom<Value>,
    Value: From<Tensor<T>>,
{
    let n_values = values.len();
    let mut shape = None;
    let mut all: Vec<T> = Vec::new();
    for value in values {
        let tensor = Tensor::<T>::try_from(value).map_err(|_| StepError::Scan)?;
        if shape.get_or_insert_with(|| tensor.shape().to_vec()) != tensor.shape() {
            return Err(StepError::Scan);
        }
        all.extend(tensor.iter());
    }
    let shape = [vec![n_values], shape.unwrap_or_default()].concat();
    Ok(Tensor::from_data(&shape, all).into())
}
