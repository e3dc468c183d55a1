//! Constants that are not written as such.
//!
//! Exporters lay a weight out anew in the graph (Transpose before a MatMul), cut it out of a larger one, give a bias its
//! shape there, or store float16 and convert. What such a node makes is computed here once, so that whoever looks for a
//! weight, to run the model or to quantize it, sees the same one.
//! Only layout and conversion are computed: no arithmetic, so nothing is rounded but where a `Cast` says so.
//! What is made takes no more memory than a few times what the model stores.

mod convert;
mod shapes;
mod view;

use std::collections::{HashMap, HashSet};

use buffa::bytes::Bytes;

use crate::proto::{GraphProto, NodeProto, TensorProto};
use crate::{DataType, Topology, TopologyError};

pub use shapes::from_end;
use view::View;

/// Copies of constants may take this much, and this many times what the constants of the graph take: one to lay it out anew,
/// one twice as wide.
const COPIES_LIMIT_BYTES: usize = 256 << 20;
const COPIES_OF_ALL: usize = 4;

/// Replaces layout changes and conversions of constant floats by their results, and returns the labels of those nodes.
///
/// # Errors
///
/// When the graph has no order.
pub fn fold_constants(graph: &mut GraphProto) -> Result<Vec<String>, TopologyError> {
    let topology = Topology::new(graph)?;
    let mut folding = Folding::of(&topology);
    folding.drop_what_only_they_read();
    let Folding { mut folded, gone, .. } = folding;
    let mut in_order: Vec<usize> = gone.iter().copied().collect();
    in_order.sort_unstable();
    let labels = in_order.iter().map(|&index| graph.node[index].label(index)).collect();
    let outputs = in_order.iter().flat_map(|&index| &graph.node[index].output);
    let made: Vec<TensorProto> =
        outputs.filter_map(|output| folded.remove(output.as_str())).collect();
    graph.initializer.extend(made);
    let mut kept = (0..graph.node.len()).map(|index| !gone.contains(&index));
    graph.node.retain(|_| kept.next().unwrap_or(true));
    Ok(labels)
}

impl Topology<'_> {
    /// The same, with what layout changes and conversions make of constants among the [constants](Self::constant).
    #[must_use]
    pub fn with_constants_folded(mut self) -> Self {
        let Folding { folded, .. } = Folding::of(&self);
        self.add_constants(folded);
        self
    }
}

/// A graph while its constants are folded.
struct Folding<'t, 'g> {
    topology: &'t Topology<'g>,
    folded: HashMap<&'g str, TensorProto>,
    /// Nodes that make floats.
    gone: HashSet<usize>,
    /// Nodes that make whole numbers, in order: looked through, and left where others read them.
    counted: Vec<usize>,
    /// What copies may still take.
    left_bytes: usize,
}

impl<'t, 'g> Folding<'t, 'g> {
    /// All that can be folded.
    fn of(topology: &'t Topology<'g>) -> Self {
        let stored = topology.graph().initializer.iter();
        let stored = stored.filter_map(|tensor| tensor.n_bytes().ok());
        let stored = stored.fold(0, usize::saturating_add);
        let left_bytes = COPIES_LIMIT_BYTES.saturating_add(stored.saturating_mul(COPIES_OF_ALL));
        let (folded, gone, counted) = (HashMap::new(), HashSet::new(), Vec::new());
        let mut folding = Self { topology, folded, gone, counted, left_bytes };
        topology.order().iter().for_each(|&index| folding.node(index));
        folding
    }

    /// Folds the node at this place, if it is one that is folded and all that it reads is constant.
    fn node(&mut self, index: usize) {
        let node = &self.topology.graph().node[index];
        let outputs = node.output.iter().filter(|output| !output.is_empty());
        if !node.is_default_domain() || outputs.clone().any(|name| self.topology.is_output(name)) {
            return;
        }
        let Some(results) = self.results(node) else { return };
        if results.len() != node.output.len() {
            return;
        }
        let is_float = |result: &TensorProto| result.dtype().is_ok_and(DataType::is_float);
        if results.iter().all(is_float) {
            self.gone.insert(index);
        } else {
            self.counted.push(index);
        }
        for (output, mut result) in node.output.iter().zip(results) {
            result.name = Some(output.clone());
            self.folded.insert(output, result);
        }
    }

    /// Takes along the nodes that computed shapes and places for those that are folded, and for nobody else.
    fn drop_what_only_they_read(&mut self) {
        for &index in self.counted.iter().rev() {
            let outputs = &self.topology.graph().node[index].output;
            let mut readers = outputs.iter().flat_map(|name| self.topology.consumers(name));
            if readers.all(|reader| self.gone.contains(&reader.node)) {
                self.gone.insert(index);
                outputs.iter().for_each(|name| drop(self.folded.remove(name.as_str())));
            }
        }
    }

