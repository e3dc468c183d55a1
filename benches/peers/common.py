"""What the peers' scripts share: the pictures, the preprocessing, and one line of JSON about what a run cost.

The preprocessing is what calibrant's `imagenet` preset equals to the bit: OpenCV decodes and stretches to 224 x 224, and
NumPy scales RGB by ImageNet's mean and deviation, as most INT8 samples for TensorRT do it.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

MEAN = np.array([0.485, 0.456, 0.406])
DEVIATION = np.array([0.229, 0.224, 0.225])
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the options that every peer has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--count", type=int, help="how many pictures; the folder is gone through again when it has fewer")
    return parser


def pictures(folder: Path, count: int | None) -> list[Path]:
    """The folder's pictures in the order of their names, repeated up to `count`."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        sys.exit(f"no picture in {folder}")
    wanted = len(found) if count is None else count
    return [found[k % len(found)] for k in range(wanted)]


def imagenet(path: Path) -> np.ndarray:
    """One picture as float32 of shape 224 x 224 x 3."""
    image = cv2.imread(str(path))
    if image is None:
        sys.exit(f"cannot decode {path}")
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    image = cv2.resize(image, (224, 224))
    image = image.astype(np.float32) / 255.0
    image -= MEAN
    image /= DEVIATION
    return image


def nchw(images: list[np.ndarray]) -> np.ndarray:
    """Pictures as one batch of shape N x 3 x 224 x 224."""
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)).astype(np.float32)


def tensors(paths: list[Path]) -> Iterator[np.ndarray]:
    """Each picture as a batch of one, made when it is asked for."""
    return (nchw([imagenet(path)]) for path in paths)


def measured(name: str, job: Callable[[], dict[str, object]]) -> None:
    """Runs `job` and prints what it returned, with the cost of the whole process, as one line of JSON."""
    start = time.perf_counter()
    notes = job()
    wall_s = time.perf_counter() - start
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cost = {
        "wall_s": round(wall_s, 3),
        "cpu_s": round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 3),
        "peak_rss_mib": round(max(usage.ru_maxrss for usage in usages) / 1024, 1),
    }
    print(json.dumps({"name": name} | cost | notes))
