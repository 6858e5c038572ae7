"""How the golden values are made and written: float64 PyTorch from inputs that float32 holds exactly.

The inputs are rounded to float32 before the float64 computation, so a float32 implementation starts from the same
numbers and the difference measured is its own rounding. An array is {shape, data}, row by row; ∞ and −∞ are the strings
"Infinity" and "-Infinity", since JSON has no numbers for them.

Written for PyTorch 2.15, Python 3.11.
"""

import json
import math
import platform
import sys
from pathlib import Path

import torch
from torch import Tensor


def float32_exact(values: Tensor) -> Tensor:
    return values.float().double()


def normal(*shape: int, std: float = 1.0) -> Tensor:
    return float32_exact(torch.randn(*shape, dtype=torch.float64) * std)


def number(value: float):
    if math.isnan(value):
        raise ValueError("a golden value is NaN")
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def array(values: Tensor) -> dict:
    return {"shape": list(values.shape), "data": [number(v) for v in values.detach().flatten().tolist()]}


def arrays(named: dict) -> dict:
    return {name: array(values) for name, values in named.items()}


def write(name: str, content: dict) -> None:
    """Writes ../values/`name`.json, with where it came from."""
    source = {
        "script": f"test/golden/scripts/{Path(sys.argv[0]).name}",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "dtype": "float64",
    }
    path = Path(__file__).parent.parent / "values" / f"{name}.json"
    path.write_text(json.dumps({"source": source, **content}, allow_nan=False, separators=(",", ":")) + "\n")
