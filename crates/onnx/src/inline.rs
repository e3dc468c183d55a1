//! Calls of a model's own functions, written out.
//!
//! The body of a function takes the place of the node that calls it: its inputs and outputs are those of the call, every
//! other name is put behind the call's, and attributes that refer to the function's are the call's, or the function's
//! defaults (ONNX IR, "Functions").

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::model::Model;
use crate::proto::{
    AttributeProto, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto,
};

/// Nodes that a model may come to: functions that call others twice grow without end.
const MAX_NODES: u64 = 200_000;

/// Memory that they may take: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;

/// Functions inside each other, and bodies inside bodies, as deep as models may nest.
const MAX_DEPTH: usize = 32;

/// What of a call's name stands before the names of its function.
const MAX_PREFIX_BYTES: usize = 256;

/// Domain, name and overload of a function.
type Key = (String, String, String);

impl Model {
    /// The model with the calls of its own functions written out, bodies and calls inside functions included.
    ///
    /// It stays as it is where that cannot be said in one graph: functions that call themselves, that mean another version
    /// of an operator set than the model, or that would make it larger than 200,000 nodes or 1 GiB.
    #[must_use]
    pub fn inlined(&self) -> Cow<'_, Self> {
        if self.proto.functions.is_empty() || !is_sayable(self) {
            return Cow::Borrowed(self);
        }
        let mut model = self.clone();
        let functions = std::mem::take(&mut model.proto.functions);
        for import in functions.iter().flat_map(|function| &function.opset_import) {
            let imports = &mut model.proto.opset_import;
            if !imports.iter().any(|known| domain(known) == domain(import)) {
                imports.push(import.clone());
            }
        }
        let mut inliner = Inliner {
            functions: functions.iter().map(|function| (key(function), function)).collect(),
            taken: HashSet::new(),
            calls: HashMap::new(),
        };
        let graph = model.graph_mut();
        inliner.take_names(graph);
        inliner.graph(graph);
        Cow::Owned(model)
    }
}

fn key(function: &FunctionProto) -> Key {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&function.domain), text(&function.name), text(&function.overload))
}

fn called(node: &NodeProto) -> Key {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&node.domain), text(&node.op_type), text(&node.overload))
}

/// The domain of an import, ONNX's own being the empty one.
fn domain(import: &OperatorSetIdProto) -> &str {
    import.domain.as_deref().filter(|_| !import.is_default_domain()).unwrap_or_default()
}

/// Whether all functions can be written out.
fn is_sayable(model: &Model) -> bool {
    let version = |of: &str| {
        let mut imports = model.proto.opset_import.iter();
        imports.find(|import| domain(import) == of).and_then(|import| import.version)
    };
    let functions = &model.proto.functions;
    let means_the_same = |import: &OperatorSetIdProto| {
        version(domain(import)).is_none_or(|version| import.version == Some(version))
    };
    let by_key: HashMap<Key, &FunctionProto> = functions.iter().map(|it| (key(it), it)).collect();
    let mut sizes = HashMap::new();
    by_key.len() == functions.len()
        && functions.iter().flat_map(|it| &it.opset_import).all(means_the_same)
        && Size::of(&model.graph().node, &by_key, &mut sizes, 0).is_some()
}

/// How large nodes become.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: u64,
    /// What has to be copied for them.
    bytes: u64,
}

impl Size {
    /// Of these nodes, calls written out; `None` where that is beyond all bounds.
    fn of(
        nodes: &[NodeProto],
        functions: &HashMap<Key, &FunctionProto>,
        sizes: &mut HashMap<Key, Option<Self>>,
        depth: usize,
    ) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut total = Self::default();
        for node in nodes {
            total = total.and(Self { nodes: 1, bytes: copied_bytes(node) })?;
            for body in node.subgraphs() {
                let weights = body.initializer.iter().map(tensor_bytes).sum();
                total = total.and(Self { nodes: 0, bytes: weights })?;
                total = total.and(Self::of(&body.node, functions, sizes, depth + 1)?)?;
            }
            let key = called(node);
            if let Some(function) = functions.get(&key) {
                if !sizes.contains_key(&key) {
                    // A function that calls itself finds that it has no size.
                    sizes.insert(key.clone(), None);
                    let size = Self::of(&function.node, functions, sizes, depth + 1);
                    sizes.insert(key.clone(), size);
                }
                total = total.and(sizes[&key]?)?;
                // Outputs that are inputs take a node each.
                total = total.and(Self { nodes: function.output.len() as u64, bytes: 0 })?;
            }
        }
        Some(total)
    }

    fn and(self, other: Self) -> Option<Self> {
        let nodes = self.nodes.checked_add(other.nodes).filter(|nodes| *nodes <= MAX_NODES)?;
        let bytes = self.bytes.checked_add(other.bytes).filter(|bytes| *bytes <= MAX_BYTES)?;
        Some(Self { nodes, bytes })
    }
}

