"""Exports the zoo to ONNX: architectures with seeded random weights, by every exporter that people use.

    python benches/zoo/export.py --photos PHOTOGRAPHS --zoo FOLDER [--only resnet18.legacy,lstm.dynamo]

Each network is exported in a process of its own, within a limit of time, as FOLDER/NAME.EXPORTER.onnx; beside it stands
NAME.EXPORTER.json, which says how its input is given: the preset and the size of pictures, or an npz whose first axis
counts the samples. What is there already is left as it is. Batch normalisation gets its statistics from twelve
photographs, so that activations are as large as in a trained network.
"""

import argparse
import inspect
import json
import os
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image

os.environ["YOLO_AUTOINSTALL"] = "false"
sys.path.insert(0, str(Path(__file__).resolve().parent))

import small  # noqa: E402, F401
import transformer  # noqa: E402, F401
import vision  # noqa: E402, F401
from registry import ENTRIES, Entry  # noqa: E402
from ultralytics import RTDETR, YOLO  # noqa: E402

SAMPLES = 12
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
DYNAMO = """
resnet18 resnet50 mobilenet_v2 mobilenet_v3_large efficientnet_b0 convnext_tiny shufflenet_v2_x1_0 vit_b_16
timm_vit_small_patch16_224 deeplabv3_mnv3 unet_convT unet_bilinear hf_bert hf_distilbert hf_clip_vision hf_whisper_enc
hf_detr hf_segformer hf_modernbert hf_wav2vec2 lstm gru r3d_18 esrgan sr_cubic dcgan style_instnorm masked_int_bool crnn_ocr cond
"""


def every() -> list[tuple[str, str]]:
    """Each network and its exporter; `cond` is code that the older exporter does not take."""
    older = [(name, "ultralytics" if entry.ultralytics else "legacy") for name, entry in ENTRIES.items() if name != "cond"]
    return older + [(name, "dynamo") for name in DYNAMO.split()]


def pictures(folder: Path, size: int) -> torch.Tensor:
    """N x 3 x size x size, of 0 to 1."""
    found = sorted(folder.glob("*.jpg"))[:SAMPLES]
    if not found:
        sys.exit(f"no JPEG in {folder}")
    scaled = [np.asarray(Image.open(path).convert("RGB").resize((size, size)), np.float32) / 255 for path in found]
    return torch.from_numpy(np.stack(scaled).transpose(0, 3, 1, 2).copy())


def settle(net: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Takes the statistics of batch normalisation from `inputs`, twice, because those of later layers follow."""
    norms = [module for module in net.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for _ in range(2 if norms else 0):
        for norm in norms:
            if norm.track_running_stats:
                norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            try:
                net(*inputs)
            except ValueError as error:  # a map of one element has no variance
                print("statistics stay as they are:", error)
        net.eval()


def by_ultralytics(entry: Entry, photos: Path, target: Path) -> dict:
    model = (RTDETR if entry.ultralytics.startswith("rtdetr") else YOLO)(entry.ultralytics + ".yaml")
    settle(model.model, (pictures(photos, entry.size),))
    options = {"format": "onnx", "imgsz": entry.size, "dynamic": False, "simplify": False, "device": "cpu", "opset": entry.opset}
    if entry.nms:
        options |= {"nms": True, "conf": 0.001}
    scratch = target.with_suffix(".scratch")
    scratch.mkdir(exist_ok=True)
    os.chdir(scratch)
    os.replace(model.export(**options), target)
    for left in scratch.iterdir():
        left.unlink()
    scratch.rmdir()
    return {"preset": entry.preset, "size": entry.size}


def by_torch(name: str, entry: Entry, exporter: str, photos: Path, target: Path) -> dict:
    net = entry.make().eval()
    if entry.arrays:
        arrays = entry.arrays()
        np.savez(target.parent / f"{name}.npz", **arrays)
        inputs, names, given = tuple(torch.from_numpy(a) for a in arrays.values()), list(arrays), {"npz": f"{name}.npz"}
    else:
        image = pictures(photos, entry.size)
        inputs, names = ((image - MEAN) / STD if entry.preset == "torchvision" else image,), ["input"]
        given = {"preset": entry.preset, "size": entry.size}
    if not isinstance(net, torch.jit.ScriptModule):
        settle(net, inputs)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    if entry.half:
        net, inputs = net.half(), tuple(x.half() if x.is_floating_point() else x for x in inputs)
    example = tuple(x[: 2 if entry.dynamic else 1] for x in inputs)
    if exporter == "legacy":
        axes = {name: {0: "batch"} for name in names} if entry.dynamic else None
        torch.onnx.export(net, example, str(target), dynamo=False, opset_version=entry.opset, input_names=names, dynamic_axes=axes)
    else:
        shapes = tuple({0: torch.export.Dim.DYNAMIC} for _ in example) if entry.dynamic else None
        takes = list(inspect.signature(net.forward).parameters.values())
        if shapes and takes and takes[0].kind == inspect.Parameter.VAR_POSITIONAL:
            shapes = (shapes,)  # seen as one parameter, a tuple
        torch.onnx.export(net, example, str(target), dynamo=True, input_names=names, dynamic_shapes=shapes)
    return given


def export(name: str, exporter: str, photos: Path, zoo: Path) -> None:
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    torch.backends.mha.set_fastpath_enabled(False)  # the older exporter has no operator for it
    torch.manual_seed(0)
    entry, target = ENTRIES[name], zoo / f"{name}.{exporter}.onnx"
    given = by_ultralytics(entry, photos, target) if entry.ultralytics else by_torch(name, entry, exporter, photos, target)
    model = onnx.load(target, load_external_data=False)
    opset = max(it.version for it in model.opset_import if it.domain in ("", "ai.onnx"))
    about = {"model": name, "exporter": exporter, "opset": opset, "nodes": len(model.graph.node)} | given
    target.with_suffix(".json").write_text(json.dumps(about) + "\n")


def in_a_fork(name: str, exporter: str, photos: Path, zoo: Path, limit_s: float) -> str:
    """Exports in a process that has the imports already; what came of it, in a word."""
    log = zoo / f"{name}.{exporter}.log"
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        with open(log, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            try:
                export(name, exporter, photos, zoo)
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        os._exit(0)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return "ok" if status == 0 else f"failed, see {log.name}"
        time.sleep(0.05)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return f"not done in {limit_s:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of JPEG photographs")
    parser.add_argument("--zoo", type=Path, required=True)
    parser.add_argument("--only", default="", help="NAME.EXPORTER, several with commas between them")
    parser.add_argument("--limit-s", type=float, default=600)
    options = parser.parse_args()
    zoo, photos = options.zoo.resolve(), options.photos.resolve()
    zoo.mkdir(parents=True, exist_ok=True)
    wanted = [tuple(it.rsplit(".", 1)) for it in options.only.split(",") if it] or every()
    for name, exporter in wanted:
        if not (zoo / f"{name}.{exporter}.json").exists():
            start = time.monotonic()
            outcome = in_a_fork(name, exporter, photos, zoo, options.limit_s)
            print(f"{name}.{exporter}: {outcome}, {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
