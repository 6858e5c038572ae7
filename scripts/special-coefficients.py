"""src/tensor/ops/special/coefficients.ts: rational approximations of special functions, fitted in 50 digits with mpmath.

Least squares of the relative error on Chebyshev nodes, the denominator by iterated weights (Sanathanan & Koerner 1963),
which is within a small factor of the best there is. Prints the worst relative error of each, coefficients as rounded.

    python scripts/special-coefficients.py && npx biome check --write src/tensor/ops/special/coefficients.ts

Written for mpmath 1.3, NumPy 2.4, Python 3.11.
"""

from pathlib import Path

import mpmath as mp
import numpy as np

mp.mp.dps = 50
DIGITS = 50
mpf = mp.mpf
TINY = mpf("1e-15")  # a fit on [0, b] starts here, where the limits below hold to every digit used


def fit(f, low, high, n, m):
    """Coefficients of P, of degree n, and Q, of degree m with Q(0) = 1, so that P/Q ≈ f on [low, high]."""
    count = 3 * (n + m + 1) + 6
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle + half * mp.cos(mp.pi * (i + mpf(1) / 2) / count) for i in range(count)]
    values = [f(x) for x in points]
    weights = [mpf(1)] * count
    for _ in range(1 if m == 0 else 5):
        rows, right = mp.matrix(count, n + m + 1), mp.matrix(count, 1)
        for i, (x, y) in enumerate(zip(points, values)):
            scale = weights[i] / abs(y)
            for j in range(n + 1):
                rows[i, j] = scale * x**j
            for j in range(1, m + 1):
                rows[i, n + j] = -scale * y * x**j
            right[i] = scale * y
        solution = mp.lu_solve(rows, right)
        p = [solution[j] for j in range(n + 1)]
        q = [mpf(1)] + [solution[n + j] for j in range(1, m + 1)]
        weights = [1 / abs(mp.polyval(q[::-1], x)) for x in points]
    return p, q


def worst(f, low, high, p, q):
    count = 4 * (len(p) + len(q))
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle + half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    return max(abs(mp.polyval(p[::-1], x) / mp.polyval(q[::-1], x) / f(x) - 1) for x in points)


def wider(f):
    """f in twice the digits: it subtracts."""

    def evaluate(x):
        with mp.workdps(2 * DIGITS):
            return f(x)

    return evaluate


def asymptotic(order, x):
    """√(2πx) e⁻ˣ I_order(x) for large x (Abramowitz & Stegun 9.7.1)."""
    total, term, k = mpf(0), mpf(1), 0
    while True:
        total, k = total + term, k + 1
        after = -term * (4 * order**2 - (2 * k - 1) ** 2) / (8 * x * k)
        if abs(after) > abs(term) or abs(after) < mpf(10) ** (-2 * DIGITS):
            return total
        term = after


def bessel_ratio(x):
    return mp.besseli(1, x) / mp.besseli(0, x) if x < 300 else asymptotic(1, x) / asymptotic(0, x)


def ratio_slope(x):
    a = bessel_ratio(x)
    return 1 - a / x - a * a


def scaled_bessel(x):
    if x < 300:
        return mp.sqrt(x) * mp.exp(-x) * mp.besseli(0, x)
    return asymptotic(0, x) / mp.sqrt(2 * mp.pi)


ZERO = mp.findroot(mp.digamma, 1.46)


def normal_tail(w):
    """e^(a²/2) Φ(−a)/w with w = 4/(a + 4)."""
    a = 4 / w - 4
    if a < 1000:
        return mp.exp(a * a / 2) * mp.ncdf(-a) / w
    series = mp.fsum((-1) ** k * mp.fac2(2 * k - 1) / a ** (2 * k) for k in range(16))
    return series / (a * mp.sqrt(2 * mp.pi)) / w


