import { InputError } from "../errors.ts";
import { abs, add, div, erf, exp, expm1, log, mul, neg, softplus, square, sub, type Tensor } from "../tensor/index.ts";
import { constant } from "../tensor/leaves.ts";
import { type Beta, isBeta } from "./beta.ts";
import type { AnyComponentwise } from "./componentwise.ts";
import { type ContinuousBernoulli, continuousBernoulli, isContinuousBernoulli } from "./continuous-bernoulli.ts";
import type { Distribution } from "./distribution.ts";
import { isGamma } from "./gamma.ts";
import { betaOnGamma, betaOnLogNormal, betas, gammaOnLogNormal, gammas, logNormalOnGamma } from "./kl-gamma.ts";
import { normals, transformedNormals } from "./kl-normal.ts";
import { type Pair, pair } from "./kl-pair.ts";
import { uniformPairs } from "./kl-uniform.ts";
import { isLaplace, type Laplace } from "./laplace.ts";
import { isLogNormal } from "./log-normal.ts";
import { isLogistic, type Logistic } from "./logistic.ts";
import { isLowRankNormal } from "./low-rank-normal.ts";
import { isMultivariateNormal } from "./multivariate-normal.ts";
import { isNormal, type Normal } from "./normal.ts";
import { isProbitNormal, type ProbitNormal } from "./probit-normal.ts";
import { excess } from "./stirling.ts";
import { isStudentT } from "./student-t.ts";
import { isUniform } from "./uniform.ts";

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** KL = ρ − 1 − log ρ + ρ(a + e⁻ᵃ − 1), ρ = b/b′, a = |μ − μ′|/b. */
function laplaces(q: Laplace, p: Laplace): Tensor {
  const ratio = div(q.parameters.scale, p.parameters.scale);
  const a = div(abs(sub(q.parameters.location, p.parameters.location)), q.parameters.scale);
  return add(excess(constant(1), log(ratio), ratio), mul(ratio, add(a, expm1(neg(a)))));
}

/**
 * KL between logistics of one scale s: a·coth(a/2) − 2 = a·(2·A′(a) − 1), a = |μ − μ′|/s, A′ the mean of a continuous Bernoulli.
 * Where the two scales are not one tensor (or the same number) no closed form is known.
 */
const logistics: Pair = {
  of: (q, p) => {
    if (!isLogistic(q) || !isLogistic(p) || q.parameters.scale !== p.parameters.scale) return undefined;
    const a = div(abs(sub(q.parameters.location, p.parameters.location)), q.parameters.scale);
    return mul(a, sub(mul(2, continuousBernoulli(a, 0).mean), 1));
  },
  by: "component",
};

/** −H(q) + E|x − μ|/b + log 2b */
function onLaplace(entropy: Tensor, distance: Tensor, p: Laplace): Tensor {
  const { scale } = p.parameters;
  return sub(add(div(distance, scale), add(log(scale), Math.LN2)), entropy);
}

/** E|x − m| = σ√(2/π)·e^(−½d²) + (μ − m)·erf(d/√2), d = (μ − m)/σ */
function normalOnLaplace(q: Normal, p: Laplace): Tensor {
  const { mean, scale } = q.parameters;
  const offset = sub(mean, p.parameters.location);
  const d = div(offset, scale);
  const spread = mul(mul(Math.sqrt(2 / Math.PI), scale), exp(mul(-0.5, square(d))));
  const entropy = add(log(scale), HALF_LOG_2PI + 0.5);
  return onLaplace(entropy, add(spread, mul(offset, erf(mul(Math.SQRT1_2, d)))), p);
}

/** E|x − m| = s·(d + 2·log(1 + e⁻ᵈ)), d = (μ − m)/s */
function logisticOnLaplace(q: Logistic, p: Laplace): Tensor {
  const { location, scale } = q.parameters;
  const d = div(sub(location, p.parameters.location), scale);
  return onLaplace(q.entropyTerms(), mul(scale, add(d, mul(2, softplus(neg(d))))), p);
}

