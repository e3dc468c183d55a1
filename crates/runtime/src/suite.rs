//! What every runtime must do, as tests that take one.
//!
//! [`run`] gives a runtime a made-up model ([`model`]) and samples, and panics where what comes of it is not what it must
//! be: the same statistics, moments, values and errors for the same samples, whatever the batches and workers; errors that
//! name the tensor and the sample; an end when the source says so; no growth with the number of samples.
//! [`script`] is the runtime that a [script](crate::scripted) makes for that model: the suite's own twin.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests, and one that cannot go on is a failed one"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, Weak};

use calibrant_calibration::{Histograms, TensorStatistics};
use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_prefetch::Batch;
use calibrant_tensor::{Tensor, TensorData};

use crate::scripted::{Scripted, ScriptedSource, Step};
use crate::{
    Agreement, Kept, LeftOut, LoadError, Moments, Network, Observations, RunError, Runtime, Sample,
    Seen, Settings, Source, SourceError, SourceErrorKind, Wanted, What, Which, run_beside,
};

/// A case of the suite.
pub type Case = fn(&dyn Runtime);

/// All cases, by name.
pub const CASES: [(&str, Case); 11] = [
    ("statistics", statistics),
    ("moments", moments),
    ("values", values),
    ("errors", errors),
    ("names", names),
    ("survey", survey),
    ("bad_samples", bad_samples),
    ("non_finite", non_finite),
    ("leaving_out", leaving_out),
    ("cancellation", cancellation),
    ("growth", growth),
];

/// Runs all cases.
///
/// # Panics
///
/// When `runtime` does not do what every runtime must.
pub fn run(runtime: &dyn Runtime) {
    for (_, case) in CASES {
        case(runtime);
    }
}

/// The float tensors of [`model`], in the order in which they come about.
const TENSORS: [&str; 5] = ["x", "relu", "sum", "square", "turned"];

/// Channels and values of each in a sample.
const SHAPE: [usize; 3] = [1, 2, 3];

/// A model of one input `x` of shape [batch, 2, 3]: its `relu`, the `sum` of both, that one's `square`, and the square
/// `turned` so that the last axis comes first.
#[must_use]
pub fn model() -> Model {
    let perm = AttributeProto::ints("perm", &[0, 2, 1]);
    of_nodes(vec![
        NodeProto::new("Relu", "first", &["x"], &["relu"]),
        NodeProto::new("Add", "second", &["relu", "x"], &["sum"]),
        NodeProto::new("Mul", "third", &["sum", "sum"], &["square"]),
        NodeProto::new("Transpose", "fourth", &["square"], &["turned"]).with_attr(perm),
    ])
}

/// The model with a node that no runtime has heard of.
fn unheard_of() -> Model {
    of_nodes(vec![
        NodeProto::new("Relu", "first", &["x"], &["relu"]),
        NodeProto::new("Unheard", "second", &["relu"], &["turned"]),
    ])
}

