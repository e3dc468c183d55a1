"""Runs calibrant and its peers side by side on one model and writes what each cost.

    python benches/peers/compare.py --calibrant target/release/calibrant --commit $(git rev-parse --short HEAD) \
        --model resnet50.onnx --images fixtures/photos --count 64 --output comparison

Every round runs every program once, one after another, so that whatever slows the machine down slows all of them. What
is compared is the process as the user sees it, from its start to its end, imports and decoding included: CPU seconds
(user and system, all threads), wall seconds, and the peak of resident memory. Ratios are taken within each round,
against calibrant; the table shows medians. Only the standard library is used here; each peer runs in the Python that
`--onnxruntime-python` and `--modelopt-python` name.

Writes OUTPUT.json with every single measurement and OUTPUT.md with the table, and prints the table.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "calibrant"


@dataclass
class Program:
    """One thing to measure: `command` may name `{output}`, a fresh folder of each run."""

    name: str
    command: list[str]
    runs: list[dict[str, float]] = field(default_factory=list)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrant", type=Path, required=True, help="the release binary")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, default=64, help="pictures; the folder is gone through again when it has fewer")
    parser.add_argument("--preset", default="imagenet", help="calibrant's preset; the peers always preprocess as `imagenet`")
    parser.add_argument("--stage", choices=["calibrate", "quantize"], default="calibrate")
    parser.add_argument("--methods", default="minmax,entropy,percentile", help="of ONNX Runtime; modelopt runs when `entropy` is among them and the stage is quantize")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnxruntime-python", type=Path, help="left out: ONNX Runtime is not measured")
    parser.add_argument("--modelopt-python", type=Path, help="left out: ModelOpt is not measured")
    parser.add_argument("--commit", required=True, help="what the binary was built from, for the record")
    parser.add_argument("--output", type=Path, required=True, help="path of the two files, without suffix")
    return parser.parse_args()


def repeated(folder: Path, count: int, target: Path) -> Path:
    """A folder of `count` copies of the folder's pictures, so that every program sees as many."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not found:
        sys.exit(f"no picture in {folder}")
    target.mkdir()
    for k in range(count):
        source = found[k % len(found)].resolve()
        shutil.copyfile(source, target / f"{k:05}_{source.name}")
    return target


def programs(options: argparse.Namespace, images: Path) -> list[Program]:
    calibrant = [str(options.calibrant.resolve()), options.stage, "--model", str(options.model), "--images", str(images)]
    # No engine and a cache of a fixed version, so that no TensorRT is opened: the peers have none either.
    calibrant += ["--preset", options.preset, "--cache-version", "101601"]
    if options.stage == "quantize":
        calibrant += ["--engine", "none"]
    found = [Program(OURS, [*calibrant, "--output", "{output}/out"])]
    shared = ["--model", str(options.model), "--images", str(images)]
    methods = options.methods.split(",")
    if options.onnxruntime_python:
        script = str(HERE / "quantize_static.py")
        for method in methods:
            command = [str(options.onnxruntime_python), script, *shared, "--method", method, "--stage", options.stage]
            found.append(Program(f"onnxruntime {method}", command))
    if options.modelopt_python and options.stage == "quantize" and "entropy" in methods:
        script = str(HERE / "modelopt_entropy.py")
        found.append(Program("modelopt entropy", [str(options.modelopt_python), script, *shared]))
        found.append(Program("modelopt, imports alone", [str(options.modelopt_python), script, *shared, "--count", "0"]))
    return found


def run(program: Program) -> dict[str, float]:
    """Runs the program once; its cost is what the system charged to it and to its children."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        command = [part.replace("{output}", folder) for part in program.command]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            sys.stderr.buffer.write(log.read()[-4000:])
            sys.exit(f"{program.name} failed with exit status {process.returncode}: {' '.join(command)}")
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": wall_s,
        "peak_rss_mib": usage.ru_maxrss / 1024,
    }


def machine() -> dict[str, object]:
    models = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    total_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(total_kib / 2**20),
        "system": f"{platform.system()} {platform.machine()}",
    }


def spread(values: list[float], digits: int) -> str:
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(found: list[Program]) -> str:
    ours = found[0]
    lines = [
        "| program | CPU s | ratio | wall s | ratio | peak MiB | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for program in found:
        cells = [program.name]
        for measure, digits in (("cpu_s", 2), ("wall_s", 2), ("peak_rss_mib", 0)):
            cells.append(spread([one[measure] for one in program.runs], digits))
            ratios = [one[measure] / base[measure] for one, base in zip(program.runs, ours.runs, strict=True)]
            cells.append(f"{statistics.median(ratios):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as folder:
        images = repeated(options.images, options.count, Path(folder) / "images")
        options.model = options.model.resolve()
        found = programs(options, images)
        for number in range(options.rounds):
            for program in found:
                program.runs.append(run(program))
                last = program.runs[-1]
                print(f"round {number + 1}: {program.name}: {last['cpu_s']:.2f} CPU s, {last['peak_rss_mib']:.0f} MiB", file=sys.stderr)
    about = machine() | {
        "model": options.model.name,
        "images": options.count,
        "stage": options.stage,
        "rounds": options.rounds,
        "load_average": round(os.getloadavg()[1], 1),
        "commit": options.commit,
        "version": subprocess.run([options.calibrant, "--version"], capture_output=True, text=True, check=True).stdout.strip(),
    }
    for program in found:
        program.command = [Path(part).name if Path(part).is_absolute() else part for part in program.command]
    result = {"about": about, "programs": [asdict(program) for program in found]}
    options.output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    text = "\n".join(f"{key}: {value}" for key, value in about.items()) + "\n\n" + table(found) + "\n"
    options.output.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
