"""Writes the small array files of this folder with numpy: `python fuzz/seeds/make_seeds.py`."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
ARRAYS = {
    "images": np.arange(24, dtype=np.float32).reshape(4, 3, 2),
    "ids": np.array([[1, -2], [3, 4]], np.int64),
    "half": np.array([0.5, -1.25, 6.0e4], np.float16),
    "mask": np.array([True, False, True]),
}

np.save(HERE / "rows.npy", ARRAYS["images"])
np.save(HERE / "columns.npy", np.asfortranarray(ARRAYS["images"]))
np.savez(HERE / "stored.npz", **ARRAYS)
np.savez_compressed(HERE / "deflated.npz", **ARRAYS)
