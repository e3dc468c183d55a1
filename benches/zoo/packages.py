"""Takes the networks with trained weights out of packages of PyPI, and makes inputs for them.

    python benches/zoo/packages.py --photos PHOTOGRAPHS --zoo FOLDER

Writes FOLDER/NAME.pypi.onnx, samples, and the NAME.pypi.json that says where they are: an npz whose first axis counts
them, or a folder of npz with one sample each. Pictures are scaled as each package scales them; sound is a few decaying
tones, and text is the Python standard library's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

SAMPLES = 4
RAPIDOCR, NUDENET, DDDDOCR = "rapidocr_onnxruntime==1.4.4", "nudenet==3.4.2", "ddddocr==1.6.1"
SILERO, MAGIKA, BASIC_PITCH = "silero_vad==6.2.3", "magika==1.0.3", "basic_pitch==0.4.0"
Arrays = dict[str, np.ndarray]


def pictures(photos: Path, width: int, height: int) -> np.ndarray:
    """N x 3 x height x width, RGB of 0 to 255."""
    found = sorted(photos.glob("*.jpg"))[:SAMPLES]
    scaled = [np.asarray(Image.open(path).convert("RGB").resize((width, height)), np.float32) for path in found]
    return np.stack(scaled).transpose(0, 3, 1, 2)


def strips(photos: Path, width: int, height: int) -> np.ndarray:
    """The same of strips across each picture, as long as lines of text are."""
    found = []
    for path in sorted(photos.glob("*.jpg"))[:SAMPLES]:
        image = Image.open(path).convert("RGB")
        top, tall = image.height // 3, max(8, image.width * height // width)
        found.append(np.asarray(image.crop((0, top, image.width, top + tall)).resize((width, height)), np.float32))
    return np.stack(found).transpose(0, 3, 1, 2)


def gray(rgb: np.ndarray) -> np.ndarray:
    return rgb.mean(1, keepdims=True)


def sound(length: int, rate: int) -> np.ndarray:
    """N x length, decaying chords with a little noise."""
    r, t = np.random.default_rng(0), np.arange(length) / rate
    waves = []
    for _ in range(SAMPLES):
        tones = zip(r.uniform(0.05, 0.2, 4), r.uniform(80, 2000, 4), r.uniform(0, 6, 4), strict=True)
        chord = sum(a * np.sin(2 * np.pi * f * t + phase) for a, f, phase in tones)
        waves.append(chord * np.exp(-t) + r.normal(0, 0.003, length))
    return np.stack(waves).astype(np.float32)


def text() -> np.ndarray:
    """N x 2048 bytes of source code."""
    source = Path(argparse.__file__).read_bytes()
    return np.stack([np.frombuffer(source[k * 3000 : k * 3000 + 2048], np.uint8) for k in range(8)]).astype(np.int32)


def centred(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 255 - 0.5) / 0.5


def speech(state: Arrays) -> Callable[[Path], list[Arrays]]:
    """Samples given whole: a window of sound and the state of the network before it."""
    return lambda photos: [{"input": wave[None]} | state for wave in sound(576, 16000)]


STATE = {"state": np.zeros((2, 1, 128), np.float32)}
RATE = {"sr": np.array(16000, np.int64)}
HALVES = {"h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}

# Name, package, the file in it, and the samples.
MODELS: list[tuple[str, str, str, Callable[[Path], Arrays | list[Arrays]]]] = [
    ("ppocrv4_det", RAPIDOCR, "ch_PP-OCRv4_det_infer.onnx", lambda p: {"x": centred(pictures(p, 640, 640)[:, ::-1])}),
    ("ppocrv4_rec", RAPIDOCR, "ch_PP-OCRv4_rec_infer.onnx", lambda p: {"x": centred(strips(p, 320, 48)[:, ::-1])}),
    ("nudenet_320n", NUDENET, "320n.onnx", lambda p: {"images": pictures(p, 320, 320) / 255}),
    ("ddddocr_common", DDDDOCR, "common.onnx", lambda p: {"input1": centred(gray(strips(p, 160, 64)))}),
    ("ddddocr_old_dynint8", DDDDOCR, "common_old.onnx", lambda p: {"input1": centred(gray(strips(p, 160, 64)))}),
    ("ddddocr_det_yolox", DDDDOCR, "common_det.onnx", lambda p: {"images": pictures(p, 416, 416)[:, ::-1]}),
    ("basic_pitch", BASIC_PITCH, "nmp.onnx", lambda p: {"serving_default_input_2:0": sound(43844, 22050)[..., None]}),
    ("magika", MAGIKA, "model.onnx", lambda p: {"bytes": text()}),
    ("silero_vad", SILERO, "silero_vad.onnx", speech(STATE | RATE)),
    ("silero_16k_op15", SILERO, "silero_vad_16k_op15.onnx", speech(STATE | RATE)),
    ("silero_openvino", SILERO, "silero_vad_openvino_16k.onnx", speech(STATE)),
    ("silero_sequence", SILERO, "silero_vad_16k_sequence.onnx", speech(HALVES)),
]


def written(name: str, samples: Arrays | list[Arrays], zoo: Path) -> dict[str, str]:
    """Writes the samples, and returns where they are."""
    if isinstance(samples, list):
        (zoo / name).mkdir(exist_ok=True)
        for k, sample in enumerate(samples):
            np.savez(zoo / name / f"{k}.npz", **sample)
        return {"folder": name}
    np.savez(zoo / f"{name}.npz", **{key: np.ascontiguousarray(value) for key, value in samples.items()})
    return {"npz": f"{name}.npz"}


def wheel(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    subprocess.run(command, check=True)
    return next(folder.glob(requirement.split("==")[0] + "-*.whl"))


def member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(it for it in archive.namelist() if it.rsplit("/", 1)[-1] == name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of JPEG photographs")
    parser.add_argument("--zoo", type=Path, required=True)
    options = parser.parse_args()
    options.zoo.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = {package: wheel(package, Path(folder)) for package in {it[1] for it in MODELS}}
        for name, package, file, samples in MODELS:
            target = options.zoo / f"{name}.pypi.onnx"
            target.write_bytes(member(wheels[package], file))
            model = onnx.load(target)
            opset = max(it.version for it in model.opset_import if it.domain in ("", "ai.onnx"))
            about = {"model": name, "exporter": "pypi", "opset": opset, "nodes": len(model.graph.node)}
            about |= written(name, samples(options.photos), options.zoo)
            target.with_suffix(".json").write_text(json.dumps(about) + "\n")


if __name__ == "__main__":
    main()
