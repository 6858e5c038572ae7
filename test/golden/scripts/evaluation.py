"""evaluation.json: the class probes by scikit-learn, Student's t and a paired interval by SciPy.

    python test/golden/scripts/evaluation.py

Written for scikit-learn 1.9, SciPy 1.17, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.stats import t, ttest_rel
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(11)


def array(values) -> dict:
    values = np.asarray(values, float)
    return {"shape": list(values.shape), "data": values.ravel().tolist()}


def probes() -> dict:
    """The first five columns of wine, standardised by the training rows; every number exact in float32."""
    wine = load_wine()
    order = random.permutation(178)
    x = wine.data[order][:, :5].astype(np.float32).astype(float)
    y = wine.target[order]
    train, held_out = x[:118], x[118:]
    scale = StandardScaler().fit(train)
    penalty = 1e-4
    # sum of losses + |W|²/2C, so C = 1/(n·penalty)
    fit = LogisticRegression(C=1 / (118 * penalty), tol=1e-12, max_iter=100_000).fit(scale.transform(train), y[:118])
    neighbours = KNeighborsClassifier(10).fit(train, y[:118]).kneighbors(held_out, return_distance=False)
    return {
        "train": array(train),
        "heldOut": array(held_out),
        "trainLabels": array(y[:118]),
        "heldOutLabels": array(y[118:]),
        "penalty": penalty,
        "coefficients": array(fit.coef_),
        "logistic": array(fit.predict(scale.transform(held_out))),
        "nearest": array([vote(list(y[:118][row])) for row in neighbours]),
    }


def vote(labels: list) -> int:
    """The commonest; of equally common ones the one met first, so the class of the nearest."""
    return max(labels, key=lambda label: (labels.count(label), -labels.index(label)))


def students() -> dict:
    degrees = [1, 2, 3, 4, 9, 10, 99, 1000]
    return {"degrees": degrees, "halfWidths": t.ppf(0.975, degrees).tolist()}


def paired() -> dict:
    first = random.normal(-90, 10, 25)
    second = first + random.normal(0.4, 1, 25)
    low, high = ttest_rel(first, second).confidence_interval(0.95)
    return {"first": first.tolist(), "second": second.tolist(), "interval": [low, high]}


versions = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
}
values = {"versions": versions, "probes": probes(), "students": students(), "paired": paired()}
path = Path(__file__).parent.parent / "values" / "evaluation.json"
path.write_text(json.dumps(values) + "\n")
