//! What people read of errors that no command gets without a GPU, a fault or another machine, and of those inside others.

use std::io;

use calibrant_engine::{BuildOptions, Hint, Int8Via, MemoryPoolType, PoolLimit, Version};
use calibrant_locate::{FetchError, LocateError, Origin, Product};
use calibrant_preprocess::Settings;
use calibrant_runtime::{RunError, Shortage};

use super::*;

/// The error and its causes, each as it is said.
fn chain(error: impl Into<Error>) -> Vec<String> {
    let error = error.into();
    let mut said_all = Vec::new();
    let mut next: Option<&Any> = Some(&error);
    while let Some(error) = next {
        said_all.push(said(error));
        next = error.source();
    }
    said_all
}

/// The last cause.
fn innermost(error: impl Into<Error>) -> String {
    chain(error).pop().unwrap()
}

#[test]
fn settings_that_a_tensorrt_lacks_name_their_flags() {
    let refused = |version, options: &BuildOptions, int8| {
        let unsupported = options.check(Version::from_raw(version), int8).unwrap_err();
        let built = JobError::Build(BuildError::Unsupported(unsupported.clone()));
        let said = innermost(ConfigError::Unsupported(unsupported));
        assert_eq!(innermost(built), said);
        said
    };
    let level = BuildOptions { optimization_level: Some(3), ..BuildOptions::default() };
    assert_eq!(
        refused(8_503, &level, Int8Via::Qdq),
        "TensorRT 8.5 has no optimization level: it came with TensorRT 8.6; leave --optimization-level out"
    );
    assert_eq!(
        refused(110_400, &BuildOptions::default(), Int8Via::Cache),
        "TensorRT 11.4 has no calibration caches: weak typing was removed in 11.0; use a Q/DQ model (--int8-via qdq)"
    );
    let pool = PoolLimit { pool: MemoryPoolType::TacticSharedMemory, bytes: 1 };
    let pools = BuildOptions { pools: vec![pool], ..BuildOptions::default() };
    assert!(refused(8_503, &pools, Int8Via::Qdq).ends_with("; leave it out of --memory-pool"));
}

#[test]
fn builds_that_fail_name_flags() {
    let failed = |hint| {
        let library = "TensorRT 10.16.1".to_owned();
        let error = BuildError::Build { library, messages: vec!["no".to_owned()], hint };
        chain(JobError::Build(error))[1].clone()
    };
    let could_not = "TensorRT 10.16.1 could not build the plan; it says:\n  no";
    assert_eq!(failed(None), could_not);
    assert_eq!(
        failed(Some(Hint::Workspace)),
        format!("{could_not}\nallow a larger workspace with --workspace")
    );
    assert!(failed(Some(Hint::OldRtx)).ends_with("or TensorRT-RTX 1.7 (--tensorrt fetch)"));
    assert!(
        failed(Some(Hint::NoGpu))
            .ends_with("for the GPU at hand; --tensorrt fetch gets TensorRT-RTX")
    );
    let refused = BuildError::CacheRefused {
        library: "TensorRT 10.16.1".to_owned(),
        header: "TRT".to_owned(),
        messages: Vec::new(),
    };
    assert!(
        innermost(JobError::Build(refused)).ends_with(
            "\nuse a Q/DQ model or dynamic ranges (--int8-via qdq or --int8-via ranges)"
        )
    );
}