fn of_nodes(node: Vec<NodeProto>) -> Model {
    let dims = [Dim::Symbol("batch"), Dim::Known(SHAPE[1]), Dim::Known(SHAPE[2])];
    let graph = GraphProto {
        name: Some("suite".to_owned()),
        input: vec![ValueInfoProto::tensor("x", DataType::FLOAT, &dims)],
        output: vec![ValueInfoProto {
            name: Some("turned".to_owned()),
            ..ValueInfoProto::default()
        }],
        node,
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(17)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// A runtime that computes the tensors of [`model`] by a function, and runs no network.
#[must_use]
pub fn script() -> Scripted {
    let run = |sample: &Sample| {
        let tensors = made(sample).into_iter();
        Ok(tensors.map(|(name, tensor)| (name.to_owned(), tensor)).collect())
    };
    Scripted::new(TENSORS, run).refusing(["Unheard"])
}

/// The tensors of a sample, as the model says; none where its input is missing.
fn made(sample: &Sample) -> Vec<(&'static str, Tensor)> {
    let Some((_, Tensor { shape, data: TensorData::F32(x) })) = sample.inputs.first() else {
        return Vec::new();
    };
    let relu: Vec<f32> = x.iter().map(|x| x.max(0.0)).collect();
    let sum: Vec<f32> = x.iter().zip(&relu).map(|(x, relu)| x + relu).collect();
    let square: Vec<f32> = sum.iter().map(|sum| sum * sum).collect();
    let [_, n_rows, n_columns] = SHAPE;
    let turned =
        (0..square.len()).map(|at| square[at % n_rows * n_columns + at / n_rows]).collect();
    let tensor =
        |shape: &[usize], values| Tensor { shape: shape.to_vec(), data: TensorData::F32(values) };
    let turned = tensor(&[1, n_columns, n_rows], turned);
    let [x, relu, sum, square] = [x.clone(), relu, sum, square].map(|it| tensor(shape, it));
    vec![("x", x), ("relu", relu), ("sum", sum), ("square", square), ("turned", turned)]
}

/// A sample of these values.
fn sample_of(position: usize, x: Vec<f32>) -> Sample {
    let tensor = Tensor { shape: SHAPE.to_vec(), data: TensorData::F32(x) };
    let name = format!("sample {position}").into();
    Sample { position, name, inputs: vec![(Arc::from("x"), tensor)] }
}

/// A sample of values that differ from position to position, none of which needs rounding.
fn sample(position: usize) -> Sample {
    let value = |index: usize| ((index * 7 + position * 3) % 11) as f32 * 0.25 - 1.0;
    sample_of(position, (0..SHAPE.iter().product()).map(value).collect())
}

fn samples(count: usize) -> Vec<Sample> {
    (0..count).map(sample).collect()
}

/// Batch sizes and workers that must not matter.
const WAYS: [(usize, usize); 4] = [(1, 1), (3, 1), (2, 2), (16, 3)];

fn load(runtime: &dyn Runtime, wanted: &Wanted, workers: usize) -> Box<dyn Network> {
    let workers = NonZeroUsize::new(workers).unwrap();
    let samples_per_run = NonZeroUsize::MIN;
    let settings = Settings { workers, samples_per_run, memory_bytes: 1 << 28 };
    runtime.load(&model(), wanted, &settings).unwrap()
}

/// What is seen of some samples, whichever way they are run.
fn observed(runtime: &dyn Runtime, wanted: &Wanted, samples: &[Sample]) -> Observations {
    let seen = WAYS.map(|(batch_size, workers)| {
        let mut source = ScriptedSource::of_samples(samples, batch_size);
        load(runtime, wanted, workers).run(&mut source).unwrap()
    });
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "batches and workers matter");
    let [seen, ..] = seen;
    assert_eq!(seen.statistics.samples, samples.len() as u64);
    seen
}

/// Calls `look` with each tensor of each sample.
fn each_tensor(samples: &[Sample], mut look: impl FnMut(&'static str, &Sample, &Tensor, &[f32])) {
    for sample in samples {
        for (name, tensor) in made(sample) {
            let TensorData::F32(values) = &tensor.data else { panic!("a float tensor") };
            look(name, sample, &tensor, values);
        }
    }
}

/// Statistics are those of the values, of all float tensors or of those that are named.
pub fn statistics(runtime: &dyn Runtime) {
    let samples = samples(13);
    let mut expected = BTreeMap::<String, TensorStatistics>::new();
    each_tensor(&samples, |name, _, _, values| {
        expected.entry(name.to_owned()).or_default().observe(values).unwrap();
    });
    let invariant = What::Statistics(Histograms::Invariant);
    let seen = observed(runtime, &Wanted::all(invariant.clone()), &samples);
    assert_eq!(seen.statistics.tensors, expected);
    assert!(seen.statistics.first_batch.is_empty());

    let some = observed(runtime, &Wanted::of(["sum", "turned"], invariant), &samples);
    expected.retain(|name, _| name == "sum" || name == "turned");
    assert_eq!(some.statistics.tensors, expected);

    let faithful = Wanted::all(What::Statistics(Histograms::AndFaithful));
    let mut network = load(runtime, &faithful, 2);
    let seen = network.run(&mut ScriptedSource::of_samples(&samples, 4)).unwrap();
    assert_eq!(seen.statistics.first_batch, ["sample 0", "sample 1", "sample 2", "sample 3"]);
    let mut widths = BTreeMap::<&str, f32>::new();
    each_tensor(&samples[..4], |name, _, _, values| {
        let width = widths.entry(name).or_default();
        *width = values.iter().fold(*width, |width, value| width.max(value.abs()));
    });
    for (name, width) in widths {
        let kept = seen.statistics.tensors[name].faithful().unwrap();
        assert_eq!(kept.first_batch(), width, "{name}");
    }
}

/// Moments are those of the values, channel by channel, for tensors whose values only moved too.
pub fn moments(runtime: &dyn Runtime) {
    let samples = samples(7);
    let mut expected = BTreeMap::<String, Moments>::new();
    each_tensor(&samples, |name, sample, tensor, values| {
        let samples = std::slice::from_ref(sample);
        let seen = Seen { tensor: name, samples, shape: &tensor.shape, values };
        expected.entry(name.to_owned()).or_insert(Moments::new(1)).observe(&seen);
    });
    let statistics = What::Statistics(Histograms::Invariant);
    let wanted = Wanted::all(What::Moments { axis: 1 }).and(Which::Floats, statistics);
    let seen = observed(runtime, &wanted, &samples);
    assert_eq!(seen.moments, expected);
    assert_eq!((seen.moments["square"].channels(), seen.moments["turned"].channels()), (2, 3));
    assert_eq!(seen.statistics.tensors.len(), TENSORS.len());
}

/// Values are handed over once for each tensor and sample, to the bit, with their shape.
pub fn values(runtime: &dyn Runtime) {
    type Taken = BTreeMap<(String, usize), (String, Vec<usize>, Vec<f32>)>;
    let samples = samples(9);
    let mut expected = Taken::new();
    each_tensor(&samples, |name, sample, tensor, values| {
        let seen = (sample.name.to_string(), tensor.shape.clone(), values.to_vec());
        expected.insert((name.to_owned(), sample.position), seen);
    });
    for (batch_size, workers) in WAYS {
        let taken = Arc::new(Mutex::new(Taken::new()));
        let sink = Arc::clone(&taken);
        let take = move |seen: &Seen<'_>| {
            let place = (seen.tensor.to_owned(), seen.position());
            let values = (seen.sample(), seen.shape.to_vec(), seen.values.to_vec());
            match sink.lock().unwrap().insert(place, values) {
                None => Ok(()),
                Some(_) => Err("taken twice"),
            }
        };
        let wanted = Wanted::all(What::Values(Arc::new(take)));
        let mut source = ScriptedSource::of_samples(&samples, batch_size);
        let seen = load(runtime, &wanted, workers).run(&mut source).unwrap();
        assert_eq!(seen.statistics.samples, samples.len() as u64);
        assert_eq!(*taken.lock().unwrap(), expected);
    }
    let refuse = |_: &Seen<'_>| Err("no room");
    let wanted = Wanted::of(["sum"], What::Values(Arc::new(refuse)));
    let mut source = ScriptedSource::of_samples(&samples, 1);
    match load(runtime, &wanted, 1).run(&mut source).unwrap_err() {
        RunError::Sink { tensor, sample, source } => {
            let said = (tensor.as_str(), sample.as_str(), source.to_string());
            assert_eq!(said, ("sum", "sample 0", "no room".to_owned()));
        }
        other => panic!("{other}"),
    }
}

/// Errors are those against the values that the caller has, which may be another network's.
pub fn errors(runtime: &dyn Runtime) {
    let samples = samples(6);
    let mut shifted = BTreeMap::<(String, usize), Arc<[f32]>>::new();
    let mut expected = BTreeMap::<String, Agreement>::new();
    each_tensor(&samples, |name, sample, _, values| {
        let others: Arc<[f32]> = values.iter().map(|value| value * 1.5 + 0.125).collect();
        expected.entry(name.to_owned()).or_default().observe(values, &others);
        shifted.insert((name.to_owned(), sample.position), others);
    });
    let reference = move |tensor: &str, position: usize| {
        shifted.get(&(tensor.to_owned(), position)).map(Arc::clone)
    };
    let wanted = Wanted::all(What::Errors(Arc::new(reference)));
    assert_eq!(observed(runtime, &wanted, &samples).errors, expected);

    let kept = Arc::new(Kept::new());
    let mut first = load(&script(), &Wanted::all(What::Values(kept.clone())), 1);
    let mut second = load(runtime, &Wanted::all(What::Errors(kept)), 2);
    let mut source = ScriptedSource::of_samples(&samples, 4);
    let [_, beside] = run_beside(&mut *first, &mut *second, &mut source).unwrap();
    assert_eq!(beside.statistics.samples, 6);
    for name in TENSORS {
        let errors = &beside.errors[name];
        assert_eq!((errors.count(), errors.squared_differences()), (36, 0.0), "{name}");
    }

    let nothing = |_: &str, _: usize| None;
    let short = |_: &str, _: usize| Some(Arc::from([1.0_f32]));
    let failure = |what: What| {
        let mut source = ScriptedSource::of_samples(&samples, 1);
        load(runtime, &Wanted::of(["square"], what), 1).run(&mut source).unwrap_err().to_string()
    };
    assert_eq!(
        failure(What::Errors(Arc::new(nothing))),
        "the reference has no values of tensor `square` for sample `sample 0`"
    );
    assert_eq!(
        failure(What::Errors(Arc::new(short))),
        "tensor `square` has 6 values for sample `sample 0`, and 1 in the reference"
    );
}

/// A tensor that is not there is told when the model is loaded.
pub fn names(runtime: &dyn Runtime) {
    let one = NonZeroUsize::MIN;
    let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 1 << 28 };
    let wanted = Wanted::of(["sum", "nowhere"], What::Statistics(Histograms::Invariant));
    match runtime.load(&model(), &wanted, &settings).unwrap_err() {
        LoadError::NoTensor { tensor } => assert_eq!(tensor, "nowhere"),
        other => panic!("{other}"),
    }
    assert!(!runtime.name().is_empty());
    assert_eq!(
        load(runtime, &Wanted::all(What::Moments { axis: 0 }), 1).info().name,
        runtime.name()
    );
}

