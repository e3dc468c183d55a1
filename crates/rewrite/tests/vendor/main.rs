//! What NVIDIA's TensorRT-RTX 1.7 makes of the models that are written. No GPU is needed.
//!
//! `cargo test -p calibrant-rewrite --features vendor-tests --test vendor` runs them; they fail where
//! `CALIBRANT_TEST_TENSORRT` does not name the folder of `libtensorrt_rtx.so.1` and its ONNX parser.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy cannot see")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use calibrant_cast::{CastOptions, FloatType, IoPrecision, ScalePrecision, cast};
use calibrant_engine::{
    BuildEvent, BuildOptions, ComputeCapability, Library, Profile, ProfilingVerbosity, Severity,
    build,
};
use calibrant_format::{Numbers, Ranges};
use calibrant_onnx::Model;
use calibrant_rewrite::{QuantizeOptions, model_tensors, quantize};

/// The networks of the fixtures, and a shape for the inputs of those that have no fixed one.
const MODELS: [(&str, &str); 5] = [
    ("fashion_cnn", "1x3x28x28"),
    ("fashion_cnn_bn", "1x3x28x28"),
    ("ppocr_cls", "1x3x48x192"),
    ("ppocrv4_det", "1x3x320x320"),
    ("squeezenet11_bgr", "1x3x224x224"),
];
/// Kernels that sum products, in the compiler's words.
const PRODUCTS: [&str; 4] = ["correlation", "convolution", "gemm", "deconv"];
/// Kernels of one network that the compiler may put into functions, of which it tells no types.
const HIDDEN: usize = 2;

fn read(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    Model::read(&folder.join(format!("{name}.onnx"))).unwrap()
}

/// The vendor's library; all tests share one, as a process should.
fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = std::env::var_os("CALIBRANT_TEST_TENSORRT").map(PathBuf::from);
        let folder = folder.expect("CALIBRANT_TEST_TENSORRT names the folder of TensorRT-RTX");
        let parser = folder.join("libtensorrt_onnxparser_rtx.so.1");
        Library::open(&folder.join("libtensorrt_rtx.so.1"), &parser)
            .expect("the vendor's library opens")
    })
}

/// Builds `model`, and returns how many kernels that sum products read each type.
fn products(model: &Model, shape: &str) -> BTreeMap<String, usize> {
    let folder = tempfile::tempdir().unwrap();
    let onnx = folder.path().join("model.onnx");
    model.write(&onnx).unwrap();
    let input = &model.graph().input[0];
    let is_dynamic = input.tensor_type().unwrap().known_shape().is_none();
    let range = is_dynamic.then(|| format!("{}:{shape}", input.label()).parse().unwrap());
    let options = BuildOptions {
        profiles: Profile::group(range.into_iter().collect()),
        profiling_verbosity: Some(ProfilingVerbosity::Detailed),
        compute_capabilities: vec![ComputeCapability::Sm86],
        log: Severity::Verbose,
        ..BuildOptions::default()
    };
    let mut log = String::new();
    let mut listen = |event| {
        if let BuildEvent::Log { text, .. } = event {
            log += &text;
            log.push('\n');
        }
        ControlFlow::Continue(())
    };
    build(library(), &onnx, &options, &mut listen, &folder.path().join("plan")).unwrap();
    let mut counts = BTreeMap::new();
    for line in log.lines() {
        if let Some(dtype) = product_type(line) {
            *counts.entry(dtype.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Returns the type that the kernel of a line in the list of layers reads, when it sums products.
fn product_type(line: &str) -> Option<&str> {
    let kind = line.split_once("LayerType: ")?.1.split(',').next()?;
    let inputs = line.split_once("Inputs: [")?.1;
    let dtype = inputs.split_once("Datatype: ")?.1.split(',').next()?;
    PRODUCTS.contains(&kind).then_some(dtype)
}

fn half(model: &Model, options: &CastOptions) -> Model {
    cast(model, None, options).unwrap().0
}

/// The network in int8, with the same range for all activations.
fn int8(model: &Model) -> Model {
    let options = QuantizeOptions::all(Numbers::INT8);
    let (_, activations) = model_tensors(model).unwrap();
    let ranges = activations.into_iter().map(|tensor| (tensor, 4.0));
    let ranges = Ranges::of_amax(ranges).unwrap();
    quantize(model, &ranges, &options).unwrap().0
}

#[test]
fn every_product_of_a_half_model_is_half() {
    for (name, shape) in MODELS {
        let model = read(name);
        // As cast, but to what it is: dimensions named apart, batch norms folded.
        let float = products(&half(&model, &CastOptions::to(FloatType::Fp32)), shape);
        let n_products: usize = float.values().sum();
        assert!(n_products > 12 && float.keys().all(|dtype| dtype == "Float"), "{name}: {float:?}");
        for io in [IoPrecision::Fp32, IoPrecision::Model] {
            let options = CastOptions { io, ..CastOptions::to(FloatType::Fp16) };
            let found = products(&half(&model, &options), shape);
            let case = format!("{name} in float16, {io:?}: {found:?}");
            assert!(found.keys().all(|dtype| dtype == "Half"), "{case}");
            assert!(found["Half"] + HIDDEN >= n_products, "{case}");
        }
        let found = products(&half(&model, &CastOptions::to(FloatType::Bf16)), shape);
        let n_float = found.get("Float").copied().unwrap_or(0);
        let case = format!("{name} in bfloat16: {found:?}");
        // TensorRT has no deconvolution in bfloat16; one network has two of them.
        assert!(n_float <= if name == "ppocrv4_det" { 2 } else { 0 }, "{case}");
        assert!(found["BFloat16"] + n_float + HIDDEN >= n_products, "{case}");
    }
}

#[test]
fn int8_stays_int8_beside_half() {
    for (name, shape) in MODELS {
        let int8 = int8(&read(name));
        let before = products(&int8, shape);
        let n_float = before.get("Float").copied().unwrap_or(0);
        assert!(before["Int8"] > 12, "{name}: {before:?}");
        for (precision, dtype) in [(FloatType::Fp16, "Half"), (FloatType::Bf16, "BFloat16")] {
            for scales in [ScalePrecision::Fp32, ScalePrecision::Model] {
                let options = CastOptions { scales, ..CastOptions::to(precision) };
                let after = products(&half(&int8, &options), shape);
                let case = format!("{name} {precision} {scales:?}: {before:?} became {after:?}");
                assert_eq!(after["Int8"], before["Int8"], "{case}");
                let n_half = after.get(dtype).copied().unwrap_or(0);
                assert!(n_float == 0 || n_half > 0, "{case}");
            }
        }
    }
}
