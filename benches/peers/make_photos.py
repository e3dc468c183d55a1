"""Makes JPEG files to measure on out of a folder of photographs: many of ordinary size, or 12-megapixel ones.

    python benches/peers/make_photos.py fixtures/photos target/photos --count 512 --mean-kb 84
    python benches/peers/make_photos.py LARGE_PHOTOS target/large --count 16 --large

File k is a crop of photograph k mod n, scaled to 500 x 375 (or 4000 x 3000 with `--large`) and stored as cameras do:
baseline, 4:2:0, standard Huffman tables. Where the crop lies follows from `--seed` and k alone, so that more files are the
same files and some more. All have one quality, the one whose mean size comes nearest to `--mean-kb`; detail differs from
picture to picture, and so do the sizes. Sources of a camera's resolution make the best files: a crop that has to be
enlarged has little detail, and what a decoder has to do depends on the bytes. Such a crop gets noise like a sensor's.

Needs Pillow and NumPy; the same versions make the same bytes.
"""

import argparse
import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SMALL, LARGE = (500, 375), (4000, 3000)
# How many of the first files the quality is chosen on; large ones lie in memory together.
TRIALS = {SMALL: 48, LARGE: 6}
QUALITIES = range(30, 98)
# Levels of 255, in the middle tones; about a compact camera at ISO 100.
NOISE = 3.0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, help="folder of photographs")
    parser.add_argument("output", type=Path, help="folder to make; files of the same names in it are overwritten")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--mean-kb", type=float, help="mean size of a file in 1000 bytes [default: 84, with --large 2500]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--large", action="store_true", help="4000 x 3000 pixels instead of 500 x 375")
    options = parser.parse_args()
    if options.mean_kb is None:
        options.mean_kb = 2500.0 if options.large else 84.0
    return options


def crop(photo: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """A region of the size's shape, between the size itself and the largest that fits, scaled to the size."""
    largest = min(photo.width, photo.height * size[0] / size[1])
    smallest = min(float(size[0]), largest)
    width = smallest * (largest / smallest) ** rng.random()
    height = width * size[1] / size[0]
    left, top = rng.random() * (photo.width - width), rng.random() * (photo.height - height)
    scaled = photo.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))
    if rng.random() < 0.5:
        scaled = scaled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return scaled if width >= size[0] else noisy(scaled, rng)


def noisy(photo: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(photo, np.float32)
    # One value for all channels: what a camera leaves after its own colour smoothing.
    pixels = pixels + NOISE * rng.standard_normal((*pixels.shape[:2], 1), np.float32)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def encode(photo: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()


def crops(source: Path, numbers: range, size: tuple[int, int], seed: int):
    """The files of one photograph with their numbers, decoded once, one after another."""
    if numbers:
        with Image.open(source) as opened:
            photo = opened.convert("RGB")
        for k in numbers:
            yield k, crop(photo, size, np.random.default_rng([seed, k]))


def best_quality(trials: list[Image.Image], mean_bytes: float, pool: ThreadPoolExecutor) -> int:
    """The quality whose mean size comes nearest; larger qualities make larger files."""

    def mean(quality: int) -> float:
        return sum(pool.map(lambda photo: len(encode(photo, quality)), trials)) / len(trials)

    low, high = QUALITIES[0], QUALITIES[-1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if mean(middle) < mean_bytes else (low, middle)
    return min(low, high, key=lambda quality: abs(mean(quality) - mean_bytes))


def main() -> None:
    options = parse()
    sources = sorted(path for path in options.sources.iterdir() if path.suffix.lower() in SUFFIXES)
    if not sources:
        sys.exit(f"no photograph in {options.sources}")
    size = LARGE if options.large else SMALL
    options.output.mkdir(parents=True, exist_ok=True)

    def of(source: int, count: int):
        return crops(sources[source], range(source, count, len(sources)), size, options.seed)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        trials = pool.map(lambda source: [photo for _, photo in of(source, TRIALS[size])], range(len(sources)))
        quality = best_quality([photo for of_one in trials for photo in of_one], 1000 * options.mean_kb, pool)

        def write(source: int) -> int:
            total = 0
            for k, photo in of(source, options.count):
                total += (options.output / f"{k:05}.jpg").write_bytes(encode(photo, quality))
            return total

        total = sum(pool.map(write, range(len(sources))))
    mean_kb = total / options.count / 1000
    print(f"{options.count} files of {size[0]}x{size[1]}, mean {mean_kb:.1f} KB at quality {quality}, from {len(sources)} photographs")


if __name__ == "__main__":
    main()
