//! The backend: a model, normalised and made a program.

use std::fmt;
use std::num::NonZeroUsize;

use calibrant_calibration::{
    Backend, BackendError, BackendInfo, BatchSource, Histograms, Statistics,
};
use calibrant_onnx::{Model, Topology, validate};

use crate::error::LoadError;
use crate::inputs::Fitter;
use crate::normalise::normalise;
use crate::observed::{From, Observed, observed};
use crate::program::{Program, compile};
use crate::scope::Scope;

/// [`BackendInfo::name`].
pub(crate) const NAME: &str = "embedded";

/// Version of the executor as written into the manifest.
const VERSION: &str = "rten 0.27.0";

/// How to run a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that run samples, one sample each at a time.
    pub workers: NonZeroUsize,
    /// Samples that run as one, put together along the first axis; at most as many as a batch of the source holds.
    ///
    /// 1 is right for every model with a dynamic batch dimension: more is not faster, and takes more memory.
    /// A model exported for a fixed batch needs that number here, and batches that are multiples of it.
    pub samples_per_run: NonZeroUsize,
    /// Which histograms are kept; [`Histograms::AndFaithful`] runs the first batch twice, because the widths of its bins
    /// must be known before any value is counted.
    pub histograms: Histograms,
    /// Memory that running the network may take: weights, statistics, and what all workers compute with.
    ///
    /// Each worker has its share, so whether a model fits depends on nothing but this and their number.
    pub memory_bytes: u64,
}

/// A model ready to be calibrated on this machine's processor.
pub struct Embedded {
    pub(crate) program: Program,
    pub(crate) inputs: Vec<Fitter>,
    pub(crate) observed: Vec<Observed>,
    pub(crate) options: Options,
}

impl Embedded {
    /// Loads `model`.
    ///
    /// # Errors
    ///
    /// When the model is not valid, has nothing to observe, or uses what cannot be computed exactly.
    pub fn load(model: &Model, options: &Options) -> Result<Self, LoadError> {
        validate(model)?;
        let topology = Topology::new(model.graph())?;
        let inputs = topology.data_inputs().map(|input| Fitter::new(input.to_input()));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let scope = Scope::new(&topology, model.opset().unwrap_or_default(), None);
        let observed = observed(&scope, options.histograms);
        if !observed.iter().any(|seen| seen.from == From::Values) {
            return Err(LoadError::NothingToObserve);
        }
        let program = compile(normalise(model, &scope, &observed)?, &observed)?;
        let inputs = needed(inputs, &program);
        Ok(Self { program, inputs, observed, options: *options })
    }

    /// Names of the tensors that are observed, the graph's inputs first, then in the order in which nodes make them.
    ///
    /// A tensor whose element type the model does not state is among them, and gets no statistics if it turns out not to
    /// be float.
    pub fn observed(&self) -> impl Iterator<Item = &str> {
        self.observed.iter().map(|seen| seen.name.as_str())
    }
}

impl Backend for Embedded {
    fn info(&self) -> BackendInfo {
        let notes = match self.options.samples_per_run.get() {
            1 => "runs every sample alone, so the batch size changes no activation".to_owned(),
            several => format!("runs {several} samples together"),
        };
        let mut notes = vec![notes];
        if self.options.histograms == Histograms::AndFaithful {
            notes.push(
                "keeps TensorRT's own histograms too, whose bins the first batch sets".to_owned(),
            );
        }
        BackendInfo { name: NAME.to_owned(), version: VERSION.to_owned(), notes }
    }

    fn calibrate(&mut self, source: &mut dyn BatchSource) -> Result<Statistics, BackendError> {
        crate::calibrate::calibrate(self, source)
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("nodes", &self.program.labels.len())
            .field("kernels", &self.program.kernels.len())
            .field("observed", &self.observed.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Of the model's inputs those that the program reads, in its order.
fn needed(inputs: Vec<Fitter>, program: &Program) -> Vec<Fitter> {
    let names: Vec<&str> = program.inputs.iter().map(|input| input.name.as_str()).collect();
    inputs.into_iter().filter(|input| names.contains(&input.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock").replace("\r\n", "\n");
        let (name, version) = VERSION.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")));
    }
}
