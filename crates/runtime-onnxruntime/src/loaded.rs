//! A model in sessions of the library, one for each worker, and what is seen of its tensors.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use calibrant_calibration::Histograms;
use calibrant_onnx::{Model, Topology, validate};
use calibrant_runtime::host::{
    Fitter, From, Observed, Prepared, Scope, Spread, Values, Watch, observed, spread,
};
use calibrant_runtime::{
    LoadError, Observations, RunError, Sample, Settings, Source, SourceError, Wanted,
};
use half::{bf16, f16};
use ort::session::{RunOptions, Session, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Tensor, TensorElementType, TensorRef, ValueType};

use crate::error::{NAME, failed};
use crate::graph::{Encoded, Weights, blamed, encode, needed};
use crate::library::Library;
use crate::panics::caught;
use crate::session::{Purpose, open};
use crate::survey::why;

/// A model that the library has taken.
pub(crate) struct Loaded {
    pub(crate) library: Library,
    pub(crate) settings: Settings,
    encoded: Encoded,
    /// Inputs that the nodes read, and those that are observed.
    inputs: Vec<Input>,
    /// The sessions' outputs, in their order, as places among the observed tensors.
    outputs: Vec<usize>,
    observed: Vec<Observed>,
    /// What messages call the nodes of the caller's graph: name and operator.
    labels: Vec<(String, String)>,
    /// Sessions that no worker has in hand.
    idle: Mutex<Vec<Session>>,
}

/// An input of the model.
#[derive(Debug)]
struct Input {
    fitter: Fitter,
    /// The type that the library is given it in, where it reads it.
    read_as: Option<TensorElementType>,
    /// Its place among the observed tensors.
    observed: Option<usize>,
}

impl Loaded {
    /// Loads `model`.
    ///
    /// # Errors
    ///
    /// When the model is not valid, has nothing of what is wanted, or the library does not take a node.
    pub(crate) fn new(
        library: Library,
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        validate(model)?;
        let topology = Topology::new(model.graph())?;
        let scope = Scope::new(&topology, model.opset().unwrap_or_default(), None);
        let observed = observed(&scope, wanted);
        let place = |name: &str| observed.iter().position(|seen| seen.name == name);
        if let Some(tensor) = wanted.named().find(|name| place(name).is_none()) {
            return Err(LoadError::NoTensor { tensor: tensor.to_owned() });
        }
        if !observed.iter().any(|seen| seen.from == From::Values) {
            return Err(LoadError::NothingToObserve);
        }
        let is_input = |name: &str| topology.data_inputs().any(|input| input.label() == name);
        let outputs: Vec<usize> = (0..observed.len())
            .filter(|&it| observed[it].from == From::Values && !is_input(&observed[it].name))
            .collect();
        let names: Vec<&str> = outputs.iter().map(|&it| observed[it].name.as_str()).collect();
        let nodes = needed(&topology, names.iter().copied());
        let encoded = encode(model, &topology, &nodes, &names, Weights::Given)?;
        let mut idle = Vec::new();
        if !outputs.is_empty() {
            let session = open(&library, &encoded, Purpose::Run)
                .map_err(|said| why(&library, model, &topology, &nodes, said))?;
            check_types(&session, wanted)?;
            idle.push(session);
        }
        let read_as = |name: &str| {
            let mut inputs = idle.iter().flat_map(Session::inputs);
            inputs.find(|input| input.name() == name)?.dtype().tensor_type()
        };
        let mut inputs = Vec::new();
        for input in topology.data_inputs() {
            let (read_as, observed) = (read_as(input.label()), place(input.label()));
            if read_as.is_some() || observed.is_some() {
                let fitter = Fitter::new(input.to_input(), NAME)?;
                inputs.push(Input { fitter, read_as, observed });
            }
        }
        let labels = topology.graph().node.iter().map(|node| {
            let name = node.name.as_deref().filter(|name| !name.is_empty());
            let name = name.or(node.output_name(0)).unwrap_or_default();
            (name.to_owned(), node.op().to_owned())
        });
        Ok(Self {
            labels: labels.collect(),
            library,
            settings: *settings,
            encoded,
            inputs,
            outputs,
            observed,
            idle: Mutex::new(idle),
        })
    }

    /// Whether TensorRT's own histograms are kept.
    pub(crate) fn is_faithful(&self) -> bool {
        let faithful = Some(Histograms::AndFaithful);
        self.observed.iter().any(|seen| seen.task.histograms() == faithful)
    }

