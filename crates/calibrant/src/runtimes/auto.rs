//! `--backend auto`: of two runtimes, the first that runs all that is needed.

use std::sync::Arc;

use calibrant_calibration::BackendInfo;
use calibrant_onnx::Model;
use calibrant_runtime::{
    Availability, LoadError, Network, Observations, RunError, Runtime, Settings, Source, Survey,
    Wanted,
};

use super::AUTO;

/// Runtimes that are here, the one that is preferred first: docs/runtimes.md says why.
#[derive(Debug)]
pub(crate) struct Auto {
    runtimes: [Arc<dyn Runtime>; 2],
}

impl Auto {
    /// Of these, the preferred one first.
    pub(crate) fn new(runtimes: [Arc<dyn Runtime>; 2]) -> Self {
        Self { runtimes }
    }
}

impl Runtime for Auto {
    fn name(&self) -> &str {
        AUTO
    }

    fn availability(&self) -> Availability {
        Availability::usable("the first that runs all that is needed")
    }

    /// What the one makes of the model that leaves least of it out.
    fn survey(&self, model: &Model) -> Result<Survey, LoadError> {
        let [first, second] = &self.runtimes;
        let first = first.survey(model)?;
        if first.runs_all() {
            return Ok(first);
        }
        let Ok(second) = second.survey(model) else { return Ok(first) };
        let is_less = second.unreached(model)?.len() < first.unreached(model)?.len();
        Ok(if is_less { second } else { first })
    }

    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Box<dyn Network>, LoadError> {
        let [first, second] = &self.runtimes;
        let refused = match first.load(model, wanted, settings) {
            Ok(network) => {
                let why = "it runs all that is needed".to_owned();
                return Ok(Box::new(Chosen { network, why }));
            }
            Err(refused) => refused,
        };
        match second.load(model, wanted, settings) {
            Ok(network) => {
                let why = format!("{} does not run all that is needed", first.name());
                Ok(Box::new(Chosen { network, why }))
            }
            Err(_) => Err(refused),
        }
    }
}

/// A network, and why its runtime was taken.
#[derive(Debug)]
struct Chosen {
    network: Box<dyn Network>,
    why: String,
}

impl Network for Chosen {
    fn info(&self) -> BackendInfo {
        self.network.info()
    }

    fn chosen(&self) -> Option<&str> {
        Some(&self.why)
    }

    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError> {
        self.network.run(source)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use calibrant_calibration::Histograms;
    use calibrant_onnx::proto::{
        GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto,
    };
    use calibrant_onnx::{DataType, Dim, MessageField};
    use calibrant_runtime::What;
    use calibrant_runtime::scripted::Scripted;

    use super::*;
    use crate::runtimes::default_runtime;

    /// x through operators of one input and one output, the tensors numbered.
    fn chain(operators: &[&str]) -> Model {
        let nodes = operators.iter().enumerate().map(|(index, operator)| {
            let input = if index == 0 { "x".to_owned() } else { format!("t{}", index - 1) };
            NodeProto::new(operator, "", &[&input], &[&format!("t{index}")])
        });
        let tensor = |name: &str| ValueInfoProto::tensor(name, DataType::FLOAT, &[Dim::Known(2)]);
        let graph = GraphProto {
            name: Some("chain".to_owned()),
            node: nodes.collect(),
            input: vec![tensor("x")],
            output: vec![tensor(&format!("t{}", operators.len() - 1))],
            ..GraphProto::default()
        };
        Model::new(ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto::default().with_version(17)],
            graph: MessageField::some(graph),
            ..ModelProto::default()
        })
    }

    fn auto(refused: &[&str]) -> Auto {
        let nothing = |_: &calibrant_runtime::Sample| Ok(Vec::new());
        let first = Scripted::new(["x", "t0", "t1"], nothing).refusing(refused.iter().copied());
        Auto::new([Arc::new(first), default_runtime()])
    }

    fn chosen(refused: &[&str], operators: &[&str]) -> Result<(String, String), LoadError> {
        let one = NonZeroUsize::MIN;
        let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 1 << 28 };
        let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
        let network = auto(refused).load(&chain(operators), &wanted, &settings)?;
        Ok((network.info().name, network.chosen().unwrap_or_default().to_owned()))
    }

    #[test]
    fn the_first_that_runs_all_is_taken_and_says_why() {
        let (name, why) = chosen(&[], &["Relu", "Tanh"]).unwrap();
        assert_eq!((&*name, &*why), ("scripted", "it runs all that is needed"));
        let (name, why) = chosen(&["Tanh"], &["Relu", "Tanh"]).unwrap();
        assert_eq!((&*name, &*why), ("embedded", "scripted does not run all that is needed"));
        let error = chosen(&["Unheard"], &["Relu", "Unheard"]).unwrap_err();
        assert!(error.to_string().starts_with("the scripted backend cannot run"), "{error}");
    }

    #[test]
    fn the_survey_is_of_the_one_that_goes_furthest() {
        let survey = |refused: &[&str]| {
            let survey = auto(refused).survey(&chain(&["Relu", "Unheard"])).unwrap();
            survey.refused().map(|node| node.operator.clone()).collect::<Vec<_>>()
        };
        assert_eq!(survey(&["Relu"]), ["Unheard"]);
        assert_eq!(survey(&["Unheard"]), ["Unheard"]);
        assert!(survey(&[]).is_empty());
    }
}
