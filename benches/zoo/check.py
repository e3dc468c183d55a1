"""Takes the exports that are kept without their weights through everything, and fails where something is wrong.

python benches/zoo/check.py --calibrant target/release/calibrant [--tensorrt LIBRARY]
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import skeleton

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "fixtures"
LARGEST_RANGE_DIFFERENCE = 1e-4
# Of a half-precision model ONNX Runtime's own values are rounded to 11 bits.
LARGEST_HALF_DIFFERENCE = 2e-3
# Random weights bear less rounding than trained ones; a wrong range or a wrong node is far below.
LEAST_COSINE = 0.8


def wrong(row: dict, engines: bool) -> list[str]:
    """What is not as it has to be."""
    found = [f"{column}: {row[column]}" for column in ("int8", "embedded") if row[column] != "ok"]
    if engines and row["rtx_int8"] != "ok" and row["rtx_fp32"] == "ok":
        found.append(f"rtx_int8: {row['rtx_int8']}")
    if found:
        return [*found, row["message"]]
    largest = LARGEST_HALF_DIFFERENCE if "half" in row["model"] else LARGEST_RANGE_DIFFERENCE
    if not row["range_difference"] or float(row["range_difference"]) > largest:
        found.append(f"the range of {row['range_tensor']} differs by {row['range_difference']}")
    if row["other_counts"] != "0":
        found.append(f"{row['other_counts']} tensors have other counts")
    if row["cosine"] != "no direction" and float(row["cosine"]) < LEAST_COSINE:
        found.append(f"cosine {row['cosine']}")
    return found


def rows(results: Path) -> list[dict]:
    with results.open() as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrant", type=Path, required=True)
    parser.add_argument("--tensorrt", type=Path, help="TensorRT-RTX's library or its folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        zoo, results = Path(folder) / "zoo", Path(folder) / "zoo.csv"
        skeleton.fill(FIXTURES / "zoo", zoo)
        command = [sys.executable, HERE / "run.py", "--zoo", zoo, "--photos", FIXTURES / "photos", "--calibrant", options.calibrant]
        command += ["--results", results]
        if options.tensorrt:
            command += ["--tensorrt", options.tensorrt, "--parts", "int8,embedded,rtx_int8"]
        subprocess.run(list(map(str, command)), check=True)
        unbuilt = [f"{row['model']}.{row['exporter']}" for row in rows(results) if options.tensorrt and row["rtx_int8"] != "ok"]
        if unbuilt:  # whether their float models are built
            subprocess.run([*map(str, command[:-1]), "rtx_fp32", "--only", ",".join(unbuilt)], check=True)
        found = {row["model"]: wrong(row, bool(options.tensorrt)) for row in rows(results)}
    for model, problems in found.items():
        print(f"{model}: {'; '.join(problems) or 'as it has to be'}")
    if any(found.values()) or not found:
        sys.exit(1)


if __name__ == "__main__":
    main()
