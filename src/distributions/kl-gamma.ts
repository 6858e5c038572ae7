import { add, div, log, log1p, mul, polygamma, square, sub, type Tensor } from "../tensor/index.ts";
import type { Beta } from "./beta.ts";
import { type Gamma, gammaNormaliser } from "./gamma.ts";
import type { LogNormal } from "./log-normal.ts";
import { digammaMinusLog, excess, stirlingError } from "./stirling.ts";

/*
 * KL divergences with log Γ in them. Stirling's Δ and δ(a) = ψ(a) − log a stand for log Γ and ψ, and the large parts are gathered
 * in a(eʳ − 1 − r) ≥ 0, so that nothing cancels for large parameters; equal distributions give 0 to the bit.
 */

/**
 * log Γ(b) − log Γ(a) − (b − a)ψ(a) without its large part a·(ρ log ρ − ρ + 1), ρ = b/a:
 * −½ log ρ + Δ(b) − Δ(a) − (b − a)δ(a).
 */
function remainder(a: Tensor, b: Tensor): Tensor {
  const errors = sub(stirlingError(b), stirlingError(a));
  return sub(sub(errors, mul(0.5, log(div(b, a)))), mul(sub(b, a), digammaMinusLog(a)));
}

/** KL(Γ(α, β) ‖ Γ(a, b)) = a(eʳ − 1 − r) + remainder(α, a), r = log of the ratio of the means, (α/β)/(a/b). */
export function gammas(q: Gamma, p: Gamma): Tensor {
  const { shape } = p.parameters;
  const ratio = div(mul(q.parameters.shape, div(p.parameters.rate, q.parameters.rate)), shape);
  return add(excess(shape, log(ratio), mul(shape, ratio)), remainder(q.parameters.shape, shape));
}

/** With s = a + b: Σ over both ends of a′(eʳ − 1 − r), r = log((a/s)/(a′/s′)), and the remainders of a and b less that of s. */
export function betas(q: Beta, p: Beta): Tensor {
  const [s, t] = [q, p].map(({ parameters: { a, b } }) => add(a, b));
  const end = (of: Tensor, to: Tensor, otherOf: Tensor, otherTo: Tensor): Tensor => {
    // log(of/s) − log(to/t)
    const r = sub(log1p(div(otherTo, to)), log1p(div(otherOf, of)));
    return excess(to, r, mul(t, div(of, s)));
  };
  const { a, b } = q.parameters;
  const { a: c, b: d } = p.parameters;
  const ends = add(end(a, c, b, d), end(b, d, a, c));
  return add(ends, sub(add(remainder(a, c), remainder(b, d)), remainder(s, t)));
}

/** α(eʳ − 1 − r) + ½(ασ² − 1 − log ασ²) + Δ(α), r = log of the ratio of the means, e^(μ + ½σ²)/(α/β). */
export function logNormalOnGamma(q: LogNormal, p: Gamma): Tensor {
  const { shape, rate } = p.parameters;
  const squared = square(q.parameters.scale);
  const r = sub(add(q.parameters.location, mul(0.5, squared)), log(div(shape, rate)));
  const logs = mul(0.5, sub(sub(mul(shape, squared), 1), add(log(shape), mul(2, log(q.parameters.scale)))));
  return add(add(excess(shape, r, mul(rate, q.mean)), logs), stirlingError(shape));
}

/** −H(q) + E log x + log σ + ½ log 2π + (var log x + (E log x − μ)²)/2σ²: all that a LogNormal asks of q. */
function onLogNormal(entropy: Tensor, logMean: Tensor, logVariance: Tensor, p: LogNormal): Tensor {
  const { location, scale } = p.parameters;
  const spread = add(div(logVariance, square(scale)), square(div(sub(logMean, location), scale)));
  const normaliser = add(log(scale), 0.5 * Math.log(2 * Math.PI));
  return sub(add(add(logMean, normaliser), mul(0.5, spread)), entropy);
}

/** E log x = ψ(α) − log β, var log x = ψ′(α) */
export function gammaOnLogNormal(q: Gamma, p: LogNormal): Tensor {
  const { shape, rate } = q.parameters;
  const logMean = add(digammaMinusLog(shape), log(div(shape, rate)));
  return onLogNormal(q.entropyTerms(), logMean, polygamma(1, shape), p);
}

/** E log x = ψ(a) − ψ(s) */
function logMean({ parameters: { a, b } }: Beta): Tensor {
  return sub(sub(digammaMinusLog(a), digammaMinusLog(add(a, b))), log1p(div(b, a)));
}

/** var log x = ψ′(a) − ψ′(s) */
export function betaOnLogNormal(q: Beta, p: LogNormal): Tensor {
  const { a, b } = q.parameters;
  return onLogNormal(q.entropyTerms(), logMean(q), sub(polygamma(1, a), polygamma(1, add(a, b))), p);
}

/** −H(q) − (α − 1)·E log x + β·E x − α log β + log Γ(α) */
export function betaOnGamma(q: Beta, p: Gamma): Tensor {
  return sub(onGamma(logMean(q), q.mean, p), q.entropyTerms());
}

/** −E log p(x) of a Gamma, r = log(βx/α): α(β·E x/α − 1 − E r) + E r less its normaliser. */
export function onGamma(meanOfLog: Tensor, mean: Tensor, p: Gamma): Tensor {
  const { shape, rate } = p.parameters;
  const r = sub(meanOfLog, log(div(shape, rate)));
  return sub(add(sub(mul(rate, mean), mul(shape, add(r, 1))), r), gammaNormaliser(p.parameters));
}
