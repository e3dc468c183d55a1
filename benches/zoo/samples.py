"""The samples of a network of the zoo as its inputs take them, equal for every tool that is compared."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

Sample = dict[str, np.ndarray]
TYPES = {
    onnx.TensorProto.FLOAT: np.float32,
    onnx.TensorProto.FLOAT16: np.float16,
    onnx.TensorProto.DOUBLE: np.float64,
    onnx.TensorProto.INT32: np.int32,
    onnx.TensorProto.INT64: np.int64,
    onnx.TensorProto.UINT8: np.uint8,
    onnx.TensorProto.BOOL: np.bool_,
}
COUNT = 4


@dataclass(frozen=True)
class Network:
    """A model of the zoo, and what its JSON says of it."""

    path: Path
    about: dict

    @property
    def name(self) -> str:
        return f"{self.about['model']}.{self.about['exporter']}"

    def flags(self, photos: Path) -> list[str]:
        """How the command is given the samples."""
        if "preset" in self.about:
            size = self.about["size"]
            return ["--images", str(photos), "--limit", str(COUNT), "--preset", self.about["preset"], "--size", f"{size}x{size}"]
        given = self.path.parent / self.about.get("npz", self.about.get("folder"))
        return ["--images", str(given), "--limit", str(COUNT)]


def networks(zoo: Path) -> list[Network]:
    return [Network(path.with_suffix(".onnx"), json.loads(path.read_text())) for path in sorted(zoo.glob("*.json"))]


def tensor_of(calibrant: Path, photo: Path, preset: str, size: int, cache: Path) -> np.ndarray:
    """A picture as the command preprocesses it, 1 x C x H x W."""
    kept = cache / f"{photo.stem}.{preset}.{size}.npy"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [calibrant, "preprocess", "--quiet", photo, "--preset", preset, "--size", f"{size}x{size}", "-o", kept]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.load(kept)[None]


def samples(network: Network, photos: Path, calibrant: Path, cache: Path) -> list[Sample]:
    """What the command calibrates on, one dictionary of whole inputs for each run of the network."""
    graph = onnx.load(network.path, load_external_data=False).graph
    weights = {it.name for it in graph.initializer}
    types = {it.name: TYPES[it.type.tensor_type.elem_type] for it in graph.input if it.name not in weights}
    about = network.about
    if "preset" in about:
        found = sorted(photos.glob("*.jpg"))[:COUNT]
        name = next(iter(types))
        rows = [{name: tensor_of(calibrant, photo, about["preset"], about["size"], cache)} for photo in found]
    elif "folder" in about:
        rows = [dict(np.load(path)) for path in sorted((network.path.parent / about["folder"]).glob("*.npz"))[:COUNT]]
    else:
        arrays = dict(np.load(network.path.parent / about["npz"]))
        count = min(COUNT, *(len(array) for array in arrays.values()))
        rows = [{name: array[k : k + 1] for name, array in arrays.items()} for k in range(count)]
    return [{name: np.ascontiguousarray(row[name]).astype(kind) for name, kind in types.items()} for row in rows]


def saved(rows: list[Sample], path: Path) -> None:
    """One npz for the peers' scripts: `K/NAME` is input NAME of sample K."""
    np.savez(path, **{f"{k}/{name}": array for k, row in enumerate(rows) for name, array in row.items()})


def restored(path: Path) -> list[Sample]:
    found: dict[int, Sample] = {}
    for key, array in np.load(path).items():
        k, name = key.split("/", 1)
        found.setdefault(int(k), {})[name] = array
    return [found[k] for k in sorted(found)]
