//! What a model goes through in a job, in this process.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calibrant_calibration::Histograms;
use calibrant_cast::{CastOptions, FloatType, cast};
use calibrant_engine::{BuildOptions, Library, Profile, ShapeRange, Version};
use calibrant_format::{Numbers, Range, Ranges};
use calibrant_onnx::proto::ValueInfoProto;
use calibrant_onnx::{DataType, Dim, Model, Topology};
use calibrant_prefetch::Batch;
use calibrant_rewrite::{QuantizeOptions, SmallLayers, quantize};
use calibrant_runtime::{
    Runtime as _, Sample, Settings, Source as SampleSource, SourceError, Wanted, What,
};
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::{Tensor, TensorData};
use tempfile::TempDir;

/// Memory that running a model may take, far below what a child may address.
const MEMORY_BYTES: u64 = 256 << 20;

/// After so long somebody asks to stop, as a user would.
const PATIENCE: Duration = Duration::from_secs(2);

/// Samples with more elements are not made: their sizes are the model's, and samples are given by users.
const MOST_ELEMENTS: usize = 1 << 20;

/// The versions of TensorRT that models are built with: before and after types stand in the model.
const VERSIONS: [i32; 2] = [101_601, 110_000];

/// Whether models are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// On the stand-in, which cargo must have built.
    OnDouble,
    /// Not at all.
    Skip,
}

/// How many models, or whether one, came out of each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// Ranges of the model.
    pub calibrated: u64,
    /// A model with Q/DQ nodes.
    pub quantized: u64,
    /// A model in half precision.
    pub cast: u64,
    /// Plans of it and of the models that came of it.
    pub built: u64,
}

/// Everything a model goes through.
#[derive(Debug)]
pub struct Stages {
    folder: TempDir,
    libraries: Vec<Library>,
}

impl Stages {
    /// The stages, with stand-ins for TensorRT if models are to be built.
    ///
    /// # Panics
    ///
    /// When the stand-ins cannot be laid out.
    #[must_use]
    pub fn new(build: Build) -> Self {
        calibrant_runtime_embedded::silence_caught_panics();
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let open = |version: &i32| {
            let place = folder.path().join(version.to_string());
            std::fs::create_dir(&place).expect("the folder is new");
            let options = tensorrt_double::Installation::default();
            let installed = tensorrt_double::install(&place, Version::from_raw(*version), &options)
                .expect("the stand-in is laid out");
            Library::open(&installed.library, &installed.parser).expect("the stand-in opens")
        };
        let libraries = match build {
            Build::OnDouble => VERSIONS.iter().map(open).collect(),
            Build::Skip => Vec::new(),
        };
        Self { folder, libraries }
    }

    /// Runs all stages that the model gets to; errors are what most models end in.
    pub fn run(&self, bytes: &[u8]) -> Reached {
        let mut reached = Reached::default();
        let Ok(model) = Model::from_bytes(bytes, None) else { return reached };
        let seen = calibrate(&model);
        reached.calibrated = seen.is_some().into();
        let mut ranges = every_tensor(&model);
        for (tensor, range) in seen.unwrap_or_default() {
            ranges.insert(tensor, range);
        }
        let options = QuantizeOptions {
            small_layers: SmallLayers::Quantize,
            ..QuantizeOptions::all(Numbers::INT8)
        };
        let quantized = quantize(&model, &ranges, &options);
        let sided: BTreeMap<String, (f32, f32)> = ranges
            .iter()
            .map(|(name, range)| (name.clone(), (-range.amax(), range.amax())))
            .collect();
        let half = cast(&model, Some(&sided), &CastOptions::to(FloatType::Fp16));
        reached.quantized = quantized.is_ok().into();
        reached.cast = half.is_ok().into();
        let mut models = vec![model];
        if let Ok((quantized, _)) = quantized {
            let options = CastOptions::to(FloatType::Bf16);
            models.extend(cast(&quantized, None, &options).ok().map(|(half, _)| half));
            models.push(quantized);
        }
        models.extend(half.ok().map(|(half, _)| half));
        reached.built = models.iter().map(|model| self.build(model)).sum();
        reached
    }

    /// The number of plans that come of a model; of one that the parser refuses, none.
    fn build(&self, model: &Model) -> u64 {
        let path = self.folder.path().join("model.onnx");
        if self.libraries.is_empty() || model.write(&path).is_err() {
            return 0;
        }
        let options = BuildOptions { profiles: profiles(model), ..BuildOptions::default() };
        let built = self.libraries.iter().filter(|library| {
            let plan = self.folder.path().join("plan");
            let mut go_on = |_| ControlFlow::Continue(());
            calibrant_engine::build(library, &path, &options, &mut go_on, &plan).is_ok()
        });
        built.count() as u64
    }

    /// Where the stages keep their files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Reached {
    /// Adds up.
    pub fn add(&mut self, other: &Self) {
        self.calibrated += other.calibrated;
        self.quantized += other.quantized;
        self.cast += other.cast;
        self.built += other.built;
    }

