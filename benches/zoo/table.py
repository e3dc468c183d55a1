"""Makes a page of the results of run.py.

python benches/zoo/table.py zoo.csv zoo.md --machine "Intel Xeon, 2 cores" --commit $(git rev-parse --short HEAD)
"""

import argparse
import csv
from pathlib import Path

HEAD = """# What goes through

{networks} exports of {architectures} architectures, each given to `calibrant quantize` as it came out of its exporter.
Weights are random but seeded, except in the networks of PyPI's packages, which are trained; batch normalisation has its statistics from photographs.
`benches/zoo` has the scripts, the versions, and the command that makes this page anew.

{summary}

* *runtime*: what `--backend auto` took.
* *INT8*: nodes with weights that read int8, of all such nodes.
* *s*, *MiB*: wall seconds of the whole command with {samples} samples, and its peak of resident memory.
* *range*: the largest difference of a tensor's minimum or maximum to ONNX Runtime's on the same inputs, as a share of the larger magnitude.
* *cosine*: of the INT8 model's answers to the float model's in ONNX Runtime, the least over the outputs. What ranks or picks (boxes, classes after an NMS) has no meaningful one.
* *RTX*: whether TensorRT-RTX builds the float model and the INT8 model.
* *quantize_static*, *ModelOpt*: the same of ONNX Runtime's and NVIDIA's tools, with the same file and samples.

Machine: {machine}; commit {commit}.

| model | exporter | runtime | INT8 | s | MiB | range | cosine | embedded alone | RTX float, INT8 | quantize_static | ModelOpt |
|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def short(text: str) -> str:
    """The outcome in a cell: a cosine, `yes`, or that it fails."""
    if not text:
        return ""
    if text == "ok":
        return "yes"
    if text.startswith("ok "):
        return text[3:]
    return "crashes" if text.startswith("fails (-") else "time" if text.startswith("not done") else "fails"


def line(row: dict) -> str:
    weighted = f"{row['int8_nodes']} of {row['weighted_nodes']}" if row["int8_nodes"] else short(row["int8"])
    engines = f"{short(row['rtx_fp32'])}, {short(row['rtx_int8'])}" if row["rtx_fp32"] or row["rtx_int8"] else ""
    cells = [
        row["model"], row["exporter"], row["runtime"], weighted, row["seconds"], row["peak_mib"], row["range_difference"],
        row["cosine"], short(row["embedded"]), engines, short(row["quantize_static"]), short(row["modelopt"]),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def passed(rows: list[dict], column: str) -> str:
    tried = [row for row in rows if row[column]]
    return f"{sum(row[column].startswith('ok') for row in tried)} of {len(tried)}"


def summary(rows: list[dict]) -> str:
    lines = [f"`calibrant quantize`: {passed(rows, 'int8')}; by the embedded runtime alone: {passed(rows, 'embedded')}."]
    if any(row["rtx_fp32"] for row in rows):
        both = [row for row in rows if row["rtx_fp32"] == "ok"]
        built = sum(row["rtx_int8"] == "ok" for row in both)
        lines.append(f"TensorRT-RTX builds the float model of {passed(rows, 'rtx_fp32')}, and of those the INT8 model of {built}.")
    if any(row["quantize_static"] for row in rows):
        lines.append(f"ONNX Runtime's `quantize_static`: {passed(rows, 'quantize_static')}; ModelOpt: {passed(rows, 'modelopt')}.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--commit", required=True, help="what the binary was built from")
    options = parser.parse_args()
    rows = list(csv.DictReader(options.results.open()))
    head = HEAD.format(
        networks=len(rows),
        architectures=len({row["model"] for row in rows}),
        summary=summary(rows),
        samples=4,
        machine=options.machine,
        commit=options.commit,
    )
    options.page.write_text(head + "\n".join(map(line, rows)) + "\n")


if __name__ == "__main__":
    main()