/// What is not run is said node by node, before any work; loading says the same.
pub fn survey(runtime: &dyn Runtime) {
    assert!(runtime.survey(&model()).unwrap().runs_all());
    let survey = runtime.survey(&unheard_of()).unwrap();
    let refused: Vec<_> = survey.refused().map(|node| node.operator.as_str()).collect();
    assert_eq!((survey.nodes.len(), refused), (2, vec!["Unheard"]));

    let one = NonZeroUsize::MIN;
    let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 1 << 28 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    match runtime.load(&unheard_of(), &wanted, &settings).unwrap_err() {
        LoadError::Unsupported { nodes, .. } => {
            assert_eq!(nodes.len(), 1);
            assert_eq!(nodes[0].node, survey.nodes[1].node);
            assert_eq!(Some(&nodes[0].reason), survey.nodes[1].refusal.as_ref());
        }
        other => panic!("{other}"),
    }
    // What does not depend on it can be had.
    let unreached = survey.unreached(&unheard_of()).unwrap();
    assert_eq!(unreached.iter().collect::<Vec<_>>(), ["turned"]);
    let wanted = Wanted::all_but(unreached, What::Statistics(Histograms::Invariant));
    let mut network = runtime.load(&unheard_of(), &wanted, &settings).unwrap();
    let seen = network.run(&mut ScriptedSource::of_samples(&samples(2), 1)).unwrap();
    let has = |tensor| seen.statistics.tensors.contains_key(tensor);
    assert_eq!(["x", "relu", "turned"].map(has), [true, true, false]);
}

