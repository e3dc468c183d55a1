"""The peers of `cargo xtask bench`: pictures from files to normalised float32 NCHW batches, in Python.

    python benches/peers/throughput PEER --list FILE --batch 32 --cores 2

One process is one peer and stays alive. The harness (`benches/throughput`) confines it to its cores before it starts, and
talks to it by lines: `pass` goes once through all pictures, `check COUNT FILE` writes the tensors of the first pictures.
Each is answered by one line of JSON; the first one, unasked, says how the peer is spelled, or which package is missing.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np
from peer import Batches, Job, Peer

# Where each peer is made: module and function.
PEERS = {
    "class": ("opencv", "one_thread"),
    "class-threads": ("opencv", "threads"),
    "pillow": ("loaders", "pillow"),
    "pillow-cropped": ("loaders", "pillow_cropped"),
    "torchvision-io": ("loaders", "torchvision_io"),
    "dali": ("dali_cpu", "plain"),
    "dali-antialias": ("dali_cpu", "antialias"),
    "dali-antialias-cropped": ("dali_cpu", "antialias_cropped"),
}


def check(batches: Batches, count: int, file: Path) -> int:
    """Writes the first `count` tensors one after another; goes through all batches, since a reader stays where it is left."""
    written = 0
    with file.open("wb") as out:
        for batch in batches:
            part = batch[: count - written]
            out.write(np.ascontiguousarray(part, np.float32).tobytes())
            written += len(part)
    return written


def serve(peer: Peer, answer) -> None:
    for line in sys.stdin:
        match line.split(maxsplit=2):
            case ["pass"]:
                answer(images=sum(len(batch) for batch in peer.epoch()))
            case ["check", count, file]:
                answer(images=check(peer.epoch(), int(count), Path(file.strip())))
            case _:
                sys.exit(f"no such request: {line!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--list", type=Path, required=True, help="file of paths, one a line")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--cores", type=int, required=True)
    options = parser.parse_args()
    # Libraries print to standard output, where the harness reads answers: theirs goes to standard error.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**values: object) -> None:
        print(json.dumps(values), file=answers)

    module, function = PEERS[options.peer]
    try:
        make = getattr(importlib.import_module(module), function)
    except ImportError as error:
        answer(missing=str(error))
        return
    peer = make(Job(options.list.read_text().splitlines(), options.batch, options.cores))
    answer(spelling=peer.spelling)
    serve(peer, answer)


if __name__ == "__main__":
    main()
