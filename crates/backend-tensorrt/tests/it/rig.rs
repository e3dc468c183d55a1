//! A TensorRT that calibrates, a device, and samples for both.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use calibrant_backend_tensorrt::{
    Feed, FeedConfig, FeedError, FeedReport, InputLayout, Inputs, PinnedInputs, feed,
};
use calibrant_cuda::{Device, Driver};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_prefetch::{Batch, Clock, Config, Receiver};
use calibrant_runtime::{Slot, SlotStock, Source, SourceError};
use calibrant_tensor::{ElementType, digest};
use calibrant_tensorrt::{
    BuilderFlag, CalibrationAlgoType, Enumeration, Error, Library, NetworkTyping, Parser, Turn,
    Version,
};
use tempfile::TempDir;
use tensorrt_double::{Installation, Installed, Plan, install};

/// No test takes a hundredth of this; one that does has locked up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first and the last version of each generation that calibrates.
pub(crate) const VERSIONS: [i32; 5] = [8_503, 8_601, 9_300, 100_001, 101_601];

/// A TensorRT and the device that it reads.
pub(crate) struct Rig {
    /// What the driver keeps can be asked only where it is the double's.
    pub(crate) installed: Installed,
    pub(crate) device: Device,
    pub(crate) library: Library,
    version: Version,
    _folder: TempDir,
}

/// What is fed, and how.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) n_samples: usize,
    /// Positions of the samples that cannot be read.
    pub(crate) bad: Vec<usize>,
    pub(crate) skip_bad: bool,
    /// Samples in a batch of the pipeline, and batches in flight.
    pub(crate) pipeline: (usize, usize),
    pub(crate) batch_size: usize,
    pub(crate) ring: usize,
    pub(crate) cache: Option<Vec<u8>>,
}

impl Rig {
    /// One over the double's driver, with such faults.
    pub(crate) fn double(version: i32) -> Self {
        let options =
            Installation { driver: tensorrt_double::Driver::Double, ..Installation::default() };
        Self::new(version, &options)
    }

    /// All that there are: over the double's driver, and over a GPU's where tests are to use it.
    pub(crate) fn all(version: i32) -> Vec<Self> {
        let mut rigs = vec![Self::double(version)];
        if cfg!(feature = "gpu-tests") {
            rigs.push(Self::new(version, &Installation::default()));
        }
        rigs
    }

    fn new(version: i32, options: &Installation) -> Self {
        let version = Version::from_raw(version);
        let folder = TempDir::new().expect("a temporary folder");
        let installed = install(folder.path(), version, options).expect("the double is laid out");
        let driver = match &installed.driver {
            // SAFETY: the double's driver does as CUDA's reference says.
            Some(driver) => unsafe { Driver::load_from(driver) },
            None => Driver::load(),
        };
        let driver = driver.expect("a CUDA driver; tests with the feature gpu-tests need one");
        let device = Device::with_driver(&driver, 0).expect("a device");
        let library = Library::open(&installed.library, &installed.parser).expect("a TensorRT");
        Self { installed, device, library, version, _folder: folder }
    }

    /// What the samples are: token ids, of as many bits as this TensorRT gives them, and pixels.
    pub(crate) fn layout(&self) -> Vec<InputLayout> {
        let ids = if self.has_wide_integers() { ElementType::I64 } else { ElementType::I32 };
        vec![
            InputLayout { name: "ids".into(), element: ids, sample_shape: vec![5] },
            InputLayout {
                name: "pixels".into(),
                element: ElementType::F32,
                sample_shape: vec![3, 2, 2],
            },
        ]
    }

    /// So many slots for such samples.
    pub(crate) fn stock(
        &self,
        n_slots: NonZeroUsize,
    ) -> Result<SlotStock<PinnedInputs>, calibrant_cuda::Error> {
        PinnedInputs::cut_slabs(&self.device, n_slots.get(), &self.layout()).map(SlotStock::new)
    }

    /// Whether a model's 64-bit integers stay what they are.
    fn has_wide_integers(&self) -> bool {
        calibrant_tensorrt::DataType::Int64.to_raw(self.version).is_ok()
    }

    /// Runs a job from the pipeline to the plan.
    pub(crate) fn run(&self, job: &Job) -> (Result<Plan, Error>, FeedReport) {
        let outcome = self.feed(job, |feed| self.build(job.batch_size, feed));
        outcome.expect("there is room for the ring")
    }