/// The source's errors pass through as they are, and a sample without an input is named.
pub fn bad_samples(runtime: &dyn Runtime) {
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let steps = [
        Step::Batch(samples(2)),
        Step::Fail(SourceError::bad_sample(2, "b.jpg".into(), "no end of image")),
    ];
    match load(runtime, &wanted, 2).run(&mut ScriptedSource::new(steps)).unwrap_err() {
        RunError::Source(error) => {
            assert_eq!(error.kind(), SourceErrorKind::BadSample);
            assert_eq!(error.sample(), Some((2, "b.jpg")));
        }
        other => panic!("{other}"),
    }
    let mut unfit = samples(3);
    unfit[1].inputs[0].0 = Arc::from("picture");
    match load(runtime, &wanted, 1).run(&mut ScriptedSource::of_samples(&unfit, 3)).unwrap_err() {
        RunError::MissingInput { input, sample, given } => {
            assert_eq!((input.as_str(), sample.as_str()), ("x", "sample 1"));
            assert_eq!(given, ["picture"]);
        }
        other => panic!("{other}"),
    }
}

/// A value that is not finite is named with its tensor and sample, whatever is wanted; but an infinity of a sample's own
/// may be a mask, which has no statistics, so it is named where something else is wanted.
pub fn non_finite(runtime: &dyn Runtime) {
    let bad = [("square", 1e30, 4), ("x", f32::NAN, 2), ("x", f32::INFINITY, 0)];
    let take = |_: &Seen<'_>| Ok::<(), &str>(());
    let zeros = |_: &str, _: usize| Some(Arc::from([0.0_f32; 6]));
    let wants = [
        What::Statistics(Histograms::Invariant),
        What::Moments { axis: 1 },
        What::Values(Arc::new(take)),
        What::Errors(Arc::new(zeros)),
    ];
    for (what, (expected, value, at)) in wants.iter().flat_map(|it| bad.map(|bad| (it, bad))) {
        if value.is_infinite() && matches!(what, What::Statistics(_)) {
            continue;
        }
        let mut x = vec![0.5; SHAPE.iter().product()];
        x[at] = value;
        let samples = [sample(0), sample_of(1, x), sample(2)];
        let mut source = ScriptedSource::of_samples(&samples, 3);
        let wanted = Wanted::all(what.clone());
        match load(runtime, &wanted, 1).run(&mut source).unwrap_err() {
            RunError::NonFinite { tensor, sample, value, index } => {
                assert_eq!((tensor.as_str(), sample.as_str(), index), (expected, "sample 1", at));
                assert!(!value.is_finite());
            }
            other => panic!("{other}"),
        }
    }
}

