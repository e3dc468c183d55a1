//! From the normalised graph to a program.

use std::collections::{HashMap, HashSet};

use calibrant_onnx::Topology;
use calibrant_onnx::facts::is_random;
use calibrant_onnx::proto::{GraphProto, NodeProto};
use calibrant_runtime::LoadError;

use super::liveness::free_last_uses;
use super::names::Names;
use super::{
    Action, Block, Branches, Made, Operand, Operator, Program, ProgramInput, Repeat, Run, Step,
};
use crate::constant::Constant;
use crate::demand;
use crate::error::{KernelError, NAME};
use crate::kernel::{Kernels, distinct_inputs};
use crate::normalise::{NodeLabel, Normalised, operator};
use crate::ours;
use crate::own::Own;
use calibrant_runtime::host::{From, Observed, reads};

/// Returns the program for a normalised graph, of which the values of some tensors are `observed`.
///
/// # Errors
///
/// When the executor does not take a node, or a constant has no values.
pub(crate) fn compile(
    Normalised { model, labels }: Normalised,
    observed: &[Observed],
) -> Result<Program, LoadError> {
    let topology = Topology::new(model.graph())?;
    let by_values = observed.iter().enumerate().filter(|(_, seen)| seen.from == From::Values);
    let mut compiler = Compiler {
        kernels: Kernels::new(model.proto.opset_import.clone()),
        constants: Vec::new(),
        labels,
        n_places: 0,
        observed: by_values.map(|(place, seen)| (seen.name.as_str(), place)).collect(),
    };
    let mut names = Names::default();
    compiler.add_constants(topology.graph(), &mut names)?;

    let (fixed, varying) = split(&topology);
    let read: HashSet<&str> = varying.iter().flat_map(|&index| reads(&topology, index)).collect();
    let setup = compiler.setup(&topology, &fixed, &read, &mut names)?;
    let mut inputs = Vec::new();
    for name in topology.data_inputs().map(|input| input.label()) {
        let observed = compiler.observed.get(name).copied();
        if observed.is_some() || read.contains(name) {
            names.add(name, Operand::Input(inputs.len()));
            inputs.push(ProgramInput { name: name.to_owned(), observed });
        }
    }
    let mut main = Block::default();
    for &index in &varying {
        let step = compiler.step(&topology.graph().node[index], index, &mut names)?;
        main.steps.push(step);
    }
    free_last_uses(&mut main, &[]);
    let Compiler { kernels, constants, labels, n_places, .. } = compiler;
    let kernels = kernels.into_kernels();
    Ok(Program { kernels, constants, setup, inputs, main, n_places, labels })
}

/// The nodes that no input of the graph reaches, not even by its shape, and that draw nothing, and the others; both in order.
fn split(topology: &Topology<'_>) -> (Vec<usize>, Vec<usize>) {
    let mut vary: HashSet<&str> = topology.data_inputs().map(|input| input.label()).collect();
    let (mut fixed, mut varying) = (Vec::new(), Vec::new());
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        if is_random(node) || reads(topology, index).any(|name| vary.contains(name)) {
            vary.extend(node.output.iter().map(String::as_str));
            varying.push(index);
        } else {
            fixed.push(index);
        }
    }
    (fixed, varying)
}

struct Compiler<'a> {
    kernels: Kernels,
    constants: Vec<Constant>,
    labels: Vec<NodeLabel>,
    n_places: usize,
    /// Places among the observed tensors by name.
    observed: HashMap<&'a str, usize>,
}

