"""two_sample.json: energy distance with a literal jackknife, maximum mean discrepancies, and known distances between laws.

    python test/golden/scripts/two_sample.py

Written for SciPy 1.17, scikit-learn 1.9, mpmath 1.3, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import mpmath
import numpy as np
import scipy
import sklearn
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.special import ive
from scipy.stats import energy_distance
from sklearn.metrics.pairwise import rbf_kernel

random = np.random.default_rng(5)


def exact(values) -> np.ndarray:
    """Numbers that float32 holds."""
    return np.round(np.asarray(values), 4).astype(np.float32).astype(float)


def array(values) -> dict:
    values = np.asarray(values, float)
    return {"shape": list(values.shape), "data": values.ravel().tolist()}


def off_diagonal(matrix) -> float:
    n = len(matrix)
    return (matrix.sum() - np.trace(matrix)) / (n * (n - 1))


def energy(x, y) -> float:
    return 2 * cdist(x, y).mean() - off_diagonal(cdist(x, x)) - off_diagonal(cdist(y, y))


def jackknife(x, y) -> float:
    """Every row left out in turn, and everything computed again."""
    variance = 0
    for left in (
        [energy(np.delete(x, i, 0), y) for i in range(len(x))],
        [energy(x, np.delete(y, j, 0)) for j in range(len(y))],
    ):
        n = len(left)
        variance += (n - 1) / n * np.sum((np.array(left) - np.mean(left)) ** 2)
    return float(np.sqrt(variance))


SCALES = [0.1, 0.2, 0.5, 1, 2, 5, 10]


def discrepancies(x, y) -> dict:
    c = 2 * x.shape[1]

    def imq(a, b):
        return sum(s * c / (s * c + cdist(a, b) ** 2) for s in SCALES)

    def rbf(a, b):
        return sum(rbf_kernel(a, b, gamma=1 / (s * c)) for s in SCALES)

    return {
        name: off_diagonal(k(x, x)) + off_diagonal(k(y, y)) - 2 * k(x, y).mean()
        for name, k in (("inverseMultiquadratic", imq), ("radialBasis", rbf))
    }


def shifted(k: int, shift: float) -> float:
    """2E‖√2 Z + δ‖ − 2E‖√2 Z‖: the mean of a noncentral χ; for k = 1 by quadrature."""
    mpmath.mp.dps = 30
    mean = lambda d: 2 * mpmath.gamma((k + 1) / mpmath.mpf(2)) / mpmath.gamma(k / mpmath.mpf(2)) * mpmath.hyp1f1(
        -mpmath.mpf(1) / 2, k / mpmath.mpf(2), -mpmath.mpf(d) ** 2 / 4
    )
    if k == 1:  # E|N(d, 2)|, another way
        mean = lambda d: mpmath.quad(
            lambda t: abs(t) * mpmath.npdf(t, d, mpmath.sqrt(2)), [-40, -5, 0, mpmath.mpf(d), d + 5, 60]
        )
    return float(2 * (mean(shift) - mean(0)))


def ring_accuracy(radius: float, thickness: float) -> float:
    """½ + ½ TV of N(0, I₂) and a circle of this radius blurred by N(0, thickness² I): the densities of r = ‖z‖."""
    gauss = lambda r: r * np.exp(-r * r / 2)
    s = thickness**2
    rice = lambda r: r / s * np.exp(-((r - radius) ** 2) / (2 * s)) * ive(0, r * radius / s)
    return 0.5 + 0.25 * quad(lambda r: abs(gauss(r) - rice(r)), 0, 12, limit=500, points=[0.5, 1, 1.5, 2, 2.5])[0]


x = exact(random.normal(0, 1, (24, 3)))
y = exact(random.normal(0.4, 1.3, (17, 3)))
line = (exact(random.normal(0, 1, 30)), exact(random.normal(0.7, 2, 22)))
shifts = [[1, 0.2], [1, 3], [2, 0.2], [3, 2], [16, 0.2], [16, 20], [7, 0.001]]
radius, thickness = 1.3, float(np.sqrt(1 - 1.3**2 / 2))
values = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "mpmath": mpmath.__version__,
    },
    "x": array(x),
    "y": array(y),
    "energy": energy(x, y),
    "jackknife": jackknife(x, y),
    "discrepancies": discrepancies(x, y),
    "line": {"x": array(line[0][:, None]), "y": array(line[1][:, None]), "distance": float(energy_distance(*line))},
    "shifts": [{"k": k, "shift": shift, "distance": shifted(k, shift)} for k, shift in shifts],
    "ring": {"radius": radius, "thickness": thickness, "accuracy": ring_accuracy(radius, thickness)},
}
path = Path(__file__).parent.parent / "values" / "two_sample.json"
path.write_text(json.dumps(values) + "\n")
