//! The model of a job: read, hashed, checked, and asked what it is fed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use calibrant_files::RegularFile;
use calibrant_onnx::{Model, validate};
use calibrant_prepare::{Repair, RepairKind, repaired};
use calibrant_tensor::{Digest, Input, digest, digest_reader};

use crate::error::Error;
use crate::suspects::first_few;
use crate::ultralytics::Ultralytics;

/// A checked model with the digest of what it was read from.
#[derive(Debug)]
pub struct LoadedModel {
    /// The model itself, with the calls of its own functions written out and what was amiss put right.
    pub model: Model,
    /// What was put right.
    pub repairs: Vec<Repair>,
    /// SHA-256 of its file; where weights lie in other files, of that and of the digests of all weights.
    pub sha256: Digest,
    /// What it takes.
    pub inputs: Vec<Input>,
}

impl LoadedModel {
    /// Reads, hashes and checks the model at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not valid ONNX.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let file = RegularFile::open(path).map_err(failed)?;
        let sha256 = digest_reader(file.file()).map_err(failed)?;
        let mut model =
            Model::read(path).map_err(|source| Error::Model { path: path.to_owned(), source })?;
        validate(&model).map_err(|source| Error::Invalid { path: path.to_owned(), source })?;
        let sha256 = identity(sha256, &mut model);
        if let Cow::Owned(inlined) = model.inlined() {
            model = inlined;
        }
        let (right, repairs) = repaired(&model);
        if let Cow::Owned(right) = right {
            model = right;
        }
        let inputs = model.inputs();
        Ok(Self { model, repairs, sha256, inputs })
    }

    /// What was put right in it, a sentence for each way.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> {
        let mut by_kind: BTreeMap<RepairKind, Vec<&str>> = BTreeMap::new();
        for repair in &self.repairs {
            by_kind.entry(repair.what).or_default().push(&repair.node);
        }
        by_kind.into_iter().map(|(what, nodes)| format!("repaired {}: {what}", first_few(&nodes)))
    }

    /// What it says of itself, if it is an export of Ultralytics.
    pub(crate) fn ultralytics(&self) -> Option<Ultralytics> {
        let pairs = self.model.proto.metadata_props.iter();
        Ultralytics::of(
            pairs.filter_map(|pair| Some((pair.key.as_deref()?, pair.value.as_deref()?))),
        )
    }

    /// Whether a dimension of an input is open.
    pub(crate) fn has_dynamic_inputs(&self) -> bool {
        self.inputs.iter().any(|input| input.fixed_shape().is_none())
    }
}

