//! The cases: a text of the sources, a command that gets it, and the command that does as it says.
//!
//! Words in braces are those of the lab; ` && ` runs one command behind the other; ` @ ` names the TensorRT to run with.

/// A way out, tried.
pub(super) struct Case {
    /// A part of the text as it stands in the sources.
    pub(super) says: &'static str,
    /// The same part as it appears, where placeholders stand in it.
    pub(super) appears: Option<&'static str>,
    /// What gets the message.
    pub(super) wrong: Wrong,
    /// What the message says to do.
    pub(super) right: &'static str,
}

/// How a message is got.
pub(super) enum Wrong {
    /// By this command.
    Gets(&'static str),
    /// By something that cannot be had in a test: this says what.
    Needs(&'static str),
}

impl Case {
    pub(super) fn appears(&self) -> &'static str {
        self.appears.unwrap_or(self.says)
    }
}

const fn gets(says: &'static str, wrong: &'static str, right: &'static str) -> Case {
    Case { says, appears: None, wrong: Wrong::Gets(wrong), right }
}

const fn shows(
    says: &'static str,
    appears: &'static str,
    wrong: &'static str,
    right: &'static str,
) -> Case {
    Case { says, appears: Some(appears), wrong: Wrong::Gets(wrong), right }
}

const fn needs(says: &'static str, what: &'static str, right: &'static str) -> Case {
    Case { says, appears: None, wrong: Wrong::Needs(what), right }
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    // Where results go.
    shows("name another with --output", "as the folder for the results; name another with --output",
        "calibrate {fashion} -o {lab}/file", "calibrate {fashion} --output {out}"),
    needs("wait for it, or name another folder with --output", "two jobs at once", "calibrate {fashion} --output {out}"),
    shows("name another folder with --output", "and a result would take its place; name another folder with --output",
        "quantize --model {lab}/open/model.onnx --images {lab}/arrays --engine none -o {lab}/open",
        "quantize --model {lab}/open/model.onnx --images {lab}/arrays --engine none --output {out}"),
    shows("move it away, or name another folder with --output", "no earlier job says that it wrote it; move it away, or name another folder with --output",
        "quantize {fashion} --engine none -o {lab}/foreign", "quantize {fashion} --engine none --output {out}"),
    shows("move it away, or name another folder with --output", "it was changed since an earlier job wrote it; move it away, or name another folder with --output",
        "calibrate {fashion} -o {out} && cache convert {out}/calibration.json --version 8.6.1 -o {out}/calibration.cache && calibrate {fashion} -o {out}",
        "calibrate {fashion} --output {out}-elsewhere"),
    needs("move it away with the results beside it, or name another folder with --output", "a report of another program",
        "calibrate {fashion} --output {out}"),
    needs("name another folder with --output", "a file that cannot be read",
        "calibrate {fashion} --output {out}"),
    gets("is there already; name it with --output to have it replaced",
        "build --model {lab}/fixed/model.onnx @ 101601 && build --model {lab}/fixed/model.onnx @ 101601",
        "build --model {lab}/fixed/model.onnx --output {lab}/fixed/model.plan @ 101601"),
    // Threads and memory.
    needs(" (--workers)", "a system without threads", "calibrate {fashion} --workers 1 -o {out}"),
    needs("--workers says how many threads do it", "a system without threads",
        "calibrate {fashion} --workers 1 -o {out}"),
    shows(" (--memory)", "in all; raise the memory limit (--memory)",
        "calibrate {fashion} --workers 1 --memory 1K -o {out}", "calibrate {fashion} --workers 1 --memory 1G -o {out}"),
    needs(" (--memory, --workers)", "a model of larger tensors",
        "calibrate {fashion} --workers 1 --memory 1G -o {out}"),
    gets("--recalibrate replaces it, another --output leaves it",
        "quantize {fashion} --backend tensorrt -o {out} @ 101601 && quantize {fashion} --backend tensorrt --method minmax -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt --method minmax --recalibrate -o {out} @ 101601"),
    // Where ranges come from.
    gets("quantizing needs ranges: give samples with --images, or ranges with --calibration-cache",
        "quantize --model {model} --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}"),
    shows("name calibration.stats with --calibration-cache, or calibrate again", "has ranges for int8, and fp8 wants others; name calibration.stats with --calibration-cache, or calibrate again",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.cache --precision fp8 --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.stats --precision fp8 --engine none -o {out}"),
    shows("choose another --method", "knows no fp8; choose another --method",
        "quantize {fashion} --precision fp8 --method tensorrt-faithful --engine none -o {out}",
        "quantize {fashion} --precision fp8 --method mse --engine none -o {out}"),
    shows("choose --precision int8", "does not compute in fp8, which came with TensorRT 10.0; choose --precision int8",
        "quantize {fashion} --precision fp8 -o {out} @ 8503", "quantize {fashion} --precision int8 -o {out} @ 8503"),
    shows("leave --compute-capability {given} out, or choose --precision int8", "leave --compute-capability 8.6 out, or choose --precision int8",
        "quantize {fashion} --precision fp8 --compute-capability 8.6 -o {out} @ 10701",
        "quantize {fashion} --precision fp8 -o {out} @ 10701 && quantize {fashion} --precision int8 --compute-capability 8.6 -o {out} @ 10701"),
    shows("leave --backend tensorrt out for --precision {precision}", "leave --backend tensorrt out for --precision fp8",
        "quantize {fashion} --precision fp8 --backend tensorrt -o {out} @ 101601",
        "quantize {fashion} --precision fp8 -o {out} @ 101601"),
    gets("are two sources of ranges; leave --images out",
        "quantize {fashion} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}"),
    shows("leave --method out", "whose ranges are chosen already; leave --method out",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.cache --method mse --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.cache --engine none -o {out}"),
    gets("say what it is to be with --version and --algorithm",
        "cache convert {lab}/headless.cache -o {out}.cache",
        "cache convert {lab}/headless.cache --version 8.6.1 --algorithm entropy2 -o {out}.cache"),
    gets("is a calibrator of TensorRT's; use it with --backend tensorrt",
        "quantize {fashion} --method legacy -o {out} @ 101601",
        "quantize {fashion} --method legacy --backend tensorrt -o {out} @ 101601"),
    gets("needs --backend embedded",
        "quantize {fashion} --method mse --backend tensorrt -o {out} @ 101601",
        "quantize {fashion} --method mse --backend embedded -o {out} @ 101601"),
    gets("choose --precision int8 or int8+fp16, or leave --backend tensorrt out",
        "quantize {fashion} --backend tensorrt --precision fp16 -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt --precision int8 -o {out} @ 101601 && quantize {fashion} --precision fp16 -o {out} @ 101601"),
    gets("has TensorRT 8.5 to 10.16 run it instead, and `calibrant quantize --precision fp16` runs nothing",
        "quantize --model {lab}/hardmax/model.onnx --images {lab}/arrays -o {out} @ 101601",
        "quantize --model {lab}/hardmax/model.onnx --images {lab}/arrays --backend tensorrt -o {out} @ 101601 && quantize --model {lab}/hardmax/model.onnx --precision fp16 -o {out} @ 101601"),
    gets("leave --int8-via out, or --backend tensorrt",
        "quantize {fashion} --backend tensorrt --int8-via qdq -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt -o {out} @ 101601"),
    gets("leave --int8-via out, or choose --precision int8 or int8+fp16",
        "quantize {fashion} --precision fp16 --int8-via cache -o {out} @ 101601",
        "quantize {fashion} --precision int8 --int8-via cache -o {out} @ 101601"),
    shows(" with --method {method}", "calibrate again with --method tensorrt-faithful",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --method tensorrt-faithful --engine none -o {out}",
        "calibrate {fashion} --method tensorrt-faithful -o {out}"),
    // Deployment targets.
    shows("leave --int8-via out", "takes int8 from the model with Q/DQ nodes alone; leave --int8-via out",
        "quantize {fashion} --for tensorrt-11.1 --int8-via cache --engine none -o {out}",
        "quantize {fashion} --for tensorrt-11.1 --engine none -o {out}"),
    gets("name its library with --tensorrt PATH, or leave the engine to it with --engine none",
        "quantize {fashion} --for jetpack-6.1 --engine require -o {out} @ 101601",
        "quantize {fashion} --for jetpack-6.1 --engine require -o {out} @ 100300"),
    gets("leave --cache-version and --for out, and put another header over it",
        "quantize {fashion} --for jetpack-6.1 --backend tensorrt -o {out} @ 100300",
        "quantize {fashion} --backend tensorrt -o {out} @ 100300 && cache convert {out}/calibration.cache --for jetpack-6.2 -o {out}.cache"),
    gets("(--cache-version X.Y.Z takes any version)",
        "calibrate {fashion} --for jetpack-9.9 -o {out}", "calibrate {fashion} --cache-version 10.3.0 -o {out}"),
    // Layers.
    shows("--layer-precision '^{}$=fp32'", "--layer-precision '^bad\\.conv$=fp32'",
        "quantize --model {lab}/nan/model.onnx --calibration-cache {lab}/nan.cache --engine none -o {out}",
        "quantize --model {lab}/nan/model.onnx --calibration-cache {lab}/nan.cache --layer-precision '^bad\\.conv$=fp32' --engine none -o {out}"),
    // Pictures and the model.
    gets("choose with --preset NAME (or --preprocess FILE)",
        "calibrate --model {model} {pictures} -o {out}", "calibrate --model {model} {pictures} --preset fashion -o {out}"),
    gets("`calibrant preprocess --preset NAME --print` writes one",
        "calibrate --model {model} {pictures} --preprocess {lab}/other.toml -o {out}",
        "calibrate --model {model} {pictures} --preprocess {lab}/recipe.toml -o {out}"),
    gets("leave --preset and its fields out",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays --preset fashion -o {out}",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays -o {out}"),
    gets("use --color gray, or another preset",
        "calibrate --model {gray} {pictures} --preset fashion -o {out}",
        "calibrate --model {gray} {pictures} --preset fashion --color gray -o {out}"),
    gets("use --color rgb or --color bgr",
        "calibrate {fashion} --color gray -o {out}", "calibrate {fashion} --color rgb -o {out}"),
    gets("if it is this one but for the size, add --size",
        "calibrate --model {model} {pictures} --preset imagenet -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 -o {out}"),
    shows(" (--preset {} makes such pictures)", "(--preset fashion makes such pictures)",
        "calibrate --model {model} {pictures} --preset imagenet -o {out}",
        "calibrate --model {model} {pictures} --preset fashion -o {out}"),
    shows("use --limit {fitting}", "use --limit 6,",
        "calibrate --model {lab}/fixed/model.onnx --images {images} --limit 8 --preset fashion -o {out}",
        "calibrate --model {lab}/fixed/model.onnx --images {images} --limit 6 --preset fashion -o {out}"),
    shows(" with --filter", "needs a filter, and the recipe has none: give one with --filter",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 --resize stretch -o {out}",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 --resize stretch --filter cv2-linear -o {out}"),
    shows(" with --size", "or give a size with --size",
        "calibrate --model {model} {pictures} --preset raw -o {out}",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 -o {out}"),
    shows(" with --resize", "replace the geometry with --resize",
        "calibrate {fashion} --filter cv2-area -o {out}",
        "calibrate {fashion} --filter cv2-area --resize stretch -o {out}"),
    shows(" (--resize, --filter)", "`stretch`, `shorter-crop` or `letterbox`, with a filter (--resize, --filter)",
        "preprocess {photo} --preset fashion",
        "preprocess {photo} --preset fashion --resize stretch --filter cv2-linear"),
    shows(" with --mean", "give 1 or 3 values with --mean",
        "calibrate {fashion} --mean 0.5,0.5 -o {out}", "calibrate {fashion} --mean 0.5 -o {out}"),
    shows(" with --std", "give 1 or 3 values with --std",
        "calibrate {fashion} --std 0.5,0.5 -o {out}", "calibrate {fashion} --std 0.5 -o {out}"),
    // Decoding on a GPU.
    shows("--decode cpu does without it", "needs the GPU", "calibrate {fashion} --decode cuda -o {out}", "calibrate {fashion} --decode cpu -o {out}"),
    gets("makes tensors of pictures by a --preset or --preprocess of this program's; leave it out",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays --decode cuda -o {out}",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays -o {out}"),
    gets("choose another --filter, or --decode cpu",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --filter fir-box --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --filter fir-box --decode cpu -o {out}"),
    shows("; choose --decode cpu", "`fill-normalised` run on the processor alone; choose --decode cpu",
        "calibrate --model {model} {pictures} --preset segment-anything --size 28x28 --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset segment-anything --size 28x28 --decode cpu -o {out}"),
    shows("; choose --decode cpu", "`dct-scale` 1/2, runs on the processor alone; choose --decode cpu",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --dct-scale 1/2 --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --dct-scale 1/2 --decode cpu -o {out}"),
    needs(" with --decode cuda", "a GPU", "calibrate {fashion} -o {out}"),
    needs(" (--decode cuda-exact, --decode cpu)", "an nvJPEG that fails", "calibrate {fashion} --decode cpu -o {out}"),
    // The engine's shapes.
    gets("give them with --shapes, or stop before it with --engine none",
        "quantize --model {lab}/open/model.onnx --precision fp16 -o {out} @ 101601",
        "quantize --model {lab}/open/model.onnx --precision fp16 --engine none -o {out} @ 101601"),
    shows("--shapes {example}", "for example --shapes x:1x3x1x1,8x3x128x128,8x3x128x128",
        "quantize --model {lab}/open/model.onnx --precision fp16 -o {out} @ 101601",
        "quantize --model {lab}/open/model.onnx --precision fp16 --shapes x:1x3x1x1,8x3x128x128,8x3x128x128 -o {out} @ 101601"),
    shows(", for example --shapes {example}", "give the smallest, the usual and the largest, for example --shapes",
        "build --model {model} -o {out}.plan @ 101601",
        "build --model {model} --shapes input:1x3x28x28,8x3x28x28,32x3x28x28 -o {out}.plan @ 101601"),
    // What a TensorRT has.
    shows(" (--int8-via qdq)", "use a Q/DQ model (--int8-via qdq)",
        "quantize {fashion} --int8-via cache -o {out} @ 110400", "quantize {fashion} --int8-via qdq -o {out} @ 110400"),
    shows(" (leave --backend tensorrt out)", "have the ranges found without it (leave --backend tensorrt out)",
        "quantize {fashion} --backend tensorrt -o {out} @ 110400", "quantize {fashion} -o {out} @ 110400"),
    shows(" (--precision)", "use FP16 (--precision)",
        "quantize {fashion} --precision bf16 -o {out} @ 8503", "quantize {fashion} --precision fp16 -o {out} @ 8503"),
    gets("leave --optimization-level out",
        "quantize {fashion} --optimization-level 3 -o {out} @ 8503", "quantize {fashion} -o {out} @ 8503"),
    gets("leave --hardware-compatibility out",
        "quantize {fashion} --hardware-compatibility ampere+ -o {out} @ 10701", "quantize {fashion} -o {out} @ 10701"),
    gets("leave --compute-capability out",
        "quantize {fashion} --compute-capability 8.9 -o {out} @ 101601", "quantize {fashion} -o {out} @ 101601"),
    gets("; leave it out of --memory-pool",
        "quantize {fashion} --memory-pool tactic-shared-memory:1M -o {out} @ 8503", "quantize {fashion} -o {out} @ 8503"),
    gets("; leave --calibration-shapes out",
        "build --model {model} --shapes input:8x3x28x28 --calibration-shapes input:8x3x28x28 -o {out}.plan @ 101601",
        "build --model {model} --shapes input:8x3x28x28 -o {out}.plan @ 101601"),
    shows(" (--refit any)", "allow a refit with any weights (--refit any)",
        "quantize {fashion} --refit identical -o {out} @ 8503", "quantize {fashion} --refit any -o {out} @ 8503"),
    gets("leave --layer-precision and --precision-constraints out",
        "build --model {model} --shapes input:8x3x28x28 --weight-streaming --layer-precision Conv=fp16 -o {out}.plan @ 101601",
        "build --model {model} --shapes input:8x3x28x28 --weight-streaming -o {out}.plan @ 101601"),
    shows(" (--precision)", "use FP16 or INT8 with FP16 (--precision)",
        "quantize {fashion} --dla-core 0 --gpu-fallback --precision bf16 -o {out} @ 101601",
        "quantize {fashion} --precision int8+fp16 -o {out} @ 101601"),
    // Libraries.
    gets("gets NVIDIA's TensorRT-RTX, --tensorrt PATH",
        "quantize {fashion} --cache-version 8601 -o {out}", "quantize {fashion} -o {out} @ 101601"),
    needs("none found; `--tensorrt fetch` gets", "a machine without TensorRT", "doctor @ 101601"),
    needs(" (--tensorrt fetch, or --tensorrt PATH)", "a machine without TensorRT", "quantize {fashion} -o {out} @ 101601"),
    gets("; name another place with --tensorrt PATH",
        "quantize {fashion} --tensorrt {lab}/nowhere -o {out}", "quantize {fashion} -o {out} @ 101601"),
    needs("name one of 8.5 to 10.16 with --tensorrt PATH", "a machine without a fitting TensorRT", "quantize {fashion} -o {out} @ 101601"),
    needs("name {} with --tensorrt {}", "two TensorRTs", "quantize {fashion} --backend tensorrt -o {out} @ 101601"),
    needs(" with --tensorrt PATH", "a machine without Python or a network", "quantize {fashion} -o {out} @ 101601"),
    needs(" (--tensorrt fetch)", "an old TensorRT-RTX", "quantize {fashion} -o {out} @ 10701"),
    needs(" with --workspace", "a GPU that is too small", "quantize {fashion} --workspace 1G -o {out} @ 101601"),
    needs("; --tensorrt fetch gets TensorRT-RTX", "a machine without a GPU", "quantize {fashion} -o {out} @ 10701"),
    needs(" (--int8-via qdq or --int8-via ranges)", "a TensorRT that refuses its own cache",
        "quantize {fashion} --int8-via ranges -o {out} @ 101601 && quantize {fashion} --int8-via qdq -o {out} @ 101601"),
    needs(" with --timing-cache", "two GPUs", "quantize {fashion} --timing-cache {lab}/timing -o {out} @ 101601"),
    needs("no more than names: build with --profiling-verbosity detailed", "a plan that tells no more than names",
        "build --model {model} --shapes input:8x3x28x28 --profiling-verbosity detailed -o {out}.plan @ 101601"),
];