    /// Runs all batches of `source` through the network.
    pub(crate) fn spread(&self, source: &mut dyn Source) -> Result<Observations, RunError> {
        let run = Spread { runtime: NAME, observed: &self.observed, settings: &self.settings };
        let options = caught(RunOptions::new).map_err(failed)?;
        let end = || drop(options.terminate());
        spread(run, source, |jobs| {
            let stop = jobs.stop();
            let mut session = None;
            let work = |samples: &[Sample], watch: &mut Watch<'_>| match self.observe(
                &mut session,
                &options,
                samples,
                watch,
            ) {
                Err(_) if stop.is_set() => Err(SourceError::cancelled().into()),
                seen => seen,
            };
            let saw = stop.ending(end, || jobs.each(work));
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(session);
            saw
        })
    }

    /// A session for one worker.
    fn session(&self) -> Result<Session, RunError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(session) => Ok(session),
            None => open(&self.library, &self.encoded, Purpose::Run).map_err(failed),
        }
    }

    /// Runs samples through the network and sees its tensors, in the order in which nodes make them.
    fn observe(
        &self,
        session: &mut Option<Session>,
        options: &RunOptions,
        samples: &[Sample],
        watch: &mut Watch<'_>,
    ) -> Result<(), RunError> {
        let prepared = self.inputs.iter().map(|input| input.fitter.prepare(samples));
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::with_capacity(prepared.len());
        for (input, prepared) in self.inputs.iter().zip(&prepared) {
            if let (Some(place), Some(floats)) = (input.observed, prepared.floats()) {
                watch.see(place, &prepared.shape, floats)?;
            }
            if let Some(element) = input.read_as {
                let value = caught(|| as_value(prepared, element)).map_err(failed)?;
                values.push((Cow::Borrowed(input.fitter.name()), value));
            }
        }
        if self.outputs.is_empty() {
            return Ok(());
        }
        let session = match session {
            Some(session) => session,
            none => none.insert(self.session()?),
        };
        let made = caught(|| session.run_with_options(values, options));
        self.see(&made.map_err(|said| self.execution(said, samples))?, watch)
    }

    fn see(&self, made: &SessionOutputs<'_>, watch: &mut Watch<'_>) -> Result<(), RunError> {
        for (output, &place) in self.outputs.iter().enumerate() {
            let value = &made[output];
            if let Some(Floats { shape, values }) = caught(|| as_floats(value)).map_err(failed)? {
                watch.see(place, &shape, &values)?;
            }
        }
        Ok(())
    }

    /// The error of a run, with the node to blame where the library names it.
    fn execution(
        &self,
        said: Box<dyn std::error::Error + Send + Sync>,
        samples: &[Sample],
    ) -> RunError {
        let blamed = blamed(&said.to_string()).and_then(|index| self.labels.get(index));
        let Some((node, operator)) = blamed.cloned() else { return failed(said) };
        let names: Vec<&str> = samples.iter().map(|sample| &*sample.name).collect();
        RunError::Execution { node, operator, sample: names.join(", "), source: said }
    }
}

/// Makes sure that the tensors asked for by name are floats; what is no tensor of floats and was not asked for by name is
/// not seen.
fn check_types(session: &Session, wanted: &Wanted) -> Result<(), LoadError> {
    for output in session.outputs() {
        let is_float = matches!(output.dtype(), ValueType::Tensor { ty, .. } if is_float(*ty));
        if !is_float && wanted.named().any(|name| name == output.name()) {
            return Err(LoadError::NoTensor { tensor: output.name().to_owned() });
        }
    }
    Ok(())
}

fn is_float(element: TensorElementType) -> bool {
    use TensorElementType::{Bfloat16, Float16, Float32, Float64};
    matches!(element, Float32 | Float16 | Bfloat16 | Float64)
}

/// An input as the library takes it, in the memory where it lies unless it is of floats of another width.
fn as_value<'p>(
    prepared: &'p Prepared<'_>,
    element: TensorElementType,
) -> ort::Result<SessionInputValue<'p>> {
    let shape = &*prepared.shape;
    Ok(match &prepared.values {
        Values::F32(values) if element == TensorElementType::Float16 => {
            let values: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
            Tensor::from_array((shape, values))?.into()
        }
        Values::F32(values) if element == TensorElementType::Bfloat16 => {
            let values: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
            Tensor::from_array((shape, values))?.into()
        }
        Values::F32(values) if element == TensorElementType::Float64 => {
            let values: Vec<f64> = values.iter().map(|&value| value.into()).collect();
            Tensor::from_array((shape, values))?.into()
        }
        Values::F32(values) => TensorRef::from_array_view((shape, &**values))?.into(),
        Values::I64(values) => TensorRef::from_array_view((shape, &**values))?.into(),
        Values::I32(values) => TensorRef::from_array_view((shape, &**values))?.into(),
        Values::U8(values) => TensorRef::from_array_view((shape, &**values))?.into(),
        Values::Bool(values) => TensorRef::from_array_view((shape, &**values))?.into(),
    })
}

/// An output of floats, in the memory where the library has made them if they are float32.
struct Floats<'v> {
    shape: Vec<usize>,
    values: Cow<'v, [f32]>,
}

/// An output's floats; `None` where it has none.
fn as_floats(value: &DynValue) -> ort::Result<Option<Floats<'_>>> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return Ok(None) };
    let shape = shape.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
    #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is wanted")]
    let values = match ty {
        TensorElementType::Float32 => Cow::Borrowed(value.try_extract_tensor::<f32>()?.1),
        TensorElementType::Float16 => {
            value.try_extract_tensor::<f16>()?.1.iter().map(|value| value.to_f32()).collect()
        }
        TensorElementType::Bfloat16 => {
            value.try_extract_tensor::<bf16>()?.1.iter().map(|value| value.to_f32()).collect()
        }
        TensorElementType::Float64 => {
            value.try_extract_tensor::<f64>()?.1.iter().map(|&value| value as f32).collect()
        }
        _ => return Ok(None),
    };
    Ok(Some(Floats { shape, values }))
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("library", &self.library)
            .field("settings", &self.settings)
            .field("weights_bytes", &self.encoded.weights.len())
            .field("observed", &self.observed.len())
            .finish_non_exhaustive()
    }
}
