"""special.json: special functions and their derivatives, by mpmath in 50 digits and more at points that float32 holds exactly.

log1p … besselRatio: x, y and dy/dx; points from 1e-30 to 1e6 or as far as float32 holds x, y and dy/dx, and close to zeros.
lgammaDifference(x, n) = log Γ(x + n) − log Γ(x) and digammaDifference, lbeta(a, b): a grid of both, y and the derivative in
    the first. Where the terms of a difference would cancel, the digits are raised.

    python test/golden/scripts/special.py

Written for mpmath 1.3, PyTorch 2.15 (for values.py), Python 3.11.
"""

import mpmath as mp
import torch
from values import array, float32_exact, write

mp.mp.dps = 60
mpf = mp.mpf
LARGEST, SMALLEST = mpf(3.4e38), mpf(1.2e-38)
ROOT = 1.4616321449683623  # ψ = 0

DECADES = [10.0**k for k in range(-30, 7)] + [3 * 10.0**k for k in range(-6, 6)]
UNIT = [0.05 + 0.11 * i for i in range(110)]
CLOSE = [sign * 2.0**-k for k in range(1, 24, 2) for sign in (1, -1)]
POSITIVE = DECADES + UNIT
SIGNED = [0.0] + DECADES + [-x for x in DECADES] + UNIT + [-x for x in UNIT]


def around(*centres: float) -> list:
    return [c + d for c in centres for d in CLOSE if c + d > 0]


def tail(a):
    """e^(a²/2) Φ(−a)"""
    return mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


def ratio(x):
    return mp.besseli(1, x) / mp.besseli(0, x)


def quantile(p):
    """Φ⁻¹(p), by Newton's method on log Φ from mpmath's own start where that holds."""
    if p > 0.5:
        return -quantile(1 - p)
    x = mp.sqrt(2) * mp.erfinv(2 * p - 1) if p > 1e-8 else -mp.sqrt(-2 * mp.log(p))
    for _ in range(100):
        cdf = mp.ncdf(x)
        change = (mp.log(p) - mp.log(cdf)) * cdf / mp.npdf(x)
        x += change
        if abs(change) < mpf(10) ** -40:
            return x
    raise ArithmeticError(p)


def erfinv(y):
    return mp.sign(y) * -quantile((1 - abs(y)) / 2) / mp.sqrt(2)


# name, points, f, f′
FUNCTIONS = [
    ("log1p", [x for x in SIGNED if x > -1] + [2.0**-k - 1 for k in range(1, 24)], mp.log1p, lambda x: 1 / (1 + x)),
    ("expm1", [x for x in SIGNED if abs(x) < 88], mp.expm1, mp.exp),
    ("log1mexp", [x for x in POSITIVE if x < 86], lambda x: mp.log(-mp.expm1(-x)), lambda x: 1 / mp.expm1(x)),
    ("lgamma", POSITIVE + around(1, 2), mp.loggamma, mp.digamma),
    ("digamma", POSITIVE + around(1, 2, ROOT), mp.digamma, lambda x: mp.polygamma(1, x)),
    ("trigamma", POSITIVE, lambda x: mp.polygamma(1, x), lambda x: mp.polygamma(2, x)),
    ("tetragamma", POSITIVE, lambda x: mp.polygamma(2, x), lambda x: mp.polygamma(3, x)),
    ("erf", SIGNED, mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    ("erfc", SIGNED, mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    ("normalCdf", SIGNED, mp.ncdf, mp.npdf),
    ("logNormalCdf", SIGNED, lambda x: mp.log(tail(-x)) - x * x / 2 if x < 0 else mp.log1p(-mp.ncdf(-x)),
     lambda x: 1 / (tail(-x) * mp.sqrt(2 * mp.pi)) if x < 0 else mp.npdf(x) / mp.ncdf(x)),
    ("normalQuantile", [x for x in POSITIVE if x < 1] + [1 - x for x in CLOSE if x > 0], quantile,
     lambda p: 1 / mp.npdf(quantile(p))),
    ("erfinv", [x for x in SIGNED if abs(x) < 1] + [1 - x for x in CLOSE if x > 0], erfinv,
     lambda y: mp.sqrt(mp.pi) / 2 * mp.exp(erfinv(y) ** 2)),
    ("logI0", SIGNED + [7.99, 8.01], lambda x: mp.log(mp.besseli(0, x)), ratio),
    ("besselRatio", SIGNED + [7.99, 8.01], ratio, lambda x: 1 - ratio(x) / x - ratio(x) ** 2 if x else mpf(1) / 2),
]

STARTS = [1e-30, 1e-10, 1e-5, 1e-3, 0.03, 0.2, 0.7, 1.0, 1.2, 1.4616, 1.8, 2.5, 3.7, 6.0, 11.0, 40.0, 300.0, 1e4, 1e6, 1e9]
STEPS = [1e-20, 1e-10, 1e-6, 1e-3, 0.1, 0.5, 1.0, 2.5, 7.0, 30.0, 255.0, 1e4, 1e6]
SHAPES = [1e-30, 1e-10, 1e-5, 1e-2, 0.2, 0.5, 1.0, 1.7, 3.9, 4.1, 9.0, 50.0, 700.0, 1e4, 1e6]

PAIRS = [
    ("lgammaDifference", STARTS, STEPS, lambda x, n: mp.loggamma(x + n) - mp.loggamma(x),
     lambda x, n: mp.digamma(x + n) - mp.digamma(x)),
    ("digammaDifference", STARTS, STEPS, lambda x, n: mp.digamma(x + n) - mp.digamma(x),
     lambda x, n: mp.polygamma(1, x + n) - mp.polygamma(1, x)),
    ("lbeta", SHAPES, SHAPES, lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
     lambda a, b: mp.digamma(a) - mp.digamma(a + b)),
]


def held(value) -> bool:
    return value == 0 or SMALLEST < abs(value) < LARGEST


def column(values: list) -> dict:
    return array(torch.tensor([float(value) for value in values], dtype=torch.float64))


def single(points: list) -> list:
    return float32_exact(torch.tensor(sorted(set(points)), dtype=torch.float64)).tolist()


def at(points: list, f, slope) -> list:
    """[..., y, slope] where float32 holds both; 120 digits, as differences cancel up to 60 of them."""
    rows = []
    with mp.workdps(120):
        for point in points:
            arguments = [mpf(x) for x in point]
            row = [*point, f(*arguments), slope(*arguments)]
            if held(row[-2]) and held(row[-1]):
                rows.append(row)
    return rows


def main() -> None:
    content = {"mpmath": mp.__version__}
    for name, points, f, slope in FUNCTIONS:
        rows = at([(x,) for x in single(points)], f, slope)
        content[name] = {key: column([row[i] for row in rows]) for i, key in enumerate(["x", "y", "derivative"])}
        print(name, len(rows), flush=True)
    for name, first, second, f, slope in PAIRS:
        rows = at([(a, b) for a in single(first) for b in single(second)], f, slope)
        content[name] = {key: column([row[i] for row in rows]) for i, key in enumerate(["x", "n", "y", "derivative"])}
        print(name, len(rows), flush=True)
    write("special", content)


if __name__ == "__main__":
    main()
