"""Takes every network of the zoo through `calibrant quantize`, and through its peers, and writes what came of it.

    python benches/zoo/run.py --zoo FOLDER --photos PHOTOGRAPHS --calibrant target/release/calibrant \\
        --results zoo.csv [--tensorrt LIBRARY] [--peers] [--modelopt-python PYTHON] [--only NAME.EXPORTER,...]

One row for each network: the runtime that the job took, INT8 nodes of those with weights, seconds, peak memory, the
largest difference of a range to ONNX Runtime's, the cosine of the INT8 model's answers to the float model's in ONNX
Runtime, and whether the embedded runtime does it alone. With `--tensorrt` the engines are built too, INT8 and FP32;
with `--peers`, ONNX Runtime's quantize_static and ModelOpt get the same file and the same samples. What the results have
already is left as it is, so that a run can go on; `--parts int8 --again` does a part of it anew. `table.py` makes the page.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
from samples import Network, Sample, networks, samples, saved

HERE = Path(__file__).resolve().parent
WEIGHTED = {"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Einsum"}
FIELDS = [
    "model", "exporter", "opset", "nodes", "int8", "message", "runtime", "int8_nodes", "weighted_nodes", "seconds", "peak_mib",
    "range_difference", "range_tensor", "other_counts", "cosine", "embedded", "rtx_fp32", "rtx_int8", "quantize_static", "modelopt",
]  # fmt: skip


@dataclass
class Ended:
    """How a process ended, and what it cost."""

    code: int | None
    out: str
    err: str
    seconds: float
    peak_mib: float

    def word(self) -> str:
        """`ok`, or the first line that says what is wrong."""
        if self.code == 0:
            return "ok"
        if self.code is None:
            return "not done in time"
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        said = next((line for line in lines if line.startswith("error")), lines[-1] if lines else "")
        return f"fails ({self.code}): {said}"[:300]


def run(command: list, limit_s: float) -> Ended:
    """Runs `command` alone; its cost is what the system charged to it and to its children."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([str(it) for it in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        code, peak = None, 0.0
        while time.monotonic() - start < limit_s:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024
                break
            time.sleep(0.02)
        else:
            os.killpg(process.pid, 9)
            os.wait4(process.pid, 0)
        process.returncode = code if code is not None else -9
        for file in (out, err):
            file.seek(0)
        return Ended(code, out.read(), err.read(), time.monotonic() - start, peak)


def shapes(network: Network, rows: list[Sample]) -> list[str]:
    """Profiles for a build without ranges: those of the samples, for every input with an open dimension."""
    found = []
    for value in onnx.load(network.path, load_external_data=False).graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name in rows[0] and any(not dim.HasField("dim_value") for dim in dims):
            shape = "x".join(map(str, rows[0][value.name].shape))
            found += ["--shapes", f"{value.name}:{shape},{shape},{shape}"]
    return found


def counted(report: dict) -> dict:
    nodes = [node for node in report["rewrite"]["nodes"] if node["op_type"] in WEIGHTED]
    return {"int8_nodes": sum("quantized" in node["outcome"] for node in nodes), "weighted_nodes": len(nodes)}


