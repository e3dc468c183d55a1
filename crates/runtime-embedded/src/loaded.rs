//! A model, normalised and made a program, with what is wanted of its tensors.

use std::fmt;

use calibrant_calibration::Histograms;
use calibrant_onnx::{Model, Topology, validate};
use calibrant_runtime::{LoadError, Settings, Wanted};

use crate::error::NAME;
use crate::normalise::normalise;
use crate::program::{Program, compile};
use crate::random;
use calibrant_runtime::host::{Fitter, From, Observed, Scope, observed};

/// A model ready to be run on this machine's processor.
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) inputs: Vec<Fitter>,
    pub(crate) observed: Vec<Observed>,
    pub(crate) settings: Settings,
    /// Whether TensorRT's own histograms are kept, which costs a second run of the first batch: the widths of their bins
    /// must be known before any value is counted.
    pub(crate) is_faithful: bool,
    /// Whether a node draws random numbers.
    pub(crate) is_drawn_from: bool,
}

impl Loaded {
    /// Loads `model`.
    ///
    /// # Errors
    ///
    /// When the model is not valid, has nothing of what is wanted, or uses what cannot be computed exactly.
    pub(crate) fn new(
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        validate(model)?;
        let topology = Topology::new(model.graph())?.with_constants_folded();
        let inputs = topology.data_inputs().map(|input| Fitter::new(input.to_input(), NAME));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let scope = Scope::new(&topology, model.opset().unwrap_or_default(), None);
        let observed = observed(&scope, wanted);
        let is_observed = |name: &&str| observed.iter().any(|seen| seen.name == **name);
        if let Some(tensor) = wanted.named().find(|name| !is_observed(name)) {
            return Err(LoadError::NoTensor { tensor: tensor.to_owned() });
        }
        if !observed.iter().any(|seen| seen.from == From::Values) {
            return Err(LoadError::NothingToObserve);
        }
        let normalised = normalise(model, &scope, &observed)?;
        let is_drawn_from = random::is_drawn_from(normalised.model.graph());
        let program = compile(normalised, &observed)?;
        let inputs = needed(inputs, &program);
        let faithful = Some(Histograms::AndFaithful);
        let is_faithful = observed.iter().any(|seen| seen.task.histograms() == faithful);
        Ok(Self { program, inputs, observed, settings: *settings, is_faithful, is_drawn_from })
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("nodes", &self.program.labels.len())
            .field("kernels", &self.program.kernels.len())
            .field("observed", &self.observed.len())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Of the model's inputs those that the program reads, in its order.
fn needed(inputs: Vec<Fitter>, program: &Program) -> Vec<Fitter> {
    let names: Vec<&str> = program.inputs.iter().map(|input| input.name.as_str()).collect();
    inputs.into_iter().filter(|input| names.contains(&input.name())).collect()
}
