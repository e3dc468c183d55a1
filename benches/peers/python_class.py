"""Preprocessing throughput of the calibrator class that TensorRT users write in Python: cv2 and numpy, one thread.

It is the class that stands in most INT8 samples, with the device copy taken out: read, BGR to RGB, resize to 224 x 224,
scale, subtract the mean, divide by the deviation, stack, transpose to NCHW.
"""

from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from common import arguments, imagenet, measured, nchw, pictures


class Calibrator:
    """`get_batch` returns the next NCHW float32 batch, or None after the last one."""

    def __init__(self, paths: list[Path], batch_size: int) -> None:
        self.paths = paths
        self.batch_size = batch_size
        self.at = 0

    def get_batch(self) -> np.ndarray | None:
        paths = self.paths[self.at : self.at + self.batch_size]
        if not paths:
            return None
        self.at += len(paths)
        return nchw([imagenet(path) for path in paths])


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    cv2.setNumThreads(1)

    def job() -> dict[str, object]:
        paths = pictures(options.images, options.count)
        calibrator = Calibrator(paths, options.batch_size)
        checksum = 0.0
        while (batch := calibrator.get_batch()) is not None:
            checksum += float(batch[:, :, 0, 0].sum())
        versions = {"opencv": version("opencv-python-headless"), "numpy": np.__version__}
        return {"images": len(paths), "checksum": round(checksum, 3)} | versions

    measured("python class", job)


if __name__ == "__main__":
    main()
