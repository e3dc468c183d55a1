"""What ONNX Runtime says of a result: ranges tensor by tensor, and how near the quantized answers are.

    python benches/zoo/judge.py SAMPLES.npz MODEL.onnx [--table calibration.json] [--quantized QUANTIZED.onnx]

Prints one line of JSON. A process of its own for each model, because a model can take all memory or end the process.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from samples import Sample, restored

ort.set_default_logger_severity(4)


def session(model: bytes | str, plain: bool = False) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if plain:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def ranges(path: Path, table: dict, rows: list[Sample]) -> dict:
    """The largest difference of a minimum or maximum, of the larger magnitude of the two; and where counts differ."""
    model = onnx.load(path)
    made = {output for node in model.graph.node for output in node.output}
    wanted = [name for name in table if name in made]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    running = session(model.SerializeToString(), plain=True)
    low, high, count = {}, {}, dict.fromkeys(wanted, 0)
    for row in rows:
        for name, value in zip(wanted, running.run(wanted, row), strict=True):
            if value.size:
                low[name] = min(low.get(name, np.inf), float(value.min()))
                high[name] = max(high.get(name, -np.inf), float(value.max()))
            count[name] += value.size
    worst, where = 0.0, None
    for name, lowest in low.items():
        ours = table[name]
        magnitude = max(abs(lowest), abs(high[name]), 1e-30)
        difference = max(abs(ours["minimum"] - lowest), abs(ours["maximum"] - high[name])) / magnitude
        if difference > worst:
            worst, where = difference, name
    counts = [name for name in wanted if count[name] != table[name]["count"]]
    return {"tensors": len(wanted), "difference": worst, "at": where, "other_counts": counts}


def cosine(original: Path, quantized: Path, rows: list[Sample]) -> float | None:
    """The least, over the float outputs, of the mean cosine of the samples; none where no output has a direction."""
    before, after = session(str(original)), session(str(quantized))
    found: dict[int, list[float]] = {}
    for row in rows:
        for k, (x, y) in enumerate(zip(before.run(None, row), after.run(None, row), strict=True)):
            if x.dtype.kind != "f" or x.shape != y.shape or not np.isfinite(x).all():
                continue
            x, y = x.astype(np.float64).ravel(), y.astype(np.float64).ravel()
            length = np.linalg.norm(x) * np.linalg.norm(y)
            if length > 0:
                found.setdefault(k, []).append(float(x @ y / length))
    return min((float(np.mean(it)) for it in found.values()), default=None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--quantized", type=Path)
    options = parser.parse_args()
    rows, found = restored(options.samples), {}
    if options.table:
        found["ranges"] = ranges(options.model, json.loads(options.table.read_text())["tensors"], rows)
    if options.quantized:
        found["cosine"] = cosine(options.model, options.quantized, rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
