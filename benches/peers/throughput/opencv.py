"""The calibrator class of most INT8 samples: cv2 and NumPy, the means and deviations in float64 as `np.array` makes them."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from peer import MEAN, SIDE, STD, Job, Peer, versions

SPELLING = "cv2.imread, cvtColor, resize, astype(float32) / 255, -= MEAN, /= STD, transpose, np.stack, ascontiguousarray"


def load(path: str) -> np.ndarray:
    image = cv2.imread(path)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    image = cv2.resize(image, (SIDE, SIDE))
    image = image.astype(np.float32) / 255.0
    image -= MEAN
    image /= STD
    return image.transpose(2, 0, 1)


def stacked(images: list[np.ndarray]) -> np.ndarray:
    return np.ascontiguousarray(np.stack(images))


def one_thread(job: Job) -> Peer:
    cv2.setNumThreads(job.cores)
    spelling = f"{SPELLING}; cv2.setNumThreads({job.cores}); {versions(cv2, np)}"
    return Peer(spelling, lambda: (stacked([load(path) for path in batch]) for batch in job.batches()))


def threads(job: Job) -> Peer:
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(job.cores)
    spelling = f"{SPELLING}; ThreadPoolExecutor({job.cores}).map over a batch's pictures, cv2.setNumThreads(1); {versions(cv2, np)}"
    return Peer(spelling, lambda: (stacked(list(pool.map(load, batch))) for batch in job.batches()))
