import { readFileSync } from "node:fs";
import { z } from "zod";
import { rowExamples } from "../../linalg/examples.ts";
import type { Matrix } from "../../linalg/matrix.ts";
import { moments } from "../../linalg/moments.ts";
import { gaussianMixture } from "../../models/gaussian-mixture.ts";
import { openMixtureEm, startingState } from "../../models/mixture-em.ts";
import { fitMixture } from "../../models/mixture-fit.ts";
import { covarianceNames } from "../../models/names.ts";
import { stream } from "../../random/stream.ts";
import type { Engine } from "../../runtime/engine.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

const SEED = 18;
const QUESTIONS = 100;
const COMPONENTS = 3;

const numbers = z.array(z.number());
const goldenSchema = z.object({
  weights: numbers,
  means: z.array(numbers),
  covariances: z.array(z.array(numbers)),
  x: z.array(numbers),
  logProb: numbers,
  posterior: z.array(numbers),
});

const emSchema = z.object({
  starts: numbers,
  fits: z.array(
    z.object({ covariance: z.enum(covarianceNames), floor: z.number(), lowerBounds: numbers, score: z.number() }),
  ),
});
const rowsSchema = z.object({ rows: z.array(numbers) });

/** scikit-learn's: test/golden/scripts/gaussian_mixture.py and mixture_em.py. */
function golden<T>(schema: z.ZodType<T>, name: string): T {
  const file = new URL(`../../../test/golden/values/${name}.json`, import.meta.url);
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** The wine data, each number in units of its deviation, float64. */
function standardisedWine(): Matrix {
  const { rows } = golden(rowsSchema, "probabilistic_pca");
  const { mean, covariance } = moments(rows);
  return rows.map((row) => row.map((value, j) => (value - mean[j]) / Math.sqrt(covariance[j][j])));
}

/** EM of three components on wine from scikit-learn's start, in each of the forms, with a floor and without. */
async function byEm(engine: Engine): Promise<readonly Measurement[]> {
  const { starts, fits } = golden(emSchema, "mixture_em");
  const rows = standardisedWine();
  const examples = rowExamples(rows, "wine");
  const ones = rows[0].map(() => 1);
  const measurements: Measurement[] = [];
  for (const { covariance, floor, lowerBounds, score } of fits) {
    const start = startingState(
      starts.map((row) => rows[row]),
      ones,
      covariance,
    );
    const options = { components: COMPONENTS, covariance, floor, start, tolerance: 1e-12 };
    const { logLikelihoods, state, settings } = await fitMixture(engine, examples, options);
    const em = await openMixtureEm(engine, { components: COMPONENTS, d: rows[0].length }, settings);
    const scores = await em.score(state, examples);
    await em.release();
    const reached = scores.logLikelihoods.reduce((total, value) => total + value, 0) / rows.length;
    const shared = Math.min(logLikelihoods.length, lowerBounds.length);
    const apart = lowerBounds.slice(0, shared).map((value, i) => Math.abs(value - logLikelihoods[i]));
    const of = `wine, ${COMPONENTS} components, ${covariance} covariances`;
    if (floor === 0) {
      const fall = Math.max(0, ...logLikelihoods.slice(1).map((value, i) => logLikelihoods[i] - value));
      const from = logLikelihoods[0].toFixed(3);
      measurements.push({
        what: `${of}, floor 0: mean log p(x) through ${logLikelihoods.length} steps of EM, from ${from}: the error is its largest fall in a step`,
        measured: reached,
        expected: score,
        error: fall,
        tolerance: 1e-12,
        because: "nats; rounding of some hundred terms",
      });
    } else {
      measurements.push({
        what: `${of}, floor ${floor}: mean log p(x) where EM ends, against scikit-learn from the same start; the error is the largest of its ${shared} steps`,
        measured: reached,
        expected: score,
        error: Math.max(Math.abs(reached - score), ...apart),
        tolerance: EXACT.float64,
      });
    }
  }
  return measurements;
}

function givenMixture(): readonly Measurement[] {
  const known = golden(goldenSchema, "gaussian_mixture");
  const mixture = gaussianMixture(known);
  const { x, logProb, posterior } = known;
  const [first] = x;
  const from = stream(SEED, "posteriors");
  const asked = Array.from({ length: QUESTIONS }, (_, i) => {
    const raw = known.weights.map(() => from.uniform() ** 3);
    const total = raw.reduce((sum, value) => sum + value, 0);
    const [at, q] = [x[i % x.length], raw.map((value) => value / total)];
    return { elbo: mixture.elbo(at, q), gap: mixture.posteriorGap(at, q), evidence: mixture.logProb(at) };
  });
  const wrong = asked.find(({ gap }) => gap > 1) ?? asked[0];
  return [
    {
      what: `log p(x) of ${x.length} points, 3 components with full covariances, against scikit-learn; the first is shown`,
      measured: mixture.logProb(first),
      expected: logProb[0],
      error: Math.max(...x.map((at, i) => Math.abs(mixture.logProb(at) / logProb[i] - 1))), // one lies far out: each by itself
      tolerance: EXACT.float64,
    },
    {
      what: "p(z|x) of them against scikit-learn; the largest of the first is shown",
      measured: Math.max(...mixture.posterior(first)),
      expected: Math.max(...posterior[0]),
      error: relativeToLargest(x.flatMap(mixture.posterior), posterior.flat()),
      tolerance: EXACT.float64,
    },
    {
      what: `log p(x) = ELBO(q) + KL(q ‖ p(z|x)) for ${QUESTIONS} random q; one that is ${wrong.gap.toFixed(2)} nats off is shown`,
      measured: wrong.elbo + wrong.gap,
      expected: wrong.evidence,
      error: Math.max(...asked.map(({ elbo, gap, evidence }) => Math.abs((elbo + gap - evidence) / evidence))),
      tolerance: EXACT.float64,
    },
  ];
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...givenMixture(), ...(await byEm(engine))];
}

/** Row 18: a mixture of Gaussians, of which log p(x) and p(z|x) are known, and EM. */
export const row18: SystemRow = {
  row: 18,
  title: "Mixture of Gaussians",
  measure,
};
