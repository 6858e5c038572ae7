"""multivariate.json: Normals with correlated components, log-densities by SciPy, divergences and gradients by PyTorch, in float64.

densities: `scaleTril` L, `precisionTril` P (of the same covariance) and x with log N(x; mean, LLᵀ); `precisionTril` is the
    Cholesky factor of Σ⁻¹, from SciPy.
lowRank: `factor` F and `diagonal` D with log N(x; mean, FFᵀ + diag D), the dense covariance given to SciPy.
divergences: KL(q ‖ p), q and p each by mean and scaleTril; a diagonal one has a diagonal scaleTril. By torch.distributions.
factorisation: a positive definite `a`, c, and the gradient of Σ c·chol(a) in the entries on and below the diagonal of a, from
    which the upper ones are copied.

    python test/golden/scripts/multivariate.py

Written for SciPy 1.17, PyTorch 2.15, Python 3.11.
"""

import numpy as np
import scipy
import torch
from scipy.stats import multivariate_normal
from torch.distributions import MultivariateNormal, kl_divergence
from values import array, arrays, float32_exact, normal, write

POINTS = 4
conditions = []  # κ(Σ), by which rounding is magnified


def lower_triangle(k: int) -> torch.Tensor:
    """A deviation from 0.2 to 3 for every row, times 1 on the diagonal and normal numbers below it."""
    deviations = torch.exp(torch.linspace(-1.6, 1.1, k, dtype=torch.float64)[torch.randperm(k)])
    return float32_exact(deviations[:, None] * (torch.tril(normal(k, k, std=0.5), -1) + torch.eye(k, dtype=torch.float64)))


def log_densities(x: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    return torch.tensor(np.atleast_1d(multivariate_normal(mean.numpy(), covariance.numpy()).logpdf(x.numpy())))


def density(k: int) -> dict:
    mean, tril = normal(k, std=3), lower_triangle(k)
    covariance = tril @ tril.T
    conditions.append(float(torch.linalg.cond(covariance)))
    x = mean + normal(POINTS, k) @ tril.T
    x = float32_exact(x)
    precision = torch.tensor(scipy.linalg.cholesky(scipy.linalg.inv(covariance.numpy()), lower=True))
    return arrays({"mean": mean, "scaleTril": tril, "precisionTril": precision, "x": x, "logProb": log_densities(x, mean, covariance)})


def low_rank(d: int, r: int) -> dict:
    mean, factor = normal(d, std=3), normal(d, r)
    diagonal = float32_exact(torch.exp(torch.linspace(-4, 1, d, dtype=torch.float64)))
    covariance = factor @ factor.T + torch.diag(diagonal)
    x = float32_exact(mean + 2 * normal(POINTS, d))
    return arrays({"mean": mean, "factor": factor, "diagonal": diagonal, "x": x, "logProb": log_densities(x, mean, covariance)})


def divergence(k: int, q_full: bool, p_full: bool) -> dict:
    parts = {}
    for name, full in (("q", q_full), ("p", p_full)):
        tril = lower_triangle(k)
        parts[f"{name}Mean"], parts[f"{name}Tril"] = normal(k), tril if full else torch.diag(torch.diag(tril))
    q, p = (MultivariateNormal(parts[f"{name}Mean"], scale_tril=parts[f"{name}Tril"]) for name in "qp")
    return {"q": "full" if q_full else "diagonal", "p": "full" if p_full else "diagonal", **arrays({**parts, "kl": kl_divergence(q, p)})}


def factorisation(k: int) -> dict:
    tril = lower_triangle(k)
    a = float32_exact(tril @ tril.T + torch.eye(k, dtype=torch.float64))
    c = normal(k, k)
    entries = torch.tril(a).requires_grad_()
    symmetric = entries + torch.tril(entries, -1).T
    factor = torch.linalg.cholesky(symmetric)
    (gradient,) = torch.autograd.grad((factor * c).sum(), entries)
    return arrays({"a": a, "c": c, "factor": factor, "gradient": torch.tril(gradient)})


torch.manual_seed(0)
densities = [density(k) for k in (1, 2, 3, 8)]
write(
    "multivariate",
    {
        "scipy": scipy.__version__,
        "largestCondition": round(max(conditions)),
        "densities": densities,
        "lowRank": [low_rank(d, r) for d, r in ((1, 1), (3, 1), (6, 2), (4, 4), (2, 3))],
        "divergences": [divergence(k, *kinds) for k in (1, 2, 5) for kinds in ((True, True), (True, False), (False, True))],
        "factorisation": [factorisation(k) for k in (1, 3, 10)],
    },
)
