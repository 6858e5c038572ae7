"""kernel_pca.json: KernelPCA of scikit-learn on its digits and wine.

The first `rows` digits (those of digits.py), or wine rows (those of probabilistic_pca.py, rounded to float32 and then divided by the
power of two below their standard deviation, which is exact), are fitted; the 20 after them are held out. Each case: options,
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

wine = load_wine().data.astype(np.float32).astype(np.float64)
units = 2.0 ** np.floor(np.log2(wine.std(0)))
every_ninth = np.argsort(np.arange(178) % 9, kind="stable")  # all three kinds on either side
data = {"digits": load_digits().data, "wine": (wine / units)[every_ninth]}


def case(name: str, rows: int, k: int, alpha: float, **kernel) -> dict:
    x, held_out = data[name][:rows], data[name][rows : rows + 20]
    fit = KernelPCA(k, fit_inverse_transform=True, alpha=alpha, eigen_solver="dense", **kernel).fit(x)
    codes = fit.transform(held_out)
    return {
        "name": name,
        "rows": rows,
        "k": k,
        "ridge": alpha,
        "gamma": fit.gamma_,
        "degree": 3,
        "coefficient": 1,
        **kernel,
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
for each in content["cases"]:
    each["coefficient"] = each.pop("coef0", each["coefficient"])
file = Path(__file__).parent.parent / "values" / "kernel_pca.json"
rounded = json.loads(json.dumps(content), parse_float=lambda digits: float(f"{float(digits):.13g}"))
file.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
