import {
  abs,
  add,
  and,
  div,
  greaterEqual,
  lbeta,
  lessEqual,
  log,
  maximum,
  mul,
  square,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { type Beta, isBeta } from "./beta.ts";
import { type ContinuousBernoulli, isContinuousBernoulli } from "./continuous-bernoulli.ts";
import type { Distribution } from "./distribution.ts";
import { type Gamma, isGamma } from "./gamma.ts";
import { onGamma } from "./kl-gamma.ts";
import { ofNormals } from "./kl-normal.ts";
import { type Pair, pair } from "./kl-pair.ts";
import { isLaplace, type Laplace } from "./laplace.ts";
import { xLogX } from "./positive-log.ts";
import { isProbitNormal, type ProbitNormal } from "./probit-normal.ts";
import { isStandardUniform, isUniform, type Uniform } from "./uniform.ts";

/*
 * KL divergences to and from a Uniform on [low, high], ∞ where the first has mass outside the support of the second.
 */

/** log of the ratio of the widths */
function uniforms(q: Uniform, p: Uniform): Tensor {
  const inside = and(greaterEqual(q.parameters.low, p.parameters.low), lessEqual(q.parameters.high, p.parameters.high));
  const [from, to] = [q, p].map(({ parameters: { low, high } }) => sub(high, low));
  return onlyIf(inside, log(div(to, from)));
}

/** log(high − low) − H(q) for q on [0, 1]; of a ProbitNormal on U(0, 1) it is KL(N(μ, σ²) ‖ N(0, 1)). */
function unitOnUniform(q: Beta | ContinuousBernoulli | ProbitNormal, p: Uniform): Tensor {
  const { low, high } = p.parameters;
  const inside = and(lessEqual(low, 0), greaterEqual(high, 1));
  return onlyIf(inside, sub(log(sub(high, low)), q.entropyTerms()));
}

/** E log x over [low, high] = (high·log high − low·log low)/(high − low) − 1, low ≥ 0 */
function meanLog(low: Tensor, high: Tensor): Tensor {
  return sub(div(sub(xLogX(high), xLogX(low)), sub(high, low)), 1);
}

const withinUnit = ({ parameters: { low, high } }: Uniform): Tensor<"bool"> =>
  and(greaterEqual(low, 0), lessEqual(high, 1));

/** −E log p(x), each density with its log x and log(1 − x) averaged; ∞ where [low, high] reaches beyond [0, 1]. */
function uniformOnBeta(q: Uniform, p: Beta): Tensor {
  const { low, high } = q.parameters;
  const { a, b } = p.parameters;
  const below = mul(sub(a, 1), meanLog(maximum(low, 0), high));
  const above = mul(sub(b, 1), meanLog(maximum(sub(1, high), 0), sub(1, low)));
  return onlyIf(withinUnit(q), sub(sub(lbeta(a, b), add(below, above)), q.entropyTerms()));
}

function uniformOnGamma(q: Uniform, p: Gamma): Tensor {
  const { low, high } = q.parameters;
  const value = sub(onGamma(meanLog(maximum(low, 0), high), q.mean, p), q.entropyTerms());
  return onlyIf(greaterEqual(low, 0), value);
}

/** −H(q) − ℓ·E x + A(ℓ) */
function uniformOnContinuousBernoulli(q: Uniform, p: ContinuousBernoulli): Tensor {
  const value = sub(sub(p.logNormaliser, mul(p.parameters.logits, q.mean)), q.entropyTerms());
  return onlyIf(withinUnit(q), value);
}

/** E|x − μ| = ((high − μ)² + (μ − low)²)/2(high − low) for μ between them, else |E x − μ| */
function uniformOnLaplace(q: Uniform, p: Laplace): Tensor {
  const { low, high } = q.parameters;
  const { location, scale } = p.parameters;
  const [left, right] = [sub(location, low), sub(high, location)];
  const between = and(greaterEqual(left, 0), greaterEqual(right, 0));
  const inside = div(add(square(left), square(right)), mul(2, sub(high, low)));
  const distance = where(between, inside, abs(sub(q.mean, location)));
  return sub(add(div(distance, scale), add(log(scale), Math.LN2)), q.entropyTerms());
}

/** U(0, 1) is Φ of N(0, 1): KL(N(0, 1) ‖ N(μ, σ²)) */
function standardOnProbitNormal(_q: Uniform, p: ProbitNormal): Tensor {
  return ofNormals(0, 1, p.parameters.location, p.parameters.scale);
}

function onlyIf(inside: Tensor<"bool">, value: Tensor): Tensor {
  return where(inside, value, Number.POSITIVE_INFINITY);
}

function isOnUnit(q: Distribution): q is Beta | ContinuousBernoulli | ProbitNormal {
  return isBeta(q) || isContinuousBernoulli(q) || isProbitNormal(q);
}

/** Pairs with a Uniform in them. */
export const uniformPairs: readonly Pair[] = [
  pair(isUniform, isUniform, uniforms),
  pair(isOnUnit, isUniform, unitOnUniform),
  pair(isUniform, isBeta, uniformOnBeta),
  pair(isUniform, isGamma, uniformOnGamma),
  pair(isUniform, isContinuousBernoulli, uniformOnContinuousBernoulli),
  pair(isUniform, isLaplace, uniformOnLaplace),
  pair(isStandardUniform, isProbitNormal, standardOnProbitNormal),
];
