//! Models with inputs and the outputs that belong to them, from fixtures/runtime-embedded/cases.
//!
//! A file of them is a model whose graph holds tensors only: `CASE|model` is an encoded model, `CASE|in|NAME` an input and
//! `CASE|out|NAME` an output.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType, Model};
use calibrant_prepare::repaired;
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{Runtime as _, Sample, Seen, Settings, Sink, Wanted, What};
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::{Tensor, TensorData};

/// How far a float may be from the stored one, in units of the largest magnitude of its tensor: sums are added up in another
/// order, and exponentials rounded otherwise.
const TOLERANCE: f64 = 2e-5;

/// The least magnitude that counts as a tensor's largest.
const FLOOR: f64 = 1e-3;

/// Behind the name of an output that is made float to be seen.
const FLOAT: &str = "|float";

/// A model with inputs and outputs.
#[derive(Debug, Default)]
pub(crate) struct Case {
    model: Vec<u8>,
    inputs: BTreeMap<String, TensorProto>,
    outputs: BTreeMap<String, TensorProto>,
}

/// What became of a case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every output that can be seen is as stored.
    Equal,
    /// No output depends on the inputs' values, or none is of numbers.
    Unseen,
    /// The runtime, or the kinds of samples that there are, do not take it.
    Refused(String),
    /// An output differs.
    Wrong(String),
}

/// The cases in a file, by name.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Case>, Box<dyn Error>> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for tensor in &Model::read(path)?.graph().initializer {
        let parts: Vec<&str> = tensor.label().split('|').collect();
        let (case, place) = parts.split_first().ok_or("a tensor has no name")?;
        let case = cases.entry((*case).to_owned()).or_default();
        match place {
            ["model"] => case.model = tensor.raw_data.clone().unwrap_or_default().to_vec(),
            ["in", name] => drop(case.inputs.insert((*name).to_owned(), tensor.clone())),
            ["out", name] => drop(case.outputs.insert((*name).to_owned(), tensor.clone())),
            _ => return Err(format!("`{}` is no part of a case", tensor.label()).into()),
        }
    }
    Ok(cases)
}

/// Runs a case.
pub(crate) fn outcome(case: &Case) -> Outcome {
    match compare(case) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Refused(chain(&*error)),
    }
}

fn compare(case: &Case) -> Result<Outcome, Box<dyn Error>> {
    let mut model = repaired(&Model::from_bytes(&case.model, None)?).0.into_owned();
    let mut wanted = BTreeMap::new();
    for (name, stored) in &case.outputs {
        let (dtype, expected) = (stored.dtype()?, expected(stored)?);
        if dtype == DataType::FLOAT {
            wanted.insert(name.clone(), expected);
        } else {
            let float = format!("{name}{FLOAT}");
            show_as_float(&mut model, name, &float);
            wanted.insert(float, expected);
        }
    }
    let kept = Arc::new(Kept::default());
    let what = || What::Values(Arc::clone(&kept) as Arc<dyn Sink>);
    let settings =
        Settings { workers: 1.try_into()?, samples_per_run: 1.try_into()?, memory_bytes: 1 << 30 };
    let all = Embedded.load(&model, &Wanted::of(wanted.keys(), what()), &settings);
    let mut network = match all {
        Err(calibrant_runtime::LoadError::NoTensor { tensor }) => {
            wanted.remove(&tensor);
            if wanted.is_empty() {
                return Ok(Outcome::Unseen);
            }
            match Embedded.load(&model, &Wanted::of(wanted.keys(), what()), &settings) {
                Err(calibrant_runtime::LoadError::NoTensor { .. }) => return Ok(Outcome::Unseen),
                other => other?,
            }
        }
        other => other?,
    };
    let mut inputs = Vec::new();
    for (name, tensor) in &case.inputs {
        inputs.push((Arc::from(name.as_str()), sample_of(tensor)?));
    }
    let sample = Sample { position: 0, name: "case".into(), inputs };
    network.run(&mut ScriptedSource::of_samples(&[sample], 1))?;
    let seen = kept.0.lock().map_err(|_| "a run panicked")?;
    for (name, (shape, values)) in &wanted {
        let found = seen.get(name).ok_or_else(|| format!("`{name}` is not seen"))?;
        if let Some(difference) = difference(shape, values, found) {
            return Ok(Outcome::Wrong(format!("{name}: {difference}")));
        }
    }
    Ok(Outcome::Equal)
}

