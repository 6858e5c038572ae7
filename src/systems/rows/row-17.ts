import { fileURLToPath } from "node:url";
import { openEngine } from "#engine";
import { firstOf } from "../../data/dataset.ts";
import { embeddedFashion } from "../../data/fashion.ts";
import { openDataset } from "../../data/open.ts";
import { emStart, fitByEm, fitProbabilisticPca, meanLogLikelihood } from "../../models/probabilistic-pca.ts";
import type { Engine } from "../../runtime/engine.ts";
import {
  imageTable,
  type LinearTraining,
  type LinearVaeOptions,
  subspaceAngle,
  type Table,
  table,
  trainLinearVae,
  wineRows,
} from "../linear-vae.ts";
import type { Measurement, Study, SystemRow } from "../row.ts";

const SEED = 17;
const LATENTS = 2;

/** The largest likelihood in closed form, and EM from a random start. */
function closedAndEm({ moments }: Table, latents: number): Measurement {
  const closed = meanLogLikelihood(fitProbabilisticPca(moments, latents), moments);
  const { logLikelihoods } = fitByEm(moments, { start: emStart(moments, latents, SEED) });
  const [reached, from] = [logLikelihoods[logLikelihoods.length - 1], logLikelihoods[0]];
  return {
    what: `mean log p(x) by EM, ${logLikelihoods.length - 1} steps from ${from.toFixed(2)}, against the closed form, k = ${latents}`,
    measured: reached,
    expected: closed,
    error: Math.abs(reached - closed),
    tolerance: 1e-6,
    because: "nats; EM stops where a step gains less than 1e-12",
  };
}

const cases = [
  { expectation: "analytic", posterior: "diagonal", tolerance: 0.001 },
  { expectation: "analytic", posterior: "full", tolerance: 0.001 },
  { expectation: "sampled", posterior: "diagonal", tolerance: 0.02 },
  { expectation: "sampled", posterior: "full", tolerance: 0.02 },
] as const;

type Case = (typeof cases)[number];

/** The bound of a linear VAE, which log p(x) of its own θ lies above and the closed form above that; and its subspace. */
async function linearVaes(
  engine: Engine,
  name: string,
  data: Table,
  latents: number,
  trainingOf: (one: Case) => LinearTraining,
  say: (line: string) => void = () => undefined,
): Promise<readonly Measurement[]> {
  const best = fitProbabilisticPca(data.moments, latents);
  const expected = meanLogLikelihood(best, data.moments);
  const measurements: Measurement[] = [];
  for (const one of cases) {
    const { expectation, posterior, tolerance } = one;
    const options: LinearVaeOptions = { latents, posterior, expectation };
    const training = trainingOf(one);
    const { model, elbo } = await trainLinearVae(engine, data, options, training);
    const angle = subspaceAngle(model.weight, best.weight);
    const label = `linear VAE, ${expectation} expectation, ${posterior} covariance, ${training.steps.toLocaleString("en-US")} steps`;
    say(`${name}: ${label}: ${elbo} of ${expected}, ${angle}°`);
    measurements.push(
      {
        what: `${name}, k = ${latents}: ELBO of a ${label}, against the maximum of log p(x)`,
        measured: elbo,
        expected,
        error: Math.abs(elbo - expected),
        tolerance,
        because: `nats, as the row asks; log p(x) of its θ is ${(expected - meanLogLikelihood(model, data.moments)).toExponential(1)} below the maximum`,
      },
      {
        what: `${name}: cosine of the largest angle between its columns and the principal subspace (${angle.toExponential(1)}°)`,
        measured: Math.cos((angle * Math.PI) / 180),
        expected: 1,
        error: angle,
        tolerance: 1,
        because: "degrees, as the row asks",
      },
    );
  }
  return measurements;
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const wine = table("wine", wineRows());
  const training = ({ expectation, posterior }: Case): LinearTraining => ({
    steps: expectation === "analytic" && posterior === "diagonal" ? 4000 : 2000,
    rate: 0.03,
    samples: 1,
    batchSize: wine.dataset.length,
    seed: SEED,
  });
  return [
    closedAndEm(wine, LATENTS),
    closedAndEm(wine, 5),
    ...(await linearVaes(engine, "wine", wine, LATENTS, training)),
  ];
}

const DIGITS = new URL("../../../test/golden/values/digits-8x8-idx3-ubyte.gz", import.meta.url);
const IMAGES = 5000;

const study: Study = {
  command: "npm run systems -- 17 --full",
  run: async (say) => {
    const engine = await openEngine({ threads: 1 });
    const digits = await imageTable(engine, await openDataset(fileURLToPath(DIGITS)));
    const images = await imageTable(engine, firstOf((await embeddedFashion()).train, IMAGES));
    const settings = [
      { name: "digits 8×8", data: digits, latents: 8, batchSize: 599, steps: 12_000, rate: 0.01 },
      {
        name: `${IMAGES.toLocaleString("en-US")} embedded images 28×28`,
        data: images,
        latents: 8,
        batchSize: 500,
        steps: 12_000,
        rate: 0.003,
      },
    ];
    const measurements: Measurement[] = [];
    for (const { name, data, latents, batchSize, steps, rate } of settings) {
      const training = (): LinearTraining => ({ steps, rate, samples: 1, batchSize, seed: SEED });
      measurements.push(closedAndEm(data, latents), ...(await linearVaes(engine, name, data, latents, training, say)));
    }
    return measurements;
  },
};

/** Row 17: probabilistic PCA in closed form, by EM, and as the VAE without a hidden layer. */
export const row17: SystemRow = { row: 17, title: "Probabilistic PCA", measure, study };