impl Compiler<'_> {
    fn place(&mut self) -> usize {
        self.n_places += 1;
        self.n_places - 1
    }

    fn add_constants(
        &mut self,
        graph: &GraphProto,
        names: &mut Names<'_>,
    ) -> Result<(), LoadError> {
        for tensor in &graph.initializer {
            let value = Constant::of(tensor).map_err(|error| LoadError::Value(error.into()))?;
            names.add(tensor.label(), Operand::Constant(self.constants.len()));
            self.constants.push(value);
        }
        Ok(())
    }

    /// The block of the nodes that make constants; those `read` by other nodes are its outputs, and named as the constants
    /// that they will be.
    fn setup(
        &mut self,
        topology: &Topology<'_>,
        nodes: &[usize],
        read: &HashSet<&str>,
        names: &mut Names<'_>,
    ) -> Result<Block, LoadError> {
        let mut setup = Block::default();
        for &index in nodes {
            let step = self.step(&topology.graph().node[index], index, names)?;
            setup.steps.push(step);
        }
        let made = nodes.iter().flat_map(|&index| &topology.graph().node[index].output);
        for name in made.filter(|name| read.contains(name.as_str())) {
            if let Some(operand) = names.find(name) {
                names.add(name, Operand::Computed(setup.outputs.len()));
                setup.outputs.push(operand.into());
            }
        }
        free_last_uses(&mut setup, &[]);
        Ok(setup)
    }

    /// The step for a node; what it makes gets its place and name here.
    fn step(
        &mut self,
        node: &NodeProto,
        label: usize,
        names: &mut Names<'_>,
    ) -> Result<Step, LoadError> {
        let action = match node.op() {
            "If" if node.is_default_domain() => Action::If(self.branches(node, label, names)?),
            "Loop" if node.is_default_domain() => Action::Loop(self.repeat(node, label, names)?),
            _ => Action::Run(Box::new(self.run(node, label, names)?)),
        };
        Ok(Step { label, action, frees: Vec::new() })
    }

    fn run(
        &mut self,
        node: &NodeProto,
        label: usize,
        names: &mut Names<'_>,
    ) -> Result<Run, LoadError> {
        let operator = self.operator(node).map_err(|source| self.refused(label, source))?;
        let inputs = node.input.iter().map(|name| {
            if name.is_empty() { Ok(None) } else { self.operand(name, label, names).map(Some) }
        });
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let distinct = distinct_inputs(node).into_iter();
        let distinct = distinct.map(|name| Ok((self.operand(name, label, names)?, false)));
        let distinct = distinct.collect::<Result<Vec<_>, LoadError>>()?;
        let made = node.output.iter().filter(|name| !name.is_empty());
        let outputs = made.map(|name| self.make(name, names)).collect();
        Ok(Run { operator, inputs, distinct, outputs })
    }

    fn operator(&mut self, node: &NodeProto) -> Result<Operator, KernelError> {
        if ours::is_ours(node) {
            let outputs = node.output.iter().enumerate();
            let named = outputs.filter(|(_, name)| !name.is_empty()).map(|(at, _)| at).collect();
            return Ok(Operator::Ours { compute: ours::of(node)?, named });
        }
        let kernel = self.kernels.place(node)?;
        let rule = demand::rule(node.op()).filter(|_| node.is_default_domain());
        let rule = rule.ok_or(KernelError::NoRule)?;
        let mut node = node.clone();
        // Nothing asks for the names any more.
        node.input = Vec::new();
        node.output = Vec::new();
        Ok(Operator::Executor { kernel, own: Own::of(&node), rule, node: Box::new(node) })
    }

    fn branches(
        &mut self,
        node: &NodeProto,
        label: usize,
        names: &mut Names<'_>,
    ) -> Result<Branches, LoadError> {
        let condition = self.required(node, 0, label, names)?;
        let then = self.branch(node, "then_branch", label, names)?;
        let otherwise = self.branch(node, "else_branch", label, names)?;
        let outputs = self.make_all(node, names);
        Ok(Branches { condition, then, otherwise, outputs })
    }

    fn branch(
        &mut self,
        node: &NodeProto,
        name: &'static str,
        label: usize,
        names: &Names<'_>,
    ) -> Result<Block, LoadError> {
        let body = self.graph(node, name, label)?;
        let block = self.body(body, label, Names::inside(names), &[])?;
        if block.outputs.len() < node.output.len() {
            return Err(self.refused(label, KernelError::BodyOutputs));
        }
        Ok(block)
    }

    fn repeat(
        &mut self,
        node: &NodeProto,
        label: usize,
        names: &mut Names<'_>,
    ) -> Result<Repeat, LoadError> {
        let optional = |index| {
            let name = node.input_name(index);
            name.map(|name| self.operand(name, label, names)).transpose()
        };
        let (trips, condition) = (optional(0)?, optional(1)?);
        let carried = (2..node.input.len()).map(|index| self.required(node, index, label, names));
        let carried = carried.collect::<Result<Vec<_>, _>>()?;
        let graph = self.graph(node, "body", label)?;
        if graph.input.len() != 2 + carried.len() {
            return Err(self.refused(label, KernelError::BodyInputs));
        }
        let mut inner = Names::inside(names);
        let mut body_inputs = Vec::with_capacity(graph.input.len());
        for input in &graph.input {
            let place = self.place();
            inner.add(input.label(), Operand::Place(place));
            body_inputs.push(place);
        }
        let body = self.body(graph, label, inner, &body_inputs)?;
        if body.outputs.len() < 1 + carried.len() || body.outputs.len() - 1 < node.output.len() {
            return Err(self.refused(label, KernelError::BodyOutputs));
        }
        let outputs = self.make_all(node, names);
        Ok(Repeat { trips, condition, carried, body, body_inputs, outputs })
    }

    /// The block of a body, whose inputs have their names and places already.
    fn body(
        &mut self,
        graph: &GraphProto,
        outer: usize,
        mut names: Names<'_>,
        inputs: &[usize],
    ) -> Result<Block, LoadError> {
        self.add_constants(graph, &mut names)?;
        let topology = Topology::new(graph)?;
        let mut block = Block::default();
        for &index in topology.order() {
            let node = &graph.node[index];
            let label = self.label_inside(outer, node, index);
            block.steps.push(self.step(node, label, &mut names)?);
        }
        for output in &graph.output {
            block.outputs.push(self.operand(output.label(), outer, &names)?.into());
        }
        free_last_uses(&mut block, inputs);
        Ok(block)
    }

    /// The place of a label for a node of a body.
    fn label_inside(&mut self, outer: usize, node: &NodeProto, index: usize) -> usize {
        let name = node.name.as_deref().filter(|name| !name.is_empty());
        let name = name.or_else(|| node.output_name(0)).unwrap_or_default().to_owned();
        let label = format!("{} > {}", self.labels[outer].label, node.label(index));
        self.labels.push(NodeLabel { label, name, operator: operator(node) });
        self.labels.len() - 1
    }

    fn make(&mut self, name: &str, names: &mut Names<'_>) -> Made {
        let place = self.place();
        names.add(name, Operand::Place(place));
        let observed = if names.is_body() { None } else { self.observed.get(name).copied() };
        Made { place, observed }
    }

    fn make_all(&mut self, node: &NodeProto, names: &mut Names<'_>) -> Vec<Option<Made>> {
        let make = |name: &String| (!name.is_empty()).then(|| self.make(name, names));
        node.output.iter().map(make).collect()
    }

    fn graph<'n>(
        &self,
        node: &'n NodeProto,
        name: &'static str,
        label: usize,
    ) -> Result<&'n GraphProto, LoadError> {
        node.attr_g(name).ok_or_else(|| self.refused(label, KernelError::NoBody { name }))
    }

    fn required(
        &self,
        node: &NodeProto,
        index: usize,
        label: usize,
        names: &Names<'_>,
    ) -> Result<Operand, LoadError> {
        let name = node.input_name(index);
        let name = name.ok_or_else(|| self.refused(label, KernelError::NoInput { index }))?;
        self.operand(name, label, names)
    }

    fn operand(&self, name: &str, label: usize, names: &Names<'_>) -> Result<Operand, LoadError> {
        let missing = || self.refused(label, KernelError::Missing { name: name.to_owned() });
        names.find(name).ok_or_else(missing)
    }

    fn refused(&self, label: usize, source: KernelError) -> LoadError {
        let (runtime, node) = (NAME.to_owned(), self.labels[label].label.clone());
        LoadError::Node { runtime, node, source: source.into() }
    }
}