/// The identity of a model: its file's digest, or, where weights lie in other files, the digest of the lines of that
/// and of the digests of all its weights, wherever in the model they stand.
///
/// The model is not changed; the walk over its tensors is the one that brought them in.
fn identity(file: Digest, model: &mut Model) -> Digest {
    if !model.came_external() {
        return file;
    }
    let mut lines = format!("{file}\n");
    model.each_tensor_mut(|tensor| {
        let part = digest(tensor.raw_data.as_deref().unwrap_or_default());
        lines.push_str(&format!("{part}\n"));
    });
    digest(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use calibrant_onnx::MessageField;
    use calibrant_onnx::proto::tensor_proto::DataLocation;
    use calibrant_onnx::proto::{
        AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
        SparseTensorProto, StringStringEntryProto, TensorProto,
    };

    use super::*;

    /// A weight whose four bytes lie in `weights`.
    fn outside() -> TensorProto {
        let location = StringStringEntryProto {
            key: Some("location".to_owned()),
            value: Some("weights".to_owned()),
            ..Default::default()
        };
        TensorProto {
            raw_data: None,
            data_location: Some(DataLocation::EXTERNAL),
            external_data: vec![location],
            ..TensorProto::from_f32("w", &[1], &[])
        }
    }

    fn constant() -> NodeProto {
        let value = AttributeProto::tensor("value", outside());
        NodeProto::new("Constant", "c", &[], &["c"]).with_attr(value)
    }

    fn sparse() -> SparseTensorProto {
        SparseTensorProto {
            values: MessageField::some(outside()),
            indices: MessageField::some(TensorProto::from_i64("i", &[1], &[0])),
            dims: vec![4],
            ..Default::default()
        }
    }

    fn nodes(node: Vec<NodeProto>) -> GraphProto {
        GraphProto { node, ..Default::default() }
    }

    fn main_graph(graph: GraphProto) -> ModelProto {
        ModelProto { graph: MessageField::some(graph), ..Default::default() }
    }

    /// A model with the weight in each place where one can be.
    fn models() -> [(&'static str, ModelProto); 8] {
        let initializer = GraphProto { initializer: vec![outside()], ..Default::default() };
        let sparse_initializer =
            GraphProto { sparse_initializer: vec![sparse()], ..Default::default() };
        let body = |graph| {
            let body = AttributeProto::graph("then_branch", graph);
            nodes(vec![NodeProto::new("If", "if", &["c"], &["y"]).with_attr(body)])
        };
        let sparse_value = AttributeProto {
            name: Some("sparse_value".to_owned()),
            sparse_tensor: MessageField::some(sparse()),
            ..Default::default()
        };
        let sparse_constant = NodeProto::new("Constant", "s", &[], &["s"]).with_attr(sparse_value);
        let function = FunctionProto { node: vec![constant()], ..Default::default() };
        [
            ("an initializer", main_graph(initializer.clone())),
            ("a Constant", main_graph(nodes(vec![constant()]))),
            ("a sparse initializer", main_graph(sparse_initializer)),
            ("a sparse Constant", main_graph(nodes(vec![sparse_constant]))),
            ("a body's initializer", main_graph(body(initializer.clone()))),
            ("a body's Constant", main_graph(body(nodes(vec![constant()])))),
            ("a body in a body", main_graph(body(body(initializer)))),
            (
                "a function",
                ModelProto { functions: vec![function], ..main_graph(GraphProto::default()) },
            ),
        ]
    }

    #[test]
    fn weights_in_another_file_are_part_of_a_model_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.onnx");
        for (place, model) in models() {
            fs::write(&file, Model::new(model).to_bytes().unwrap()).unwrap();
            let identity = |weight: f32| {
                fs::write(folder.path().join("weights"), weight.to_le_bytes()).unwrap();
                let mut model = Model::read(&file).unwrap();
                identity(digest(&fs::read(&file).unwrap()), &mut model)
            };
            assert_eq!(identity(1.0), identity(1.0), "{place}");
            assert_ne!(identity(1.0), identity(2.0), "{place}");
        }
    }

    #[test]
    fn what_was_put_right_is_a_note_for_each_way() {
        let einsum = |name: &str| {
            let node = NodeProto::new("Einsum", name, &["x", "x"], &[name]);
            node.with_attr(AttributeProto::string("equation", "BI,BJ->IJ"))
        };
        let mut model = main_graph(nodes(vec![einsum("a"), einsum("b")]));
        model.opset_import = vec![OperatorSetIdProto::default().with_version(17)];
        let model = Model::new(model);
        let (right, repairs) = repaired(&model);
        let (model, sha256, inputs) = (right.into_owned(), digest(b""), Vec::new());
        let loaded = LoadedModel { model, repairs, sha256, inputs };
        let notes: Vec<String> = loaded.notes().collect();
        let expected = "repaired Einsum \"a\" (#0), Einsum \"b\" (#1): capital letters of its equation written as \
                        small ones";
        assert_eq!(notes, [expected]);
        assert_eq!(loaded.model.graph().node[0].attr_s("equation"), Some("bi,bj->ij"));
    }

    #[test]
    fn a_model_in_one_file_is_that_file() {
        let mut model = Model::new(main_graph(GraphProto::default()));
        assert_eq!(identity(digest(b"file"), &mut model), digest(b"file"));
    }
}