    /// Runs a job with another consumer.
    pub(crate) fn feed<R>(
        &self,
        job: &Job,
        build: impl FnOnce(&mut Feed<'_>) -> R,
    ) -> Result<(R, FeedReport), FeedError> {
        let layout = self.layout();
        let (batch_size, in_flight) = (size(job.pipeline.0), size(job.pipeline.1));
        let config = Config { workers: size(2), batch_size, batches_in_flight: in_flight };
        let stock = self.stock(config.n_slots())?;
        let feeding = FeedConfig {
            batch_size: size(job.batch_size),
            ring: size(job.ring),
            cache: job.cache.as_deref(),
            clock: Clock::monotonic(),
        };
        let (outcome, _) = calibrant_prefetch::run(
            &config,
            0..job.n_samples,
            || stock.new_slot(),
            || (),
            |(), position, _, slot| fill(slot, position, &job.bad),
            |receiver| {
                let mut source = Slots { receiver, skip_bad: job.skip_bad };
                feed(
                    &self.device,
                    &layout,
                    &feeding,
                    Inputs { layout: &layout },
                    &mut source,
                    build,
                )
            },
        )?;
        outcome
    }

    /// Builds a network of both inputs, which asks for pixels first.
    pub(crate) fn build(&self, batch_size: usize, feed: &mut Feed<'_>) -> Result<Plan, Error> {
        let model = model(batch_size);
        let turn = Turn::take();
        let builder = calibrant_tensorrt::Builder::new(&self.library, &turn)?;
        let mut parser = Parser::new(builder.create_network(NetworkTyping::Weak)?)?;
        parser.parse_bytes(&model)?;
        let mut config = builder.create_config()?;
        config.set_flag(BuilderFlag::Int8)?;
        let algorithm = CalibrationAlgoType::EntropyCalibration2;
        let plan = builder.build_calibrated(parser.network_mut(), &mut config, algorithm, feed)?;
        Ok(Plan::read(plan.as_bytes()).expect("a plan of the double"))
    }

    /// The digests of the batches that TensorRT ought to see, by input.
    pub(crate) fn expected(&self, batches: &[Vec<usize>]) -> Vec<[(String, String); 2]> {
        let wide = self.has_wide_integers();
        let digests = |batch: &Vec<usize>| {
            let ids = batch.iter().flat_map(|&position| ids(position)).flat_map(|id| {
                let bytes = id.to_ne_bytes();
                let narrow = i32::try_from(id).expect("small").to_ne_bytes();
                if wide { bytes.to_vec() } else { narrow.to_vec() }
            });
            let pixels = batch.iter().flat_map(|&position| pixels(position));
            let pixels = pixels.flat_map(f32::to_ne_bytes);
            [("ids", ids.collect::<Vec<_>>()), ("pixels", pixels.collect())]
                .map(|(name, bytes)| (name.to_owned(), digest(&bytes).to_string()))
        };
        batches.iter().map(digests).collect()
    }

    /// Nothing of the driver's is left but the device's context.
    pub(crate) fn assert_nothing_is_left(&self) {
        if self.installed.driver.is_some() {
            let live = self.installed.live().expect("the double tells");
            let left = (live.device_bytes, live.pinned_bytes, live.streams, live.events);
            assert_eq!(left, (0, 0, 0, 0), "{live:?}");
            assert_eq!(live.pageable_copies, 0);
        }
    }
}

impl Job {
    /// Samples that are all good.
    pub(crate) fn of(n_samples: usize) -> Self {
        Self {
            n_samples,
            bad: Vec::new(),
            skip_bad: true,
            pipeline: (4, 3),
            batch_size: 4,
            ring: 3,
            cache: None,
        }
    }

    /// The positions of each batch, as TensorRT ought to see them.
    pub(crate) fn packed(&self) -> Vec<Vec<usize>> {
        let good: Vec<_> = (0..self.n_samples).filter(|it| !self.bad.contains(it)).collect();
        let whole = |batch: &[usize]| batch.iter().copied().cycle().take(self.batch_size).collect();
        good.chunks(self.batch_size).map(whole).collect()
    }
}

/// The batches of a plan in the form of [`Rig::expected`].
pub(crate) fn seen(plan: &Plan) -> Vec<[(String, String); 2]> {
    let calibration = plan.calibration.as_ref().expect("it calibrated");
    let digests = |batch: &std::collections::BTreeMap<String, String>| {
        ["ids", "pixels"].map(|name| (name.to_owned(), batch[name].clone()))
    };
    calibration.batches.iter().map(digests).collect()
}

/// Runs a test on a thread of its own and fails it if it does not end.
pub(crate) fn within_patience<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (outbox, inbox) = channel();
    let handle = thread::spawn(move || drop(outbox.send(body())));
    match inbox.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("locked up"),
        Err(RecvTimeoutError::Disconnected) => {
            resume_unwind(handle.join().expect_err("nothing was sent, so it panicked"))
        }
    }
}