    /// What the node makes of its constants, `None` where that is none of this module's business.
    fn results(&mut self, node: &NodeProto) -> Option<Vec<TensorProto>> {
        let op = node.op();
        if op == "ConstantOfShape" {
            return self.filled(node).map(|tensor| vec![tensor]);
        }
        let data = self.constant(node, 0)?;
        if op == "Shape" {
            return shapes::shape(node, &data.shape().ok()?).map(|tensor| vec![tensor]);
        }
        if op == "Cast" {
            let to = DataType::of_code(i32::try_from(node.attr_i("to")?).ok()?)?;
            let n_bytes = data.n_elements().ok()?.checked_mul(to.bits()?)? / 8;
            self.left_bytes.checked_sub(n_bytes)?;
            let made = convert::cast(data, to)?;
            return self.charged(n_bytes, vec![made]);
        }
        let dtype = data.dtype().ok()?;
        let width = dtype.bits().filter(|bits| bits % 8 == 0)? / 8;
        let shape = data.shape().ok()?;
        let ints = |input: usize, attribute: &str| self.integers(node, input, attribute);
        if let Some(new_shape) = shapes::reshaped(node, &shape, &ints)? {
            let bytes = data.to_le_bytes().ok()?;
            return Some(vec![TensorProto::from_raw("", dtype, &new_shape, bytes)]);
        }
        let views: Vec<View> = match op {
            "Transpose" => vec![View::of(&shape).transposed(node.attr_ints("perm"))?],
            "Slice" => vec![shapes::sliced(&shape, &ints)?],
            "Split" => shapes::split(node, &shape, &ints)?,
            "Expand" => vec![View::of(&shape).expanded(&ints(1, "shape")?)?],
            "Gather" | "Concat" => return self.joined(node, dtype, width),
            _ => return None,
        };
        let sizes = views.iter().map(|view| view.n_elements()?.checked_mul(width));
        let n_bytes = sizes.sum::<Option<usize>>()?;
        self.left_bytes.checked_sub(n_bytes)?;
        let bytes = data.to_le_bytes().ok()?;
        let made = |view: View| {
            let taken = Bytes::from(view.taken(&bytes, width));
            TensorProto::from_raw("", dtype, view.shape(), taken)
        };
        let made = views.into_iter().map(made).collect();
        self.charged(n_bytes, made)
    }

    /// Rows of constants one after the other: those of several, or some of one.
    fn joined(
        &mut self,
        node: &NodeProto,
        dtype: DataType,
        width: usize,
    ) -> Option<Vec<TensorProto>> {
        let rows = match node.op() {
            "Gather" => {
                let indices = self.constant(node, 1)?;
                let (shape, indices) = (indices.shape().ok()?, indices.to_i64().ok()?);
                shapes::gathered(node, &self.constant(node, 0)?.shape().ok()?, &shape, &indices)?
            }
            _ => {
                let parts = (0..node.input.len()).map(|input| self.constant(node, input));
                let parts = parts.collect::<Option<Vec<_>>>()?;
                let is_same = |part: &&TensorProto| part.dtype().is_ok_and(|it| it == dtype);
                if !parts.iter().all(is_same) {
                    return None;
                }
                let part_shapes = parts.iter().map(|part| part.shape().ok());
                shapes::concatenated(node, &part_shapes.collect::<Option<Vec<_>>>()?)?
            }
        };
        let n_bytes = rows.n_elements()?.checked_mul(width)?;
        self.left_bytes.checked_sub(n_bytes)?;
        let parts =
            (0..rows.row_lengths.len()).map(|input| self.constant(node, input)?.to_le_bytes().ok());
        let taken = rows.taken(&parts.collect::<Option<Vec<_>>>()?, width)?;
        let made = TensorProto::from_raw("", dtype, &rows.shape, taken);
        self.charged(n_bytes, vec![made])
    }

    /// What `ConstantOfShape` makes.
    fn filled(&mut self, node: &NodeProto) -> Option<TensorProto> {
        let shape = self.integers(node, 0, "")?;
        let shape: Vec<usize> =
            shape.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<_>>()?;
        let zero = TensorProto::from_f32("", &[1], &[0.0]);
        let value = node.attr_t("value").unwrap_or(&zero);
        let (dtype, value) = (value.dtype().ok()?, value.to_le_bytes().ok()?);
        if dtype.bits()? % 8 != 0 || dtype.bits()? / 8 != value.len() {
            return None;
        }
        let view = View::of(&[]).expanded(&shapes::signed(&shape)?)?;
        let n_bytes = view.n_elements()?.checked_mul(value.len())?;
        self.left_bytes.checked_sub(n_bytes)?;
        let made = TensorProto::from_raw("", dtype, &shape, view.taken(&value, value.len()));
        self.charged(n_bytes, vec![made])?.pop()
    }

