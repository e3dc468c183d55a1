"""ONNX's own node tests through `calibrate`: least value, largest value and count of each output against the stored ones.

    python benches/zoo/node_tests.py --calibrant target/release/calibrant [--backend embedded] [--results FILE.csv]

The tests are those of onnx 1.17.0, the last version whose wheel has them; they are fetched with pip. A test counts when
one of its outputs is float32 and finite. Each is given whole: a folder with one npz that has every input as it is
stored. Exit status 1 when a stored output differs or the program crashes; what is refused is counted.
"""

import argparse
import collections
import csv
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

WHEEL = "onnx==1.17.0"
FOLDER = "onnx/backend/test/data/node/"
TOLERANCE = 1e-4


def fetched(target: Path) -> Path:
    """The folder of the tests, one folder each."""
    kept = target / FOLDER
    if not kept.is_dir():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.11"]
        subprocess.run([*command, "--dest", str(target), WHEEL], check=True)
        with zipfile.ZipFile(next(target.glob("onnx-1.17.0-*.whl"))) as archive:
            archive.extractall(target, [name for name in archive.namelist() if name.startswith(FOLDER)])
    return kept


def stored(folder: Path, kind: str, count: int) -> list[np.ndarray]:
    paths = [folder / "test_data_set_0" / f"{kind}_{k}.pb" for k in range(count)]
    return [numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())) for path in paths]


def is_judged(value: np.ndarray) -> bool:
    return value.dtype == np.float32 and value.size > 0 and bool(np.isfinite(value).all())


def agrees(said: dict, value: np.ndarray) -> bool:
    magnitude = max(float(np.abs(value).max()), 1e-6)
    ends = abs(said["minimum"] - float(value.min())), abs(said["maximum"] - float(value.max()))
    return said["count"] == value.size and max(ends) <= TOLERANCE * magnitude


def outcome(test: Path, calibrant: Path, backend: str | None, scratch: Path) -> tuple[str, str] | None:
    """What became of a test and why; none where it has nothing to compare."""
    graph = onnx.load(test / "model.onnx").graph
    try:
        inputs = stored(test, "input", len(graph.input))
        outputs = stored(test, "output", len(graph.output))
    except Exception:  # sequences and optional values are no tensors
        return None
    judged = {it.name: value for it, value in zip(graph.output, outputs, strict=True) if is_judged(value)}
    if not judged:
        return None
    (scratch / "samples").mkdir()
    np.savez(scratch / "samples" / "0.npz", **{it.name: value for it, value in zip(graph.input, inputs, strict=True)})
    command = [calibrant, "calibrate", "--quiet", "--method", "minmax", "--model", test / "model.onnx"]
    command += ["--images", scratch / "samples", "--output", scratch / "out"]
    if backend:
        command += ["--backend", backend]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "hangs", ""
    if done.returncode not in (0, 1, 2, 3):
        return "crashes", done.stderr[-200:]
    if done.returncode:
        return "refused", next((it for it in done.stderr.splitlines() if it.startswith("error")), done.stderr)[:300]
    table = json.loads((scratch / "out" / "calibration.json").read_text())["tensors"]
    missing = [name for name in judged if name not in table]
    other = [name for name, value in judged.items() if name in table and not agrees(table[name], value)]
    if other:
        return "wrong", ", ".join(other)
    return ("not observed", ", ".join(missing)) if missing else ("equal", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrant", type=Path, required=True)
    parser.add_argument("--backend")
    parser.add_argument("--tests", type=Path, default=Path("target/node-tests"), help="where the wheel goes")
    parser.add_argument("--results", type=Path, help="a CSV with a row for each test")
    options = parser.parse_args()
    options.tests.mkdir(parents=True, exist_ok=True)
    rows, counts = [], collections.Counter()
    for test in sorted(fetched(options.tests.resolve()).iterdir()):
        with tempfile.TemporaryDirectory() as scratch:
            found = outcome(test, options.calibrant.resolve(), options.backend, Path(scratch))
        if found:
            counts[found[0]] += 1
            rows.append((test.name, *found))
    if options.results:
        with options.results.open("w", newline="") as file:
            csv.writer(file).writerows([("test", "outcome", "why"), *rows])
    print(f"{len(rows)} tests: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()))
    bad = [row for row in rows if row[1] in ("wrong", "crashes", "hangs")]
    for name, word, why in bad:
        print(f"{name}: {word} {why}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