/// Adds a node that makes an output float.
fn show_as_float(model: &mut Model, name: &str, float: &str) {
    let to = AttributeProto::int("to", DataType::FLOAT as i64);
    let graph = model.graph_mut();
    graph.node.push(NodeProto::new("Cast", "", &[name], &[float]).with_attr(to));
    graph.output.push(ValueInfoProto { name: Some(float.to_owned()), ..Default::default() });
}

/// Dimensions and values of a tensor that was run.
type Made = (Vec<usize>, Vec<f32>);

/// Dimensions and values.
type Array = (Vec<usize>, Vec<f64>);

fn expected(stored: &TensorProto) -> Result<Array, Box<dyn Error>> {
    let shape = stored.shape()?;
    let values = match stored.dtype()? {
        DataType::FLOAT | DataType::DOUBLE | DataType::FLOAT16 | DataType::BFLOAT16 => {
            stored.to_f32()?.iter().map(|&value| value.into()).collect()
        }
        #[expect(clippy::cast_precision_loss, reason = "floats are what is compared")]
        _ => stored.to_i64()?.iter().map(|&value| value as f64).collect(),
    };
    Ok((shape, values))
}

fn difference(shape: &[usize], values: &[f64], found: &Made) -> Option<String> {
    if shape != found.0 {
        return Some(format!("shape {:?} instead of {shape:?}", found.0));
    }
    let finite = values.iter().filter(|value| value.is_finite());
    let largest = finite.fold(FLOOR, |most, value| most.max(value.abs()));
    let differs = |(expected, found): (&f64, &f32)| {
        let (expected, found) = (*expected, f64::from(*found));
        if expected.is_finite() && found.is_finite() {
            (found - expected).abs() > TOLERANCE * largest
        } else {
            found != expected && !(found.is_nan() && expected.is_nan())
        }
    };
    let at = values.iter().zip(&found.1).position(differs)?;
    Some(format!("{} instead of {} at element {at}", found.1[at], values[at]))
}

/// A tensor as samples hold it.
fn sample_of(tensor: &TensorProto) -> Result<Tensor, Box<dyn Error>> {
    let whole = || tensor.to_i64();
    let data = match tensor.dtype()? {
        DataType::FLOAT => TensorData::F32(tensor.to_f32()?.into_owned()),
        DataType::INT64 => TensorData::I64(whole()?.into_owned()),
        DataType::INT32 => {
            TensorData::I32(whole()?.iter().map(|&it| it.try_into()).collect::<Result<_, _>>()?)
        }
        DataType::UINT8 => {
            TensorData::U8(whole()?.iter().map(|&it| it.try_into()).collect::<Result<_, _>>()?)
        }
        DataType::BOOL => TensorData::Bool(whole()?.iter().map(|&it| it != 0).collect()),
        other => return Err(format!("no sample holds {other:?}").into()),
    };
    Tensor::new(tensor.shape()?, data)
        .ok_or_else(|| "a stored tensor has another number of values".into())
}

fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The values of tensors as they are made.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<String, Made>>);

impl Sink for Kept {
    fn take(&self, seen: &Seen<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut kept = self.0.lock().map_err(|_| "a run panicked")?;
        kept.insert(seen.tensor.to_owned(), (seen.shape.to_vec(), seen.values.to_vec()));
        Ok(())
    }
}
