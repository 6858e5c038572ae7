"""distributions_discrete.json: log-probabilities of the discrete and relaxed distributions and of mixtures, by SciPy; those on
the simplex by PyTorch, which SciPy lacks. Every input is exact in float32.

    python test/golden/scripts/distributions_discrete.py

Written for SciPy 1.17, NumPy 2.4, PyTorch 2.15, Python 3.11.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import torch
from scipy.special import log_softmax, logsumexp
from scipy.stats import bernoulli, logistic, multinomial, nbinom, norm, poisson
from torch.distributions import RelaxedBernoulli, RelaxedOneHotCategorical

random = np.random.default_rng(4)


def exact(values) -> np.ndarray:
    return np.asarray(values, np.float32).astype(np.float64)


def array(values: np.ndarray) -> dict:
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("a golden value is not finite")
    return {"shape": list(values.shape), "data": values.ravel().tolist()}


def case(log_prob: np.ndarray, **inputs: np.ndarray) -> dict:
    return {"inputs": {name: array(values) for name, values in inputs.items()}, "logProb": array(log_prob)}


def poissons() -> dict:
    rate = exact([1e-8, 1e-3, 0.3, 1, 4.5, 10, 25.5, 1e3, 1e5, 1e6])
    rows = [np.floor(rate + np.sqrt(rate) * step) for step in (-4, -1, 0, 1, 2, 6)]
    x = np.maximum(np.concatenate([rows, [np.zeros(10), np.ones(10), np.full(10, 9.0), np.full(10, 300.0)]]), 0)
    return case(poisson.logpmf(x, rate), x=x[..., None], rate=rate[:, None])


def negative_binomials() -> dict:
    total, logits = (exact(values).ravel() for values in np.meshgrid([1e-3, 0.5, 1, 7.25, 300, 1e5], [-12, -2, 0, 3, 8]))
    x = np.stack([np.full(30, count) for count in (0, 1, 2, 9, 40, 1000, 200_000.0)])
    # SciPy's p is that of the failures that are counted up to: 1 − σ(logits), whose rounding near 1 nothing here magnifies.
    return case(nbinom.logpmf(x, total, logistic.cdf(-logits)), x=x[..., None], total=total[:, None], logits=logits[:, None])


def categoricals() -> dict:
    logits = exact(random.normal(0, 4, (6, 5)))
    logits[0] = exact([-1e4, 1e4, 0, 9990, 1e4])
    rows = np.eye(5)
    log_prob = np.stack([log_softmax(logits, -1)[:, c] for c in range(5)])
    for c in range(5):  # the same by the multinomial of one trial, where its probabilities do not underflow
        assert np.allclose(log_prob[c, 1:], [multinomial.logpmf(rows[c], 1, np.exp(log_softmax(l))) for l in logits[1:]])
    return case(log_prob, logits=logits)


def relaxed_bernoullis() -> dict:
    logits, temperature = exact(random.normal(0, 3, 8)), exact([0.1, 0.3, 0.5, 2 / 3, 1, 1.5, 3, 10])
    x = exact(random.uniform(0.01, 0.99, (4, 8)))
    density = RelaxedBernoulli(torch.tensor(temperature), logits=torch.tensor(logits))
    return case(
        density.log_prob(torch.tensor(x)).numpy(), x=x[..., None], logits=logits[:, None], temperature=temperature[:, None]
    )


def relaxed_categoricals() -> list:
    def one(temperature: float, count: int) -> dict:
        logits = exact(random.normal(0, 2, (3, count)))
        x = exact(random.dirichlet(np.full(count, 0.7), (4, 3)).clip(1e-4))
        # Rounded to float32 a point is off the simplex by 1e-7 or so; both densities are continued there by one formula.
        density = RelaxedOneHotCategorical(torch.tensor(temperature).double(), logits=torch.tensor(logits), validate_args=False)
        return case(density.log_prob(torch.tensor(x)).numpy(), x=x, logits=logits, temperature=np.array(temperature))

    return [one(float(np.float32(temperature)), count) for temperature, count in [(0.2, 3), (0.5, 5), (1.0, 2), (2.5, 8)]]


def logistic_mixtures() -> dict:
    logits, mean = exact(random.normal(0, 1, (9, 3))), exact(random.uniform(-20, 275, (9, 3)))
    scale = exact(np.exp(random.uniform(-0.5, 3.5, (9, 3))))
    x = np.stack([np.array([0, 255, 1, 254, 60, 128, 200, 17, 99.0]), random.integers(0, 256, 9).astype(float)])
    low = np.where(x == 0, -np.inf, x - 0.5)[..., None]
    high = np.where(x == 255, np.inf, x + 0.5)[..., None]
    a, b = (low - mean) / scale, (high - mean) / scale
    right = a + b > 0
    mass = np.where(right, logistic.sf(a) - logistic.sf(b), logistic.cdf(b) - logistic.cdf(a))
    each = logsumexp(log_softmax(logits, -1) + np.log(mass), -1)
    return case(each, x=x[..., None], logits=logits[:, None], mean=mean[:, None], scale=scale[:, None])


def mixtures() -> dict:
    logits, mean = exact(random.normal(0, 2, (5, 4))), exact(random.normal(0, 5, (5, 4, 3)))
    scale = exact(np.exp(random.normal(0, 1, (5, 4, 3))))
    x = exact(random.normal(0, 6, (6, 5, 3)))
    each = norm.logpdf(x[:, :, None], mean, scale).sum(-1)
    return case(logsumexp(log_softmax(logits, -1) + each, -1), x=x, logits=logits, mean=mean, scale=scale)


def products() -> dict:
    mean, scale = exact(random.normal(0, 2, (4, 3))), exact(np.exp(random.normal(0, 1, (4, 3))))
    coin, rate = exact(random.normal(0, 2, (4, 2))), exact(np.exp(random.normal(1, 1, (4, 1))))
    real, bits = exact(random.normal(0, 3, (5, 4, 3))), random.integers(0, 2, (5, 4, 2)).astype(float)
    counts = random.poisson(3, (5, 4, 1)).astype(float)
    log_prob = (
        norm.logpdf(real, mean, scale).sum(-1)
        + bernoulli.logpmf(bits, logistic.cdf(coin)).sum(-1)
        + poisson.logpmf(counts, rate).sum(-1)
    )
    x = np.concatenate([real, bits, counts], -1)
    return case(log_prob, x=x, mean=mean, scale=scale, logits=coin, rate=rate)


values = {
    "source": {
        "script": "test/golden/scripts/distributions_discrete.py",
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    },
    "poisson": poissons(),
    "negativeBinomial": negative_binomials(),
    "categorical": categoricals(),
    "relaxedBernoulli": relaxed_bernoullis(),
    "relaxedCategorical": relaxed_categoricals(),
    "logisticMixture": logistic_mixtures(),
    "mixture": mixtures(),
    "product": products(),
}
file = Path(__file__).parent.parent / "values" / "distributions_discrete.json"
file.write_text(json.dumps(values, separators=(",", ":")) + "\n")
