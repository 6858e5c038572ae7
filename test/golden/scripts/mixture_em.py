"""mixture_em.json: scikit-learn's EM on the wine data, from one start for the four kinds of covariances.

Wine is standardised by its population deviation. The start: means rows 0, 59 and 130, equal weights, identity covariances; the
tolerance 1e-12. For each kind and floor (reg_covar): `lowerBounds`, the mean log-likelihood before each step; `score`, that of the
last parameters; these parameters; `predict` of every row, and predict_proba of every 20th.

    python test/golden/scripts/mixture_em.py

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_wine
from sklearn.mixture import GaussianMixture

STARTS = [0, 59, 130]
rows = load_wine().data
x = (rows - rows.mean(0)) / rows.std(0)
d = x.shape[1]
identity = {
    "full": np.stack([np.eye(d)] * 3),
    "tied": np.eye(d),
    "diag": np.ones((3, d)),
    "spherical": np.ones(3),
}


def fit(kind: str, floor: float) -> dict:
    mixture = GaussianMixture(
        3,
        covariance_type=kind,
        weights_init=np.full(3, 1 / 3),
        means_init=x[STARTS],
        precisions_init=identity[kind],
        reg_covar=floor,
        tol=1e-12,
        max_iter=1000,
    ).fit(x)
    assert mixture.converged_
    return {
        "covariance": "diagonal" if kind == "diag" else kind,
        "floor": floor,
        "lowerBounds": mixture.lower_bounds_,
        "score": mixture.score(x),
        "weights": mixture.weights_.tolist(),
        "means": mixture.means_.tolist(),
        "traces": [float(np.trace(np.linalg.inv(p))) for p in precisions(mixture)],
        "predict": "".join(str(c) for c in mixture.predict(x)),
        "responsibilities": mixture.predict_proba(x)[::20].tolist(),
    }


def precisions(mixture: GaussianMixture) -> list:
    given = mixture.precisions_
    each = {
        "full": lambda c: given[c],
        "tied": lambda c: given,
        "diag": lambda c: np.diag(given[c]),
        "spherical": lambda c: given[c] * np.eye(d),
    }[mixture.covariance_type]
    return [each(c) for c in range(3)]


content = {
    "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()},
    "starts": STARTS,
    "fits": [fit(kind, floor) for kind in identity for floor in (1e-6, 0)],
}
file = Path(__file__).parent.parent / "values" / "mixture_em.json"
file.write_text(json.dumps(content, separators=(",", ":")) + "\n")
