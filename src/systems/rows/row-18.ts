import { readFileSync } from "node:fs";
import { z } from "zod";
import { gaussianMixture } from "../../models/gaussian-mixture.ts";
import { stream } from "../../random/stream.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

const SEED = 18;
const QUESTIONS = 100;

const numbers = z.array(z.number());
const goldenSchema = z.object({
  weights: numbers,
  means: z.array(numbers),
  covariances: z.array(z.array(numbers)),
  x: z.array(numbers),
  logProb: numbers,
  posterior: z.array(numbers),
});

async function measure(): Promise<readonly Measurement[]> {
  const file = new URL("../../../test/golden/values/gaussian_mixture.json", import.meta.url);
  const golden = goldenSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const mixture = gaussianMixture(golden);
  const { x, logProb, posterior } = golden;
  const [first] = x;
  const from = stream(SEED, "posteriors");
  const asked = Array.from({ length: QUESTIONS }, (_, i) => {
    const raw = golden.weights.map(() => from.uniform() ** 3);
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

/** Row 18: a mixture of Gaussians, of which log p(x) and p(z|x) are known. */
export const row18: SystemRow = {
  row: 18,
  title: "Mixture of Gaussians",
  missing: "EM; diagonal, spherical and tied covariances",
  measure,
};