class Trial:
    """One network on its way through everything."""

    def __init__(self, network: Network, options: argparse.Namespace, scratch: Path) -> None:
        self.network, self.options, self.scratch = network, options, scratch
        self.flags = network.flags(options.photos)
        self.rows = samples(network, options.photos, options.calibrant, options.zoo / "tensors")
        self.kept = scratch / "samples.npz"
        saved(self.rows, self.kept)

    def quantize(self, output: str, *more: str) -> Ended:
        command = [self.options.calibrant, "quantize", "--quiet", "--model", self.network.path, "--output", self.scratch / output]
        return run([*command, *self.flags, *more], self.options.limit_s)

    def judge(self, *more: str | Path) -> dict:
        ended = run([sys.executable, HERE / "judge.py", self.kept, self.network.path, *more], self.options.limit_s)
        return json.loads(ended.out) if ended.code == 0 else {"failed": ended.word()}

    def ours(self) -> dict:
        ended = self.quantize("auto", "--engine", "none")
        row = {"int8": ended.word().split(":")[0], "message": "" if ended.code == 0 else ended.word()}
        row |= {"seconds": round(ended.seconds, 2), "peak_mib": round(ended.peak_mib)}
        if ended.code == 0:
            output = self.scratch / "auto"
            report = json.loads((output / "report.json").read_text())
            row |= counted(report) | {"runtime": report["calibration"]["backend"]["name"]}
            verdict = self.judge("--table", output / "calibration.json", "--quantized", output / "model.onnx")
            if "failed" in verdict:
                return row | {"cosine": verdict["failed"]}
            ranges = verdict["ranges"]
            row |= {"range_difference": f"{ranges['difference']:.1e}", "range_tensor": ranges["at"]}
            row |= {"other_counts": len(ranges["other_counts"]), "cosine": shown(verdict["cosine"])}
        return row

    def alone(self) -> dict:
        return {"embedded": self.quantize("alone", "--engine", "none", "--backend", "embedded").word()}

    def engine(self) -> dict:
        library = ["--tensorrt", str(self.options.tensorrt)]
        return {"rtx_int8": self.quantize("engine", "--engine", "require", *library).word()}

    def float_engine(self) -> dict:
        command = [self.options.calibrant, "build", "--quiet", "--model", self.network.path, "--tensorrt", self.options.tensorrt]
        return {"rtx_fp32": run([*command, *shapes(self.network, self.rows), "-o", self.scratch / "fp32.plan"], self.options.limit_s).word()}

    def peer(self, tool: str, python: Path | str) -> str:
        target = self.scratch / f"{tool}.onnx"
        ended = run([python, HERE / "peer.py", tool, self.kept, self.network.path, target], self.options.limit_s)
        if ended.code != 0:
            return ended.word()
        verdict = self.judge("--quantized", target)
        return f"fails: {verdict['failed']}" if "failed" in verdict else f"ok {shown(verdict['cosine'])}"

    def quantize_static(self) -> dict:
        return {"quantize_static": self.peer("quantize_static", sys.executable)}

    def modelopt(self) -> dict:
        return {"modelopt": self.peer("modelopt", self.options.modelopt_python)}


def parts(options: argparse.Namespace) -> dict[str, Callable[[Trial], dict]]:
    """What is asked for, each by the column that says that it is done."""
    found = {"int8": Trial.ours, "embedded": Trial.alone}
    if options.tensorrt:
        found |= {"rtx_int8": Trial.engine, "rtx_fp32": Trial.float_engine}
    if options.peers:
        found["quantize_static"] = Trial.quantize_static
        if options.modelopt_python:
            found["modelopt"] = Trial.modelopt
    return {column: part for column, part in found.items() if not options.parts or column in options.parts.split(",")}


def read(path: Path) -> dict[str, dict]:
    if not path.exists():
        return {}
    with path.open() as file:
        return {f"{row['model']}.{row['exporter']}": row for row in csv.DictReader(file)}


def write(path: Path, rows: dict[str, dict]) -> None:
    """Replaces the file whole, so that an interrupted run loses nothing."""
    fresh = path.with_suffix(".new")
    with fresh.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))
    fresh.replace(path)


def shown(value: float | None) -> str:
    return "no direction" if value is None else f"{value:.5f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, required=True, help="what export.py and packages.py have made")
    parser.add_argument("--photos", type=Path, required=True, help="the photographs that it was made with")
    parser.add_argument("--calibrant", type=Path, required=True, help="the release binary")
    parser.add_argument("--results", type=Path, required=True, help="a CSV file, which is brought up to date")
    parser.add_argument("--tensorrt", type=Path, help="TensorRT-RTX's library or its folder")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--modelopt-python", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--parts", default="", help="the columns to fill: int8, embedded, rtx_int8, rtx_fp32, quantize_static, modelopt")
    parser.add_argument("--again", action="store_true", help="also where there is something already")
    parser.add_argument("--limit-s", type=float, default=900, help="for each command")
    options = parser.parse_args()
    options.calibrant, options.photos = options.calibrant.resolve(), options.photos.resolve()
    options.zoo = options.zoo.resolve()
    rows = read(options.results)
    wanted = set(filter(None, options.only.split(",")))
    for network in networks(options.zoo):
        if wanted and network.name not in wanted:
            continue
        row = rows.setdefault(network.name, {key: network.about[key] for key in ("model", "exporter", "opset", "nodes")})
        missing = {column: part for column, part in parts(options).items() if options.again or not row.get(column)}
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            trial = Trial(network, options, Path(scratch))
            for part in missing.values():
                row.update(part(trial))
        write(options.results, rows)
        print(" ".join(f"{key}={value}" for key, value in row.items() if value != ""), flush=True)


if __name__ == "__main__":
    main()