/// What a copy of a node takes, without the raw values of its tensors, which are shared, and without its bodies.
fn copied_bytes(node: &NodeProto) -> u64 {
    let names = node.input.iter().chain(&node.output).chain(&node.name);
    let names = names.map(|name| (name.len() + MAX_PREFIX_BYTES) as u64);
    let attributes = node.attribute.iter().map(|it| {
        let strings = it.strings.iter().map(|text| text.len() as u64 + 32).sum::<u64>();
        let tensors = it.tensors.iter().chain(it.t.as_option()).map(tensor_bytes).sum::<u64>();
        256 + 4 * it.floats.len() as u64 + 8 * it.ints.len() as u64 + strings + tensors
    });
    256 + names.sum::<u64>() + attributes.sum::<u64>()
}

fn tensor_bytes(tensor: &TensorProto) -> u64 {
    let strings = tensor.string_data.iter().map(|text| text.len() as u64 + 32).sum::<u64>();
    let of_4 = tensor.float_data.len() + tensor.int32_data.len();
    let of_8 = tensor.int64_data.len() + tensor.double_data.len() + tensor.uint64_data.len();
    256 + tensor.name.as_deref().map_or(0, str::len) as u64
        + 4 * of_4 as u64
        + 8 * (of_8 + tensor.dims.len()) as u64
        + strings
}

struct Inliner<'f> {
    functions: HashMap<Key, &'f FunctionProto>,
    /// Every name of a tensor in the model.
    taken: HashSet<String>,
    /// How many calls of this name there were.
    calls: HashMap<String, usize>,
}

impl Inliner<'_> {
    fn take_names(&mut self, graph: &GraphProto) {
        let given = graph.input.iter().chain(&graph.output).map(|it| it.label());
        let weights = graph.initializer.iter().map(|it| it.label());
        self.taken.extend(given.chain(weights).map(str::to_owned));
        for node in &graph.node {
            self.taken.extend(node.input.iter().chain(&node.output).cloned());
            node.subgraphs().for_each(|body| self.take_names(body));
        }
    }

    fn graph(&mut self, graph: &mut GraphProto) {
        graph.node = self.nodes(std::mem::take(&mut graph.node));
    }

    fn nodes(&mut self, nodes: Vec<NodeProto>) -> Vec<NodeProto> {
        let mut written = Vec::with_capacity(nodes.len());
        for mut node in nodes {
            each_body(&mut node, &mut |body| self.graph(body));
            match self.functions.get(&called(&node)).copied() {
                None => written.push(node),
                Some(function) => {
                    let body = self.body(function, &node);
                    written.extend(self.nodes(body));
                }
            }
        }
        written
    }

    /// The nodes of a function, as those of this call.
    fn body(&mut self, function: &FunctionProto, call: &NodeProto) -> Vec<NodeProto> {
        let mut names = Names { formal: HashMap::new(), prefix: self.prefix(function, call) };
        for (place, formal) in function.input.iter().enumerate() {
            names.formal.insert(formal.clone(), call.input.get(place).cloned().unwrap_or_default());
        }
        let mut passed = Vec::new();
        for (place, formal) in function.output.iter().enumerate() {
            let Some(actual) = call.output.get(place).filter(|name| !name.is_empty()) else {
                continue;
            };
            match names.formal.get(formal) {
                // What is an input already, or another output, is handed on.
                Some(same) => {
                    let same = same.clone();
                    passed.push(NodeProto::new("Identity", "", &[&same], &[actual]));
                }
                None => drop(names.formal.insert(formal.clone(), actual.clone())),
            }
        }
        let attributes = Attributes { function, call };
        let mut nodes = function.node.clone();
        nodes.iter_mut().for_each(|node| names.node(node, &attributes));
        let mut own = Vec::new();
        own_names(&nodes, &mut own);
        self.taken.extend(own.into_iter().map(str::to_owned));
        nodes.extend(passed);
        nodes
    }

    /// What stands before the function's own names in this call, so that none is taken.
    fn prefix(&mut self, function: &FunctionProto, call: &NodeProto) -> String {
        let name = call.name.as_deref().filter(|name| !name.is_empty());
        let name = shortened(name.or_else(|| call.output_name(0)).unwrap_or_default());
        let mut own = Vec::new();
        own_names(&function.node, &mut own);
        own.extend(function.output.iter().map(String::as_str));
        let calls = self.calls.entry(name.to_owned()).or_default();
        loop {
            *calls += 1;
            let prefix = if *calls == 1 { format!("{name}/") } else { format!("{name}_{calls}/") };
            if own.iter().all(|own| !self.taken.contains(&format!("{prefix}{own}"))) {
                return prefix;
            }
        }
    }
}

