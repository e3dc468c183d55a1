//! What onnxruntime computes, from fixtures/runtime-embedded.

use std::fs;

use calibrant_onnx::Model;
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_tensor::{Tensor, TensorData};
use serde_json::Value;

use crate::support::{calibrate, fixtures, load, noisy, sample};

/// Both sides sum in float32 in another order; the largest networks reach 1e-5.
const TOLERANCE: f64 = 1e-4;

/// onnxruntime's sigmoid is right to a float's last place of its range, not of its value.
const FLOOR: f64 = 1e-7;

#[test]
fn each_normalisation_computes_what_onnxruntime_does() {
    let probes = read("probes.json");
    let mut wrong = Vec::new();
    for probe in &probes {
        let name = probe["name"].as_str().unwrap();
        if let Err(found) = check_probe(probe) {
            wrong.push(format!("{name}: {found}"));
        }
    }
    assert!(probes.len() > 80);
    assert!(wrong.is_empty(), "{} of {} probes:\n{}", wrong.len(), probes.len(), wrong.join("\n"));
}

/// fixtures/rewrite/opset has operators of old versions, each beside what it becomes in a newer one.
#[test]
fn an_operator_of_an_old_version_computes_what_it_becomes() {
    let folder = fixtures().join("rewrite/opset");
    let names = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let mut names: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(".old.onnx")?.to_owned())).collect();
    names.sort();
    let mut compared = 0;
    for name in names {
        let seen = |version: &str| {
            let model = Model::read(&folder.join(format!("{name}.{version}.onnx"))).unwrap();
            let input = model.inputs().into_iter().next()?;
            let shape: Option<Vec<usize>> = input.shape?.iter().map(|dim| dim.size()).collect();
            let samples = [noisy(0, &input.name, &shape?, -1.0, 1.0)];
            let mut network = load(&model).ok()?;
            let mut source = ScriptedSource::of_samples(&samples, 1);
            let mut seen = network.run(&mut source).ok()?.statistics.tensors;
            let outputs = model.graph().output.iter().map(|output| output.label());
            seen.retain(|name, _| outputs.clone().any(|output| output == name));
            Some(seen)
        };
        if let (Some(old), Some(new)) = (seen("old"), seen("new")) {
            assert!(old == new, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared} operators");
}

#[test]
fn the_largest_magnitudes_of_whole_networks_are_those_of_onnxruntime() {
    for network in read("maxima.json") {
        let file = network["model"].as_str().unwrap();
        let model = Model::read(&fixtures().join("models").join(file)).unwrap();
        let shape: Vec<usize> = network["shape"].as_array().unwrap().iter().map(size).collect();
        let [low, high] = ["low", "high"].map(|key| network[key].as_f64().unwrap() as f32);
        let input = network["input"].as_str().unwrap();
        let samples: Vec<_> = (0..size(&network["samples"]))
            .map(|seed| noisy(seed, input, &shape, low, high))
            .collect();
        let seen = calibrate(&model, &samples).unwrap();
        assert_eq!(seen.samples, samples.len() as u64);
        let expected = network["amax"].as_object().unwrap();
        for (tensor, statistics) in &seen.tensors {
            let expected = expected[tensor].as_f64().unwrap();
            let found = f64::from(statistics.magnitude());
            assert!(
                (found - expected).abs() <= TOLERANCE * expected + FLOOR,
                "{file}: `{tensor}` reaches {found}, in onnxruntime {expected}"
            );
        }
        let absent = expected.keys().filter(|tensor| !seen.tensors.contains_key(*tensor));
        // Reshapes of weights at run time, in one network only: they depend on no input.
        let absent: Vec<_> = absent.filter(|tensor| !tensor.starts_with("Reshape@")).collect();
        assert!(absent.is_empty(), "{file}: nothing seen of {absent:?}");
    }
}

fn check_probe(probe: &Value) -> Result<(), String> {
    let model = Model::from_bytes(&unhex(probe["model"].as_str().unwrap()), None).unwrap();
    let inputs = probe["inputs"].as_object().unwrap();
    let inputs = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor_of(tensor))).collect();
    load(&model).map_err(|error| error.to_string())?;
    let seen = calibrate(&model, &[sample(0, inputs)]).map_err(|error| chain(&error))?;
    let expected = probe["expected"].as_object().unwrap();
    let places = expected.keys().filter(|name| name.ends_with(".sum"));
    assert!(places.count() > 0, "every probe has a sum by places");
    for (tensor, expected) in expected {
        let [minimum, maximum, scale] = [0, 1, 3].map(|index| expected[index].as_f64().unwrap());
        let Some(found) = seen.tensors.get(tensor) else {
            // What depends on constants alone is not observed.
            if tensor.starts_with('y') {
                return Err(format!("nothing seen of {tensor}"));
            } else {
                continue;
            };
        };
        if found.count() != expected[2].as_u64().unwrap() {
            return Err(format!(
                "{tensor} has {} elements instead of {}",
                found.count(),
                expected[2]
            ));
        }
        for (found, expected) in [(found.minimum(), minimum), (found.maximum(), maximum)] {
            if (f64::from(found) - expected).abs() > TOLERANCE * scale {
                return Err(format!("{tensor} reaches {found} instead of {expected}"));
            }
        }
    }
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn tensor_of(json: &Value) -> Tensor {
    let shape = json["shape"].as_array().unwrap().iter().map(size).collect();
    let values = json["values"].as_array().unwrap();
    let data = match json["dtype"].as_str().unwrap() {
        "float32" => {
            TensorData::F32(values.iter().map(|value| value.as_f64().unwrap() as f32).collect())
        }
        "int64" => TensorData::I64(values.iter().map(|value| value.as_i64().unwrap()).collect()),
        "uint8" => TensorData::U8(
            values.iter().map(|value| value.as_u64().unwrap().try_into().unwrap()).collect(),
        ),
        "bool" => TensorData::Bool(values.iter().map(|value| value.as_bool().unwrap()).collect()),
        other => panic!("no sample holds {other}"),
    };
    Tensor::new(shape, data).unwrap()
}

fn size(json: &Value) -> usize {
    json.as_u64().unwrap().try_into().unwrap()
}

fn read(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join("runtime-embedded").join(file)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
