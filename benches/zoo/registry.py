"""What the zoo holds: a name for each network, how it is made, and what it is fed with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Entry:
    """One network, with the options its export takes."""

    make: Callable[[], torch.nn.Module] | None
    size: int = 224
    """Width and height of the pictures, where it takes pictures."""
    preset: str = "torchvision"
    arrays: Callable[[], Arrays] | None = None
    """Inputs other than pictures; the first axis counts the samples."""
    dynamic: bool = True
    opset: int = 17
    half: bool = False
    ultralytics: str | None = None
    """The configuration that Ultralytics' own exporter is given."""
    nms: bool = False


ENTRIES: dict[str, Entry] = {}


def register(name: str, make: Callable | None, **options) -> None:
    ENTRIES[name] = Entry(make, **options)


def flat(make: Callable, key: str | None = None) -> Callable:
    """The network with one of its outputs, or the first, instead of a dictionary of them."""

    def build() -> torch.nn.Module:
        inner = make()

        class Flat(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, *x):
                y = self.inner(*x)
                return y if key is None else y[key]

        return Flat()

    return build


def floats(**shapes: tuple[int, ...]) -> Callable[[], Arrays]:
    """Eight samples of normally distributed floats for each input."""

    def data() -> Arrays:
        r = np.random.default_rng(0)
        return {name: r.standard_normal((8, *shape)).astype(np.float32) for name, shape in shapes.items()}

    return data


def tokens(n: int = 8, length: int = 64, vocabulary: int = 1000, types: bool = True, mask: bool = True) -> Callable[[], Arrays]:
    """Random tokens, padded to lengths that differ."""

    def data() -> Arrays:
        r = np.random.default_rng(0)
        found = {"input_ids": r.integers(5, vocabulary, (n, length)).astype(np.int64)}
        attended = np.ones((n, length), np.int64)
        for row in attended:
            row[r.integers(length // 3, length + 1) :] = 0
        if mask:
            found["attention_mask"] = attended
        if types:
            second = np.zeros((n, length), np.int64)
            second[:, length // 2 :] = 1
            found["token_type_ids"] = second
        return found

    return data
