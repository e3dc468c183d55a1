//! What signals are weighed with: `HannWindow`, `HammingWindow`, `BlackmanWindow` and `MelWeightMatrix`.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::{Value, ValueView};
use rten_tensor::Tensor;

use crate::demand::{Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;

/// Refuses what is to be of another type than float.
fn check_type(node: &NodeProto) -> Result<(), Refusal> {
    let floats = [DataType::FLOAT as i64, DataType::DOUBLE as i64];
    match node.attr_i("output_datatype").unwrap_or(floats[0]) {
        value if floats.contains(&value) => Ok(()),
        value => Err(Refusal::Attribute { name: "output_datatype", value: value.to_string() }),
    }
}

/// A window as a sum of cosines of whole multiples of its turn.
#[derive(Debug)]
pub(super) struct Window {
    weights: [f64; 3],
    is_periodic: bool,
}

impl Window {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        check_type(node)?;
        let weights = match node.op() {
            "HannWindow" => [0.5, -0.5, 0.0],
            "HammingWindow" => [25.0 / 46.0, -21.0 / 46.0, 0.0],
            "BlackmanWindow" => [0.42, -0.5, 0.08],
            _ => return Err(Refusal::Operator),
        };
        Ok(Self { weights, is_periodic: node.attr_i("periodic").unwrap_or(1) != 0 })
    }
}

fn size(args: &Args<'_, '_>, index: usize, what: &'static str) -> Result<usize, StepError> {
    let size = args.integers(index).first().and_then(|&size| usize::try_from(size).ok());
    size.ok_or(StepError::Unfit { what })
}

impl Compute for Window {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        bytes(size(args, 0, "size").map_or(0, |size| size as u64))
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "angles are computed in doubles, and windows are of float32"
    )]
    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let size = size(args, 0, "size")?;
        let turn = if self.is_periodic { size } else { size.saturating_sub(1) };
        let value = |at: usize| {
            let angle = 2.0 * std::f64::consts::PI * at as f64 / turn as f64;
            let terms = self.weights.iter().zip([0.0, 1.0, 2.0]);
            terms.map(|(weight, times)| weight * (times * angle).cos()).sum::<f64>() as f32
        };
        Ok(vec![Tensor::from((0..size).map(value).collect::<Vec<f32>>()).into()])
    }
}

/// `MelWeightMatrix`.
#[derive(Debug)]
pub(super) struct MelWeightMatrix;

/// Its inputs.
struct Mel {
    n_bands: usize,
    n_bins: usize,
    dft_length: usize,
    sample_rate: usize,
    low: f32,
    high: f32,
}

impl MelWeightMatrix {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        check_type(node)?;
        Ok(Self)
    }

    fn mel(args: &Args<'_, '_>) -> Result<Mel, StepError> {
        let edge = |index: usize, what: &'static str| {
            match args.get(index) {
                Some(ValueView::FloatTensor(edge)) => edge.item().copied(),
                _ => None,
            }
            .ok_or(StepError::Unfit { what })
        };
        let dft_length = size(args, 1, "dft_length")?;
        let sample_rate = size(args, 2, "sample_rate")?;
        if sample_rate == 0 {
            return Err(StepError::Unfit { what: "sample_rate" });
        }
        Ok(Mel {
            n_bands: size(args, 0, "num_mel_bins")?,
            n_bins: dft_length / 2 + 1,
            dft_length,
            sample_rate,
            low: edge(3, "lower_edge_hertz")?,
            high: edge(4, "upper_edge_hertz")?,
        })
    }
}

impl Mel {
    /// The bins where bands begin, peak and end; `None` where one lies outside the spectrum.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and what is outside is sorted out"
    )]
    fn edges(&self) -> Option<Vec<usize>> {
        let mel = |hertz: f32| 2595.0 * (1.0 + f64::from(hertz) / 700.0).log10();
        let (low, high) = (mel(self.low), mel(self.high));
        let step = (high - low) / (self.n_bands + 2) as f64;
        let edge = |index: usize| {
            let hertz = 700.0 * (10_f64.powf((index as f64 * step + low) / 2595.0) - 1.0);
            let bin = ((self.dft_length + 1) as f64 * hertz / self.sample_rate as f64).floor();
            (bin >= 0.0).then_some(bin as usize).filter(|&bin| bin < self.n_bins)
        };
        (0..self.n_bands.checked_add(2)?).map(edge).collect()
    }
}

impl Compute for MelWeightMatrix {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(mel) = Self::mel(args) else { return 0 };
        let weights = product([mel.n_bins as u64, mel.n_bands as u64]);
        bytes(weights.saturating_add((mel.n_bands as u64).saturating_mul(2)))
    }

    #[expect(clippy::cast_precision_loss, reason = "bins are few")]
    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let mel = Self::mel(args)?;
        let edges = mel.edges().ok_or(StepError::Unfit { what: "edges" })?;
        let mut weights = vec![0.0; mel.n_bins * mel.n_bands];
        for (band, edges) in edges.windows(3).enumerate() {
            let (start, peak, end) = (edges[0], edges[1], edges[2]);
            let mut set = |bin: usize, value: f32| weights[bin * mel.n_bands + band] = value;
            if peak <= start {
                set(peak, 1.0);
            } else {
                let rise = (peak - start) as f32;
                (start..=peak).for_each(|bin| set(bin, (bin - start) as f32 / rise));
            }
            if end > peak {
                let fall = (end - peak) as f32;
                (peak..end).for_each(|bin| set(bin, (end - bin) as f32 / fall));
            }
        }
        Ok(vec![Tensor::from_data(&[mel.n_bins, mel.n_bands], weights).into()])
    }
}
