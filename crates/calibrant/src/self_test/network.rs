//! The network of the self-test, and the samples that it is calibrated with.

use std::path::PathBuf;
use std::sync::Arc;

use calibrant_calibration::{Method, Statistics, TensorStatistics};
use calibrant_format::{INT8, Range, Ranges};
use calibrant_job::{all_processors, default_memory_bytes, load};
use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{Runtime, Sample, Settings};
use calibrant_tensor::{Tensor, TensorData};
use tempfile::TempDir;

use crate::error::{Error, JobError};

/// Samples in a batch; the calibration profile's batch.
pub(super) const BATCH: u8 = 4;

/// How many batches a calibrator gives.
pub(super) const BATCHES: usize = 8;

/// The network's input.
pub(super) const INPUT: &str = "x";

/// Channels, height and width of a sample.
const SAMPLE: [usize; 3] = [16, 16, 16];

/// Channels that the first convolution makes.
const CHANNELS: usize = 32;

/// A convolution, a rectifier, and another convolution, in a file.
#[derive(Debug)]
pub(crate) struct Network {
    pub(super) model: Model,
    pub(super) samples: Vec<Sample>,
    folder: TempDir,
}

/// What a runtime says of the network's tensors.
#[derive(Debug)]
pub(crate) struct Ours {
    statistics: Statistics,
}

impl Network {
    /// Makes the network and its samples, the same at every call.
    ///
    /// # Errors
    ///
    /// When there is no place to write it.
    pub(crate) fn write() -> Result<Self, Error> {
        let folder = tempfile::tempdir()
            .map_err(|source| JobError::Read { path: std::env::temp_dir(), source })?;
        let network = Self { model: model(), samples: samples(), folder };
        network.write_as("plain.onnx", &network.model)?;
        Ok(network)
    }

    /// A path in the network's folder, which is removed in the end.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a form of the network.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn write_as(&self, name: &str, model: &Model) -> Result<PathBuf, Error> {
        let path = self.path(name);
        model.write(&path).map_err(|source| JobError::Model { path: path.clone(), source })?;
        Ok(path)
    }

    /// The batches as TensorRT wants them: the samples of each behind one another.
    pub(super) fn batches(&self) -> Vec<Vec<f32>> {
        let values = |sample: &Sample| match &sample.inputs[0].1.data {
            TensorData::F32(values) => values.clone(),
            _ => Vec::new(),
        };
        self.samples
            .chunks(BATCH.into())
            .map(|batch| batch.iter().flat_map(values).collect())
            .collect()
    }

    /// Whether a runtime calibrates the network; not if it does not run all of its nodes.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub(crate) fn run_by(&self, runtime: &dyn Runtime) -> Result<bool, Error> {
        let refused = |source| JobError::Load { runtime: runtime.name().to_owned(), source };
        if !runtime.survey(&self.model).map_err(refused)?.runs_all() {
            return Ok(false);
        }
        self.statistics(runtime).map(|_| true)
    }

    /// What a runtime finds.
    ///
    /// # Errors
    ///
    /// When it does not run the network.
    pub(crate) fn statistics(&self, runtime: &dyn Runtime) -> Result<Ours, Error> {
        let settings = Settings {
            workers: all_processors(),
            samples_per_run: std::num::NonZeroUsize::MIN,
            memory_bytes: default_memory_bytes(),
        };
        let mut network = load(runtime, &self.model, Method::TensorrtFaithful, &settings)?;
        let mut source = ScriptedSource::of_samples(&self.samples, BATCH.into());
        Ok(Ours { statistics: network.run(&mut source)?.statistics })
    }
}

impl Ours {
    /// The ranges up to the largest magnitudes.
    pub(super) fn ranges(&self) -> Ranges {
        let tensors = self.statistics.tensors.iter();
        let range = |(name, seen): (&String, &TensorStatistics)| {
            Some((name.clone(), Range::of_amax(seen.magnitude())?))
        };
        tensors.filter_map(range).collect()
    }

