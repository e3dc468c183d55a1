//! The double linked into a program.

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use tensorrt_double::{
    Addresses, Installation, PLUGIN_LIBRARY, Plan, live_objects, play, play_with, record,
};
use tensorrt_sys::classes::{
    IActivationLayer, IBuilder, IBuilderConfig, ICudaEngine, IEngineInspector, ILayer,
    INetworkDefinition, IOptimizationProfile, IParser, IParserError, IPluginRegistry, IRuntime,
    ITensor, ITimingCache,
};
use tensorrt_sys::enums::{
    ActivationType, BuilderFlag, NetworkDefinitionCreationFlag as Flag, ParserErrorCode,
};
use tensorrt_sys::{Dims32, Dims64, Enumeration, Generation, Version};

use crate::client::{Client, model_path, null};

/// One version of every generation, and the exception.
const VERSIONS: [i32; 8] = [8_503, 8_601, 9_300, 100_001, 100_800, 101_601, 110_400, 10_701];

fn client(version: i32) -> Client {
    Client::linked(play(Version::from_raw(version)))
}

/// The flag word of the networks that models are parsed into.
fn flags(version: i32) -> u32 {
    u32::from(Version::from_raw(version).generation() == Some(Generation::TensorRt8))
}

fn text(text: *const std::ffi::c_char) -> String {
    // SAFETY: the double answers C strings.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[test]
fn a_model_becomes_a_plan_in_every_version() {
    for version in VERSIONS {
        let client = client(version);
        let builder = client.builder();
        let network = client.network(builder, flags(version));
        let parser = client.parser(network);
        assert!(client.parse(parser, "fp32.onnx"), "{version}: {:?}", client.said());
        let config = client.config(builder);
        let bytes =
            client.build(builder, network, config).unwrap_or_else(|| panic!("{:?}", client.said()));
        let plan = Plan::read(&bytes).unwrap();
        assert_eq!(plan.version, version);
        let kinds: Vec<&str> =
            plan.network.layers.iter().map(|layer| layer.kind.as_str()).collect();
        assert!(kinds.contains(&"kCONVOLUTION"), "{kinds:?}");
        assert_eq!(plan.tensor("input").map(|tensor| tensor.data_type.as_str()), Some("kFLOAT"));
        client.call(parser, &IParser::DELETE);
        client.call(network, &INetworkDefinition::DELETE);
        client.call(config, &IBuilderConfig::DELETE);
        client.call(builder, &IBuilder::DELETE);
        assert_eq!(live_objects(), [].into(), "{version}");
        let told = record();
        assert_eq!(told[0], format!("builder for {version}"));
        assert_eq!(told.last().map(String::as_str), Some("delete builder"));
    }
}

#[test]
fn a_dynamic_input_wants_a_profile() {
    for version in VERSIONS {
        let client = client(version);
        let builder = client.builder();
        let network = client.network(builder, flags(version));
        let parser = client.parser(network);
        assert!(client.parse(parser, "fp32_dynamic.onnx"));
        let config = client.config(builder);
        assert_eq!(client.build(builder, network, config), None, "{version}");
        assert!(client.said().last().unwrap().contains("no optimization profile"), "{version}");

        let profile = client.call(builder, &IBuilder::CREATE_OPTIMIZATION_PROFILE);
        let profile = NonNull::new(profile).unwrap();
        let input: *mut ITensor = client.call1(network, &INetworkDefinition::GET_INPUT, 0);
        let name = client.call(NonNull::new(input).unwrap(), &ITensor::GET_NAME);
        for (selector, batch) in [(0, 1), (1, 4), (2, 8)] {
            assert!(set_shape(&client, profile, name, selector, &[batch, 3, 32, 32]));
        }
        let add = &IBuilderConfig::ADD_OPTIMIZATION_PROFILE;
        assert_eq!(client.call1(config, add, profile.as_ptr()), 0);
        let plan = client.build(builder, network, config);
        let plan = plan.unwrap_or_else(|| panic!("{version}: {:?}", client.said()));
        let plan = Plan::read(&plan).unwrap();
        assert_eq!(plan.profiles[0][&text(name)].opt, [4, 3, 32, 32]);
    }
}

/// Sets a shape of a profile by the convention of the version.
fn set_shape(
    client: &Client,
    profile: NonNull<IOptimizationProfile>,
    name: *const std::ffi::c_char,
    selector: i32,
    shape: &[i64],
) -> bool {
    let count = i32::try_from(shape.len()).unwrap();
    if IOptimizationProfile::SET_DIMENSIONS.slot(client.version()).is_ok() {
        let mut sizes = [0; 8];
        sizes[..shape.len()].copy_from_slice(shape);
        let dims = Dims64 { count, sizes };
        let method = &IOptimizationProfile::SET_DIMENSIONS;
        return client.call3(profile, method, name, selector, &raw const dims);
    }
    let mut sizes = [0; 8];
    for (size, &wanted) in sizes.iter_mut().zip(shape) {
        *size = i32::try_from(wanted).unwrap();
    }
    let dims = Dims32 { count, sizes };
    client.call3(profile, &IOptimizationProfile::SET_DIMENSIONS_TRT8, name, selector, dims)
}

#[test]
fn unknown_operators_are_listed() {
    for version in VERSIONS {
        let client = client(version);
        let network = client.network(client.builder(), flags(version));
        let parser = client.parser(network);
        assert!(!client.parse(parser, "unsupported.onnx"));
        assert_eq!(client.call(parser, &IParser::GET_NB_ERRORS), 1);
        let error = client.call1(parser, &IParser::GET_ERROR, 0);
        let error = NonNull::new(error).unwrap();
        let code = client.call(error, &IParserError::CODE);
        let code = ParserErrorCode::from_raw(client.version(), code);
        assert_eq!(code, Some(ParserErrorCode::UnsupportedNode));
        assert!(text(client.call(error, &IParserError::DESC)).contains("Plugin not found"));
        assert_eq!(client.call(error, &IParserError::NODE), 1);
    }
}

#[test]
fn plugin_libraries_bring_operators() {
    for version in [8_601, 101_601, 110_400] {
        let client = client(version);
        let builder = client.builder();
        let registry = client.call(builder, &IBuilder::GET_PLUGIN_REGISTRY);
        let registry = NonNull::new(registry).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{PLUGIN_LIBRARY}\nDet\n")).unwrap();
        let path = CString::new(file.path().to_str().unwrap()).unwrap();
        let load = &IPluginRegistry::LOAD_LIBRARY;
        assert!(client.call1(registry, load, c"no such file".as_ptr()).is_null());
        let library = client.call1(registry, load, path.as_ptr());
        assert!(!library.is_null());

        let network = client.network(builder, flags(version));
        assert!(client.parse(client.parser(network), "unsupported.onnx"), "{:?}", client.said());
        let config = client.config(builder);
        let plan = Plan::read(&client.build(builder, network, config).unwrap()).unwrap();
        assert_eq!(plan.layer("volume").map(|layer| layer.kind.as_str()), Some("kPLUGIN_V2"));

        client.call1(registry, &IPluginRegistry::DEREGISTER_LIBRARY, library);
        let network = client.network(builder, flags(version));
        assert!(!client.parse(client.parser(network), "unsupported.onnx"));
    }
}

#[test]
fn layers_of_a_kind_tell_what_theirs_alone_have() {
    for version in VERSIONS {
        let client = client(version);
        let network = client.network(client.builder(), flags(version));
        assert!(client.parse(client.parser(network), "fp32.onnx"));
        let layer = client.call1(network, &INetworkDefinition::GET_LAYER, 1);
        let layer = NonNull::new(layer).unwrap();
        assert_eq!(text(client.call(layer, &ILayer::GET_NAME)), "stem_relu");
        let activation = layer.cast::<IActivationLayer>();
        let kind = client.call(activation, &IActivationLayer::GET_ACTIVATION_TYPE);
        assert_eq!(
            ActivationType::from_raw(client.version(), kind),
            Some(ActivationType::Relu),
            "{version}"
        );
    }
}

#[test]
fn precision_flags_and_strong_typing_exclude_each_other() {
    for version in [100_001, 101_601] {
        let client = client(version);
        let builder = client.builder();
        let strong = 1 << Flag::StronglyTyped.to_raw(client.version()).unwrap();
        let network = client.network(builder, strong);
        assert!(client.parse(client.parser(network), "fp32.onnx"));
        let config = client.config(builder);
        let int8 = BuilderFlag::Int8.to_raw(client.version()).unwrap();
        client.call1(config, &IBuilderConfig::SET_FLAG, int8);
        assert_eq!(client.build(builder, network, config), None);
        assert!(client.said().last().unwrap().contains("kINT8"), "{:?}", client.said());
        client.call1(config, &IBuilderConfig::CLEAR_FLAG, int8);
        assert!(client.build(builder, network, config).is_some());
    }
}

#[test]
fn quantized_models_want_the_flag_where_typing_is_weak() {
    for version in [8_503, 8_601, 101_601] {
        let client = client(version);
        let builder = client.builder();
        let network = client.network(builder, flags(version));
        assert!(client.parse(client.parser(network), "int8.onnx"));
        let config = client.config(builder);
        assert_eq!(client.build(builder, network, config), None);
        let int8 = BuilderFlag::Int8.to_raw(client.version()).unwrap();
        client.call1(config, &IBuilderConfig::SET_FLAG, int8);
        let plan = Plan::read(&client.build(builder, network, config).unwrap()).unwrap();
        let conv = plan.network.layers.iter().find(|layer| layer.kind == "kCONVOLUTION");
        assert_eq!(conv.unwrap().runs_in, "kINT8");
    }
}

#[test]
fn ranges_make_scales_and_scales_make_int8_layers() {
    let client = client(101_601);
    let builder = client.builder();
    let network = client.network(builder, 0);
    assert!(client.parse(client.parser(network), "fp32.onnx"));
    let config = client.config(builder);
    client.call1(config, &IBuilderConfig::SET_FLAG, 1);
    assert_eq!(client.build(builder, network, config), None);
    assert!(client.said().iter().any(|line| line.contains("no scaling factors")));

    let n_layers = client.call(network, &INetworkDefinition::GET_NB_LAYERS);
    let input = client.call1(network, &INetworkDefinition::GET_INPUT, 0);
    let outputs = (0..n_layers).map(|at| {
        let layer = client.call1(network, &INetworkDefinition::GET_LAYER, at);
        client.call1(NonNull::new(layer).unwrap(), &ILayer::GET_OUTPUT, 0)
    });
    for tensor in outputs.chain([input]) {
        let tensor = NonNull::new(tensor).unwrap();
        assert!(!client.call2(tensor, &ITensor::SET_DYNAMIC_RANGE, -1.0, 2.0));
        assert!(client.call2(tensor, &ITensor::SET_DYNAMIC_RANGE, -127.0, 127.0));
    }
    let plan = Plan::read(&client.build(builder, network, config).unwrap()).unwrap();
    assert!(plan.scales.values().all(|scale| scale == "3f800000"));
    let conv = plan.network.layers.iter().find(|layer| layer.kind == "kCONVOLUTION");
    assert_eq!(conv.unwrap().runs_in, "kINT8");
}

#[test]
fn a_plan_is_read_back_by_its_own_version_alone() {
    for version in VERSIONS {
        let client = client(version);
        let builder = client.builder();
        let network = client.network(builder, flags(version));
        assert!(client.parse(client.parser(network), "fp32.onnx"));
        let config = client.config(builder);
        client.call1(config, &IBuilderConfig::SET_PROFILING_VERBOSITY, 2);
        let plan = client.build(builder, network, config).unwrap();
        let engine = deserialize(&client, &plan).unwrap();
        assert!(client.call(engine, &ICudaEngine::GET_NB_LAYERS) > 1);
        let name = client.call1(engine, &ICudaEngine::GET_IO_TENSOR_NAME, 0);
        assert_eq!(text(name), "input");
        let inspector = client.call(engine, &ICudaEngine::CREATE_ENGINE_INSPECTOR);
        let inspector = NonNull::new(inspector).unwrap();
        let said = client.call1(inspector, &IEngineInspector::GET_ENGINE_INFORMATION, 1);
        let said = text(said);
        assert!(said.contains("\"LayerType\":\"CaskConvolution\""), "{said}");
        assert!(said.contains("\"Bindings\":[\"input\""), "{said}");

        assert!(deserialize(&client, b"ftrt").is_none());
        let other = String::from_utf8(plan).unwrap().replace(&version.to_string(), "8600");
        assert!(deserialize(&client, other.as_bytes()).is_none());
        assert!(client.said().last().unwrap().contains("not compatible"));
    }
}

fn deserialize(client: &Client, plan: &[u8]) -> Option<NonNull<ICudaEngine>> {
    // SAFETY: the logger lives as long as the client.
    let runtime = unsafe { client.library.create_runtime(client.log.as_ref().as_object()) };
    let runtime = NonNull::new(runtime).unwrap();
    let (bytes, size) = (plan.as_ptr().cast(), plan.len());
    if IRuntime::DESERIALIZE_CUDA_ENGINE.slot(client.version()).is_ok() {
        let method = &IRuntime::DESERIALIZE_CUDA_ENGINE;
        return NonNull::new(client.call2(runtime, method, bytes, size));
    }
    let method = &IRuntime::DESERIALIZE_CUDA_ENGINE_TRT8;
    NonNull::new(client.call3(runtime, method, bytes, size, null()))
}

#[test]
fn timing_caches_are_kept_and_foreign_ones_refused() {
    let client = client(101_601);
    let builder = client.builder();
    let network = client.network(builder, 0);
    assert!(client.parse(client.parser(network), "fp32.onnx"));
    let config = client.config(builder);
    let create = |bytes: &[u8]| {
        let method = &IBuilderConfig::CREATE_TIMING_CACHE;
        client.call2(config, method, bytes.as_ptr().cast(), bytes.len())
    };
    assert!(create(b"somebody else's").is_null());
    let cache = NonNull::new(create(b"")).unwrap();
    let set = &IBuilderConfig::SET_TIMING_CACHE;
    assert!(client.call2(config, set, cache.as_ptr(), false));
    let entries = |plan: &[u8]| Plan::read(plan).unwrap().config.timing_cache_entries;
    assert_eq!(entries(&client.build(builder, network, config).unwrap()), Some(0));
    let miss = BuilderFlag::ErrorOnTimingCacheMiss.to_raw(client.version()).unwrap();
    client.call1(config, &IBuilderConfig::SET_FLAG, miss);
    assert_eq!(entries(&client.build(builder, network, config).unwrap()), Some(1));
    let bytes = client.call(cache, &ITimingCache::SERIALIZE);
    let bytes = client.bytes(NonNull::new(bytes).unwrap());
    let older = String::from_utf8(bytes).unwrap().replace("101601", "100001");
    let older = create(older.as_bytes());
    assert!(!client.call2(config, set, older, false));
    assert!(client.call2(config, set, older, true));
}

#[test]
fn options_say_how_it_behaves() {
    let options = Installation {
        parser_version: Some(200),
        dla_cores: Some(0),
        addresses: Addresses::Host,
        ..Installation::default()
    };
    let client = Client::linked(play_with(Version::from_raw(100_800), &options));
    assert_eq!(client.library.parser_version(), 200);
    assert_eq!(client.call(client.builder(), &IBuilder::GET_NB_DLA_CORES), 0);
    assert!(model_path("fp32.onnx").to_string_lossy().ends_with("fp32.onnx"));
}
