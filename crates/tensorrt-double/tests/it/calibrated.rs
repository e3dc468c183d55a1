//! Calibration: when a calibrator is asked, and what for.

use std::ptr::NonNull;

use sha2::{Digest as _, Sha256};
use tensorrt_double::{Addresses, Driver, Installation, Plan, install, play, play_with};
use tensorrt_sys::classes::{IBuilderConfig, INetworkDefinition, ITensor};
use tensorrt_sys::{Library, Version};

use crate::calibrator::{Calibrator, Script, Told, calibrator};
use crate::client::{Client, null};
use crate::cuda::Cuda;

/// The versions whose builders calibrate.
const VERSIONS: [i32; 5] = [8_503, 8_601, 9_300, 100_800, 101_601];

/// A client whose calibrators give addresses of this process.
fn host_client(version: i32) -> Client {
    let options = Installation { addresses: Addresses::Host, ..Installation::default() };
    Client::linked(play_with(Version::from_raw(version), &options))
}

/// What a build with a calibrator gives.
struct Built {
    plan: Option<Plan>,
    told: Told,
    said: Vec<String>,
}

/// Builds the plain model with INT8; `before` does something to network and config first.
fn build(
    client: &Client,
    script: Script,
    before: impl Fn(NonNull<INetworkDefinition>, NonNull<IBuilderConfig>),
) -> Built {
    let builder = client.builder();
    let network = client.network(builder, u32::from(client.version().raw() < 10_000));
    assert!(client.parse(client.parser(network), "fp32.onnx"));
    let config = client.config(builder);
    client.call1(config, &IBuilderConfig::SET_FLAG, 1);
    let calibrator: Calibrator = calibrator(client.version(), script);
    let object = calibrator.as_ref().as_object();
    client.call1(config, &IBuilderConfig::SET_INT8_CALIBRATOR, object);
    before(network, config);
    let plan = client.build(builder, network, config).map(|plan| Plan::read(&plan).unwrap());
    let told = calibrator.state().told.lock().unwrap().clone();
    Built { plan, told, said: client.said() }
}

