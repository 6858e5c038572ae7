"""Writes test/golden/values/safetensors_file.safetensors with the reference implementation (safetensors 0.8.0, numpy 2.4.6).

Run: python test/golden/scripts/safetensors_file.py
Each tensor is restated, by formula, in test/contract/safetensors.test.ts.
"""

from pathlib import Path

import numpy
import safetensors
from safetensors.numpy import save_file

TENSORS = {
    "encoder/hidden/weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 8,
    "slots/Σ": -numpy.arange(4, dtype=numpy.float64) / 3,
    "counts": numpy.array([-(2**31), 0, 2**31 - 1], dtype=numpy.int32),
    "pixels": numpy.array([[0, 128, 255]], dtype=numpy.uint8),
    "12": numpy.array(0.5, dtype=numpy.float32),
    "empty": numpy.zeros((0, 3), dtype=numpy.float32),
}

if __name__ == "__main__":
    path = Path(__file__).parent.parent / "values" / "safetensors_file.safetensors"
    save_file(TENSORS, path, metadata={"safetensors": safetensors.__version__, "numpy": numpy.__version__})
