//! `Det`.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use crate::demand::{Args, bytes};
use crate::dense::floats;
use crate::error::StepError;
use crate::ours::Compute;

/// The determinants of square matrices.
#[derive(Debug)]
struct Det;

/// The operator that `node` is.
///
/// # Errors
///
/// When it is not this.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    if node.op() == "Det" { Ok(Box::new(Det)) } else { Err(Refusal::Operator) }
}

impl Compute for Det {
    /// The determinants, the input once more, and one matrix in twice its width.
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        bytes(args.len(0).saturating_mul(4))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let x = floats(args, 0, "X")?.ok_or(StepError::NoValue)?;
        let &[ref outer @ .., rows, columns] = &x.shape[..] else {
            return Err(StepError::Unfit { what: "X and square matrices" });
        };
        if rows != columns {
            return Err(StepError::Unfit { what: "X and square matrices" });
        }
        let n_matrices: usize = outer.iter().product();
        let mut made = Vec::with_capacity(n_matrices);
        for index in 0..n_matrices {
            let matrix = &x.values[index * rows * rows..][..rows * rows];
            let mut matrix: Vec<f64> = matrix.iter().map(|&value| value.into()).collect();
            #[expect(clippy::cast_possible_truncation, reason = "the output is float32")]
            made.push(determinant(&mut matrix, rows, stop)? as f32);
        }
        Ok(vec![Tensor::from_data(outer, made).into()])
    }
}

/// By elimination; what is left of the matrix is of no use.
fn determinant(matrix: &mut [f64], n: usize, stop: &Stop) -> Result<f64, StepError> {
    let mut product = 1.0;
    for step in 0..n {
        if stop.is_set() {
            return Err(StepError::Stopped);
        }
        let size = |row: &usize| matrix[row * n + step].abs();
        let pivot = (step..n).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(step);
        if pivot != step {
            (0..n).for_each(|column| matrix.swap(pivot * n + column, step * n + column));
            product = -product;
        }
        let divisor = matrix[step * n + step];
        product *= divisor;
        if divisor == 0.0 {
            return Ok(0.0);
        }
        for row in step + 1..n {
            let factor = matrix[row * n + step] / divisor;
            for column in step..n {
                matrix[row * n + column] -= factor * matrix[step * n + column];
            }
        }
    }
    Ok(product)
}
