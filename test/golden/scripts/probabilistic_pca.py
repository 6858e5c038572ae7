"""probabilistic_pca.json: the wine data of scikit-learn, standardised by their population deviation, and probabilistic PCA of them.

`rows`: [178, 13], the measured numbers as they are in the file. For each k: `noise` η, `meanLogLikelihood` by SciPy's
multivariate_normal.logpdf row by row under the maximum-likelihood N(0, WWᵀ + ηI) (eigenvalues of the population covariance,
NumPy), `sklearnScore` and `sklearnNoise` of PCA(k) on the same data: it divides the covariance by n − 1, so its parameters are
not those of the greatest likelihood and its score is lower. `byGradient`: the same maximum for k = 2 found without the closed
form, by PyTorch's L-BFGS on the dense log-density from a random start.

    python test/golden/scripts/probabilistic_pca.py

Written for scikit-learn 1.9, SciPy 1.17, NumPy 2.4, PyTorch 2.15, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
import torch
from scipy.stats import multivariate_normal
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA

rows = load_wine().data
x = (rows - rows.mean(0)) / rows.std(0)
d = x.shape[1]
values, vectors = np.linalg.eigh(x.T @ x / len(x))
values, vectors = values[::-1], vectors[:, ::-1]


def fit(k: int) -> dict:
    noise = values[k:].mean()
    weight = vectors[:, :k] * np.sqrt(values[:k] - noise)
    covariance = weight @ weight.T + noise * np.eye(d)
    pca = PCA(k).fit(x)
    return {
        "k": k,
        "noise": noise,
        "meanLogLikelihood": multivariate_normal(np.zeros(d), covariance).logpdf(x).mean(),
        "sklearnScore": pca.score(x),
        "sklearnNoise": pca.noise_variance_,
    }


def by_gradient(k: int) -> float:
    torch.manual_seed(0)
    data = torch.tensor(x)
    weight = torch.randn(d, k, dtype=torch.float64).requires_grad_()
    log_noise = torch.zeros((), dtype=torch.float64).requires_grad_()
    optimizer = torch.optim.LBFGS([weight, log_noise], max_iter=5000, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        covariance = weight @ weight.T + log_noise.exp() * torch.eye(d, dtype=torch.float64)
        return -torch.distributions.MultivariateNormal(torch.zeros(d, dtype=torch.float64), covariance).log_prob(data).mean()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return -loss().item()


content = {
    "versions": {
        "sklearn": sklearn.__version__,
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    },
    "rows": rows.tolist(),
    "fits": [fit(k) for k in (1, 2, 5, 12)],
    "byGradient": by_gradient(2),
}
file = Path(__file__).parent.parent / "values" / "probabilistic_pca.json"
file.write_text(json.dumps(content, separators=(",", ":")) + "\n")
