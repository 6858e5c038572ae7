import { kl } from "../../distributions/kl.ts";
import { normal } from "../../distributions/normal.ts";
import { expectedLogLikelihood, posteriorGap } from "../../models/linear-gaussian.ts";
import { linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import type { Engine } from "../../runtime/engine.ts";
import { concat, constant, reshape, sub } from "../../tensor/index.ts";
import { evaluate } from "../../tensor/reference.ts";
import { DRAW, drawNoise, valuesOf } from "../draws.ts";
import { asConstants, diagonal, knownPosterior } from "../known-posterior.ts";
import { EXACT, type Measurement, type SystemRow } from "../row.ts";
import { average, standardErrors, unbiased } from "../unbiased.ts";

const SEED = 8;
const LATENTS = 2;

const { model, x, wrong } = knownPosterior(SEED, { d: 4, k: LATENTS });
const scale = wrong.lower.map((row, i) => row[i]);
const q = { mean: wrong.mean, covariance: diagonal(scale) };
const posterior = normal(constant(q.mean, [LATENTS]), constant(scale, [LATENTS]));
const joint = linearGaussianModel(asConstants(model), () => posterior);

/** log p(x|z) and log q(z|x) − log p(z) of each draw z ~ q: [draws, 2]. */
function termsOfDraws() {
  const { sample: z, logProb } = posterior.rsampleWithLogProb(drawNoise(posterior));
  const reconstruction = joint.decoder(z).logProb(constant(x, [x.length]));
  const rate = sub(logProb, joint.prior.logProb(z));
  return concat([reshape(reconstruction, [DRAW, 1]), reshape(rate, [DRAW, 1])], 1);
}

/** KL(N(m, diag s²) ‖ N(0, I)) = ½ Σ (m² + s² − 1) − log s */
const exactRate = scale.reduce((sum, s, j) => sum + 0.5 * (q.mean[j] ** 2 + s * s - 1) - Math.log(s), 0);
const exactTerms = [expectedLogLikelihood(model, x, q), exactRate];
const TERMS = ["reconstruction", "rate"];

/** K samples, as often as the spread of the error asks for: small K has the longer tails. */
const levels = [1, 4, 16, 64, 256, 1024].map((samples) => ({
  samples,
  repeats: Math.max(900, Math.min(16_000, 300_000 / samples)),
}));

/** The slope of log(root mean square error) in log K, by least squares, and its standard error. */
function slope(values: ArrayLike<number>, term: number): { readonly slope: number; readonly error: number } {
  let next = 0;
  const points = levels.map(({ samples, repeats }) => {
    const squares = Array.from({ length: repeats }, () => {
      let total = 0;
      for (let i = 0; i < samples; i++, next++) total += values[2 * next + term];
      return (total / samples - exactTerms[term]) ** 2;
    });
    const { mean, error } = average(squares, 1);
    // log √m̂ = ½ log m̂ has the standard error ½·se(m̂)/m̂
    return { at: Math.log(samples), value: 0.5 * Math.log(mean[0]), error: (0.5 * error[0]) / mean[0] };
  });
  const centre = points.reduce((total, { at }) => total + at, 0) / points.length;
  const spread = points.reduce((total, { at }) => total + (at - centre) ** 2, 0);
  const weights = points.map(({ at }) => (at - centre) / spread);
  return {
    slope: points.reduce((total, { value }, i) => total + weights[i] * value, 0),
    error: Math.hypot(...points.map(({ error }, i) => weights[i] * error)),
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const draws = levels.reduce((total, { samples, repeats }) => total + samples * repeats, 0);
  const { data } = await valuesOf(engine, termsOfDraws(), posterior, { draws, seed: SEED });
  const [{ data: closed }] = evaluate([kl(posterior, joint.prior)], {});
  const gap = posteriorGap(model, x, q).toFixed(1);
  const column = (term: number): Float64Array => Float64Array.from({ length: draws }, (_, i) => data[2 * i + term]);
  const means = TERMS.map((name, term) =>
    unbiased(`${name} by samples in nats, q ${gap} nats off`, average(column(term), 1), [exactTerms[term]]),
  );
  const slopes = TERMS.map((name, term): Measurement => {
    const found = slope(data, term);
    const apart = Math.abs(found.slope + 0.5);
    return {
      what: `slope of log(error of the ${name}) in log K, K = 1 … 1,024 samples`,
      measured: found.slope,
      expected: -0.5,
      error: apart / found.error,
      tolerance: standardErrors(1),
      because: "standard errors: a false alarm of 1e-6",
      planted: Math.abs(apart - 0.05 * 0.5) / found.error,
    };
  });
  const closedForm: Measurement = {
    what: "the rate in closed form, in nats, against ½ Σ (m² + s² − 1) − log s",
    measured: closed[0],
    expected: exactRate,
    error: Math.abs(closed[0] / exactRate - 1),
    tolerance: EXACT.float64,
  };
  return [...means, closedForm, ...slopes];
}

/** Row 8: both terms of the bound by K samples, or the rate in closed form. */
export const row08: SystemRow = { row: 8, title: "Monte Carlo terms", measure };