/// The end of a name that is too long to stand before others.
fn shortened(name: &str) -> &str {
    let mut start = name.len().saturating_sub(MAX_PREFIX_BYTES / 2);
    while !name.is_char_boundary(start) {
        start += 1;
    }
    &name[start..]
}

/// The tensors that nodes and their bodies name.
fn own_names<'n>(nodes: &'n [NodeProto], names: &mut Vec<&'n str>) {
    for node in nodes {
        names.extend(node.input.iter().chain(&node.output).map(String::as_str));
        for body in node.subgraphs() {
            names.extend(body.input.iter().map(|it| it.label()));
            names.extend(body.initializer.iter().map(|it| it.label()));
            own_names(&body.node, names);
        }
    }
}

fn each_body(node: &mut NodeProto, visit: &mut impl FnMut(&mut GraphProto)) {
    for attribute in &mut node.attribute {
        attribute.g.as_option_mut().into_iter().for_each(&mut *visit);
        attribute.graphs.iter_mut().for_each(&mut *visit);
    }
}

/// What the attributes of a function's nodes may refer to.
struct Attributes<'a> {
    function: &'a FunctionProto,
    call: &'a NodeProto,
}

impl Attributes<'_> {
    /// The attribute itself, or what it refers to under its own name; nothing where the call leaves that out.
    fn resolved(&self, attribute: AttributeProto) -> Option<AttributeProto> {
        let Some(of) = attribute.ref_attr_name.as_deref().filter(|name| !name.is_empty()) else {
            return Some(attribute);
        };
        let given = self.call.attribute.iter().chain(&self.function.attribute_proto);
        let given = given.into_iter().find(|given| given.name.as_deref() == Some(of))?;
        Some(AttributeProto { name: attribute.name, ..given.clone() })
    }
}

/// What the names of a function become in a call.
struct Names {
    formal: HashMap<String, String>,
    prefix: String,
}

impl Names {
    fn of(&self, name: &str) -> String {
        match self.formal.get(name) {
            _ if name.is_empty() => String::new(),
            Some(actual) => actual.clone(),
            None => format!("{}{name}", self.prefix),
        }
    }

    fn rename(&self, name: &mut Option<String>) {
        if let Some(name) = name.as_mut().filter(|name| !name.is_empty()) {
            *name = self.of(name);
        }
    }

    fn node(&self, node: &mut NodeProto, attributes: &Attributes<'_>) {
        let names = node.input.iter_mut().chain(&mut node.output);
        names.for_each(|name| *name = self.of(name));
        if let Some(name) = node.name.as_mut().filter(|name| !name.is_empty()) {
            *name = format!("{}{name}", self.prefix);
        }
        let given = std::mem::take(&mut node.attribute).into_iter();
        node.attribute = given.filter_map(|it| attributes.resolved(it)).collect();
        each_body(node, &mut |body| self.graph(body, attributes));
    }

    fn graph(&self, graph: &mut GraphProto, attributes: &Attributes<'_>) {
        let given = graph.input.iter_mut().chain(&mut graph.output);
        given.for_each(|it| self.rename(&mut it.name));
        graph.initializer.iter_mut().for_each(|it| self.rename(&mut it.name));
        for sparse in &mut graph.sparse_initializer {
            let values = sparse.values.as_option_mut().into_iter();
            values.for_each(|it| self.rename(&mut it.name));
        }
        graph.value_info.clear();
        graph.node.iter_mut().for_each(|node| self.node(node, attributes));
    }
}