def normal_excess(w):
    """(φ(a)/Φ(−a) − a)/w with w = 4/(a + 4)."""
    a = 4 / w - 4
    if a < 1000:
        return (mp.npdf(a) / mp.ncdf(-a) - a) / w
    tail = a
    for k in range(40, 1, -1):
        tail = a + k / tail
    return 1 / tail / w


def normal_quantile(r):
    """x > 0 with Φ(−x) = e^(−r²), by Newton's method on log Φ."""
    x = mpf(mp.sqrt(2) * r) - mpf("0.4")
    with mp.workdps(DIGITS + 20):
        for _ in range(100):
            log_tail = mp.log(mp.erfc(x / mp.sqrt(2)) / 2)
            change = (log_tail + r * r) * mp.exp(x * x / 2 + log_tail) * mp.sqrt(2 * mp.pi)
            x += change
            if abs(change) < mpf(10) ** -DIGITS:
                return x
    raise ArithmeticError(r)


def central(v):
    q = mp.sqrt(v)
    return mp.sqrt(2) * mp.erfinv(2 * q) / q


def binet(u):
    """x (log Γ(x) − (x − ½) log x + x − ½ log 2π) with u = 1/x²."""
    x = 1 / mp.sqrt(u)
    if x > 10**4:
        return mp.fsum(mp.bernoulli(2 * k) / (2 * k * (2 * k - 1)) * u ** (k - 1) for k in range(1, 20))
    return x * (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)


def digamma_tail(u):
    """x² (log x − ψ(x) − 1/2x) with u = 1/x²."""
    x = 1 / mp.sqrt(u)
    if x > 10**4:
        return mp.fsum(mp.bernoulli(2 * k) / (2 * k) * u ** (k - 1) for k in range(1, 20))
    return (mp.log(x) - mp.digamma(x) - 1 / (2 * x)) / u


CENTRE = mpf("0.425")
TAIL_START = mpf("1.6")  # below √(−log(½ − 0.425))
SINGLE, DOUBLE = "float32", "float64"