    fn charged(&mut self, n_bytes: usize, made: Vec<TensorProto>) -> Option<Vec<TensorProto>> {
        self.left_bytes = self.left_bytes.checked_sub(n_bytes)?;
        Some(made)
    }

    fn constant(&self, node: &NodeProto, input: usize) -> Option<&TensorProto> {
        let name = node.input_name(input)?;
        self.folded.get(name).or_else(|| self.topology.constant(name))
    }

    /// The whole numbers of an input, or of the attribute that they were before.
    fn integers(&self, node: &NodeProto, input: usize, attribute: &str) -> Option<Vec<i64>> {
        match node.input_name(input) {
            Some(_) => Some(self.constant(node, input)?.to_i64().ok()?.into_owned()),
            None => node.attr_ints(attribute).map(<[i64]>::to_vec),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::AttributeProto;

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto::new(op, "", inputs, &[output])
    }

    #[test]
    fn copies_are_bounded_by_what_the_model_stores() {
        let huge = TensorProto::from_i64("huge", &[3], &[1 << 20, 1 << 20, 1 << 20]);
        let large =
            TensorProto::from_i64("large", &[1], &[i64::try_from(COPIES_LIMIT_BYTES).unwrap()]);
        let mut graph = GraphProto {
            initializer: vec![huge, large, TensorProto::from_f32("one", &[1], &[1.0])],
            node: vec![
                node("ConstantOfShape", &["huge"], "a"),
                node("ConstantOfShape", &["large"], "b"),
                node("Expand", &["one", "huge"], "c"),
                node("Add", &["x", "a"], "y"),
            ],
            ..GraphProto::default()
        };
        assert_eq!(fold_constants(&mut graph).unwrap(), [""; 0]);
        // Each doubles the one before.
        let mut names = vec!["one".to_owned()];
        for index in 0..64 {
            let (before, next) = (names[index].clone(), format!("d{index}"));
            let axis = AttributeProto::int("axis", 0);
            graph.node.push(node("Concat", &[&before, &before], &next).with_attr(axis));
            names.push(next);
        }
        let folded = fold_constants(&mut graph).unwrap();
        assert!(folded.len() < 30, "{}", folded.len());
    }

    #[test]
    fn numbers_that_only_folded_nodes_read_go_with_them() {
        let mut graph = GraphProto {
            initializer: vec![
                TensorProto::from_f32("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                TensorProto::from_i64("three", &[1], &[3]),
                TensorProto::from_i64("rest", &[1], &[-1]),
            ],
            node: vec![
                node("Concat", &["three", "rest"], "shape")
                    .with_attr(AttributeProto::int("axis", 0)),
                node("Shape", &["w"], "kept"),
                node("Reshape", &["w", "shape"], "v"),
                node("MatMul", &["x", "v"], "y"),
                node("Reshape", &["y", "kept"], "z"),
            ],
            ..GraphProto::default()
        };
        fold_constants(&mut graph).unwrap();
        let left: Vec<&str> = graph.node.iter().map(NodeProto::op).collect();
        assert_eq!(left, ["Shape", "MatMul", "Reshape"]);
        let folded = graph.initializer.last().unwrap();
        assert_eq!((folded.label(), folded.shape().unwrap()), ("v", vec![3, 2]));
    }

    #[test]
    fn casts_of_constants_round_as_onnxruntimes() {
        let value = 1.0 + 2f64.powi(-10) + 2f64.powi(-12);
        let double =
            TensorProto::from_raw("d", DataType::DOUBLE, &[1], value.to_le_bytes().to_vec());
        let to = |dtype: DataType| AttributeProto::int("to", dtype as i64);
        let mut graph = GraphProto {
            initializer: vec![double, TensorProto::from_i64("i", &[1], &[1 << 40])],
            node: vec![
                node("Cast", &["d"], "h").with_attr(to(DataType::FLOAT16)),
                node("Cast", &["d"], "n").with_attr(to(DataType::INT64)),
                node("Cast", &["i"], "j").with_attr(to(DataType::INT32)),
            ],
            ..GraphProto::default()
        };
        assert_eq!(fold_constants(&mut graph).unwrap().len(), 1);
        let half = graph.initializer.last().unwrap();
        assert_eq!(half.dtype().unwrap(), DataType::FLOAT16);
        assert_eq!(*half.to_f32().unwrap(), [1.0 + 2f32.powi(-10)]);
    }
}
