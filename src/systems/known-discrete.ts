import { type Bernoulli, bernoulli } from "../distributions/bernoulli.ts";
import type { LatentVariableModel } from "../inference/elbo.ts";
import { apply, difference, dot, type Matrix, transposed, type Vector } from "../linalg/matrix.ts";
import { stream } from "../random/stream.ts";
import { constant, type Tensor } from "../tensor/index.ts";
import { copiedDecoder } from "./copied-decoder.ts";
import { type Copied, copied } from "./draws.ts";

/** p(z) = Π_j Bernoulli(z_j), p(x|z) = N(Wz + μ, ηI), one x and a q(z|x) = Π_j Bernoulli(z_j): 2^k states, which can be counted. */
export interface KnownDiscrete {
  readonly weight: Matrix;
  readonly mean: Vector;
  readonly variance: number;
  readonly priorLogits: Vector;
  readonly logits: Vector;
  readonly x: Vector;
}

/** A random model; its first latent matters four times as much as the others, so that there is a slope to find among the noise. */
export function knownDiscrete(seed: number, { d, k }: { readonly d: number; readonly k: number }): KnownDiscrete {
  const from = stream(seed, "known discrete model");
  const normals = (count: number): number[] => Array.from({ length: count }, () => Math.fround(from.normal()));
  const weight = Array.from({ length: d }, () =>
    normals(k).map((value, j) => Math.fround((j === 0 ? 1.2 : 0.3) * value)),
  );
  return {
    weight,
    mean: normals(d),
    variance: Math.fround(0.8),
    priorLogits: normals(k),
    logits: normals(k),
    x: normals(d),
  };
}

/** The bound and its gradients by counting all states: no draw, no formula of an estimator. */
export interface Counted {
  readonly elbo: number;
  readonly evidence: number;
  readonly gradients: Readonly<Record<"logits" | "weight" | "mean" | "priorLogits", readonly number[]>>;
}

const logistic = (value: number): number => 1 / (1 + Math.exp(-value));
const logBernoulli = (z: Vector, logits: Vector): number =>
  z.reduce((total, one, j) => total + one * logits[j] - Math.log1p(Math.exp(logits[j])), 0);

/** One of the 2^k states: its probability under q, the densities there, x − E[x|z], and the score ∇ log q in the logits. */
export interface State {
  readonly z: Vector;
  readonly probability: number;
  readonly logLikelihood: number;
  readonly logPrior: number;
  readonly residual: Vector;
  readonly score: Vector;
}

export function countStates({ weight, mean, variance, priorLogits, logits, x }: KnownDiscrete): readonly State[] {
  return Array.from({ length: 2 ** logits.length }, (_, state) => {
    const z = logits.map((__, j) => (state >> j) & 1);
    const residual = difference(difference(x, mean), apply(weight, z));
    return {
      z,
      probability: Math.exp(logBernoulli(z, logits)),
      logLikelihood: -0.5 * (x.length * Math.log(2 * Math.PI * variance) + dot(residual, residual) / variance),
      logPrior: logBernoulli(z, priorLogits),
      residual,
      score: z.map((one, j) => one - logistic(logits[j])),
    };
  });
}

/** E_q log p(x|z) − w·KL(q ‖ p) and its gradients: ∂/∂ℓ_j = Σ_z q(z)(z_j − σ(ℓ_j))·f(z), in θ Σ_z q(z)·∂ log p(x, z). */
export function counted(known: KnownDiscrete, w = 1): Counted {
  const { variance, priorLogits, logits, x } = known;
  const [d, k] = [x.length, logits.length];
  const gradients = {
    logits: logits.map(() => 0),
    weight: new Array<number>(d * k).fill(0),
    mean: x.map(() => 0),
    priorLogits: logits.map(() => 0),
  };
  let [elbo, evidence] = [0, 0];
  for (const { z, probability: q, logLikelihood, logPrior, residual, score } of countStates(known)) {
    const f = logLikelihood - w * (Math.log(q) - logPrior);
    elbo += q * f;
    evidence += Math.exp(logLikelihood + logPrior);
    for (let j = 0; j < k; j++) {
      gradients.logits[j] += q * score[j] * f;
      gradients.priorLogits[j] += w * q * (z[j] - logistic(priorLogits[j]));
      for (let i = 0; i < d; i++) gradients.weight[i * k + j] += (q * residual[i] * z[j]) / variance;
    }
    for (let i = 0; i < d; i++) gradients.mean[i] += (q * residual[i]) / variance;
  }
  return { elbo, evidence: Math.log(evidence), gradients };
}

/** The model as a program in which every draw has its own copy of all parameters. */
export function discreteProgram({ weight, mean, variance, priorLogits, logits, x }: KnownDiscrete): {
  readonly model: LatentVariableModel;
  readonly posterior: Bernoulli;
  readonly x: Tensor;
  readonly copies: Readonly<Record<"logits" | "weight" | "mean" | "priorLogits", Copied>>;
} {
  const copies = {
    logits: copied("logits", logits),
    weight: copied("weight", weight.flat(), [weight.length, transposed(weight).length]),
    mean: copied("mean", mean),
    priorLogits: copied("priorLogits", priorLogits),
  };
  const posterior = bernoulli(copies.logits.tensor);
  return {
    model: {
      encoder: () => posterior,
      decoder: copiedDecoder({ weight: copies.weight.tensor, mean: copies.mean.tensor, variance: constant(variance) }),
      prior: bernoulli(copies.priorLogits.tensor),
    },
    posterior,
    x: constant(x, [x.length]),
    copies,
  };
}
