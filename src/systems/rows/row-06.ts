import { normal, standardNormal } from "../../distributions/normal.ts";
import { apply, difference, dot, gram, traceOfProduct } from "../../linalg/matrix.ts";
import { posteriorGap } from "../../models/linear-gaussian.ts";
import type { Engine } from "../../runtime/engine.ts";
import { add, constant, matmul, reshape, sqrt, stopGradient } from "../../tensor/index.ts";
import { copied, DRAW, drawNoise, gradientsOfDraws, valuesOf } from "../draws.ts";
import { diagonal, knownPosterior } from "../known-posterior.ts";
import type { Measurement, SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 6;
const D = 4;
const LATENTS = 2;
const DRAWS = 100_000;

const { model, x, wrong } = knownPosterior(SEED, { d: D, k: LATENTS });
const scale = wrong.lower.map((row, i) => row[i]);
const q = { mean: wrong.mean, covariance: diagonal(scale) };

/** E_q ∇_θ log p(x, z) of p(x|z) = N(Wz + μ, ηI), q = N(m, S): residual r = x − μ − Wm. */
function exactGradients(): Readonly<Record<"weight" | "mean" | "variance", readonly number[]>> {
  const { weight, mean, variance } = model;
  const residual = difference(difference(x, mean), apply(weight, q.mean));
  const spread = traceOfProduct(gram(weight), q.covariance); // tr WSWᵀ
  return {
    // (r mᵀ − WS)/η
    weight: weight.flatMap((row, i) =>
      apply(q.covariance, row).map((value, j) => (residual[i] * q.mean[j] - value) / variance),
    ),
    // r/η
    mean: residual.map((value) => value / variance),
    // (‖r‖² + tr WSWᵀ)/2η² − d/2η
    variance: [(dot(residual, residual) + spread) / (2 * variance ** 2) - D / (2 * variance)],
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const weight = copied("weight", model.weight.flat(), [D, LATENTS]);
  const mean = copied("mean", model.mean);
  const variance = copied("variance", [model.variance]);
  const posterior = normal(constant(q.mean, [LATENTS]), constant(scale, [LATENTS]));
  const z = stopGradient(posterior.sample(drawNoise(posterior))); // a number that somebody drew: no path to its parameters
  const located = reshape(matmul(weight.tensor, reshape(z, [DRAW, LATENTS, 1])), [DRAW, D]); // Wz of each draw's own W
  const likelihood = normal(add(located, mean.tensor), sqrt(variance.tensor));
  const joint = add(likelihood.logProb(constant(x, [D])), standardNormal(LATENTS).logProb(z)); // log p(x, z)
  const exact = exactGradients();
  const gap = posteriorGap(model, x, q).toFixed(1);
  const parameters = [
    { name: "W", one: weight, by: exact.weight },
    { name: "μ", one: mean, by: exact.mean },
    { name: "η", one: variance, by: exact.variance },
  ];
  const measurements: Measurement[] = [];
  for (const { name, one, by } of parameters) {
    const gradients = gradientsOfDraws(joint, [one]);
    const { data } = await valuesOf(engine, gradients, posterior, {
      draws: DRAWS,
      seed: SEED,
      copies: [weight, mean, variance],
    });
    const size = by.length === 1 ? "" : "length of ";
    measurements.push(
      unbiased(
        `${size}∂ELBO/∂${name} as the mean of ∂log p(x, z)/∂${name}, z ~ q, q ${gap} nats off`,
        average(data, by.length),
        by,
      ),
    );
  }
  return measurements;
}

/** Row 6: ∇_θ ELBO is the mean of ∇_θ log p_θ(x, z) over z ~ q: no path through z is needed. */
export const row06: SystemRow = { row: 6, title: "Gradient in θ: the mean of ∇_θ log p(x, z) over z ~ q", measure };