#[test]
fn a_library_that_is_not_found_has_its_flags_behind_it() {
    let nothing = LocateError::NotFound { product: Product::TensorRt, tried: Vec::new() };
    assert!(
        innermost(JobError::Locate(nothing))
            .ends_with("as in CALIBRANT_TENSORRT (--tensorrt fetch, or --tensorrt PATH)")
    );
    let missing = |origin| {
        let (product, path) = (Product::TensorRt, "/nowhere".into());
        innermost(JobError::Locate(LocateError::Missing { product, path, origin }))
    };
    assert_eq!(
        missing(Origin::Given),
        "/nowhere (as given) does not exist; name another place with --tensorrt PATH"
    );
    assert_eq!(
        missing(Origin::Variable(Product::TensorRt)),
        "/nowhere (CALIBRANT_TENSORRT) does not exist"
    );
    let not_pinned = |product| {
        let source = FetchError::NotPinned { product, target: "linux riscv64".to_owned() };
        innermost(JobError::Locate(LocateError::Fetch { product, source }))
    };
    assert!(
        not_pinned(Product::TensorRt)
            .ends_with("install TensorRT by hand and name its folder with --tensorrt PATH")
    );
    assert!(
        not_pinned(Product::OnnxRuntime)
            .ends_with("install ONNX Runtime by hand and name its folder with --onnxruntime PATH")
    );
    let nothing = LocateError::NotFound { product: Product::OnnxRuntime, tried: Vec::new() };
    assert!(
        innermost(JobError::Locate(nothing))
            .ends_with("as in CALIBRANT_ONNXRUNTIME (--onnxruntime fetch, or --onnxruntime PATH)")
    );
}

#[test]
fn what_a_run_is_short_of_is_named_inside_its_error() {
    let run = |shortage: Shortage| {
        let (runtime, source) = ("embedded".to_owned(), shortage.into());
        innermost(JobError::Calibrate(RunError::Runtime { runtime, source }))
    };
    let room = Shortage::Room { n_tensors: 3, needed_bytes: 2048, limit_bytes: 1024 };
    assert!(run(room).ends_with("may take 1.0 KiB in all; raise the memory limit (--memory)"));
    let memory =
        Shortage::Memory { needed_bytes: 2048, used_bytes: 0, share_bytes: 1024, workers: 2 };
    assert!(
        run(memory).ends_with("raise the memory limit, or use fewer workers (--memory, --workers)")
    );
    let thread = JobError::Calibrate(RunError::Runtime {
        runtime: "embedded".to_owned(),
        source: Shortage::Thread(io::Error::other("no more")).into(),
    });
    assert_eq!(
        chain(thread)[2],
        "a worker thread cannot be started; use fewer workers (--workers)"
    );
}

#[test]
fn recipes_and_their_steps_name_flags() {
    let refused = |toml: &str| {
        let recipe = Settings::from_toml(toml).unwrap().recipe();
        let error = recipe.and_then(|recipe| recipe.compile()).unwrap_err();
        innermost(UsageError::Recipe(error))
    };
    for (toml, end) in [
        ("preset = 'raw'", "or give a size with --size"),
        ("preset = 'raw'\nsize = '8x8'\nresize = 'stretch'", "give one with --filter"),
        ("preset = 'fashion'\nfilter = 'cv2-area'", "or replace the geometry with --resize"),
        ("preset = 'fashion'\nmean = [1, 2]", "give 1 or 3 values with --mean"),
        ("preset = 'fashion'\nstd = [1, 2]", "give 1 or 3 values with --std"),
    ] {
        let said = refused(toml);
        assert!(said.ends_with(end), "{toml}: {said}");
    }
}

#[test]
fn what_a_gpu_does_not_do_is_left_to_the_processor() {
    let batch = || calibrant_cuda::Error::Batch {
        library: "nvJPEG",
        count: 8,
        items: "pictures",
        way_out: "decoding exactly, or on the processor, does without it",
        status: 6,
        meaning: "execution failed",
    };
    let end = "does without it (--decode cuda-exact, --decode cpu)";
    let fed = JobError::Feed(Box::new(FeedError::Cuda(batch())));
    let decoded =
        Error::Picture { path: "a.jpg".into(), source: PreprocessError::Custom(Box::new(batch())) };
    assert!(chain(fed)[1].ends_with(end));
    assert!(chain(decoded)[1].ends_with(end));
    assert_eq!(
        innermost(ConfigError::Decode(OpenError::Steps)),
        "a `crop` before the `resize` and `fill-normalised` run on the processor alone; choose --decode cpu"
    );
}
