//! Its ranges are the embedded runtime's, up to rounding.

use std::path::{Path, PathBuf};

use calibrant_calibration::{Statistics, TensorStatistics};
use calibrant_onnx::{DataType, Model};
use calibrant_runtime::{LoadError, Runtime as _};
use calibrant_runtime_embedded::Embedded;

use crate::stage::{runtime, samples, seen, settings, statistics};

/// How far an extreme may be from the other runtime's, as a share of the tensor's largest magnitude: both round at each
/// operation, in another order.
const RELATIVE: f32 = 1e-4;

/// Extremes that differ by less do not count: the library's Sigmoid is a polynomial that is right to about this, wherever
/// its values lie in [0, 1].
const ABSOLUTE: f32 = 1e-7;

/// The largest difference of an extreme of a tensor, as a share of its largest magnitude.
fn apart(ours: &TensorStatistics, theirs: &TensorStatistics) -> f32 {
    let minimum = (ours.minimum() - theirs.minimum()).abs();
    let maximum = (ours.maximum() - theirs.maximum()).abs();
    match minimum.max(maximum) {
        small if small < ABSOLUTE => 0.0,
        apart => apart / theirs.magnitude(),
    }
}

/// Makes sure that two runtimes saw the same, and returns how far apart they are where that is most.
fn agree(name: &str, ours: &Statistics, theirs: &Statistics) -> f32 {
    let names = |seen: &Statistics| seen.tensors.keys().cloned().collect::<Vec<_>>();
    assert_eq!((ours.samples, names(ours)), (theirs.samples, names(theirs)), "{name}");
    let mut most = 0.0_f32;
    for (tensor, ours) in &ours.tensors {
        let theirs = &theirs.tensors[tensor];
        assert_eq!(ours.count(), theirs.count(), "{name}: {tensor}");
        let apart = apart(ours, theirs);
        assert!(apart <= RELATIVE, "{name}: {tensor}: {apart:e} of {}", theirs.magnitude());
        most = most.max(apart);
    }
    most
}

/// The models below `fixtures` that state their inputs' types.
fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut models: Vec<_> = folders.iter().flat_map(|folder| models(folder)).collect();
    models.extend(files.into_iter().filter(|it| it.extension().is_some_and(|it| it == "onnx")));
    models.sort();
    models
}

/// Whether some tensor is of half precision.
fn has_halves(model: &Model) -> bool {
    const HALVES: [DataType; 2] = [DataType::FLOAT16, DataType::BFLOAT16];
    let graph = model.graph();
    let is_half = |dtype: DataType| HALVES.contains(&dtype);
    let casts = graph.node.iter().filter_map(|node| node.attr_i("to"));
    let casts = casts.filter_map(|code| DataType::of_code(i32::try_from(code).ok()?));
    let weights = graph.initializer.iter().filter_map(|tensor| tensor.dtype().ok());
    let inputs = graph.input.iter().filter_map(|input| input.tensor_type()?.dtype);
    casts.chain(weights).chain(inputs).any(is_half)
}

#[test]
fn ranges_agree_on_every_model_of_the_fixtures_that_both_run() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let (mut compared, mut refused) = (0, Vec::new());
    for path in models(&fixtures) {
        let name = path.strip_prefix(&fixtures).unwrap().display().to_string();
        let Ok(model) = Model::read(&path) else { continue };
        let model = model.inlined();
        // Rounding to a grid, or to half precision at each tensor as this library does, makes a whole step of a last bit.
        if model.graph().node.iter().any(|node| node.is("QuantizeLinear")) || has_halves(&model) {
            continue;
        }
        let load = |result: Result<_, LoadError>| result.map(drop).map_err(|it| it.to_string());
        let embedded = load(Embedded.load(&model, &statistics(), &settings(1)));
        let ours = load(runtime().load(&model, &statistics(), &settings(1)));
        match (embedded, ours) {
            (Ok(()), Ok(())) => {
                let samples = samples(&model, 3, 96);
                let theirs = seen(&Embedded, &model, &samples);
                let most = agree(&name, &seen(&runtime(), &model, &samples), &theirs);
                println!("{name}: {} tensors, {most:.1e}", theirs.tensors.len());
                compared += 1;
            }
            // What neither runs is not for this test.
            (Err(_), _) => {}
            (Ok(()), Err(said)) => refused.push(format!("{name}: {said}")),
        }
    }
    assert_eq!(refused, [""; 0]);
    assert!(compared >= 40, "{compared} models");
}