# name, what it approximates, f, and for each precision low, high and the degrees
TABLES = [
    ("lgammaCore", "log Γ(x) / ((x − 1)(x − 2)) on [½, 4]", lambda x: mp.loggamma(x) / ((x - 1) * (x - 2)),
     {SINGLE: (mpf("0.5"), mpf(4), 4, 5), DOUBLE: (mpf("0.5"), mpf(4), 9, 9)}),
    ("lgammaTail", "x (log Γ(x) − (x − ½) log x + x − ½ log 2π) in u = 1/x², x ≥ 4", wider(binet),
     {SINGLE: (TINY, mpf(1) / 16, 2, 0), DOUBLE: (TINY, mpf(1) / 16, 8, 0)}),
    ("digammaCore", "ψ(x) / (x − x₀) on [1, 2]", lambda x: mp.digamma(x) / (x - ZERO),
     {SINGLE: (mpf(1), mpf(2), 3, 3), DOUBLE: (mpf(1), mpf(2), 6, 6)}),
    ("digammaTail", "x² (log x − ψ(x) − 1/2x) in u = 1/x², x ≥ 2", wider(digamma_tail),
     {SINGLE: (TINY, mpf(1) / 4, 4, 0), DOUBLE: (TINY, mpf(1) / 4, 5, 5)}),
    ("normalTail", "e^(a²/2) Φ(−a)/w in w = 4/(a + 4), a ≥ 0", normal_tail,
     {SINGLE: (TINY, mpf(1), 11, 0), DOUBLE: (TINY, mpf(1), 24, 0)}),
    ("normalExcess", "(φ(a)/Φ(−a) − a)/w in w = 4/(a + 4), a ≥ 0", wider(normal_excess),
     {SINGLE: (TINY, mpf(1), 5, 5), DOUBLE: (TINY, mpf(1), 11, 11)}),
    ("erfCore", "erf(x)/x in x², |x| ≤ 1", lambda v: mp.erf(mp.sqrt(v)) / mp.sqrt(v),
     {DOUBLE: (TINY, mpf(1), 12, 0)}),
    ("quantileCentre", "Φ⁻¹(½ + q)/q in 0.425² − q², |q| ≤ 0.425", lambda u: central(CENTRE**2 - u),
     {SINGLE: (mpf(0), CENTRE**2 - TINY, 3, 4), DOUBLE: (mpf(0), CENTRE**2 - TINY, 7, 7)}),
    ("quantileTail", "−Φ⁻¹(p) in r − 1.6, r = √(−log p), p ≤ 0.075 and r ≤ 9.4 in float32, 5 in float64",
     lambda s: normal_quantile(s + TAIL_START),
     {SINGLE: (mpf(0), mpf("7.8"), 4, 4), DOUBLE: (mpf(0), mpf("3.4"), 7, 7)}),
    ("quantileFar", "−Φ⁻¹(p) in r − 5, 5 ≤ r ≤ 27.3", lambda s: normal_quantile(s + 5),
     {DOUBLE: (mpf(0), mpf("22.3"), 7, 7)}),
    ("logI0Core", "log I₀(x)/x² in x², |x| ≤ 8", lambda v: mp.log(mp.besseli(0, mp.sqrt(v))) / v,
     {SINGLE: (TINY, mpf(64), 5, 5), DOUBLE: (TINY, mpf(64), 10, 10)}),
    ("logI0Tail", "√x e⁻ˣ I₀(x) in 16/x − 1, x ≥ 8", lambda s: scaled_bessel(16 / (s + 1)),
     {SINGLE: (-1 + TINY, mpf(1), 6, 0), DOUBLE: (-1 + TINY, mpf(1), 20, 0)}),
    ("ratioCore", "A(x)/x in x², A = I₁/I₀, |x| ≤ 8", lambda v: bessel_ratio(mp.sqrt(v)) / mp.sqrt(v),
     {SINGLE: (TINY, mpf(64), 4, 4), DOUBLE: (TINY, mpf(64), 7, 7)}),
    ("ratioTail", "x (1 − A(x)) in 16/x − 1, x ≥ 8", wider(lambda s: (1 - bessel_ratio(16 / (s + 1))) * 16 / (s + 1)),
     {SINGLE: (-1 + TINY, mpf(1), 6, 0), DOUBLE: (-1 + TINY, mpf(1), 20, 0)}),
    ("slopeCore", "A′(x) in x², |x| ≤ 8", wider(lambda v: ratio_slope(mp.sqrt(v))),
     {SINGLE: (TINY, mpf(64), 5, 5), DOUBLE: (TINY, mpf(64), 9, 9)}),
    ("slopeTail", "x² A′(x) in 16/x − 1, x ≥ 8", wider(lambda s: ratio_slope(16 / (s + 1)) * 256 / (s + 1) ** 2),
     {SINGLE: (-1 + TINY, mpf(1), 9, 0), DOUBLE: (-1 + TINY, mpf(1), 26, 0)}),
]

HEAD = """/** Written by scripts/special-coefficients.py: rational approximations P/Q, coefficients from the constant up. */
export interface Rational {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}
"""


def rounded(value, precision) -> str:
    return str(np.float32(float(value))) if precision == SINGLE else repr(float(value))


def table(name, what, f, fits) -> str:
    lines = []
    for precision, (low, high, n, m) in fits.items():
        p, q = fit(f, low, high, n, m)
        print(f"{name} {precision} {n}/{m}: {mp.nstr(worst(f, low, high, p, q), 3)}", flush=True)
        written = [", ".join(rounded(c, precision) for c in part) for part in (p, q)]
        lines.append(f"  {precision}: {{ numerator: [{written[0]}], denominator: [{written[1]}] }},")
    return f"\n/** {what} */\nexport const {name} = {{\n" + "\n".join(lines) + "\n} as const;\n"


def main() -> None:
    text = HEAD + "".join(table(*entry) for entry in TABLES)
    Path(__file__).parent.parent.joinpath("src/tensor/ops/special/coefficients.ts").write_text(text)


if __name__ == "__main__":
    main()