/// A source that leaves out samples that cannot be run, and the positions of those that were.
struct Leaving {
    source: ScriptedSource,
    left_out: Vec<usize>,
}

impl Source for Leaving {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        self.source.next_batch()
    }

    fn leaves_out(&self) -> bool {
        true
    }

    fn left_out(&mut self, left_out: LeftOut) {
        self.left_out.push(left_out.position());
    }
}

/// Samples that cannot be run are left out where the source says so, in whatever they go wrong, and nothing of them is in
/// what the others give; what no sample is to blame for ends the run all the same.
pub fn leaving_out(runtime: &dyn Runtime) {
    let mut all = samples(14);
    let value = |at: usize, value| {
        let mut x = vec![0.5; SHAPE.iter().product()];
        x[at] = value;
        sample_of(at, x).inputs
    };
    // The square of the first overflows, so that three tensors have been seen before; its sum is above all others, too.
    all[1].inputs = value(4, -1e30);
    all[0].inputs = value(0, 1e30);
    all[6].inputs = value(2, f32::NAN);
    all[7].inputs[0].0 = Arc::from("picture");
    let bad = [0, 1, 6, 7];
    let good: Vec<Sample> =
        all.iter().filter(|sample| !bad.contains(&sample.position)).cloned().collect();

    let moments = What::Moments { axis: 1 };
    let invariant = What::Statistics(Histograms::Invariant);
    let wanted = Wanted::all(invariant).and(Which::Floats, moments);
    let expected = observed(runtime, &wanted, &good);
    let run = |wanted: &Wanted, samples: &[Sample], (batch_size, workers)| {
        let source = ScriptedSource::of_samples(samples, batch_size);
        let mut source = Leaving { source, left_out: Vec::new() };
        let seen = load(runtime, wanted, workers).run(&mut source);
        (seen, source.left_out)
    };
    for way in WAYS {
        let (seen, left_out) = run(&wanted, &all, way);
        assert_eq!(left_out, bad, "{way:?}");
        assert!(seen.unwrap() == expected, "{way:?}");
        let (seen, left_out) = run(&wanted, &all[..2], way);
        assert_eq!(left_out, bad[..2]);
        assert_eq!(seen.unwrap().statistics.samples, 0);
    }

    // Batches of two: the first is left out whole, so the second says how wide the bins are.
    let faithful = Wanted::all(What::Statistics(Histograms::AndFaithful));
    let (seen, left_out) = run(&faithful, &all, (2, 2));
    assert_eq!(left_out, bad);
    let expected =
        load(runtime, &faithful, 1).run(&mut ScriptedSource::of_samples(&good, 2)).unwrap();
    assert_eq!(expected.statistics.first_batch, ["sample 2", "sample 3"]);
    assert!(seen.unwrap() == expected);

    let refuse = |_: &Seen<'_>| Err("no room");
    let (seen, left_out) = run(&Wanted::of(["sum"], What::Values(Arc::new(refuse))), &good, (2, 2));
    assert!(matches!(seen.unwrap_err(), RunError::Sink { .. }));
    assert!(left_out.is_empty());
}

