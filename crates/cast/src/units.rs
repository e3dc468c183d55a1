//! What has to have one type: all floats that a node computes with, all that go in and out of bodies at one place.
//!
//! Each such group is a unit, and a type is chosen for each unit. What is left over has its type from elsewhere: float32
//! because the operator takes nothing else, or whatever the tensor happens to be in.

use super::flow::{Flow, GraphId, Maker, NodeId, Reader, ValueId};
use super::schema::Formal;

/// Place in [`Units::units`].
pub(super) type UnitId = usize;

/// The type at one end of the way of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The tensor is no float32 tensor: none of our business.
    NotFloat,
    /// Float32 in every case.
    Float32,
    /// That of a unit.
    Unit(UnitId),
    /// A reader that takes the tensor in the type that it has.
    Any,
    /// A constant, which can be written in any type, and in several.
    Constant,
    /// The caller of the model.
    Caller,
}

/// Floats that have one type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// The node that computes with them.
    pub(super) node: NodeId,
    /// Whether they go in or out of the node's bodies.
    pub(super) is_of_bodies: bool,
}

/// All units of a model, and where they stand.
#[derive(Debug, Default)]
pub(super) struct Units {
    pub(super) units: Vec<Unit>,
    /// By node, then by input.
    pub(super) inputs: Vec<Vec<End>>,
    /// By node, then by output.
    pub(super) outputs: Vec<Vec<End>>,
    /// By graph: what its inputs are made as; of the main graph nothing.
    body_inputs: Vec<Vec<End>>,
    body_outputs: Vec<Vec<End>>,
    by_node: Vec<Vec<UnitId>>,
}

/// Inputs whose type says nothing about the rest of the node: each is read in the type that it has.
const READ_AS_THEY_COME: [(&str, usize); 13] = [
    ("ArgMax", 0),
    ("ArgMin", 0),
    ("Bernoulli", 0),
    ("Cast", 0),
    ("Dropout", 1),
    ("EyeLike", 0),
    ("IsInf", 0),
    ("IsNaN", 0),
    ("NonZero", 0),
    ("RandomNormalLike", 0),
    ("RandomUniformLike", 0),
    ("Shape", 0),
    ("Size", 0),
];

impl Units {
    pub(super) fn of(flow: &Flow<'_>) -> Self {
        let mut units = Self { by_node: vec![Vec::new(); flow.nodes.len()], ..Self::default() };
        units.body_inputs = flow.graphs.iter().map(|graph| not_float(graph.inputs.len())).collect();
        units.body_outputs =
            flow.graphs.iter().map(|graph| not_float(graph.outputs.len())).collect();
        units.inputs = flow.nodes.iter().map(|node| not_float(node.inputs.len())).collect();
        units.outputs = flow.nodes.iter().map(|node| not_float(node.outputs.len())).collect();
        for node in 0..flow.nodes.len() {
            if flow.nodes[node].bodies.is_empty() {
                units.add_node(flow, node);
            } else {
                units.add_holder(flow, node);
            }
        }
        units
    }

    /// Returns what a tensor is made as.
    pub(super) fn made(&self, flow: &Flow<'_>, value: ValueId) -> End {
        if !flow.is_float(value) {
            return End::NotFloat;
        }
        match flow.values[value].maker {
            Maker::Constant => End::Constant,
            Maker::Sparse => End::Float32,
            Maker::Input(_) if flow.values[value].graph == 0 => End::Caller,
            Maker::Input(place) => self.body_inputs[flow.values[value].graph][place],
            Maker::Node(node, output) => self.outputs[node][output],
        }
    }

    /// Returns what a reader takes.
    pub(super) fn wanted(&self, reader: Reader) -> End {
        match reader {
            Reader::Node(node, input) => self.inputs[node][input],
            Reader::Output(0, _) => End::Caller,
            Reader::Output(body, place) => self.body_outputs[body][place],
        }
    }

    /// Returns the units of a node.
    pub(super) fn of_node(&self, node: NodeId) -> &[UnitId] {
        &self.by_node[node]
    }

    fn add_unit(&mut self, node: NodeId, is_of_bodies: bool) -> UnitId {
        self.units.push(Unit { node, is_of_bodies });
        self.by_node[node].push(self.units.len() - 1);
        self.units.len() - 1
    }

    fn add_node(&mut self, flow: &Flow<'_>, id: NodeId) {
        let node = &flow.nodes[id];
        if node.proto.is("Constant") {
            return;
        }
        let op = node.proto.op();
        let mut own = None;
        for (place, value) in node.inputs.iter().enumerate() {
            if !value.is_some_and(|value| flow.is_float(value)) {
                continue;
            }
            let formal = node.schema.map_or(Formal::Float32, |schema| schema.input(place));
            let copies =
                op == "Cast" && node.outputs.iter().flatten().any(|&out| flow.is_float(out));
            self.inputs[id][place] = match formal {
                // The place of the region of interest in Resize is no data.
                Formal::Letter(_) if (op, place) == ("Resize", 1) => End::Float32,
                Formal::Letter(_) if READ_AS_THEY_COME.contains(&(op, place)) && !copies => {
                    End::Any
                }
                Formal::Letter(_) => {
                    End::Unit(*own.get_or_insert_with(|| self.add_unit(id, false)))
                }
                Formal::Float32 | Formal::Other => End::Float32,
            };
        }
        for (place, value) in node.outputs.iter().enumerate() {
            if !value.is_some_and(|value| flow.is_float(value)) {
                continue;
            }
            let formal = node.schema.map_or(Formal::Float32, |schema| schema.output(place));
            self.outputs[id][place] = match formal {
                // Statistics, of the type that an attribute states.
                Formal::Letter(_) if op == "LayerNormalization" && place > 0 => End::Float32,
                Formal::Letter(_) => {
                    End::Unit(*own.get_or_insert_with(|| self.add_unit(id, false)))
                }
                Formal::Float32 | Formal::Other => End::Float32,
            };
        }
    }

