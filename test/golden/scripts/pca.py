"""pca.json: principal components of scikit-learn's digits and wine by scikit-learn.

The digits are those of digits.py; the wine rows are those of probabilistic_pca.py, rounded to float32 as a dataset holds them. Each
case: which rows and options, `explainedVariance` as scikit-learn has it (divisor n − 1, or the squared singular values where it is
uncentred), `total`, the sum of all of them, `components` [k, d], `reconstructions` of the first three rows, in the data's units,
and `error`, the mean over the rows of the squared error of their reconstructions.

PCA(k, svd_solver="full"), after StandardScaler where the case is standardised; TruncatedSVD(k, algorithm="arpack"), with signs by
the same rule, where it is uncentred.

    python test/golden/scripts/pca.py

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.preprocessing import StandardScaler

data = {
    "digits": load_digits().data,
    "wine": load_wine().data.astype(np.float32).astype(np.float64),
}


def signed(components: np.ndarray) -> np.ndarray:
    largest = components[np.arange(len(components)), np.abs(components).argmax(1)]
    return components * np.sign(largest)[:, None]


def case(name: str, k: int, rows: int | None = None, standardize: bool = False, uncentred: bool = False) -> dict:
    x = data[name][:rows]
    scaler = StandardScaler(with_mean=standardize, with_std=standardize).fit(x)
    scaled = scaler.transform(x)
    if uncentred:
        fit = TruncatedSVD(k, algorithm="arpack", tol=0).fit(scaled)
        variance, total = fit.singular_values_**2, (scaled**2).sum()
    else:
        fit = PCA(k, svd_solver="full").fit(scaled)
        variance, total = fit.explained_variance_, scaled.var(0, ddof=1).sum()
    back = scaler.inverse_transform(fit.inverse_transform(fit.transform(scaled)))
    return {
        "name": name,
        "k": k,
        "rows": len(x),
        "standardize": standardize,
        "uncentred": uncentred,
        "explainedVariance": variance.tolist(),
        "total": total,
        "components": signed(fit.components_).tolist(),
        "reconstructions": back[:3].tolist(),
        "error": ((back - x) ** 2).sum(1).mean(),
    }


content = {
    "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()},
    "cases": [
        case("digits", 10),
        case("digits", 10, uncentred=True),
        case("digits", 12, rows=40),
        case("wine", 13),
        case("wine", 5, standardize=True),
        case("wine", 4, rows=9, standardize=True),
        case("wine", 3, uncentred=True),
    ],
}
file = Path(__file__).parent.parent / "values" / "pca.json"
rounded = json.loads(json.dumps(content), parse_float=lambda digits: float(f"{float(digits):.13g}"))
file.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
