"""independent_pixels.json: the maximum likelihood of independent pixels, a discretised logistic each with a location of its
own and one scale for all, found by SciPy without derivatives of ours, and what it gives held-out images.

The probability of a level is a difference of scipy.stats.logistic's distribution function, the ends taking what lies beyond.

    python test/golden/scripts/independent_pixels.py

Written for SciPy 1.17, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
from scipy.optimize import minimize
from scipy.stats import logistic

PIXELS = 5
random = np.random.default_rng(0)
# Means near both ends, where the probability of the end counts, and spreads that one scale has to share.
centres, spreads = np.array([3, 60, 128, 190, 250]), np.array([10, 5, 40, 20, 12])


def images(count: int) -> np.ndarray:
    return np.clip(np.rint(random.normal(centres, spreads, (count, PIXELS))), 0, 255).astype(int)


def nats(parameters: np.ndarray, x: np.ndarray) -> float:
    """−log p(x), the mean over images. By the smaller tail of the two, so that no difference cancels."""
    location, scale = parameters[:-1], np.exp(parameters[-1])
    high = np.where(x == 255, np.inf, (x + 0.5 - location) / scale)
    low = np.where(x == 0, -np.inf, (x - 0.5 - location) / scale)
    right = low + high > 0
    probability = np.where(right, logistic.sf(low) - logistic.sf(high), logistic.cdf(high) - logistic.cdf(low))
    return -np.log(probability).sum(1).mean()


train, test = images(60), images(20)
found = np.append(train.mean(0), np.log(10.0))
for method in ["Nelder-Mead", "Powell", "Nelder-Mead"]:
    options = {"maxiter": 100_000, "maxfev": 100_000, "xtol": 1e-12, "ftol": 1e-15, "xatol": 1e-12, "fatol": 1e-15}
    names = ["maxiter", "maxfev"] + (["xtol", "ftol"] if method == "Powell" else ["xatol", "fatol"])
    result = minimize(nats, found, (train,), method, options={name: options[name] for name in names})
    found = result.x

values = {
    "versions": {"scipy": scipy.__version__, "numpy": np.__version__, "python": platform.python_version()},
    "train": train.tolist(),
    "test": test.tolist(),
    "locations": found[:-1].tolist(),
    "scale": float(np.exp(found[-1])),
    "trainNats": float(nats(found, train)),
    "testNats": float(nats(found, test)),
}
file = Path(__file__).parent.parent / "values" / "independent_pixels.json"
file.write_text(json.dumps(values) + "\n")
