"""Decoding of JPEG files by OpenCV alone, from memory, one thread: the peer of `cargo bench -p benches --bench jpeg`.

Each picture is decoded several times in a row and counts with its fastest.
"""

import time
from pathlib import Path

import cv2
import numpy as np
from common import arguments, measured, pictures


def fastest_s(data: np.ndarray, repetitions: int) -> float:
    """The shortest time that one decode took."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        if cv2.imdecode(data, cv2.IMREAD_COLOR) is None:
            raise SystemExit("a picture that OpenCV does not decode")
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--repetitions", type=int, default=20)
    options = parser.parse_args()
    cv2.setNumThreads(1)

    def job() -> dict[str, object]:
        paths: list[Path] = pictures(options.images, options.count)
        total_s = sum(fastest_s(np.fromfile(path, np.uint8), options.repetitions) for path in paths)
        return {"images": len(paths), "fastest_us_per_image": round(1e6 * total_s / len(paths), 1)}

    measured("cv2.imdecode", job)


if __name__ == "__main__":
    main()
