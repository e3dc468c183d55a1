//! `NegativeLogLikelihoodLoss` and `SoftmaxCrossEntropyLoss`, which training graphs end in.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use crate::demand::{Args, bytes};
use crate::dense::{Dense, floats, integers};
use crate::error::StepError;
use crate::ours::Compute;

/// A loss with its attributes.
#[derive(Debug)]
struct Loss {
    /// Whether the input is scores, of which logarithms of probabilities are made first.
    is_softmax: bool,
    /// The label that counts nothing.
    ignored: Option<i64>,
    reduction: Reduction,
}

/// What is made of the losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reduction {
    None,
    Sum,
    Mean,
}

/// The operator that `node` is.
///
/// # Errors
///
/// When it is none of these, or reduces in no way that there is.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    let is_softmax = match node.op() {
        "SoftmaxCrossEntropyLoss" => true,
        "NegativeLogLikelihoodLoss" => false,
        _ => return Err(Refusal::Operator),
    };
    let reduction = match node.attr_s("reduction").unwrap_or("mean") {
        "none" => Reduction::None,
        "sum" => Reduction::Sum,
        "mean" => Reduction::Mean,
        value => return Err(Refusal::Attribute { name: "reduction", value: value.to_owned() }),
    };
    Ok(Box::new(Loss { is_softmax, ignored: node.attr_i("ignore_index"), reduction }))
}

/// Rows, classes, and places behind them.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    classes: usize,
    places: usize,
}

impl Compute for Loss {
    /// The logarithms, the losses and weights of all labels, and every input once more.
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let labels = args.len(1).saturating_mul(4);
        bytes(args.len(0).saturating_add(labels).saturating_add(args.total()))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let scores = floats(args, 0, "scores")?.ok_or(StepError::NoValue)?;
        let labels = integers(args, 1, "labels")?.ok_or(StepError::NoValue)?;
        let weights = floats(args, 2, "weights")?;
        let unfit = || StepError::Unfit { what: "scores, labels and weights" };
        let &[rows, classes, ref rest @ ..] = &scores.shape[..] else { return Err(unfit()) };
        let n_weights = weights.as_ref().map_or(classes, |weights| weights.values.len());
        if labels.shape != [&[rows], rest].concat() || n_weights != classes {
            return Err(unfit());
        }
        let sizes = Sizes { classes, places: rest.iter().product() };
        let logarithms = if self.is_softmax {
            logarithms(&scores.values, sizes)
        } else {
            scores.values.to_vec()
        };
        let (losses, counted) = self.losses(&logarithms, &labels, weights.as_ref(), sizes)?;
        let sum = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        #[expect(clippy::cast_possible_truncation, reason = "losses are float32")]
        let loss = match self.reduction {
            Reduction::None => Tensor::from_data(&labels.shape, losses),
            Reduction::Sum => Tensor::from(sum as f32),
            Reduction::Mean => Tensor::from((sum / counted) as f32),
        };
        let logarithms = Tensor::from_data(&scores.shape, logarithms);
        Ok(vec![loss.into(), logarithms.into()])
    }
}

impl Loss {
    /// The loss of each label, and what all labels weigh.
    fn losses(
        &self,
        logarithms: &[f32],
        labels: &Dense<'_, i32>,
        weights: Option<&Dense<'_, f32>>,
        Sizes { classes, places }: Sizes,
    ) -> Result<(Vec<f32>, f64), StepError> {
        let mut counted = 0.0;
        let loss = |(index, &label): (usize, &i32)| {
            if self.ignored == Some(label.into()) {
                return Ok(0.0);
            }
            let label = usize::try_from(label).ok().filter(|&label| label < classes);
            let label = label.ok_or(StepError::Unfit { what: "labels and classes" })?;
            let weight = weights.map_or(1.0, |weights| weights.values[label]);
            counted += f64::from(weight);
            let (row, place) = (index / places, index % places);
            Ok(-logarithms[(row * classes + label) * places + place] * weight)
        };
        let losses =
            labels.values.iter().enumerate().map(loss).collect::<Result<_, StepError>>()?;
        Ok((losses, counted))
    }
}

/// The logarithms of what softmax makes of scores along their second axis.
fn logarithms(scores: &[f32], Sizes { classes, places }: Sizes) -> Vec<f32> {
    let mut made = scores.to_vec();
    for row in made.chunks_mut((classes * places).max(1)) {
        for place in 0..places {
            let lane = || row.iter().skip(place).step_by(places).copied();
            let most = lane().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = lane().map(|score| (score - most).exp()).sum();
            let shift = most + sum.ln();
            row.iter_mut().skip(place).step_by(places).for_each(|score| *score -= shift);
        }
    }
    made
}
