"""What the peers' scripts share: the pictures, the preprocessing, and one line of JSON about what a run cost.

The preprocessing is that of calibrant's `imagenet` preset: Pillow decodes, the short side goes to 256 with Pillow's
bilinear filter, the centre 224 x 224 is kept, and RGB is scaled by ImageNet's mean and deviation.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
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
    """One picture as a float32 tensor of shape 1 x 3 x 224 x 224."""
    picture = Image.open(path).convert("RGB")
    short = min(picture.size)
    size = tuple(256 if side == short else int(256 * side / short) for side in picture.size)
    picture = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = (int(round((side - 224) / 2.0)) for side in size)
    pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32) / 255
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None])


def tensors(paths: list[Path]) -> Iterator[np.ndarray]:
    """Each picture's tensor, made when it is asked for."""
    return (imagenet(path) for path in paths)


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
