"""What every peer is given, and what it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
SIDE, SHORTER_SIDE = 224, 256

Batches = Iterator[np.ndarray]


@dataclass
class Job:
    """The files, how many of them make a batch, and on how many cores."""

    paths: list[str]
    batch: int
    cores: int

    def batches(self) -> list[list[str]]:
        return [self.paths[at : at + self.batch] for at in range(0, len(self.paths), self.batch)]


@dataclass
class Peer:
    """How it is spelled, with versions, and what goes through all pictures once, as often as it is called."""

    spelling: str
    epoch: Callable[[], Batches]


def versions(*modules: object) -> str:
    return ", ".join(f"{module.__name__} {module.__version__}" for module in modules)
