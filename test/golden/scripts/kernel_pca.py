"""kernel_pca.json: KernelPCA of scikit-learn on its digits and wine.

The first `rows` digits (those of digits.py), or wine rows (those of probabilistic_pca.py, rounded to float32 and then divided by the
power of two below their standard deviation, which is exact), are fitted; the 20 after them are held out. `ridge` is `alpha` in units of the mean k(z, z) over the codes z. Each case: options,
`eigenvalues`, and of the held-out rows their codes (`transform`) and the first three pre-images (`inverse_transform`). Signs are
scikit-learn's: of each eigenvector over the examples the largest entry is positive.

    python test/golden/scripts/kernel_pca.py

Written for scikit-learn 1.9, NumPy 2.4, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import KernelPCA
from sklearn.metrics.pairwise import pairwise_kernels

wine = load_wine().data.astype(np.float32).astype(np.float64)
units = 2.0 ** np.floor(np.log2(wine.std(0)))
every_ninth = np.argsort(np.arange(178) % 9, kind="stable")  # all three kinds on either side
data = {"digits": load_digits().data, "wine": (wine / units)[every_ninth]}


def case(name: str, rows: int, k: int, ridge: float, kernel: str, **options) -> dict:
    x, held_out = data[name][:rows], data[name][rows : rows + 20]
    options = {"gamma": 1 / x.shape[1], "degree": 3, "coef0": 1, **options}
    model = KernelPCA(k, eigen_solver="dense", kernel=kernel, **options)
    own = pairwise_kernels(model.fit_transform(x), metric=kernel, filter_params=True, **options)
    fit = model.set_params(fit_inverse_transform=True, alpha=ridge * own.diagonal().mean()).fit(x)
    codes = fit.transform(held_out)
    return {
        "name": name,
        "rows": rows,
        "k": k,
        "ridge": ridge,
        "kernel": kernel,
        "gamma": options["gamma"],
        "degree": options["degree"],
        "coefficient": options["coef0"],
        "eigenvalues": fit.eigenvalues_.tolist(),
        "codes": codes.tolist(),
        "preimages": fit.inverse_transform(codes)[:3].tolist(),
    }


content = {
    "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__, "python": platform.python_version()},
    "units": units.tolist(),
    "order": every_ninth.tolist(),
    "cases": [
        case("digits", 300, 8, 1.0, kernel="rbf", gamma=0.001),
        case("digits", 300, 8, 0.1, kernel="poly"),
        case("digits", 300, 8, 1.0, kernel="cosine"),
        case("wine", 150, 5, 1.0, kernel="rbf"),
        case("wine", 150, 5, 0.01, kernel="poly", degree=2, coef0=0.5),
    ],
}
file = Path(__file__).parent.parent / "values" / "kernel_pca.json"
rounded = json.loads(json.dumps(content), parse_float=lambda digits: float(f"{float(digits):.13g}"))
file.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
