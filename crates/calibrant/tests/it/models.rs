//! Small models and arrays, made by hand.

use std::fs;
use std::path::{Path, PathBuf};

use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, Model};

/// A graph under construction; every node is named after its output, unless it has a name of its own.
#[derive(Default)]
pub(crate) struct Graph {
    proto: GraphProto,
    metadata: Vec<StringStringEntryProto>,
}

impl Graph {
    /// A graph with a float input of these dimensions, open where they are no number.
    pub(crate) fn reading(name: &str, dims: &[&str]) -> Self {
        Self::default().input(name, dims)
    }

    pub(crate) fn input(self, name: &str, dims: &[&str]) -> Self {
        self.input_of(DataType::FLOAT, name, dims)
    }

    pub(crate) fn input_of(mut self, dtype: DataType, name: &str, dims: &[&str]) -> Self {
        let dim = |dim: &&'static str| match dim.parse() {
            Ok(size) => Dim::Known(size),
            Err(_) => Dim::Symbol(dim),
        };
        let dims: Vec<&'static str> = dims.iter().map(|dim| &*dim.to_string().leak()).collect();
        let dims: Vec<Dim<'_>> = dims.iter().map(dim).collect();
        self.proto.input.push(ValueInfoProto::tensor(name, dtype, &dims));
        self
    }

    /// A weight with the values -1, -0.5, 0, 0.5, 1 in turn.
    pub(crate) fn weight(mut self, name: &str, shape: &[usize]) -> Self {
        let n_values = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..n_values).map(|index| (index % 5) as f32 / 2.0 - 1.0).collect();
        self.proto.initializer.push(TensorProto::from_f32(name, shape, &values));
        self
    }

    /// A weight with one value throughout.
    pub(crate) fn floats(mut self, name: &str, shape: &[usize], value: f32) -> Self {
        let values = vec![value; shape.iter().product()];
        self.proto.initializer.push(TensorProto::from_f32(name, shape, &values));
        self
    }

    /// What an export of Ultralytics says of itself: its task, and the side of its pictures.
    pub(crate) fn by_ultralytics(mut self, task: &str, side: u32) -> Self {
        let sides = format!("[{side}, {side}]");
        let pairs =
            [("author", "Ultralytics"), ("task", task), ("imgsz", &sides), ("stride", "32")];
        self.metadata.extend(pairs.map(|(key, value)| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
            ..Default::default()
        }));
        self
    }

    /// Adds `output = op(inputs)`; names are separated by spaces.
    pub(crate) fn node(self, op: &str, inputs: &str, output: &str) -> Self {
        let inputs: Vec<&str> = inputs.split(' ').collect();
        self.push(NodeProto::new(op, output, &inputs, &[output]))
    }

    pub(crate) fn push(mut self, node: NodeProto) -> Self {
        self.proto.node.push(node);
        self
    }

    /// Puts a node before all others.
    pub(crate) fn first(mut self, node: NodeProto) -> Self {
        self.proto.node.insert(0, node);
        self
    }

    pub(crate) fn output(mut self, name: &str) -> Self {
        self.proto.output.push(ValueInfoProto {
            name: Some(name.to_owned()),
            ..ValueInfoProto::tensor(name, DataType::FLOAT, &[])
        });
        self
    }

    /// Writes the model of opset 17 into `folder`.
    pub(crate) fn write(self, folder: &Path) -> PathBuf {
        let proto = ModelProto {
            ir_version: Some(8),
            graph: self.proto.into(),
            metadata_props: self.metadata,
            ..Default::default()
        };
        let mut model = Model::new(proto);
        model.set_opset(17);
        let path = folder.join("model.onnx");
        model.write(&path).unwrap();
        path
    }
}

/// Writes float32 values as `<folder>/<input>.npy`; the values count up from 0 in steps of 1/16.
pub(crate) fn write_array(folder: &Path, input: &str, shape: &[usize]) {
    let n_values = shape.iter().product::<usize>();
    let values = (0..n_values).flat_map(|index| ((index % 64) as f32 / 16.0).to_le_bytes());
    write_npy(&folder.join(format!("{input}.npy")), "<f4", shape, &values.collect::<Vec<_>>());
}

/// Writes an npy of values of this type, which stand one behind the other.
pub(crate) fn write_npy(path: &Path, dtype: &str, shape: &[usize], values: &[u8]) {
    let shape_text: String = shape.iter().map(|size| format!("{size},")).collect();
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape_text}), }}");
    let padding = 64 - (10 + header.len() + 1) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
