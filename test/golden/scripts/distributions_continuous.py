"""distributions_continuous.json: log-densities, means, variances and entropies of the continuous distributions by SciPy, and by
mpmath with 40 digits where SciPy lacks the distribution or loses digits; the derivative of a Gamma's quantile in its shape by mpmath.
Every input is exact in float32.

    python test/golden/scripts/distributions_continuous.py

Written for SciPy 1.17, NumPy 2.4, mpmath 1.3, PyTorch 2.15, Python 3.11.
"""

import json
import platform
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
import scipy
import torch
from mpmath import mp, mpf
from scipy import stats

mp.dps = 40


def exact(values) -> np.ndarray:
    return np.asarray(values, np.float32).astype(np.float64)


def array(values: np.ndarray) -> dict:
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError("a golden value is not finite")
    return {"shape": list(values.shape), "data": values.ravel().tolist()}


def grid(**values) -> dict:
    """Every combination of the parameters, each as a column."""
    columns = np.array(list(product(*values.values())))
    return {name: exact(columns[:, i]) for i, name in enumerate(values)}


def case(parameters: dict, x: np.ndarray, log_prob: np.ndarray, *, mean, variance, entropy) -> dict:
    """x and log p: [points, n]; the others [n]."""
    moments = {"mean": mean, "variance": variance, "entropy": entropy}
    return {
        "parameters": {name: array(values[:, None]) for name, values in parameters.items()},
        "x": array(x[..., None]),
        "logProb": array(log_prob),
        **{name: array(np.broadcast_to(values, x.shape[1:])) for name, values in moments.items()},
    }


def by_scipy(law, parameters: dict, x: np.ndarray) -> dict:
    return case(parameters, x, law.logpdf(x), mean=law.mean(), variance=law.var(), entropy=law.entropy())


def by_mpmath(parameters: dict, x: np.ndarray, log_density, moments) -> dict:
    """log_density(x, *parameters), moments(*parameters) → mean, variance, entropy."""
    rows = [[mpf(float(value)) for value in row] for row in zip(*parameters.values())]
    log_prob = [[float(log_density(mpf(float(value)), *row)) for value, row in zip(line, rows)] for line in x]
    mean, variance, entropy = np.array([[float(value) for value in moments(*row)] for row in rows]).T
    return case(parameters, x, np.array(log_prob), mean=mean, variance=variance, entropy=entropy)


def agree(a: dict, b: dict, tolerance: float) -> None:
    for key in ("logProb", "mean", "variance", "entropy"):
        assert np.allclose(a[key]["data"], b[key]["data"], rtol=tolerance, atol=tolerance), key


def quantiles(law, size: int) -> np.ndarray:
    levels = np.array([1e-6, 0.01, 0.2, 0.5, 0.7, 0.95, 1 - 1e-5])
    return exact(law.ppf(levels[:, None] * np.ones(size)))


LOCATIONS, SCALES = [-30, 0, 2.5], [1e-3, 0.3, 1, 40]


def two_ended(law) -> dict:
    parameters = grid(location=LOCATIONS, scale=SCALES)
    made = law(loc=parameters["location"], scale=parameters["scale"])
    return by_scipy(made, parameters, quantiles(made, 12))


def student_ts() -> dict:
    parameters = grid(df=[2.1, 3, 8, 40, 1e4, 1e6], location=[-2, 0.5], scale=[0.1, 3])

    def log_density(x, df, location, scale):
        y = (x - location) / scale
        constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(mp.pi * df) / 2 - mp.log(scale)
        return constant - (df + 1) / 2 * mp.log1p(y * y / df)

    def moments(df, location, scale):
        digammas = (df + 1) / 2 * (mp.digamma((df + 1) / 2) - mp.digamma(df / 2))
        entropy = digammas + mp.log(df) / 2 + mp.log(mp.beta(df / 2, mpf(1) / 2)) + mp.log(scale)
        return location, scale**2 * df / (df - 2), entropy

    law = stats.t(parameters["df"], parameters["location"], parameters["scale"])
    x = quantiles(law, 24)
    made = by_mpmath(parameters, x, log_density, moments)
    agree(made, by_scipy(law, parameters, x), 1e-6)
    return made


def log_normals() -> dict:
    parameters = grid(location=[-8, 0, 1.5], scale=[0.01, 0.5, 2])
    law = stats.lognorm(parameters["scale"], scale=np.exp(parameters["location"]))
    return by_scipy(law, parameters, quantiles(law, 9))


def uniforms() -> dict:
    parameters = {"low": exact([0, -3, 0.25]), "high": exact([1, 7, 0.5])}
    law = stats.uniform(parameters["low"], parameters["high"] - parameters["low"])
    return by_scipy(law, parameters, quantiles(law, 3))


def gammas() -> dict:
    parameters = grid(shape=[0.01, 0.5, 1, 7.75, 10, 10.25, 400, 1e6], rate=[1e-3, 1, 250])

    def log_density(x, shape, rate):
        return shape * mp.log(rate) + (shape - 1) * mp.log(x) - rate * x - mp.loggamma(shape)

    def moments(shape, rate):
        entropy = shape - mp.log(rate) + mp.loggamma(shape) + (1 - shape) * mp.digamma(shape)
        return shape / rate, shape / rate**2, entropy

    law = stats.gamma(parameters["shape"], scale=1 / parameters["rate"])
    x = np.maximum(quantiles(law, 24), exact(1e-30))
    made = by_mpmath(parameters, x, log_density, moments)
    agree(made, by_scipy(law, parameters, x), 1e-6)
    return made