/// Gives batches for ever, and says so often that all is well.
struct Endless {
    batch: Vec<Sample>,
    asked: usize,
    patience: usize,
}

impl Source for Endless {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        Ok(Some(Batch::detached(self.batch.clone())))
    }

    fn is_cancelled(&mut self) -> bool {
        self.asked += 1;
        self.asked > self.patience
    }
}

/// Whoever is told to stop stops: between batches and within one.
pub fn cancellation(runtime: &dyn Runtime) {
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let is_cancelled = |error: RunError| match error {
        RunError::Source(error) => error.kind() == SourceErrorKind::Cancelled,
        _ => false,
    };
    for (batch_size, patience) in [(1, 20), (4, 0), (4096, 30)] {
        let mut source = Endless { batch: samples(batch_size), asked: 0, patience };
        let error = load(runtime, &wanted, 2).run(&mut source).unwrap_err();
        assert!(is_cancelled(error), "batches of {batch_size}");
    }
    let steps = [Step::Batch(samples(2)), Step::Fail(SourceError::cancelled())];
    let error = load(runtime, &wanted, 2).run(&mut ScriptedSource::new(steps)).unwrap_err();
    assert!(is_cancelled(error), "by the source's end");
}

/// Makes samples when it is asked for them, and counts those that somebody still has.
struct Counted {
    positions: std::ops::Range<usize>,
    alive: Vec<Weak<str>>,
    most: usize,
}

impl Source for Counted {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        self.alive.retain(|name| name.strong_count() > 0);
        self.most = self.most.max(self.alive.len());
        let Some(position) = self.positions.next() else { return Ok(None) };
        let sample = sample(position);
        self.alive.push(Arc::downgrade(&sample.name));
        Ok(Some(Batch::detached(vec![sample])))
    }
}

/// No more samples are held than workers can have in hand and waiting, however many there are.
pub fn growth(runtime: &dyn Runtime) {
    const WORKERS: usize = 2;
    let moments = What::Moments { axis: 1 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant)).and(Which::Floats, moments);
    let mut source = Counted { positions: 0..500, alive: Vec::new(), most: 0 };
    let seen = load(runtime, &wanted, WORKERS).run(&mut source).unwrap();
    assert_eq!(seen.statistics.samples, 500);
    assert!(source.most <= 2 * WORKERS + 2, "{} samples at once", source.most);
}