    /// Adds a unit for each place at which floats go in or out of the bodies of a node.
    fn add_holder(&mut self, flow: &Flow<'_>, id: NodeId) {
        let node = &flow.nodes[id];
        for ties in ties(flow, id) {
            let floats = ties.iter().filter_map(|tie| tie.value(flow, id));
            let types: Vec<bool> = floats.map(|value| flow.is_float(value)).collect();
            if !types.contains(&true) {
                continue;
            }
            let is_known = matches!(node.proto.op(), "If" | "Loop" | "Scan");
            let is_float = !types.contains(&false) && is_known && node.proto.is_default_domain();
            let end = if is_float { End::Unit(self.add_unit(id, true)) } else { End::Float32 };
            for tie in ties {
                if !tie.value(flow, id).is_some_and(|value| flow.is_float(value)) {
                    continue;
                }
                match tie {
                    Tie::Input(place) => self.inputs[id][place] = end,
                    Tie::Output(place) => self.outputs[id][place] = end,
                    Tie::BodyInput(body, place) => self.body_inputs[body][place] = end,
                    Tie::BodyOutput(body, place) => self.body_outputs[body][place] = end,
                }
            }
        }
    }
}

fn not_float(count: usize) -> Vec<End> {
    vec![End::NotFloat; count]
}

/// A place at which a tensor goes in or out of a node with bodies.
#[derive(Debug, Clone, Copy)]
enum Tie {
    Input(usize),
    Output(usize),
    BodyInput(GraphId, usize),
    BodyOutput(GraphId, usize),
}

impl Tie {
    fn value(self, flow: &Flow<'_>, node: NodeId) -> Option<ValueId> {
        let node = &flow.nodes[node];
        match self {
            Self::Input(place) => *node.inputs.get(place)?,
            Self::Output(place) => *node.outputs.get(place)?,
            Self::BodyInput(body, place) => *flow.graphs[body].inputs.get(place)?,
            Self::BodyOutput(body, place) => *flow.graphs[body].outputs.get(place)?,
        }
    }
}

/// Returns the places that have one type, group by group, each with at least one tensor behind it.
fn ties(flow: &Flow<'_>, id: NodeId) -> Vec<Vec<Tie>> {
    let node = &flow.nodes[id];
    let (n_inputs, n_outputs) = (node.inputs.len(), node.outputs.len());
    let mut groups: Vec<Vec<Tie>> = match node.proto.op() {
        "If" => (0..n_outputs)
            .map(|place| {
                let bodies = node.bodies.iter().map(|&body| Tie::BodyOutput(body, place));
                bodies.chain([Tie::Output(place)]).collect()
            })
            .collect(),
        "Loop" => {
            let body = node.bodies[0];
            let n_carried = n_inputs.saturating_sub(2);
            let carried = (0..n_carried).map(|k| {
                let inside = [Tie::BodyInput(body, k + 2), Tie::BodyOutput(body, k + 1)];
                inside.into_iter().chain([Tie::Input(k + 2), Tie::Output(k)]).collect()
            });
            let collected =
                (n_carried..n_outputs).map(|k| vec![Tie::BodyOutput(body, k + 1), Tie::Output(k)]);
            carried.chain(collected).collect()
        }
        "Scan" => {
            let body = node.bodies[0];
            let n_scanned = node.proto.attr_i("num_scan_inputs").unwrap_or(0);
            let n_state = n_inputs.saturating_sub(usize::try_from(n_scanned).unwrap_or(0));
            let state = (0..n_state).map(|k| {
                let inside = [Tie::BodyInput(body, k), Tie::BodyOutput(body, k)];
                inside.into_iter().chain([Tie::Input(k), Tie::Output(k)]).collect()
            });
            let scanned = (n_state..n_inputs).map(|k| vec![Tie::Input(k), Tie::BodyInput(body, k)]);
            let collected =
                (n_state..n_outputs).map(|k| vec![Tie::BodyOutput(body, k), Tie::Output(k)]);
            state.chain(scanned).chain(collected).collect()
        }
        // Not one of ONNX's: nothing is known of its bodies but that they give out something.
        _ => {
            let ends = |body: GraphId| {
                (0..flow.graphs[body].outputs.len()).map(move |place| Tie::BodyOutput(body, place))
            };
            let inputs = (0..n_inputs).map(Tie::Input).chain((0..n_outputs).map(Tie::Output));
            vec![inputs.chain(node.bodies.iter().copied().flat_map(ends)).collect()]
        }
    };
    groups.retain(|ties| ties.iter().any(|tie| tie.value(flow, id).is_some()));
    groups
}
