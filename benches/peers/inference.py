"""Holds whole calibrations against ONNX Runtime's bare inference: the same models, pictures and cores, in one run.

    python benches/peers/inference.py --calibrant target/release/calibrant --commit $(git rev-parse --short HEAD) \
        --models EXPORTS --images PHOTOGRAPHS --count 128 --cores 0,1 --output inference

EXPORTS holds resnet50*.onnx and the other networks of MODELS, as benches/zoo exports them.
Of calibrant the whole process is measured: start, model, decoding, preprocessing, the network, the statistics of every
tensor, and the files; a worker for each core. Of ONNX Runtime the calls of `run` alone are, on tensors that lie in memory,
with as many threads as there are cores, all its optimisations on and no tensor but the outputs asked for: what a
calibration in it could not go below. The tensors are those of `calibrant preprocess`.
Each round runs every program once, one after another, and ratios are taken within it.

Writes OUTPUT.json with every measurement and OUTPUT.md with the table, and prints the table.
Needs numpy and onnxruntime in the Python that runs it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGENET = ["--preset", "torchvision", "--size", "224x224"]
YOLO = ["--preset", "ultralytics", "--size", "320x320"]
MODELS = {
    "resnet50": IMAGENET,
    "timm_vit_small_patch16_224": IMAGENET,
    "yolo11n": YOLO,
    "convnext_tiny": IMAGENET,
    "swin_t": IMAGENET,
    "mobilenet_v2": IMAGENET,
}
# Runs that are not measured: memory is laid out in them.
WARM_UP = 3
# Pictures whose tensors are held; the time of a run does not depend on the picture.
MOST_TENSORS = 16


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrant", type=Path, required=True, help="the release binary")
    parser.add_argument("--models", type=Path, required=True, help="folder of exports")
    parser.add_argument("--only", help="names out of MODELS, with commas between them")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=128, help="pictures")
    parser.add_argument("--cores", default="0,1", help="what both are confined to")
    parser.add_argument("--backend", action="append", help="of calibrant; may be given several times")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commit", required=True, help="what the binary was built from, for the record")
    parser.add_argument("--output", type=Path, required=True, help="path of the two files, without suffix")
    parser.add_argument("--bare", nargs=3, metavar=("MODEL", "TENSORS", "COUNT"), help=argparse.SUPPRESS)
    return parser.parse_args()


def bare(model: str, tensors: str, count: int) -> None:
    """Prints the seconds that `count` runs take."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    inputs = [np.load(path) for path in sorted(Path(tensors).glob("*.npy"))]
    inputs = [x.reshape(1, *x.shape[-3:]) for x in inputs]
    for k in range(WARM_UP):
        session.run(None, {name: inputs[k % len(inputs)]})
    start = time.perf_counter()
    for k in range(count):
        session.run(None, {name: inputs[k % len(inputs)]})
    print(time.perf_counter() - start, ort.__version__)


def confined(command: list[str], cores: set[int]) -> subprocess.CompletedProcess[str]:
    confine = lambda: os.sched_setaffinity(0, cores)  # noqa: E731
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=confine)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return done


def measure(options: argparse.Namespace, name: str, cores: set[int]) -> dict[str, object]:
    """Every round's seconds by program, for one network."""
    found = sorted(options.models.glob(f"{name}.*onnx"))
    if not found:
        sys.exit(f"no {name}.*onnx in {options.models}")
    model, preset = str(found[0]), MODELS[name]
    pictures = sorted(path for path in options.images.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if len(pictures) < options.count:
        sys.exit(f"{options.images} has {len(pictures)} pictures, fewer than {options.count}")
    calibrant = str(options.calibrant.resolve())
    backends = options.backend or ["embedded"]
    seconds: dict[str, list[float]] = {program: [] for program in ["onnxruntime", *backends]}
    version = ""
    with tempfile.TemporaryDirectory() as folder:
        tensors = Path(folder) / "tensors"
        tensors.mkdir()
        for k, picture in enumerate(pictures[:MOST_TENSORS]):
            confined([calibrant, "preprocess", str(picture), *preset, "-o", str(tensors / f"{k:02}.npy")], cores)
        child = [sys.executable, __file__, *sys.argv[1:], "--bare", model, str(tensors), str(options.count)]
        for round_number in range(options.rounds):
            taken, version = confined(child, cores).stdout.split()
            seconds["onnxruntime"].append(float(taken))
            for backend in backends:
                command = [calibrant, "calibrate", "--model", model, "--images", str(options.images), *preset]
                command += ["--limit", str(options.count), "--workers", str(len(cores)), "--backend", backend]
                # A cache of a fixed version, so that no TensorRT is looked for.
                command += ["--cache-version", "101601", "--output", f"{folder}/{backend}{round_number}"]
                start = time.perf_counter()
                confined(command, cores)
                seconds[backend].append(time.perf_counter() - start)
    return {"model": name, "onnxruntime": version, "seconds": seconds}


def spread(values: list[float], digits: int) -> str:
    shown = [f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def table(results: list[dict[str, object]], count: int) -> str:
    lines = ["| network | program | images/s | of ONNX Runtime's bare inference |", "|---|---|---|---|"]
    for result in results:
        bare_s = result["seconds"]["onnxruntime"]
        for program, seconds in result["seconds"].items():
            rates = spread([count / s for s in seconds], 1)
            ratios = spread([b / s for b, s in zip(bare_s, seconds)], 2) if program != "onnxruntime" else ""
            shown = "bare inference" if program == "onnxruntime" else f"calibrant, {program}"
            lines.append(f"| {result['model']} | {shown} | {rates} | {ratios} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    options = parse()
    if options.bare:
        model, tensors, count = options.bare
        return bare(model, tensors, int(count))
    cores = {int(core) for core in options.cores.split(",")}
    names = options.only.split(",") if options.only else list(MODELS)
    results = [measure(options, name, cores) for name in names]
    cpu = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    record = {
        "commit": options.commit,
        "count": options.count,
        "machine": {"cpu": cpu[0] if cpu else platform.machine(), "cores": len(cores)},
        "results": results,
    }
    options.output.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")
    shown = table(results, options.count)
    options.output.with_suffix(".md").write_text(shown)
    print(f"{record['machine']}, {options.count} pictures, commit {options.commit}\n\n{shown}")


if __name__ == "__main__":
    main()