/// The batches of a model with one input of 1x3x32x32: the numbers from `first` on, an eighth apart.
fn numbers(first: i16) -> Vec<u8> {
    let number = |at: i16| f32::from(first + at) / 8.0;
    (0..3 * 32 * 32).flat_map(|at| number(at).to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn addresses(batches: &[Vec<u8>]) -> Vec<Vec<u64>> {
    batches.iter().map(|batch| vec![batch.as_ptr().expose_provenance() as u64]).collect()
}

#[test]
fn every_batch_is_read_and_every_tensor_gets_a_scale() {
    for version in VERSIONS {
        let batches = [numbers(0), numbers(-3000)];
        let script = Script { batches: addresses(&batches), ..Script::default() };
        let built = build(&host_client(version), script, |_, _| {});
        let plan = built.plan.unwrap_or_else(|| panic!("{version}: {:?}", built.said));
        assert_eq!(built.told.asked, vec![["input"]; 3]);
        let calibration = plan.calibration.unwrap();
        let digests: Vec<&String> =
            calibration.batches.iter().map(|batch| &batch["input"]).collect();
        assert_eq!(digests, [&sha256(&batches[0]), &sha256(&batches[1])]);
        assert_eq!(calibration.algorithm, "kENTROPY_CALIBRATION_2");
        let interface = (version >= 100_000).then(|| "IInt8EntropyCalibrator2 1.0".to_owned());
        assert_eq!(calibration.interface, interface);
        let scale = (3071.0_f32 / 8.0 / 127.0).to_bits();
        assert_eq!(plan.scales["input"], format!("{scale:x}"));
        assert_eq!(plan.scales.len(), plan.network.tensors.len());
        let cache = built.told.cache.unwrap();
        let first = format!("TRT-{version}-EntropyCalibration2\ninput: {scale:x}\n");
        assert!(cache.starts_with(&first), "{cache}");
        assert_eq!(cache.lines().count(), 1 + plan.scales.len());
    }
}

#[test]
fn a_cache_of_this_version_and_algorithm_makes_batches_unnecessary() {
    let cache = "TRT-101601-EntropyCalibration2\ninput: 3f800000\nstem: 0\nmade: up: 3d\n";
    let script = Script { cache: Some(cache.into()), ..Script::default() };
    let built = build(&host_client(101_601), script, |_, _| {});
    assert_eq!(built.told, Told::default(), "neither a batch nor a cache to write");
    let plan = built.plan.unwrap();
    assert!(plan.calibration.unwrap().cache_was_read);
    assert_eq!(plan.scales["input"], "3f800000");
    assert_eq!(plan.scales["made: up"], "3d");
    let missing = "Missing scale and zero-point for tensor stem_relu";
    assert!(built.said.iter().any(|line| line.starts_with(missing)), "{:?}", built.said);
}

#[test]
fn a_cache_of_another_version_or_algorithm_is_not_used() {
    for header in ["TRT-8601-EntropyCalibration2", "TRT-101601-MinMaxCalibration", "", "\u{0}"] {
        let batches = [numbers(0)];
        let script = Script {
            batches: addresses(&batches),
            cache: Some(format!("{header}\ninput: 3f800000\n").into()),
            ..Script::default()
        };
        let built = build(&host_client(101_601), script, |_, _| {});
        assert!(!built.plan.unwrap().calibration.unwrap().cache_was_read, "{header}");
        let refused = "Calibration table does not match calibrator algorithm type";
        assert!(built.said.iter().any(|line| line.starts_with(refused)), "{:?}", built.said);
        assert!(built.told.cache.is_some());
    }
    let broken = "TRT-101601-EntropyCalibration2\ninput: seven\n";
    let script = Script { cache: Some(broken.into()), ..Script::default() };
    assert!(build(&host_client(101_601), script, |_, _| {}).plan.is_none());
}

#[test]
fn no_batches_and_batches_of_nothing_fail() {
    for version in VERSIONS {
        let built = build(&host_client(version), Script::default(), |_, _| {});
        assert!(built.plan.is_none());
        assert!(built.said.last().unwrap().contains("no scaling factors"), "{:?}", built.said);

        let batches = [vec![0; 4 * 3 * 32 * 32]];
        let script = Script { batches: addresses(&batches), ..Script::default() };
        let built = build(&host_client(version), script, |_, _| {});
        assert!(built.plan.is_none());
        assert!(built.said.last().unwrap().contains("uniformly zero"), "{:?}", built.said);

        let script = Script { batches: vec![vec![0]], ..Script::default() };
        let built = build(&host_client(version), script, |_, _| {});
        assert!(built.said.last().unwrap().contains("there is no address"), "{:?}", built.said);
    }
}

#[test]
fn the_applications_ranges_come_before_the_calibrators() {
    let client = host_client(101_601);
    let batches = [numbers(0)];
    let script = Script { batches: addresses(&batches), ..Script::default() };
    let built = build(&client, script, |network, _| {
        let input: *mut ITensor = client.call1(network, &INetworkDefinition::GET_INPUT, 0);
        let input = NonNull::new(input).unwrap();
        assert!(client.call2(input, &ITensor::SET_DYNAMIC_RANGE, -127.0, 127.0));
    });
    assert_eq!(built.plan.unwrap().scales["input"], "3f800000");
}

#[test]
fn without_its_flag_or_its_calibrator_nothing_is_asked() {
    let client = host_client(101_601);
    let built = build(&client, Script::default(), |_, config| {
        client.call1(config, &IBuilderConfig::CLEAR_FLAG, 1);
    });
    assert_eq!((built.plan.unwrap().calibration, built.told), (None, Told::default()));
    let built = build(&client, Script::default(), |_, config| {
        client.call1(config, &IBuilderConfig::SET_INT8_CALIBRATOR, null());
    });
    assert_eq!((built.plan.is_none(), built.told), (true, Told::default()));
}

#[test]
fn device_memory_is_read_through_the_driver_beside_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let options = Installation { driver: Driver::Double, ..Installation::default() };
    let installed = install(folder.path(), Version::from_raw(101_601), &options).unwrap();
    // SAFETY: the files are the double's.
    let library = unsafe { Library::open(&installed.library, &installed.parser) }.unwrap();
    let cuda = Cuda::open(installed.driver.as_ref().unwrap());
    let batch = numbers(5);
    let address = cuda.allocate(batch.len()).unwrap();
    assert_eq!(cuda.write(address, &batch), 0);
    let script = Script { batches: vec![vec![address]], ..Script::default() };
    let client = Client::new(library);
    let built = build(&client, script, |_, _| {});
    let calibration = built.plan.unwrap().calibration.unwrap();
    assert_eq!(calibration.batches[0]["input"], sha256(&batch));

    // One byte more than there is.
    let script = Script { batches: vec![vec![address + 1]], ..Script::default() };
    let built = build(&client, script, |_, _| {});
    assert!(built.said.last().unwrap().contains("700"), "{:?}", built.said);
}

#[test]
fn linked_in_the_double_reads_its_own_driver() {
    let script = Script { batches: vec![vec![1 << 56]], ..Script::default() };
    let client = Client::linked(play(Version::from_raw(101_601)));
    let built = build(&client, script, |_, _| {});
    assert!(built.said.last().unwrap().contains("700"), "{:?}", built.said);
}
