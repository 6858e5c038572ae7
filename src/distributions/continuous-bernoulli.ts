import {
  add,
  broadcastTo,
  div,
  exp,
  less,
  log,
  log1p,
  mul,
  neg,
  pullBack,
  relu,
  square,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { hurwitzZeta } from "../tensor/ops/special/zeta.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import { openUniform } from "./standard-noise.ts";

const family = new WeakSet<Distribution>();

export interface ContinuousBernoulli extends Componentwise<"ContinuousBernoulli", { readonly logits: Tensor }> {
  /** log ∫₀¹ e^(ℓx) dx, of the shape of `logits`. */
  readonly logNormaliser: Tensor;
}

/**
 * p(x) ∝ λˣ(1 − λ)^(1−x) on [0, 1], λ = σ(logits), normalised; independent along the event's axes.
 * Loaiza-Ganem & Cunningham 2019.
 */
export function continuousBernoulli(logits: TensorLike, eventRank = 1): ContinuousBernoulli {
  const parameters = { logits: lift(logits) };
  // log p(x) = ℓx − A(ℓ), A(ℓ) = log((eˡ − 1)/ℓ); E x = A′(ℓ), var x = A″(ℓ), H = A(ℓ) − ℓ·E x
  const normaliser = logNormaliser(parameters.logits);
  const mean = derivative(normaliser, parameters.logits);
  const density = (x: Tensor): Tensor => sub(mul(parameters.logits, x), normaliser);
  const made: ContinuousBernoulli = {
    ...componentwise(
      {
        name: "ContinuousBernoulli",
        parameters,
        support: "unit",
        law: "uniform",
        mean: () => mean,
        variance: () => derivative(mean, parameters.logits),
        entropy: () => neg(density(mean)),
        logDensity: density,
        draw: (noise) => {
          const sample = quantile(openUniform(noise), parameters.logits);
          return { sample, logDensity: density(sample) };
        },
      },
      eventRank,
    ),
    logNormaliser: normaliser,
  };
  family.add(made);
  return made;
}

/** dy/dx of an elementwise y. */
function derivative(y: Tensor, x: Tensor): Tensor {
  return pullBack(y, broadcastTo(1, y.shape), [x])[0];
}

const NEAR = 1;

/**
 * A(ℓ) = log((eˡ − 1)/ℓ) = ℓ/2 + log(sinh(ℓ/2)/(ℓ/2)). Near 0 the second part is Σ_{n≥1} (−1)ⁿ⁺¹ ζ(2n)/n·(ℓ/2π)²ⁿ, exact to
 * 1e-16 with 12 terms for |ℓ| < 1, second derivatives too; further out A = max(ℓ, 0) + log(1 − e^−|ℓ|) − log |ℓ|.
 */
function logNormaliser(logits: Tensor): Tensor {
  const size = magnitude(logits);
  const near = less(size, NEAR);
  const t = square(div(where(near, logits, 0), 2 * Math.PI));
  const series = COEFFICIENTS.reduceRight<TensorLike>((sum, c) => mul(t, add(c, sum)), 0);
  const far = where(near, NEAR, size);
  const tail = sub(log1p(neg(exp(neg(far)))), log(far));
  return where(near, add(mul(0.5, logits), series), add(relu(logits), tail));
}

/** (−1)ⁿ⁺¹ ζ(2n)/n, n = 1 … 12 */
const COEFFICIENTS = Array.from(
  { length: 12 },
  (_, i) => ((i % 2 === 0 ? 1 : -1) * hurwitzZeta(2 * (i + 1), 1)) / (i + 1),
);

/** |x|, whose gradient at 0 is 1: what is made of it here has a derivative there. */
function magnitude(x: Tensor): Tensor {
  return where(less(x, 0), neg(x), x);
}

/**
 * The inverse of the distribution function, (e^(ℓx) − 1)/(eˡ − 1) = u. With v = u·(1 − e^−m), m = −ℓ ≥ 0, it is
 * x = −log(1 − v)/m; for ℓ > 0 one minus that of 1 − u and −ℓ.
 */
function quantile(u: Tensor, logits: Tensor): Tensor {
  const negative = less(logits, 0);
  const m = magnitude(logits);
  const rest = sub(1, u);
  const [p, q] = [where(negative, u, rest), where(negative, rest, u)];
  const width = exp(logNormaliser(neg(m))); // (1 − e^−m)/m
  const v = mul(p, mul(width, m));
  const small = less(v, 0.1);
  // −log(1 − v)/v = ∫₀¹ dt/(1 − vt) where the quotient would lose digits
  const slow = mul(mul(p, width), meanReciprocal(where(small, v, 0)));
  const tail = add(q, mul(p, exp(neg(m)))); // 1 − v
  const x = where(small, slow, neg(div(log(where(small, 1, tail)), where(small, 1, m))));
  return where(negative, x, sub(1, x));
}

const { nodes, weights } = gaussLegendre(5);

/** ∫₀¹ dt/(1 − vt), exact to 1e-15 for |v| ≤ 0.1. */
function meanReciprocal(v: Tensor): Tensor {
  return nodes.map((node, i) => div(weights[i], sub(1, mul(node, v)))).reduce((a, b) => add(a, b));
}

/** Whether this function made it. */
export function isContinuousBernoulli(distribution: Distribution): distribution is ContinuousBernoulli {
  return family.has(distribution);
}
