"""factor_analysis.json: scikit-learn's FactorAnalysis of the wine data and of optical digits.

`wine` is standardised by its population deviation; `digits` are the first 400 of the 1,797, of which the columns are taken whose
population variance is above 1 (`columns`). For each k: `meanLogLikelihood` is .score, `noiseVariances` are .noise_variance_. Both divide by
n, not n − 1. Their maxima have no noise variance near 0 (the smallest share of a variance is `smallestShare`): beyond k = 3 the
wine data have Heywood cases, at which scikit-learn and a floor as a share of the variance differ.

`missing`: the wine data without x[i, j] where (31i + 17j)² mod 101 < 20. For both kinds of noise the maximum of the likelihood of what is
observed, found without EM: PyTorch's L-BFGS on the dense log-density of each row's observed numbers from a random start. `imputed` is the sum
of squares of E[x_j | observed] − x_j over what was removed, `byMeans` that of the column means.

    python test/golden/scripts/factor_analysis.py

Written for scikit-learn 1.9, NumPy 2.4, PyTorch 2.15, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import FactorAnalysis

wine = load_wine().data
wine = (wine - wine.mean(0)) / wine.std(0)
digits = load_digits().data[:400]
columns = np.flatnonzero(digits.var(0) > 1)
digits = digits[:, columns]


def fit(x: np.ndarray, k: int) -> dict:
    model = FactorAnalysis(k, svd_method="lapack", tol=1e-13, max_iter=100_000).fit(x)
    return {
        "k": k,
        "meanLogLikelihood": model.score(x),
        "noiseVariances": model.noise_variance_.tolist(),
        "smallestShare": (model.noise_variance_ / x.var(0)).min(),
    }


n, d = wine.shape
observed = np.array([[(31 * i + 17 * j) ** 2 % 101 >= 20 for j in range(d)] for i in range(n)])


def by_gradient(k: int, noise: str) -> dict:
    """Rows and columns of C that are missing become those of the identity, where x − μ is 0: they add −½ log 2π each."""
    torch.manual_seed(0)
    mask = torch.tensor(observed, dtype=torch.float64)
    x = torch.tensor(np.where(observed, wine, 0.0))
    weight = (0.3 * torch.randn(d, k, dtype=torch.float64)).requires_grad_()
    mean = torch.zeros(d, dtype=torch.float64).requires_grad_()
    log_noise = torch.zeros(d if noise == "diagonal" else 1, dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.LBFGS([weight, mean, log_noise], max_iter=5000, tolerance_grad=1e-10, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def covariance() -> torch.Tensor:
        return weight @ weight.T + torch.diag(log_noise.exp().expand(d))

    def log_likelihood() -> torch.Tensor:
        whole = mask[:, :, None] * covariance() * mask[:, None, :] + torch.diag_embed(1 - mask)
        apart = mask * (x - mean)
        log_prob = torch.distributions.MultivariateNormal(torch.zeros(d, dtype=torch.float64), whole).log_prob(apart)
        return (log_prob + 0.5 * (1 - mask).sum(1) * np.log(2 * np.pi)).mean()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = -log_likelihood()
        value.backward()
        return value

    optimizer.step(closure)
    with torch.no_grad():
        c, m = covariance().numpy(), mean.numpy()
        errors = 0.0
        for row, there in zip(wine, observed):
            guess = m[~there] + c[np.ix_(~there, there)] @ np.linalg.solve(c[np.ix_(there, there)], row[there] - m[there])
            errors += ((guess - row[~there]) ** 2).sum()
        return {"k": k, "noise": noise, "meanLogLikelihood": log_likelihood().item(), "imputed": errors}


means = np.where(observed, wine, 0).sum(0) / observed.sum(0)
content = {
    "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__, "torch": torch.__version__, "python": platform.python_version()},
    "wine": [fit(wine, k) for k in (1, 2, 3)],
    "digits": {"rows": len(digits), "columns": columns.tolist(), "fits": [fit(digits, k) for k in (2, 5, 10)]},
    "missing": {
        "numbers": int((~observed).sum()),
        "byMeans": ((wine - means)[~observed] ** 2).sum(),
        "fits": [by_gradient(k, noise) for noise, k in (("isotropic", 1), ("isotropic", 2), ("isotropic", 3), ("diagonal", 1), ("diagonal", 2))],
    },
}
file = Path(__file__).parent.parent / "values" / "factor_analysis.json"
file.write_text(json.dumps(content, separators=(",", ":")) + "\n")
