//! What layers compute in.

use calibrant_engine::{
    BuildError, BuildOptions, Constraints, Int8, Precision, parse_layer_precision,
};

use crate::stage::{IMPLICIT, Stage, VERSIONS, options};

fn flags_of(version: i32, model: &str, options: &BuildOptions) -> Vec<&'static str> {
    Stage::new(version).built(model, options, Int8::Model).0.flags
}

#[test]
fn a_model_is_built_in_the_types_it_has() {
    for version in VERSIONS {
        let stage = Stage::new(version);
        let (summary, plan) = stage.built("int8.onnx", &BuildOptions::default(), Int8::Model);
        let weak = version < 10_000;
        assert_eq!(plan.network.strongly_typed, !weak, "{version}");
        assert_eq!(summary.flags.contains(&"kINT8"), weak, "{version}: {:?}", summary.flags);
        assert!(summary.int8.is_some());
        let (summary, _) = stage.built("fp16.onnx", &BuildOptions::default(), Int8::Model);
        assert_eq!(summary.flags.contains(&"kFP16"), weak, "{version}");
        assert!(summary.int8.is_none());
    }
}

#[test]
fn precisions_are_builder_flags_up_to_tensorrt_10() {
    let cases = [
        (Precision::Fp32, "fp32.onnx", &[][..]),
        (Precision::Fp16, "fp32.onnx", &["kFP16"]),
        (Precision::Int8, "int8.onnx", &["kINT8"]),
        (Precision::Int8Fp16, "int8.onnx", &["kFP16", "kINT8"]),
        (Precision::Best, "int8.onnx", &["kFP16", "kINT8"]),
    ];
    for version in IMPLICIT {
        for (precision, model, flags) in cases {
            let options = options(|it| it.precision = Some(precision));
            let mut set = flags_of(version, model, &options);
            set.retain(|&flag| flag != "kTF32");
            assert_eq!(set, flags, "{version} {precision:?}");
        }
    }
    let bf16 = options(|it| it.precision = Some(Precision::Bf16));
    assert!(flags_of(101_601, "fp32.onnx", &bf16).contains(&"kBF16"));
}

#[test]
fn tf32_is_on_unless_it_is_taken_off() {
    for version in VERSIONS {
        let flags = |tf32| flags_of(version, "fp32.onnx", &options(|it| it.tf32 = tf32));
        assert!(flags(None).contains(&"kTF32"), "{version}");
        assert!(flags(Some(true)).contains(&"kTF32"), "{version}");
        assert!(!flags(Some(false)).contains(&"kTF32"), "{version}");
    }
}

#[test]
fn int8_without_ranges_is_refused() {
    for version in IMPLICIT {
        let options = options(|it| it.precision = Some(Precision::Int8));
        let error = Stage::new(version).fails("fp32.onnx", &options, Int8::Model);
        assert!(matches!(error, BuildError::NoRanges { .. }), "{version}: {error:?}");
    }
}

#[test]
fn layers_are_given_types_by_their_names() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let mut options = options(|it| {
            it.layer_precisions = ["^inner=fp16", "^inner_relu$=fp32", "head=fp16"]
                .map(|text| parse_layer_precision(text).unwrap())
                .into();
        });
        let (summary, plan) = stage.built("fp32.onnx", &options, Int8::Model);
        let given = |name: &str| {
            let layer = plan.layer(name).unwrap();
            (layer.precision.as_deref(), layer.output_types[0].as_deref())
        };
        assert_eq!(given("inner"), (Some("kHALF"), Some("kHALF")), "{version}");
        assert_eq!(given("inner_relu"), (Some("kFLOAT"), Some("kFLOAT")));
        assert_eq!(given("stem"), (None, None));
        // What comes out of the plan keeps its type.
        assert_eq!(given("head"), (Some("kHALF"), None));
        let types: Vec<_> =
            summary.layer_types.iter().map(|it| format!("{} {}", it.layer, it.data_type)).collect();
        assert_eq!(types, ["inner half", "inner_relu float", "head half"]);
        assert!(summary.flags.contains(&"kOBEY_PRECISION_CONSTRAINTS"));
        assert!(summary.flags.contains(&"kFP16"));

        options.constraints = Some(Constraints::Prefer);
        let (summary, _) = stage.built("fp32.onnx", &options, Int8::Model);
        assert!(summary.flags.contains(&"kPREFER_PRECISION_CONSTRAINTS"));
        assert!(!summary.flags.contains(&"kOBEY_PRECISION_CONSTRAINTS"));
    }
}

#[test]
fn a_pattern_that_fits_no_layer_is_refused() {
    let options = options(|it| {
        it.layer_precisions = vec![parse_layer_precision("^tail$=fp16").unwrap()];
    });
    let error = Stage::new(101_601).fails("fp32.onnx", &options, Int8::Model);
    let BuildError::LayerPattern { pattern, layers } = &error else { panic!("{error:?}") };
    assert_eq!(pattern, "^tail$");
    assert!(layers.contains(&"stem".to_owned()), "{layers:?}");
}

#[test]
fn where_the_model_says_all_types_flags_are_refused() {
    for version in VERSIONS.into_iter().filter(|version| !IMPLICIT.contains(version)) {
        let stage = Stage::new(version);
        let wants = [
            options(|it| it.precision = Some(Precision::Fp16)),
            options(|it| it.layer_precisions = vec![parse_layer_precision("a=fp16").unwrap()]),
            options(|it| it.constraints = Some(Constraints::Obey)),
        ];
        for options in wants {
            let error = stage.fails("fp32.onnx", &options, Int8::Model);
            assert!(matches!(error, BuildError::Unsupported(_)), "{version}: {error:?}");
        }
    }
}
