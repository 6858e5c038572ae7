"""Writes the .npy files that test/contract/npy.test.ts and test/golden/npy.test.ts read, and npy.json with what NumPy reads back from them.

Run: python test/golden/scripts/npy.py
"""

import json
from pathlib import Path

import numpy as np

folder = Path(__file__).parent.parent / "values" / "npy"
files = {}


def save(name, array, version=(1, 0)):
    path = folder / f"{name}.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, version=version)
    read = np.load(path)
    values = [float(value) for value in read.flatten(order="C")]
    # JSON has no NaN and no Infinity: those are written as text.
    files[path.name] = {
        "shape": list(read.shape),
        "values": [value if np.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)] for value in values],
    }


def edges(dtype):
    """Six numbers of the dtype that reach its ends, or int32's where it is wider."""
    if dtype == "b1":
        return [0, 1, 1, 0, 0, 1]
    if dtype[0] == "f":
        return [0, -0.0, 1 / 3, -np.pi, float(np.finfo(dtype).max) if dtype != "f8" else 1e38, float(np.finfo(dtype).smallest_subnormal) if dtype == "f2" else 1e-30]
    low = max(int(np.iinfo(dtype).min), -(2**31))
    high = min(int(np.iinfo(dtype).max), 2**31 - 1)
    return [low, low + 1, 1, 100, high - 1, high]


types = ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
types = [(order, dtype) for dtype in types for order in ("<>" if dtype[1] != "1" else "|")]


def name_of(order, dtype):
    return dtype + {"<": "-little", ">": "-big", "|": ""}[order]


for order, dtype in types:
    save(name_of(order, dtype), np.array(edges(dtype), dtype=order + dtype).reshape(2, 3))


def small(dtype):
    """Twelve different numbers, but for booleans; integers that float32 holds."""
    if dtype == "b1":
        return [0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1]
    if dtype[0] == "f":
        return [(i - 5) * 1.1 for i in range(12)]
    most = min(int(np.iinfo(dtype).max), 2**24)
    return [most - 3 * i if i % 2 == 0 or dtype[0] == "u" else 3 * i - most for i in range(12)]


# Rows of every type in either order, the versions taking turns.
for i, (order, dtype) in enumerate(types):
    rows = np.array(small(dtype), dtype=order + dtype).reshape(4, 3)
    save(f"rows-{name_of(order, dtype)}", rows, version=(i % 3 + 1, 0))
    save(f"fortran-{name_of(order, dtype)}", np.asfortranarray(rows), version=((i + 1) % 3 + 1, 0))

steps = np.arange(24, dtype="<f4").reshape(2, 3, 4)
save("fortran-rank3", np.asfortranarray(steps))
save("fortran-big-rank2", np.asfortranarray(np.arange(6, dtype=">i2").reshape(3, 2)))
save("rank0", np.array(7, dtype="<i4"))
save("rank1", np.array([1, 2, 3], dtype="u1"))
save("rank4", np.arange(16, dtype="u1").reshape(1, 2, 2, 4))
save("empty", np.zeros((0, 5), dtype="<f4"))
save("version2", steps, version=(2, 0))
save("version3", steps, version=(3, 0))
save("not-finite", np.array([np.nan, np.inf, -np.inf], dtype="<f4"))
save("half-not-finite", np.array([np.nan, np.inf, -np.inf], dtype="<f2"))

(folder / "npy.json").write_text(json.dumps({"numpy": np.__version__, "files": files}, indent=1) + "\n")