pub(crate) fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("not zero")
}

/// The token ids of a sample.
pub(crate) fn ids(position: usize) -> [i64; 5] {
    std::array::from_fn(|idx| i64::try_from(position * 5 + idx).expect("small") - 7)
}

/// The pixels of a sample.
pub(crate) fn pixels(position: usize) -> [f32; 12] {
    std::array::from_fn(|idx| (position * 12 + idx) as f32 / 16.0 - 3.0)
}

fn fill(slot: &mut Slot<PinnedInputs>, position: usize, bad: &[usize]) -> Result<(), String> {
    (slot.position, slot.name) = (position, format!("sample {position}").into());
    if let Some(values) = slot.inputs.values_mut::<f32>(1) {
        values.copy_from_slice(&pixels(position));
    }
    let ids = ids(position);
    if let Some(values) =
        slot.inputs.values_mut::<i64>(0).filter(|values| values.len() == ids.len())
    {
        values.copy_from_slice(&ids);
    } else if let Some(values) = slot.inputs.values_mut::<i32>(0) {
        let narrow = ids.map(|id| i32::try_from(id).expect("small"));
        values.copy_from_slice(&narrow);
    }
    if bad.contains(&position) { Err(format!("sample {position} is torn")) } else { Ok(()) }
}

/// A pipeline as a source, with a policy for what fails.
struct Slots<'job> {
    receiver: &'job mut Receiver<Slot<PinnedInputs>, String>,
    skip_bad: bool,
}

impl Source<Slot<PinnedInputs>> for Slots<'_> {
    fn next_batch(&mut self) -> Result<Option<Batch<Slot<PinnedInputs>>>, SourceError> {
        let Some(delivery) = self.receiver.next() else { return Ok(None) };
        match delivery.failures.into_iter().next() {
            Some(failure) if !self.skip_bad => {
                let name: Arc<str> = format!("sample {}", failure.position).into();
                Err(SourceError::bad_sample(failure.position, name, failure.error.to_string()))
            }
            _ => Ok(Some(delivery.batch)),
        }
    }
}

/// A source that says when it is asked for a batch.
pub(crate) struct Announced<S> {
    pub(crate) source: S,
    pub(crate) asked: Sender<()>,
}

impl<S: Source<Slot<PinnedInputs>>> Source<Slot<PinnedInputs>> for Announced<S> {
    fn next_batch(&mut self) -> Result<Option<Batch<Slot<PinnedInputs>>>, SourceError> {
        // Nobody need listen.
        let _ = self.asked.send(());
        self.source.next_batch()
    }
}

/// A model of two inputs, in this order: pixels and ids.
fn model(batch_size: usize) -> Vec<u8> {
    let batch = Dim::Known(batch_size);
    let pixels = [batch, Dim::Known(3), Dim::Known(2), Dim::Known(2)];
    let ids = [batch, Dim::Known(5)];
    let cast = NodeProto::new("Cast", "cast", &["ids"], &["floats"]);
    let graph = GraphProto {
        name: Some("both".to_owned()),
        node: vec![
            NodeProto::new("Relu", "relu", &["pixels"], &["rectified"]),
            cast.with_attr(calibrant_onnx::proto::AttributeProto::int("to", 1)),
        ],
        input: vec![
            ValueInfoProto::tensor("pixels", DataType::FLOAT, &pixels),
            ValueInfoProto::tensor("ids", DataType::INT64, &ids),
        ],
        output: vec![
            ValueInfoProto::tensor("rectified", DataType::FLOAT, &pixels),
            ValueInfoProto::tensor("floats", DataType::FLOAT, &ids),
        ],
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { version: Some(17), ..OperatorSetIdProto::default() };
    let proto = ModelProto {
        ir_version: Some(8),
        opset_import: vec![opset],
        graph: graph.into(),
        ..ModelProto::default()
    };
    Model::new(proto).to_bytes().expect("it is small").to_vec()
}
