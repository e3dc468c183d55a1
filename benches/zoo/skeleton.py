"""Exports without their weights, small enough to be kept, and back again with weights like the ones that they had.

    python benches/zoo/skeleton.py strip ZOO FOLDER NAME.EXPORTER...   # leaves NAME.EXPORTER.onnx and .json in FOLDER
    python benches/zoo/skeleton.py fill FOLDER ZOO                     # what run.py takes

A weight of more than a few KiB becomes a place in a file that is not there, with the mean and the deviation that it had;
filling draws it from a normal distribution with those, by a generator whose seed is its name. Everything else is kept as
it was exported: the graph, attributes, shapes, constants, and the statistics of batch normalisation; but not what
exporters say of the source.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

LARGEST_KEPT_BYTES = 4096
DRAWN = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16}


def stripped(model: onnx.ModelProto, data: str) -> dict[str, dict]:
    """Takes the large weights out of `model`; what is left to say of them, by name."""
    found, offset = {}, 0
    for tensor in model.graph.initializer:
        if tensor.data_type not in DRAWN or tensor.ByteSize() <= LARGEST_KEPT_BYTES:
            continue
        value = numpy_helper.to_array(tensor)
        found[tensor.name] = {"mean": float(np.mean(value, dtype=np.float64)), "deviation": float(np.std(value, dtype=np.float64))}
        for field in ("raw_data", "float_data", "int32_data"):
            tensor.ClearField(field)
        tensor.data_location = TensorProto.EXTERNAL
        for key, said in (("location", data), ("offset", offset), ("length", value.nbytes)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(said)
        offset += value.nbytes
    return found


def unexplained(graph: onnx.GraphProto) -> None:
    """Takes out what exporters say of where in whose source a node comes from."""
    for value in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info]:
        value.ClearField("doc_string")
        value.ClearField("metadata_props")
    for attribute in [attribute for node in graph.node for attribute in node.attribute]:
        for inner in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
            unexplained(inner)


def drawn(tensor: TensorProto, about: dict) -> bytes:
    seed = int.from_bytes(hashlib.sha256(tensor.name.encode()).digest()[:8], "little")
    value = np.random.default_rng(seed).normal(about["mean"], about["deviation"], tuple(tensor.dims))
    return value.astype(DRAWN[tensor.data_type]).tobytes()


def strip(zoo: Path, folder: Path, name: str) -> None:
    model = onnx.load(zoo / f"{name}.onnx")
    about = json.loads((zoo / f"{name}.json").read_text())
    unexplained(model.graph)
    about["weights"] = stripped(model, f"{name}.onnx.data")
    onnx.save(model, folder / f"{name}.onnx")
    (folder / f"{name}.json").write_text(json.dumps(about, indent=1) + "\n")
    if "npz" in about:
        arrays = dict(np.load(zoo / about["npz"]))
        np.savez_compressed(folder / about["npz"], **{key: array[:4] for key, array in arrays.items()})


def fill(folder: Path, zoo: Path) -> None:
    zoo.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.json")):
        about = json.loads(path.read_text())
        weights = about.pop("weights")
        model = onnx.load(path.with_suffix(".onnx"), load_external_data=False)
        with (zoo / f"{path.stem}.onnx.data").open("wb") as data:
            for tensor in model.graph.initializer:
                if tensor.name in weights:
                    data.write(drawn(tensor, weights[tensor.name]))
        shutil.copyfile(path.with_suffix(".onnx"), zoo / f"{path.stem}.onnx")
        if "npz" in about:
            shutil.copyfile(folder / about["npz"], zoo / about["npz"])
        (zoo / path.name).write_text(json.dumps(about) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    strips = commands.add_parser("strip")
    strips.add_argument("zoo", type=Path)
    strips.add_argument("folder", type=Path)
    strips.add_argument("names", nargs="+")
    fills = commands.add_parser("fill")
    fills.add_argument("folder", type=Path)
    fills.add_argument("zoo", type=Path)
    options = parser.parse_args()
    if options.command == "fill":
        fill(options.folder, options.zoo)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        strip(options.zoo, options.folder, name)


if __name__ == "__main__":
    main()