def betas() -> dict:
    parameters = grid(a=[0.01, 0.5, 1, 12, 3e4], b=[0.25, 1, 9.5, 11, 2000])

    def log_density(x, a, b):
        return (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - mp.log(mp.beta(a, b))

    def moments(a, b):
        s = a + b
        entropy = mp.log(mp.beta(a, b)) - (a - 1) * mp.digamma(a) - (b - 1) * mp.digamma(b) + (s - 2) * mp.digamma(s)
        return a / s, a * b / (s * s * (s + 1)), entropy

    law = stats.beta(parameters["a"], parameters["b"])
    x = np.clip(quantiles(law, 25), exact(1e-30), 1 - 2.0**-24)
    made = by_mpmath(parameters, x, log_density, moments)
    agree(made, by_scipy(law, parameters, x), 1e-6)
    return made


def continuous_bernoullis() -> dict:
    parameters = grid(logits=[-1e4, -200, -3, -1, -0.75, -1e-4, 1e-20, 0.01, 0.99, 1.01, 8, 90, 3e3])

    def log_density(x, logits):
        return logits * x - mp.log(mp.expm1(logits) / logits)

    def moments(logits):
        mean = 1 / (1 - mp.exp(-logits)) - 1 / logits
        variance = 1 / logits**2 - 1 / (4 * mp.sinh(logits / 2) ** 2)
        return mean, variance, -log_density(mean, logits)

    x = exact(np.tile([[0], [1e-6], [0.1], [0.5], [0.875], [1]], 13))
    with mp.workdps(80):
        made = by_mpmath(parameters, x, log_density, moments)
    law = torch.distributions.ContinuousBernoulli(logits=torch.tensor(parameters["logits"]), validate_args=False)
    near = np.abs(parameters["logits"]) < 30  # PyTorch bounds the probabilities, and has a series within 0.499 … 0.501
    by_torch = law.log_prob(torch.tensor(x)).numpy()[:, near]
    assert np.allclose(by_torch, np.reshape(made["logProb"]["data"], x.shape)[:, near], rtol=1e-6, atol=1e-6)
    return made


def probit_normals() -> dict:
    parameters = grid(location=[-3, -0.5, 0, 1], scale=[0.05, 0.7, 1, 4])

    def log_density(z, location, scale):
        u = mp.sqrt(2) * mp.erfinv(2 * z - 1)
        return u * u / 2 - ((u - location) / scale) ** 2 / 2 - mp.log(scale)

    def moments(location, scale):
        def expect(power):
            breaks = [location + scale * k for k in range(-12, 13)]
            return mp.quad(lambda u: mp.ncdf(u) ** power * mp.npdf(u, location, scale), breaks)

        mean = expect(1)
        return mean, expect(2) - mean**2, mp.log(scale) - (scale**2 + location**2 - 1) / 2

    law = stats.norm(parameters["location"], parameters["scale"])
    levels = stats.norm.cdf(law.ppf(np.array([[1e-4], [0.1], [0.5], [0.8], [0.999]]) * np.ones(16)))
    return by_mpmath(parameters, np.clip(exact(levels), exact(1e-30), 1 - 2.0**-24), log_density, moments)


def gamma_slopes() -> dict:
    """∂log G/∂α at fixed F(G; α) = −(∂F/∂α)/(G·p(G)), for G = α·e^ratio at these levels of F."""
    rows = []
    for alpha, level in product([4, 4.125, 6, 20, 300, 1e4], [1e-9, 1e-4, 0.05, 0.3, 0.5, 0.6, 0.9, 0.999, 1 - 1e-8]):
        ratio = float(np.float32(np.log(stats.gamma.ppf(level, alpha) / alpha)))
        a, z, h = mpf(alpha), alpha * mp.exp(mpf(ratio)), mpf(10) ** -12
        moved = mp.gammainc(a + h, 0, z, regularized=True) - mp.gammainc(a - h, 0, z, regularized=True)
        density = mp.exp((a - 1) * mp.log(z) - z - mp.loggamma(a))
        rows.append((alpha, ratio, float(-moved / (2 * h) / (z * density))))
    alpha, ratio, slope = np.array(rows).T
    return {"alpha": array(alpha), "ratio": array(ratio), "slope": array(slope)}


values = {
    "source": {
        "script": "test/golden/scripts/distributions_continuous.py",
        "scipy": scipy.__version__,
        "numpy": np.__version__,
        "mpmath": mpmath.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    },
    "normal": two_ended(stats.norm),
    "laplace": two_ended(stats.laplace),
    "logistic": two_ended(stats.logistic),
    "studentT": student_ts(),
    "logNormal": log_normals(),
    "uniform": uniforms(),
    "gamma": gammas(),
    "beta": betas(),
    "continuousBernoulli": continuous_bernoullis(),
    "probitNormal": probit_normals(),
    "gammaSlope": gamma_slopes(),
}
file = Path(__file__).parent.parent / "values" / "distributions_continuous.json"
file.write_text(json.dumps(values, separators=(",", ":")) + "\n")
