//! The two traits: what can run models, and a model that is loaded.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::num::NonZeroUsize;

use calibrant_calibration::BackendInfo;
use calibrant_onnx::proto::NodeProto;
use calibrant_onnx::{Model, Topology};

use crate::{LoadError, Observations, Refusal, Refused, RunError, Source, Unavailable, Wanted};

/// What can run models: an open value, made by whoever has one.
pub trait Runtime: Debug + Send + Sync {
    /// Its short name, by which users choose it: small letters, figures and hyphens.
    fn name(&self) -> &str;

    /// What it is on this machine, and whether it can be used.
    ///
    /// Opening a library to find out is fine; keeping a device busy is not.
    fn availability(&self) -> Availability;

    /// Which nodes of `model` it runs, and why not the others; nothing of the model is run for that.
    ///
    /// # Errors
    ///
    /// When it would not take the model whatever its nodes are.
    fn survey(&self, model: &Model) -> Result<Survey, LoadError>;

    /// The model, ready to be run, with what is wanted of its tensors.
    ///
    /// # Errors
    ///
    /// When the model, or a node of it that a wanted tensor depends on, is not taken, or there is no such tensor.
    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Box<dyn Network>, LoadError>;
}

/// A model that is loaded.
pub trait Network: Debug + Send {
    /// What runs it and how, as the manifest of a calibration says it.
    fn info(&self) -> BackendInfo;

    /// Why this runtime runs the model, where somebody had it chosen among several.
    fn chosen(&self) -> Option<&str> {
        None
    }

    /// Pulls batches of `source` until it ends, runs their samples, and returns what was seen.
    ///
    /// The source is asked whether to stop before each sample, and at every node where that can be.
    /// No activation is kept beyond the sample in hand.
    ///
    /// # Errors
    ///
    /// When the source fails or is cancelled, a sample does not fit the model, a node fails, or a wanted tensor is not
    /// finite; of several samples at fault the earliest is named.
    /// Nothing is returned then: half a run is no run.
    /// A source that [leaves out](Source::leaves_out) such samples hears of them instead, where the fault is
    /// [theirs](RunError::is_of_samples), and what the others gave is returned.
    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError>;
}

/// How a model is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Threads that run samples, where that is the runtime's to choose.
    pub workers: NonZeroUsize,
    /// Samples that run as one, put together along the first axis; at most as many as a batch of the source holds.
    ///
    /// 1 is right for every model with an open batch: activations then do not depend on which samples run together.
    /// A model exported for a fixed batch needs that number here. Where fewer samples are left, a run is filled up with copies of
    /// them, which count nothing ([`Observations::copies`]).
    pub samples_per_run: NonZeroUsize,
    /// Memory that running the model may take: weights, statistics, and what all workers compute with.
    ///
    /// Moments come on top, half a KiB a channel.
    pub memory_bytes: u64,
}

/// What a runtime is on this machine.
#[derive(Debug)]
pub struct Availability {
    /// What it is, in a few words, such as `pure Rust on the CPU`.
    pub what: String,
    /// Version of what does the arithmetic, where it is known.
    pub version: Option<String>,
    /// What a user should know, one sentence each.
    pub notes: Vec<String>,
    /// Places that were looked at for it, in order; empty where it is built in.
    pub tried: Vec<String>,
    /// Why it cannot be used, if it cannot.
    pub why_not: Option<Unavailable>,
}

/// What a runtime makes of a model's nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The nodes of the main graph, in its order; what is inside a body counts for the node that holds it.
    pub nodes: Vec<SurveyedNode>,
}

/// A node, and whether it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyedNode {
    /// The node as messages call it: `Conv "stem" (#12)`.
    pub node: String,
    /// Its operator, with the domain when that is not ONNX's own.
    pub operator: String,
    /// What stands in the way of running it, if anything does.
    pub refusal: Option<Refusal>,
}

impl Availability {
    /// Usable, with nothing more to say.
    pub fn usable(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            version: None,
            notes: Vec::new(),
            tried: Vec::new(),
            why_not: None,
        }
    }
}

impl Survey {
    /// What `judge` says of each node of the main graph.
    pub fn of(model: &Model, judge: impl Fn(&NodeProto) -> Option<Refusal>) -> Self {
        let nodes = model.graph().node.iter().enumerate();
        let surveyed = nodes.map(|(index, node)| SurveyedNode {
            node: node.label(index),
            operator: node.op().to_owned(),
            refusal: judge(node),
        });
        Self { nodes: surveyed.collect() }
    }

    /// Makes sure that every node is run.
    ///
    /// # Errors
    ///
    /// [`LoadError::Unsupported`] with those that are not, in the name of the runtime.
    pub fn check(&self, runtime: &str) -> Result<(), LoadError> {
        let refused = self.nodes.iter().filter_map(|node| {
            let (operator, reason) = (node.operator.clone(), node.refusal.clone()?);
            Some(Refused { node: node.node.clone(), operator, reason })
        });
        let nodes: Vec<Refused> = refused.collect();
        if nodes.is_empty() {
            return Ok(());
        }
        Err(LoadError::Unsupported { runtime: runtime.to_owned(), nodes })
    }

    /// The tensors of `model`, which was surveyed, that cannot be had: a node that is not run makes them, or what they
    /// depend on.
    ///
    /// # Errors
    ///
    /// When the model's nodes have no order.
    pub fn unreached(&self, model: &Model) -> Result<BTreeSet<String>, LoadError> {
        let topology = Topology::new(model.graph())?;
        let nodes = &topology.graph().node;
        let refused = nodes.iter().zip(&self.nodes).filter(|(_, it)| it.refusal.is_some());
        let mut open: Vec<&str> =
            refused.flat_map(|(node, _)| &node.output).map(String::as_str).collect();
        let mut unreached = BTreeSet::new();
        while let Some(tensor) = open.pop() {
            if !tensor.is_empty() && unreached.insert(tensor.to_owned()) {
                let readers = topology.consumers(tensor).iter();
                open.extend(readers.flat_map(|it| &nodes[it.node].output).map(String::as_str));
            }
        }
        Ok(unreached)
    }

    /// Whether every node is run.
    #[must_use]
    pub fn runs_all(&self) -> bool {
        self.nodes.iter().all(|node| node.refusal.is_none())
    }

    /// The nodes that are not run.
    pub fn refused(&self) -> impl Iterator<Item = &SurveyedNode> {
        self.nodes.iter().filter(|node| node.refusal.is_some())
    }
}
