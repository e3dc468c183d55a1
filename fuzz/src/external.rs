//! Models with their weights in a file beside them.

use calibrant_onnx::Model;

/// Reads the first half of the bytes as a model and has the rest as the file `w` beside it.
///
/// # Panics
///
/// When a tensor has other values than its dimensions ask for, or no folder can be made.
pub fn external(bytes: &[u8]) {
    let (model, weights) = bytes.split_at(bytes.len() / 2);
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    std::fs::write(folder.path().join("w"), weights).expect("it is writable");
    let Ok(model) = Model::from_bytes(model, Some(folder.path())) else { return };
    for tensor in &model.graph().initializer {
        if let (Ok(values), Ok(n_elements)) = (tensor.to_f32(), tensor.n_elements()) {
            assert_eq!(values.len(), n_elements);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::external;
    use crate::damage;

    use calibrant_onnx::proto::tensor_proto::DataLocation;
    use calibrant_onnx::proto::{GraphProto, ModelProto, StringStringEntryProto, TensorProto};
    use calibrant_onnx::{MessageField, Model};

    #[test]
    fn damaged_external_data_is_read_or_refused() {
        let entry = |key: &str, value: &str| {
            StringStringEntryProto::default().with_key(key).with_value(value)
        };
        let mut tensor = TensorProto::from_f32("t", &[2], &[0.0; 2]);
        tensor.raw_data = None;
        tensor.data_location = Some(DataLocation::EXTERNAL);
        tensor.external_data =
            vec![entry("location", "w"), entry("offset", "8"), entry("length", "8")];
        let graph = GraphProto { initializer: vec![tensor], ..GraphProto::default() };
        let model = ModelProto { graph: MessageField::some(graph), ..ModelProto::default() };
        let mut seed = Model::new(model).to_bytes().expect("it is small");
        let weights = vec![7; seed.len()];
        seed.extend(weights);
        damage::run(external, &seed, 400);
    }
}
