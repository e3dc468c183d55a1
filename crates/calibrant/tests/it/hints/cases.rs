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
    gets("as the folder for the results; name another with --output",
        "calibrate {fashion} -o {lab}/file", "calibrate {fashion} --output {out}"),
    needs("wait for it, or name another folder with --output", "two jobs at once", "calibrate {fashion} --output {out}"),
    gets("and a result would take its place; name another folder with --output",
        "quantize --model {lab}/open/model.onnx --images {lab}/arrays --engine none -o {lab}/open",
        "quantize --model {lab}/open/model.onnx --images {lab}/arrays --engine none --output {out}"),
    gets("no earlier job says that it wrote it; move it away, or name another folder with --output",
        "quantize {fashion} --engine none -o {lab}/foreign", "quantize {fashion} --engine none --output {out}"),
    gets("it was changed since an earlier job wrote it; move it away, or name another folder with --output",
        "calibrate {fashion} -o {out} && cache convert {out}/calibration.json --version 8.6.1 -o {out}/calibration.cache && calibrate {fashion} -o {out}",
        "calibrate {fashion} --output {out}-elsewhere"),
    needs("move it away with the results beside it, or name another folder with --output", "a report of another program",
        "calibrate {fashion} --output {out}"),
    needs("whose place a result would take; name another folder with --output", "a file that cannot be read",
        "calibrate {fashion} --output {out}"),
    // Threads and memory.
    needs("a worker thread cannot be started; lower --workers", "a system without threads", "calibrate {fashion} --workers 1 -o {out}"),
    needs("the samples cannot be read; --workers says how many threads do it", "a system without threads",
        "calibrate {fashion} --workers 1 -o {out}"),
    shows("may take {} in all; raise --memory", "in all; raise --memory",
        "calibrate {fashion} --workers 1 --memory 1K -o {out}", "calibrate {fashion} --workers 1 --memory 1G -o {out}"),
    needs("each of {workers} workers may take {share} in all; raise --memory, or lower --workers", "a model of larger tensors",
        "calibrate {fashion} --workers 1 --memory 1G -o {out}"),
    gets("--recalibrate replaces it, another --output leaves it",
        "quantize {fashion} --backend tensorrt -o {out} @ 101601 && quantize {fashion} --backend tensorrt --method minmax -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt --method minmax --recalibrate -o {out} @ 101601"),
    // Where ranges come from.
    gets("int8 needs ranges: give samples with --images, or ranges with --calibration-cache",
        "quantize --model {model} --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}"),
    gets("are two sources of ranges; leave --images out",
        "quantize {fashion} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --engine none -o {out}"),
    gets("whose ranges are chosen already; leave --method out",
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
    gets("it needs an int8 --precision and TensorRT 8.5 to 10.16",
        "quantize {fashion} --backend tensorrt --precision fp16 -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt --precision int8 -o {out} @ 101601"),
    gets("has TensorRT 8.5 to 10.16 run it instead, and `calibrant quantize --precision fp16` runs nothing",
        "quantize --model {lab}/hardmax/model.onnx --images {lab}/arrays -o {out} @ 101601",
        "quantize --model {lab}/hardmax/model.onnx --images {lab}/arrays --backend tensorrt -o {out} @ 101601 && quantize --model {lab}/hardmax/model.onnx --precision fp16 -o {out} @ 101601"),
    gets("leave --int8-via out, or --backend tensorrt",
        "quantize {fashion} --backend tensorrt --int8-via qdq -o {out} @ 101601",
        "quantize {fashion} --backend tensorrt -o {out} @ 101601"),
    gets("; leave --int8-via out, or choose --precision int8 or int8+fp16",
        "quantize {fashion} --precision fp16 --int8-via cache -o {out} @ 101601",
        "quantize {fashion} --precision int8 --int8-via cache -o {out} @ 101601"),
    shows("calibrate again with --method {method}", "calibrate again with --method tensorrt-faithful",
        "quantize --model {model} --calibration-cache {lab}/0/table/calibration.json --method tensorrt-faithful --engine none -o {out}",
        "calibrate {fashion} --method tensorrt-faithful -o {out}"),
    shows("use --scale {scale} if mean and std are of such pixels", "if mean and std are of such pixels",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375 -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --mean 123.675,116.28,103.53 --std 58.395,57.12,57.375 --scale 1 -o {out}"),
    needs("make --scale, --mean and --std those of the model's training", "pixels odd in another way", "calibrate {fashion} -o {out}"),
    // Deployment targets.
    gets("takes int8 from the model with Q/DQ nodes alone; leave --int8-via out",
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
    gets("no node's name fits --layer-precision",
        "quantize {fashion} --layer-precision ^nothing$=fp32 --engine none -o {out}",
        "quantize {fashion} --layer-precision r1.*Conv=fp32 --engine none -o {out}"),
    gets("needs a builder that chooses types, as TensorRT up to 10.16",
        "quantize {fashion} --layer-precision Conv=int8 -o {out} @ 110400",
        "quantize {fashion} --layer-precision Conv=int8 -o {out} @ 101601"),
    shows("--layer-precision '^{}$=fp32'", "--layer-precision '^bad\\.conv$=fp32'",
        "quantize --model {lab}/nan/model.onnx --calibration-cache {lab}/nan.cache --engine none -o {out}",
        "quantize --model {lab}/nan/model.onnx --calibration-cache {lab}/nan.cache --layer-precision '^bad\\.conv$=fp32' --engine none -o {out}"),
    // Pictures and the model.
    gets("choose with --preset NAME (or --preprocess FILE)",
        "calibrate --model {model} {pictures} -o {out}", "calibrate --model {model} {pictures} --preset fashion -o {out}"),
    gets("`calibrant preprocess --preset NAME --print` writes one",
        "calibrate --model {model} {pictures} --preprocess {lab}/other.toml -o {out}",
        "calibrate --model {model} {pictures} --preprocess {lab}/recipe.toml -o {out}"),
    gets("which take no preprocessing; leave --preset and its fields out",
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
    shows("use --limit {fitting},", "use --limit 6,",
        "calibrate --model {lab}/fixed/model.onnx --images {images} --limit 8 --preset fashion -o {out}",
        "calibrate --model {lab}/fixed/model.onnx --images {images} --limit 6 --preset fashion -o {out}"),
    gets("no resizing (needs --size)",
        "calibrate --model {model} {pictures} -o {out}",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 -o {out}"),
    gets("28x28 as it is, RGB (or --color gray)",
        "calibrate --model {gray} {pictures} -o {out}",
        "calibrate --model {gray} {pictures} --preset fashion --color gray -o {out}"),
    gets("needs a filter, and the recipe has none: give --filter",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 --resize stretch -o {out}",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 --resize stretch --filter cv2-linear -o {out}"),
    gets("leave the tensor's size to the picture: give --size",
        "calibrate --model {model} {pictures} --preset raw -o {out}",
        "calibrate --model {model} {pictures} --preset raw --size 28x28 -o {out}"),
    gets("replace the geometry with --resize",
        "calibrate {fashion} --filter cv2-area -o {out}",
        "calibrate {fashion} --filter cv2-area --resize stretch -o {out}"),
    gets("choose --resize stretch, shorter-crop or letterbox, with a --filter",
        "calibrate --model {model} {photos} --preset fashion -o {out}",
        "calibrate --model {model} {photos} --preset fashion --resize stretch --filter cv2-linear -o {out}"),
    // Decoding on a GPU.
    gets("needs the GPU", "calibrate {fashion} --decode cuda -o {out}", "calibrate {fashion} -o {out}"),
    gets("makes tensors of pictures by a --preset or --preprocess of this program's; leave it out",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays --decode cuda -o {out}",
        "calibrate --model {lab}/open/model.onnx --images {lab}/arrays -o {out}"),
    gets("choose another --filter, or --decode cpu",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --filter fir-box --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --filter fir-box --decode cpu -o {out}"),
    gets("`fill-normalised` run on the processor alone; choose --decode cpu",
        "calibrate --model {model} {pictures} --preset segment-anything --size 28x28 --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset segment-anything --size 28x28 --decode cpu -o {out}"),
    gets("runs on the processor alone; choose --decode cpu",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --dct-scale 1/2 --decode cuda -o {out}",
        "calibrate --model {model} {pictures} --preset imagenet --size 28x28 --dct-scale 1/2 --decode cpu -o {out}"),
    needs("near-constant pictures were not looked for: --decode leaves their tensors on the GPU", "a GPU", "calibrate {fashion} -o {out}"),
    needs("the decoder `nvjpeg` needs a GPU: give --decode cuda", "a GPU", "calibrate {fashion} -o {out}"),
    needs("`--decode cuda-exact` and `--decode cpu` do without it", "a GPU without nvJPEG", "calibrate {fashion} --decode cpu -o {out}"),
    // The engine's shapes.
    gets("no engine can be built without --shapes; --engine none stops before it",
        "quantize --model {lab}/open/model.onnx --precision fp16 -o {out} @ 101601",
        "quantize --model {lab}/open/model.onnx --precision fp16 --engine none -o {out} @ 101601"),
    shows("--shapes {}", "--shapes x:1x3x1x1,8x3x128x128,8x3x128x128",
        "quantize --model {lab}/open/model.onnx --precision fp16 -o {out} @ 101601",
        "quantize --model {lab}/open/model.onnx --precision fp16 --shapes x:1x3x1x1,8x3x128x128,8x3x128x128 -o {out} @ 101601"),
    gets("give the smallest, the usual and the largest, for example --shapes",
        "build --model {model} -o {out}.plan @ 101601",
        "build --model {model} --shapes input:1x3x28x28,8x3x28x28,32x3x28x28 -o {out}.plan @ 101601"),
    gets(": given by --shapes",
        "quantize {fashion} --shapes input:1x3x28x28 -o {out} @ 101601", "quantize {fashion} -o {out} @ 101601"),
    // What a TensorRT has.
    gets("use a Q/DQ model (--int8-via qdq)",
        "quantize {fashion} --int8-via cache -o {out} @ 110400", "quantize {fashion} --int8-via qdq -o {out} @ 110400"),
    gets("leave --backend tensorrt out; the ranges are then found without it",
        "quantize {fashion} --backend tensorrt -o {out} @ 110400", "quantize {fashion} -o {out} @ 110400"),
    needs("use --precision int8 or --precision int8+fp16", "settings that no command makes",
        "quantize {fashion} --precision int8+fp16 -o {out} @ 101601"),
    gets("use --precision fp16",
        "quantize {fashion} --precision bf16 -o {out} @ 8503", "quantize {fashion} --precision fp16 -o {out} @ 8503"),
    gets("leave --optimization-level out",
        "quantize {fashion} --optimization-level 3 -o {out} @ 8503", "quantize {fashion} -o {out} @ 8503"),
    gets("leave --hardware-compatibility out",
        "quantize {fashion} --hardware-compatibility ampere+ -o {out} @ 10701", "quantize {fashion} -o {out} @ 10701"),
    gets("leave --compute-capability out",
        "quantize {fashion} --compute-capability 8.9 -o {out} @ 101601", "quantize {fashion} -o {out} @ 101601"),
    gets("use --refit any",
        "quantize {fashion} --refit identical -o {out} @ 8503", "quantize {fashion} --refit any -o {out} @ 8503"),
    gets("leave --layer-precision and --precision-constraints out",
        "build --model {model} --shapes input:8x3x28x28 --weight-streaming --layer-precision Conv=fp16 -o {out}.plan @ 101601",
        "build --model {model} --shapes input:8x3x28x28 --weight-streaming -o {out}.plan @ 101601"),
    gets("use --precision fp16 or --precision int8+fp16",
        "quantize {fashion} --dla-core 0 --gpu-fallback --precision bf16 -o {out} @ 101601",
        "quantize {fashion} --precision int8+fp16 -o {out} @ 101601"),
    // Libraries.
    gets("gets NVIDIA's TensorRT-RTX, --tensorrt PATH",
        "quantize {fashion} --cache-version 8601 -o {out}", "quantize {fashion} -o {out} @ 101601"),
    needs("its files are not those that were fetched; --tensorrt fetch replaces them", "a damaged library", "quantize {fashion} -o {out} @ 101601"),
    needs("none found; `--tensorrt fetch` gets", "a machine without TensorRT", "doctor @ 101601"),
    needs("get one: --tensorrt fetch downloads", "a machine without TensorRT", "quantize {fashion} -o {out} @ 101601"),
    needs("with --tensorrt PATH", "a machine without a fitting TensorRT", "quantize {fashion} -o {out} @ 101601"),
    needs("name {} with --tensorrt {}", "two TensorRTs", "quantize {fashion} --backend tensorrt -o {out} @ 101601"),
    needs("or install TensorRT by hand and use --tensorrt PATH", "a machine without Python", "quantize {fashion} -o {out} @ 101601"),
    needs("without a network, install TensorRT by hand and use --tensorrt PATH", "no network", "quantize {fashion} -o {out} @ 101601"),
    needs("use TensorRT-RTX 1.7 (--tensorrt fetch)", "an old TensorRT-RTX", "quantize {fashion} -o {out} @ 10701"),
    needs("allow more memory with --workspace", "a GPU that is too small", "quantize {fashion} --workspace 1G -o {out} @ 101601"),
    needs("TensorRT-RTX builds without one (--tensorrt fetch)", "a machine without a GPU", "quantize {fashion} -o {out} @ 10701"),
    needs("(--int8-via qdq) or dynamic ranges (--int8-via ranges)", "a TensorRT that refuses its own cache",
        "quantize {fashion} --int8-via ranges -o {out} @ 101601 && quantize {fashion} --int8-via qdq -o {out} @ 101601"),
    needs("delete it, or name another with --timing-cache", "two GPUs", "quantize {fashion} --timing-cache {lab}/timing -o {out} @ 101601"),
    needs("no more than names: build with --profiling-verbosity detailed", "a plan that tells no more than names",
        "build --model {model} --shapes input:8x3x28x28 --profiling-verbosity detailed -o {out}.plan @ 101601"),
];
