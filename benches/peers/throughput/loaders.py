"""torch's DataLoader over torchvision's transforms: on Pillow's pictures, and on tensors of torchvision's own decoder."""

from collections.abc import Callable

import PIL
import torch
import torchvision
from peer import MEAN, SHORTER_SIDE, SIDE, STD, Job, Peer, versions
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms.v2 import functional


class Pictures(Dataset):
    """One tensor a file."""

    def __init__(self, paths: list[str], transform: Callable[[str], torch.Tensor]) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, k: int) -> torch.Tensor:
        return self.transform(self.paths[k])


def loader(job: Job, spelling: str, transform: Callable[[str], torch.Tensor]) -> Peer:
    torch.set_num_threads(1)
    # On one core a second process would only add its copies.
    workers = job.cores if job.cores > 1 else 0
    data = DataLoader(Pictures(job.paths, transform), job.batch, num_workers=workers, persistent_workers=workers > 0)
    spelling = f"{spelling}; DataLoader(num_workers={workers}); {versions(torch, torchvision)}"
    return Peer(spelling, lambda: (batch.numpy() for batch in data))


def with_pillow(job: Job, spelling: str, *resize: torch.nn.Module) -> Peer:
    steps = transforms.Compose([*resize, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    spelling = f"Image.open, {spelling}, ToTensor, Normalize; {versions(PIL)}"
    return loader(job, spelling, lambda path: steps(Image.open(path).convert("RGB")))


def pillow(job: Job) -> Peer:
    return with_pillow(job, f"Resize(({SIDE}, {SIDE}))", transforms.Resize((SIDE, SIDE)))


def pillow_cropped(job: Job) -> Peer:
    resize = transforms.Resize(SHORTER_SIDE), transforms.CenterCrop(SIDE)
    return with_pillow(job, f"Resize({SHORTER_SIDE}), CenterCrop({SIDE})", *resize)


def torchvision_io(job: Job) -> Peer:
    def load(path: str) -> torch.Tensor:
        image = decode_jpeg(read_file(path), mode=ImageReadMode.RGB)
        image = functional.resize(image, [SIDE, SIDE], antialias=True)
        return functional.normalize(functional.to_dtype(image, torch.float32, scale=True), list(MEAN), list(STD))

    spelling = f"torchvision.io.decode_jpeg, v2 resize([{SIDE}, {SIDE}], antialias=True), to_dtype, normalize"
    return loader(job, spelling, load)