    /// The numbers, as a child writes them.
    pub(super) fn to_words(self) -> String {
        format!("{} {} {} {}", self.calibrated, self.quantized, self.cast, self.built)
    }

    /// What [`to_words`](Self::to_words) wrote.
    pub(super) fn of_words(words: &str) -> Option<Self> {
        let numbers: Vec<u64> = words.split(' ').map_while(|word| word.parse().ok()).collect();
        let &[calibrated, quantized, cast, built] = numbers.as_slice() else { return None };
        Some(Self { calibrated, quantized, cast, built })
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calibrated, quantized, cast, built } = self;
        write!(
            f,
            "{calibrated} calibrated, {quantized} quantized, {cast} cast, {built} plans built"
        )
    }
}

/// The ranges of the tensors that could be seen.
fn calibrate(model: &Model) -> Option<Ranges> {
    let workers = NonZeroUsize::MIN;
    let settings = Settings { workers, samples_per_run: workers, memory_bytes: MEMORY_BYTES };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let mut network = Embedded.load(model, &wanted, &settings).ok()?;
    let mut source = Impatient { sample: sample(model), since: Instant::now() };
    let seen = network.run(&mut source).ok()?;
    let seen = seen.statistics.tensors.into_iter();
    Ranges::of_amax(seen.map(|(name, seen)| (name, seen.magnitude()))).ok()
}

/// One sample, and nobody who waits for ever.
struct Impatient {
    sample: Option<Sample>,
    since: Instant,
}

impl SampleSource for Impatient {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        Ok(self.sample.take().map(|sample| Batch::detached(vec![sample])))
    }

    fn is_cancelled(&mut self) -> bool {
        self.since.elapsed() > PATIENCE
    }
}

/// A sample for the model's inputs, `None` where one of them takes no tensor of a usual size.
fn sample(model: &Model) -> Option<Sample> {
    let topology = Topology::new(model.graph()).ok()?;
    let inputs = topology.data_inputs().map(|info| {
        let shape = shape(info)?;
        let n_elements =
            shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
        let value = |index: usize| ((index * 7 + 3) % 17) as f32 / 8.0 - 1.0;
        let whole = |index: usize| i64::try_from(index % 3).unwrap_or_default();
        let places = || 0..n_elements.min(MOST_ELEMENTS + 1);
        let data = match info.tensor_type().and_then(|stated| stated.dtype) {
            Some(DataType::INT64) => TensorData::I64(places().map(whole).collect()),
            Some(DataType::INT32) => TensorData::I32(places().map(|_| 1).collect()),
            Some(DataType::UINT8) => TensorData::U8(places().map(|_| 200).collect()),
            Some(DataType::BOOL) => {
                TensorData::Bool(places().map(|index| index % 2 == 0).collect())
            }
            _ => TensorData::F32(places().map(value).collect()),
        };
        Some((Arc::from(info.label()), Tensor::new(shape, data)?))
    });
    let inputs = inputs.collect::<Option<Vec<_>>>()?;
    Some(Sample { position: 0, name: "sample".into(), inputs })
}

/// A shape that the input takes.
fn shape(info: &ValueInfoProto) -> Option<Vec<usize>> {
    let stated = info.tensor_type().and_then(|stated| stated.shape).unwrap_or_default();
    let size = |dim: &Dim<'_>| match dim {
        Dim::Known(size) => *size,
        Dim::Symbol(_) | Dim::Unknown => 1,
    };
    let shape: Vec<usize> = stated.iter().map(size).collect();
    let n_elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
    (n_elements <= MOST_ELEMENTS).then_some(shape)
}

/// A range for every name that nodes make or read, so that the rewrite does not end at a missing one.
fn every_tensor(model: &Model) -> Ranges {
    let nodes = model.graph().node.iter();
    let names = nodes.flat_map(|node| node.input.iter().chain(&node.output));
    names.map(|name| (name.clone(), Range::ONE)).collect()
}

/// One profile with the sample's shapes.
fn profiles(model: &Model) -> Vec<Profile> {
    let range = |info: &ValueInfoProto| {
        let shape: Vec<u64> = shape(info)?.into_iter().map(|size| size as u64).collect();
        let input = info.label().to_owned();
        Some(ShapeRange { input, min: shape.clone(), opt: shape.clone(), max: shape })
    };
    let is_dynamic = |info: &&ValueInfoProto| {
        let stated = info.tensor_type().and_then(|stated| stated.shape).unwrap_or_default();
        stated.iter().any(|dim| !matches!(dim, Dim::Known(_)))
    };
    let Ok(topology) = Topology::new(model.graph()) else { return Vec::new() };
    let ranges: Vec<ShapeRange> =
        topology.data_inputs().filter(is_dynamic).filter_map(range).collect();
    if ranges.is_empty() { Vec::new() } else { vec![Profile { ranges }] }
}
