//! Arrays with other axes, lengths and types than rows of the model's inputs.

use std::fs;
use std::path::Path;

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use serde_json::Value;

use super::Bench;
use crate::models::{Graph, write_array, write_npy};

/// Writes a safetensors file of float32, as `write_array` does.
fn write_tensors(path: &Path, tensors: &[(&str, &[usize])]) {
    let (mut header, mut values) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, shape) in tensors {
        let begin = values.len();
        let n_values = shape.iter().product::<usize>();
        values.extend((0..n_values).flat_map(|at| ((at % 64) as f32 / 16.0).to_le_bytes()));
        let tensor = serde_json::json!({
            "dtype": "F32", "shape": shape, "data_offsets": [begin, values.len()],
        });
        header.insert((*name).to_owned(), tensor);
    }
    let header = serde_json::to_vec(&header).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, [&(header.len() as u64).to_le_bytes()[..], &header, &values].concat()).unwrap();
}

fn count(of: &Value) -> u64 {
    of["count"].as_u64().unwrap()
}

fn dense(dims: &[&str]) -> Graph {
    Graph::reading("x", dims).weight("w", &[4, 3]).node("MatMul", "x w", "y").output("y")
}

#[test]
fn files_of_a_folder_are_samples_of_their_own_lengths() {
    let bench = Bench::new();
    let model = bench.model("dense", dense(&["n", "length", "4"]));
    // A sample, two of them, and one without its batch.
    for (name, shape) in [("a", &[1, 5, 4][..]), ("b", &[2, 7, 4]), ("c", &[6, 4])] {
        write_array(&bench.path("npys"), name, shape);
        write_tensors(&bench.path("deep").join(name).join("it.safetensors"), &[("x", shape)]);
    }
    for folder in ["npys", "deep"] {
        let ranges = bench.ranges(&model, &bench.path(folder), &[]);
        assert_eq!((count(&ranges["x"]), count(&ranges["y"])), (25 * 4, 25 * 3), "{folder}");
    }
    let limited = bench.ranges(&model, &bench.path("npys"), &["--limit", "2"]);
    assert_eq!(count(&limited["x"]), 12 * 4);
}

#[test]
fn a_file_of_another_shape_is_named() {
    let bench = Bench::new();
    let model = bench.model("dense", dense(&["n", "length", "4"]));
    write_array(&bench.path("npys"), "a", &[1, 5, 4]);
    write_array(&bench.path("npys"), "b", &[1, 5, 3]);
    let said = bench.refused(&model, &bench.path("npys"), &[]);
    assert!(said.contains("the array for input `x` float [?,?,4] has shape [1, 5, 3]"), "{said}");
}

#[test]
fn an_axis_more_counts_whole_inputs_and_none_more_is_one() {
    let bench = Bench::new();
    let two = || {
        let graph = Graph::reading("a", &["2", "3", "4"]).input("b", &["5"]).input("s", &[]);
        let graph = graph.weight("w", &[4, 3]).node("MatMul", "a w", "m").node("Mul", "m s", "y");
        graph.node("Neg", "b", "z").output("y").output("z")
    };
    let model = bench.model("two", two());
    let stacked = bench.path("stacked.safetensors");
    write_tensors(&stacked, &[("a", &[6, 2, 3, 4]), ("b", &[6, 5]), ("s", &[6])]);
    let ranges = bench.ranges(&model, &stacked, &[]);
    let counts = ["a", "y", "z"].map(|name| count(&ranges[name]));
    assert_eq!(counts, [6 * 24, 6 * 18, 6 * 5]);
    let whole = bench.path("whole.safetensors");
    write_tensors(&whole, &[("a", &[2, 3, 4]), ("b", &[5]), ("s", &[])]);
    let ranges = bench.ranges(&model, &whole, &[]);
    assert_eq!(["a", "y", "z"].map(|name| count(&ranges[name])), [24, 18, 5]);
    let uneven = bench.path("uneven.safetensors");
    write_tensors(&uneven, &[("a", &[6, 2, 3, 4]), ("b", &[7, 5]), ("s", &[])]);
    let said = bench.refused(&model, &uneven, &[]);
    assert!(said.contains("`a` holds 6 samples and `b` holds 7"), "{said}");
}

/// The batch of a state is not its first axis.
#[test]
fn a_state_is_divided_along_its_own_batch() {
    let bench = Bench::new();
    let model = |dims: [&str; 2], batch: &str| {
        let graph = Graph::reading("x", &[dims[0], "4"]).input("h", &["2", dims[1], "4"]);
        let graph = graph.weight("w", &[4, 3]).node("Add", "x h", "sum");
        bench.model(batch, graph.node("MatMul", "sum w", "y").output("y"))
    };
    let given = bench.path("along.safetensors");
    write_tensors(&given, &[("h", &[2, 6, 4]), ("x", &[6, 4])]);
    let stacked = bench.path("stacked.safetensors");
    write_tensors(&stacked, &[("h", &[6, 2, 1, 4]), ("x", &[6, 4])]);
    let expected = [6 * 8, 6 * 6];
    for (dims, name) in [(["n", "n"], "named"), (["n", "m"], "open"), (["3", "3"], "fixed")] {
        let model = model(dims, name);
        for samples in [&given, &stacked] {
            let ranges = bench.ranges(&model, samples, &[]);
            let counts = ["h", "y"].map(|name| count(&ranges[name]));
            assert_eq!(counts, expected, "{name} {}", samples.display());
        }
    }
    let [alone, together] = ["named", "fixed"]
        .map(|name| bench.ranges(&bench.path(name).join("model.onnx"), &given, &[]));
    assert_eq!(alone, together, "three at once are the same as one at a time");
}

#[test]
fn whole_numbers_go_into_other_types_where_they_fit() {
    let bench = Bench::new();
    let graph = |dtype| {
        let to = AttributeProto::int("to", 1);
        let cast = NodeProto::new("Cast", "f", &["ids"], &["f"]).with_attr(to);
        let graph = Graph::default().input_of(dtype, "ids", &["n", "2"]).push(cast);
        graph.weight("w", &[2, 3]).node("MatMul", "f w", "y").output("y")
    };
    let ids = bench.path("ids.npy");
    let write = |dtype: &str, values: &[i64]| {
        let bytes: Vec<u8> = match dtype {
            "<i8" => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            "<i4" => {
                values.iter().flat_map(|it| i32::try_from(*it).unwrap().to_le_bytes()).collect()
            }
            _ => values.iter().map(|it| u8::try_from(*it).unwrap()).collect(),
        };
        write_npy(&ids, dtype, &[values.len() / 2, 2], &bytes);
    };
    write("<i8", &[0, 1, 1, 0]);
    let expected = bench.ranges(&bench.model("int64", graph(DataType::INT64)), &ids, &[]);
    for (name, model) in
        [("int32", DataType::INT32), ("uint8", DataType::UINT8), ("bool", DataType::BOOL)]
    {
        let model = bench.model(name, graph(model));
        for array in ["<i8", "<i4", "|u1", "|b1"] {
            write(array, &[0, 1, 1, 0]);
            assert_eq!(bench.ranges(&model, &ids, &[]), expected, "{name} {array}");
        }
        write("<i8", &[0, 1, 1, i64::from(u32::MAX)]);
        let said = bench.refused(&model, &ids, &[]);
        let expected = format!("has the value 4294967295 at element 1, which is no {name}");
        assert!(said.contains(&expected), "{said}");
    }
}
