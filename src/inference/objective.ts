import { type Distribution, draw, isReparameterized, isStratified } from "../distributions/distribution.ts";
import { hasClosedForm, hasTerms, kl, klTerms } from "../distributions/kl.ts";
import { InputError } from "../errors.ts";
import {
  abs,
  add,
  customGradient,
  exp,
  gradientThrough,
  hyper,
  logsumexp,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  scope,
  stopGradient,
  sub,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { asFloat } from "../tensor/op.ts";
import { type Baseline, leaveOneOut, movingAverage, none } from "./baselines.ts";
import { type BoundTerms, KL_WEIGHT, type LatentVariableModel, type PosteriorDraw, posteriorDraw } from "./elbo.ts";

/**
 * How ∇_φ of a bound is estimated.
 * `pathwise`: through z = T(ε; φ), all of it. Kingma & Welling 2014, §2.3.
 * `sticking-the-landing`: the path alone, without the score of q, whose mean is 0. Roeder et al. 2017, eq. 8.
 * `doubly-reparameterized`: the same for the importance-weighted bound, weights squared. Tucker et al. 2019, eq. 8.
 * `score-function`: (f − b)·∇ log q, needs no path. Williams 1992; Ranganath et al. 2014, eq. 3.
 * `dropped-path`: the integrand differentiated with z held fixed: WRONG, for teaching: ∇_φ does not commute with E_q.
 */
export type GradientEstimator =
  | "pathwise"
  | "sticking-the-landing"
  | "doubly-reparameterized"
  | "score-function"
  | "dropped-path";

export interface ObjectiveOptions {
  /** The evidence lower bound, or the importance-weighted one of Burda et al. 2016. */
  readonly bound?: "elbo" | "importance";
  /** By default pathwise where draws of the posterior have a path, else the score function. */
  readonly gradient?: GradientEstimator;
  /** The rate in closed form where there is one (default), or by the samples. */
  readonly rate?: "analytic" | "sampled";
  /** What a score-function estimator takes off its signal. Default: leave-one-out where there are samples, else the moving average. */
  readonly baseline?: "none" | "leave-one-out" | "moving-average";
  /** Nats of rate that each latent has free. Kingma et al. 2016, eq. 15. */
  readonly freeBits?: number;
  /** Descend w·|rate − C|, C = `hyper("capacity")` in nats. Burgess et al. 2018, eq. 5. */
  readonly capacity?: boolean;
}

/** The capacity C of the rate, a scheduled number in nats. */
export const CAPACITY = "capacity";

/** What a training step computes: named per-example terms in nats at weight 1, the number to descend, new state. */
export interface Objective {
  readonly terms: BoundTerms & { readonly importanceBound?: Tensor };
  readonly loss: Tensor;
  readonly updates?: Readonly<Record<string, Tensor>>;
  /** What the terms were made of. */
  readonly draws: Draws;
}

/** One draw of z for each example (and sample) and the log-densities there, [..., batch], as their gradients are to be taken. */
export interface Draws {
  readonly posterior: Distribution;
  readonly z: Tensor;
  readonly likelihood: Distribution;
  readonly logLikelihood: Tensor;
  readonly logPrior: Tensor;
  readonly logPosterior: Tensor;
  /** E over the strata of a mixture posterior: Σ_c π_c f_c; the number itself elsewhere. */
  readonly expectation: (value: Tensor) => Tensor;
}

/** How a gradient estimator looks at a draw: what of it gradients pass, and what of log q there. */
interface Sight {
  readonly of: (z: Tensor) => Tensor;
  readonly logPosterior: (posterior: Distribution, z: Tensor, own: Tensor) => Tensor;
}

/**
 * log q(z) as a function of z alone. A density that knows its own draw leads past z, to the y of z = Φ(y) or σ(y), and to z too: y then
 * stands for both.
 */
function pathOnly(posterior: Distribution, z: Tensor): Tensor {
  return gradientThrough(posterior.logProb(z), z.inputs.length === 1 ? z.inputs.map(asFloat) : [z]);
}

const fixed: Sight = { of: stopGradient, logPosterior: (posterior, z) => posterior.logProb(z) };

const sights: Readonly<Record<GradientEstimator, Sight>> = {
  pathwise: { of: (z) => z, logPosterior: (_posterior, _z, own) => own },
  "sticking-the-landing": { of: (z) => z, logPosterior: pathOnly },
  "doubly-reparameterized": { of: (z) => z, logPosterior: pathOnly },
  "score-function": fixed,
  "dropped-path": fixed,
};

/** What a bound is made of: the model, the data, q(z|x) and its noise. */
interface Given {
  readonly model: LatentVariableModel;
  readonly x: Tensor;
  readonly posterior: Distribution;
  readonly epsilon: Tensor;
}

/** Draws z ~ q(z|x) and scores it; a mixture posterior gives a draw of each component, pathwise. */
function drawAll({ model, x, posterior, epsilon }: Given, sight: Sight, stratify: boolean): Draws {
  const whole = (): PosteriorDraw => ({ ...draw(posterior, epsilon), expectation: (value) => value });
  const { sample, logProb, expectation } = stratify ? posteriorDraw(posterior, epsilon) : whole();
  const z = sight.of(sample); //                                 [..., batch, k]
  const likelihood = scope("decoder", () => model.decoder(z)); // p(x|z)
  return scope("elbo", () => ({
    posterior,
    z,
    likelihood,
    logLikelihood: likelihood.logProb(x),
    logPrior: model.prior.logProb(z),
    logPosterior: sight.logPosterior(posterior, z, logProb),
    expectation,
  }));
}

/** A value with the gradient of another. */
function withGradientOf(value: Tensor, surrogate: Tensor): Tensor {
  return customGradient(value, [surrogate], (upstream) => [upstream]);
}

/**
 * A bound of log p(x), its terms, and a loss whose gradient is the estimator that was asked for: descending it, what is reported
 * stays the bound at weight 1. `noiseFor` gives the noise of the posterior's draws, [batch, …] or [samples, batch, …].
 * @throws InputError where the model or the number of samples does not allow the estimator.
 */
export function objective(
  model: LatentVariableModel,
  x: Tensor,
  noiseFor: (posterior: Distribution) => Tensor,
  options: ObjectiveOptions = {},
): Objective {
  const posterior = scope("encoder", () => model.encoder(x)); // q(z|x)
  const given: Given = { model, x, posterior, epsilon: noiseFor(posterior) };
  check(given, options);
  return options.bound === "importance" ? importanceWeighted(given, options) : elbo(given, options);
}

function elbo(given: Given, options: ObjectiveOptions): Objective {
  const gradient = estimatorOf(given, options);
  const draws = drawAll(given, sights[gradient], gradient === "pathwise");
  const { posterior, model } = given;
  return scope("loss", () => {
    const { logLikelihood, logPrior, logPosterior, expectation } = draws;
    const closed = options.rate !== "sampled" && hasClosedForm(posterior, model.prior);
    const reconstruction = expectation(logLikelihood);
    const rate = closed ? kl(posterior, model.prior) : expectation(sub(logPosterior, logPrior));
    const terms = { elbo: sub(reconstruction, rate), reconstruction, rate };
    const price = closed && hasTerms(posterior, model.prior) ? klTerms(posterior, model.prior) : undefined;
    const charged = mul(hyper(KL_WEIGHT), chargeOf(rate, price, options));
    const loss = sub(charged, mean(reconstruction)); // −mean(reconstruction − w·rate)
    if (gradient !== "score-function") return { terms, loss, draws };
    // ∇_φ E_q f = E_q (f − b)·∇ log q; what of the loss does not hang on q's draw is differentiated as it stands.
    const sampled = mul(hyper(KL_WEIGHT), sub(logPosterior, logPrior));
    const signal = stopGradient(closed ? logLikelihood : sub(logLikelihood, sampled));
    const baseline = baselineOf(signal, options);
    const score = mul(sub(signal, baseline.value), logPosterior);
    const direct = closed ? charged : neg(mean(mul(hyper(KL_WEIGHT), logPrior)));
    const surrogate = sub(sub(direct, mean(logLikelihood)), mean(score));
    return { terms, loss: withGradientOf(loss, surrogate), updates: baseline.updates, draws };
  });
}

/** The estimator asked for, or the one that the posterior allows. */
function estimatorOf(
  { posterior }: Pick<Given, "posterior">,
  { gradient, bound }: ObjectiveOptions,
): GradientEstimator {
  const path = isReparameterized(posterior) || (bound !== "importance" && isStratified(posterior));
  return gradient ?? (path ? "pathwise" : "score-function");
}

function baselineOf(signal: Tensor, { baseline }: ObjectiveOptions): Baseline {
  const sampled = signal.shape.length > 1;
  const chosen = baseline ?? (sampled ? "leave-one-out" : "moving-average");
  if (chosen === "none") return none;
  return chosen === "leave-one-out" ? leaveOneOut(signal) : movingAverage(signal);
}

/** What of the rate the loss charges, in nats, a mean over the batch; `terms` are the rates of each latent [batch, k]. */
function chargeOf(rate: Tensor, terms: Tensor | undefined, { freeBits = 0, capacity }: ObjectiveOptions): Tensor {
  if (capacity) return mean(abs(sub(rate, hyper(CAPACITY))));
  if (freeBits === 0) return mean(rate);
  // Σ_j max(λ, mean over the batch of rate_j)
  if (terms) return sum(maximum(freeBits, mean(terms, 0)));
  return maximum(freeBits, mean(rate)); // one group: the latents' rates do not part
}

/**
 * log p(x) ≥ E log 1/K Σ_k w_k, w_k = p(x, z_k)/q(z_k|x). Burda et al. 2016, eq. 8. With K = 1 it is the ELBO. The weight of the
 * rate stands in log w = log p(x|z) + w·(log p(z) − log q(z|x)), so that a warm-up is possible.
 */
function importanceWeighted(given: Given, { gradient = "pathwise" }: ObjectiveOptions): Objective {
  const doubly = gradient === "doubly-reparameterized";
  let passed: Tensor | undefined; // [samples, batch], known when the gradient is taken
  const sight = sights[gradient];
  const weighed: Sight = doubly
    ? { ...sight, of: (z) => customGradient(z, [z], (upstream) => [mul(upstream, opened(passed, upstream))]) }
    : sight;
  const draws = drawAll(given, weighed, false);
  return scope("loss", () => {
    const { logLikelihood, logPrior, logPosterior } = draws;
    const rate = sub(logPosterior, logPrior);
    const logWeight = sub(logLikelihood, rate);
    const [samples] = logWeight.shape;
    const average = (values: Tensor): Tensor => sub(logsumexp(values, 0), Math.log(Number(samples)));
    const terms = {
      elbo: logWeight,
      reconstruction: logLikelihood,
      rate,
      importanceBound: average(logWeight),
    };
    const charged = sub(logLikelihood, mul(hyper(KL_WEIGHT), rate));
    const bound = average(charged); // [batch]
    const loss = neg(mean(bound));
    if (!doubly) return { terms, loss, draws };
    const share = stopGradient(exp(sub(charged, logsumexp(charged, 0)))); // w̃_k = w_k/Σ_j w_j
    // θ has the weights w̃. What flows back through z is multiplied by 1 − w + w·w̃: in φ that is w̃² where the rate has weight 1, and
    // the score that it stands for, −w·w̃∇ log q = −w·w̃(1 − w̃)·∂ log w_k/∂z·∂z/∂φ in the mean, has the rate's weight where it has not.
    passed = add(sub(1, hyper(KL_WEIGHT)), mul(hyper(KL_WEIGHT), share));
    const surrogate = neg(mean(sum(mul(share, charged), 0)));
    return { terms, loss: withGradientOf(loss, surrogate), draws };
  });
}

function opened(passed: Tensor | undefined, upstream: Tensor): Tensor {
  if (!passed) throw new Error("importance weights: asked for before they were made");
  return reshape(passed, [...passed.shape, ...upstream.shape.slice(passed.shape.length).map(() => 1)]);
}

function check({ model, posterior, epsilon }: Given, options: ObjectiveOptions): void {
  const gradient = estimatorOf({ posterior }, options);
  const { bound = "elbo", baseline, freeBits = 0, capacity, rate } = options;
  const sampled = epsilon.shape.length > 1 + posterior.noise.event.length;
  const samples = sampled ? epsilon.shape[0] : 1;
  const stratified = bound === "elbo" && gradient === "pathwise" && isStratified(posterior);
  const needsPath = gradient !== "score-function" && gradient !== "dropped-path";
  if (needsPath && !isReparameterized(posterior) && bound === "importance") {
    throw new InputError(
      `--bound importance: needs draws with a path to their parameters, which the posterior ${posterior.name} has not; use --posterior diagonal, or --bound elbo`,
    );
  }
  if (needsPath && !isReparameterized(posterior) && !stratified) {
    throw new InputError(
      `--gradient ${gradient}: draws of the posterior ${posterior.name} have no path to their parameters; use --gradient score-function`,
    );
  }
  const closed = hasClosedForm(posterior, model.prior);
  if (bound === "importance") {
    if (baseline !== undefined) throw new InputError("--baseline: is for --gradient score-function and --bound elbo");
    if (typeof samples !== "number" || samples < 2) {
      throw new InputError("--bound importance: two --samples or more are needed; with one it is the ELBO");
    }
    if (gradient !== "pathwise" && gradient !== "doubly-reparameterized") {
      throw new InputError(
        `--bound importance: --gradient ${gradient} is for the ELBO; use --gradient doubly-reparameterized`,
      );
    }
    if (freeBits > 0 || capacity || rate === "analytic") {
      throw new InputError(
        "--bound importance: its rate stands inside a logarithm, so it has no free bits, no capacity and no closed form",
      );
    }
    return;
  }
  if (gradient === "doubly-reparameterized") {
    throw new InputError(
      "--gradient doubly-reparameterized: is for --bound importance; sticking-the-landing is its like for the ELBO",
    );
  }
  if (gradient === "sticking-the-landing" && rate !== "sampled" && closed) {
    throw new InputError(
      "--gradient sticking-the-landing: leaves out a part of the sampled rate; it needs --kl sampled",
    );
  }
  if (rate === "analytic" && !closed) {
    throw new InputError(
      `--kl analytic: KL(${posterior.name} ‖ ${model.prior.name}) has no closed form; leave it out, and the rate is sampled`,
    );
  }
  if (capacity && (rate === "sampled" || !closed)) {
    throw new InputError(
      "--capacity: holds the rate itself at C, which needs its closed form: |log q − log p| of a draw is another number",
    );
  }
  if (freeBits > 0 && capacity) throw new InputError("--free-bits and --capacity exclude each other; give one of them");
  if (freeBits > 0 && gradient === "score-function" && (rate === "sampled" || !closed)) {
    throw new InputError("--free-bits: with the score function they need a rate in closed form");
  }
  if (baseline !== undefined && gradient !== "score-function") {
    throw new InputError(`--baseline ${baseline}: is for --gradient score-function, and ${gradient} is chosen`);
  }
}