/** −H(q) + log s + ½ log 2π + (var x + (E x − m)²)/2s²: all that a Normal asks of q. */
function onNormal(q: AnyComponentwise, p: Normal): Tensor {
  const { mean, scale } = p.parameters;
  const spread = add(div(q.variance, square(scale)), square(div(sub(q.mean, mean), scale)));
  return sub(add(add(log(scale), HALF_LOG_2PI), mul(0.5, spread)), q.entropyTerms());
}

/** A′(ℓ)(ℓ − k) − A(ℓ) + A(k), A the logarithm of the normaliser and A′ the mean. */
function continuousBernoullis(q: ContinuousBernoulli, p: ContinuousBernoulli): Tensor {
  const gap = sub(q.parameters.logits, p.parameters.logits);
  return add(sub(mul(q.mean, gap), q.logNormaliser), p.logNormaliser);
}

/** −H(q) − ℓ·E x + A(ℓ) */
function onContinuousBernoulli(q: Beta | ProbitNormal, p: ContinuousBernoulli): Tensor {
  return sub(sub(p.logNormaliser, mul(p.parameters.logits, q.mean)), q.entropyTerms());
}

type Guard = (distribution: Distribution) => boolean;

const reals: readonly Guard[] = [isNormal, isMultivariateNormal, isLowRankNormal, isLaplace, isLogistic, isStudentT];
const positives: readonly Guard[] = [isLogNormal, isGamma];
const units: readonly Guard[] = [isBeta, isContinuousBernoulli, isProbitNormal, isUniform];

const among =
  (...guards: readonly Guard[]): Guard =>
  (distribution) =>
    guards.some((guard) => guard(distribution));

/** Where q has mass that p has not, as only their families tell. */
function outside(q: Distribution, p: Distribution): string | undefined {
  const bounded = among(...units)(p);
  if (among(...reals)(q) && (bounded || among(...positives)(p))) return bounded ? "an interval" : "x > 0";
  return among(...positives)(q) && bounded ? "an interval" : undefined;
}

/** KL is infinite where q has mass outside the support of p: nothing to train on, so it is refused. */
const infinite: Pair = {
  by: "component",
  of: (q, p) => {
    const on = outside(q, p);
    if (on === undefined) return undefined;
    const remedy =
      on === "x > 0" ? "logNormal or gamma, which have none elsewhere" : "probitNormal or beta, which are on [0, 1]";
    throw new InputError(
      `kl: KL(${q.name} ‖ ${p.name}) is infinite: ${p.name} has all its mass on ${on} and ${q.name} has not; take ${remedy}`,
    );
  },
};

function isWithMoments(q: Distribution): q is AnyComponentwise {
  return among(isLaplace, isLogistic, isStudentT, ...positives, ...units)(q);
}

function isOnUnit(q: Distribution): q is Beta | ProbitNormal {
  return isBeta(q) || isProbitNormal(q);
}

/** Pairs of continuous families. */
export const continuousPairs: readonly Pair[] = [
  pair(isNormal, isNormal, normals),
  pair(isWithMoments, isNormal, onNormal),
  pair(isLaplace, isLaplace, laplaces),
  pair(isNormal, isLaplace, normalOnLaplace),
  logistics,
  pair(isLogistic, isLaplace, logisticOnLaplace),
  pair(isLogNormal, isLogNormal, transformedNormals),
  pair(isProbitNormal, isProbitNormal, transformedNormals),
  pair(isGamma, isGamma, gammas),
  pair(isBeta, isBeta, betas),
  pair(isLogNormal, isGamma, logNormalOnGamma),
  pair(isGamma, isLogNormal, gammaOnLogNormal),
  pair(isBeta, isGamma, betaOnGamma),
  pair(isBeta, isLogNormal, betaOnLogNormal),
  pair(isContinuousBernoulli, isContinuousBernoulli, continuousBernoullis),
  pair(isOnUnit, isContinuousBernoulli, onContinuousBernoulli),
  ...uniformPairs,
  infinite,
];
