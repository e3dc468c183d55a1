//! A runtime that is in no crate of Calibrant's, in the whole command line; `-- doctor` has it in the list:
//! `cargo run --example own_runtime -- quantize --backend dense --model model.onnx --images rows.npz --output out/`
//!
//! It computes networks of `MatMul`, `Add` and `Relu` nodes on rows of floats.
use std::{collections::HashMap, process::ExitCode, sync::Arc};

use calibrant::{built_in, main_with};
use calibrant_calibration::BackendInfo;
use calibrant_onnx::{Model, proto::NodeProto};
use calibrant_runtime::{
    Availability, LoadError, Network, Observations, Refusal, RunError, Runtime, Sample, Seen,
    Settings, Source, Survey, Task, Wanted,
};
use calibrant_tensor::TensorData;

#[derive(Debug)]
pub(crate) struct Dense;

/// Shape and values of tensors, by name.
type Tensors = HashMap<String, (Vec<usize>, Vec<f32>)>;

impl Runtime for Dense {
    fn name(&self) -> &str {
        "dense"
    }

    fn availability(&self) -> Availability {
        Availability::usable("dense layers on rows, for show")
    }

    fn survey(&self, model: &Model) -> Result<Survey, LoadError> {
        Ok(Survey::of(model, |node| match node.op() {
            "MatMul" | "Add" | "Relu" => None,
            _ => Some(Refusal::Operator),
        }))
    }

    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        _: &Settings,
    ) -> Result<Box<dyn Network>, LoadError> {
        self.survey(model)?.check(self.name())?;
        let graph = model.graph();
        let mut weights = Tensors::new();
        for tensor in &graph.initializer {
            let value = (tensor.shape()?, tensor.to_f32()?.into_owned());
            weights.insert(tensor.label().to_owned(), value);
        }
        let inputs = model.inputs().into_iter().map(|input| input.name.to_string());
        let tensors = inputs.chain(graph.node.iter().flat_map(|node| node.output.clone()));
        let tasks = tensors.map(|name| (wanted.of_tensor(&name), name)).collect();
        Ok(Box::new(Loaded { nodes: graph.node.clone(), weights, tasks }))
    }
}

#[derive(Debug)]
struct Loaded {
    nodes: Vec<NodeProto>,
    weights: Tensors,
    tasks: Vec<(Task, String)>,
}

impl Loaded {
    fn compute(&self, sample: &Sample) -> Tensors {
        let mut made = self.weights.clone();
        for (name, tensor) in &sample.inputs {
            if let TensorData::F32(values) = &tensor.data {
                made.insert(name.to_string(), (tensor.shape.clone(), values.clone()));
            }
        }
        for node in &self.nodes {
            let (shape, x) = &made[&node.input[0]];
            let y = node.input.get(1).map(|name| &made[name]);
            let (n_columns, values) = match (node.op(), y) {
                ("MatMul", Some((shape, y))) => {
                    let rows = |column| y.iter().skip(column).step_by(shape[1]);
                    let dot = |column| x.iter().zip(rows(column)).map(|(x, y)| x * y).sum();
                    (shape[1], (0..shape[1]).map(dot).collect())
                }
                ("Add", Some((_, y))) => {
                    (shape[1], x.iter().zip(y.iter().cycle()).map(|(x, y)| x + y).collect())
                }
                _ => (shape[1], x.iter().map(|x| x.max(0.0)).collect()),
            };
            made.insert(node.output[0].clone(), (vec![1, n_columns], values));
        }
        made
    }
}

impl Network for Loaded {
    fn info(&self) -> BackendInfo {
        BackendInfo { name: "dense".to_owned(), version: "1".to_owned(), notes: Vec::new() }
    }

    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError> {
        let mut seen: Vec<_> = self.tasks.iter().map(|(task, _)| task.blank(None)).collect();
        let mut observations = Observations::default();
        while let Some(batch) = source.next_batch()? {
            for sample in batch.iter() {
                let made = self.compute(sample);
                for ((task, tensor), seen) in self.tasks.iter().zip(&mut seen) {
                    let (shape, values) = &made[tensor];
                    let samples = std::slice::from_ref(sample);
                    task.observe(seen, &Seen { tensor, samples, shape, values })?;
                }
                observations.statistics.samples += 1;
            }
        }
        self.tasks.iter().zip(seen).for_each(|((_, name), seen)| observations.add(name, seen));
        Ok(observations)
    }
}

fn main() -> ExitCode {
    main_with(std::env::args_os(), &[built_in(), vec![Arc::new(Dense)]].concat())
}