    /// The scale of a tensor by a method.
    pub(super) fn scale(&self, tensor: &str, method: Method) -> Option<f32> {
        let amax = self.statistics.tensors.get(tensor)?.amax(method, &INT8)?;
        Some(INT8.scale(Range::of_amax(amax)?))
    }
}

fn model() -> Model {
    let weights = |name: &str, shape: [usize; 4], seed| {
        let fan_in: usize = shape[1..].iter().product();
        let reach = 1.0 / (fan_in as f32).sqrt();
        TensorProto::from_f32(name, &shape, &noise(shape.iter().product(), seed, reach))
    };
    let convolution = |name: &str, from: &str, weight: &str, to: &str| {
        NodeProto::new("Conv", name, &[from, weight], &[to])
            .with_attr(AttributeProto::ints("kernel_shape", &[3, 3]))
            .with_attr(AttributeProto::ints("pads", &[1, 1, 1, 1]))
    };
    let tensor = |name: &str, channels| {
        let dims = [
            Dim::Symbol("batch"),
            Dim::Known(channels),
            Dim::Known(SAMPLE[1]),
            Dim::Known(SAMPLE[2]),
        ];
        ValueInfoProto::tensor(name, DataType::FLOAT, &dims)
    };
    let graph = GraphProto {
        name: Some("self-test".to_owned()),
        node: vec![
            convolution("first", INPUT, "first_weight", "first"),
            NodeProto::new("Relu", "rectifier", &["first"], &["rectified"]),
            convolution("second", "rectified", "second_weight", "y"),
        ],
        initializer: vec![
            weights("first_weight", [CHANNELS, SAMPLE[0], 3, 3], 1),
            weights("second_weight", [SAMPLE[0], CHANNELS, 3, 3], 2),
        ],
        input: vec![tensor(INPUT, SAMPLE[0])],
        output: vec![tensor("y", SAMPLE[0])],
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: Some(17),
            ..OperatorSetIdProto::default()
        }],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

fn samples() -> Vec<Sample> {
    let sample = |(position, seed): (usize, u32)| {
        let shape = [&[1], &SAMPLE[..]].concat();
        // Later samples reach further, so that TensorRT's histograms have to grow.
        let reach = 1.0 + position as f32 / 8.0;
        let values = noise(shape.iter().product(), seed, reach);
        let tensor = Tensor::new(shape, TensorData::F32(values))
            .expect("there are as many values as the shape has places");
        let name = format!("sample {position}").into();
        Sample { position, name, inputs: vec![(Arc::from(INPUT), tensor)] }
    };
    (0..usize::from(BATCH) * BATCHES).zip(100..).map(sample).collect()
}

/// Numbers between `-reach` and `reach`, the same for a seed on every machine.
fn noise(count: usize, seed: u32, reach: f32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        // Numerical Recipes' generator; the upper bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 32_767.5 - 1.0
    };
    (0..count).map(|_| next() * reach).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_valid_and_its_tensors_have_ranges() {
        let network = Network::write().unwrap();
        calibrant_onnx::validate(&network.model).unwrap();
        let ours = network.statistics(&*crate::default_runtime()).unwrap();
        let ranges = ours.ranges();
        assert_eq!(ranges.tensors().collect::<Vec<_>>(), ["first", "rectified", "x", "y"]);
        let is_usual = |range: &Range| range.amax() > 0.1 && range.amax() < 100.0;
        assert!(ranges.iter().all(|(_, range)| is_usual(range)), "{ranges:?}");
        assert_eq!(network.batches().len(), BATCHES);
        assert_eq!(network.batches()[0].len(), usize::from(BATCH) * 16 * 16 * 16);
        for method in [Method::MinMax, Method::TensorrtFaithful] {
            assert!(ours.scale(INPUT, method).unwrap() > 0.0);
        }
    }

    #[test]
    fn the_samples_are_the_same_every_time() {
        assert_eq!(samples(), samples());
        assert_eq!(noise(3, 1, 1.0), noise(3, 1, 1.0));
        assert!(noise(1000, 7, 2.0).iter().all(|value| value.abs() <= 2.0));
    }
}
