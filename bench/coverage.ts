import { arrayDataset } from "../src/data/dataset.ts";
import { multivariateNormal } from "../src/distributions/multivariate-normal.ts";
import { estimateLikelihood, type LikelihoodEstimate } from "../src/evaluation/likelihood.ts";
import { latentNoise } from "../src/inference/elbo.ts";
import { product, scaled, transposed } from "../src/linalg/matrix.ts";
import { choleskyFactor, inversePositive } from "../src/linalg/positive.ts";
import { drawLinearGaussian, exactPosterior, logEvidence } from "../src/models/linear-gaussian.ts";
import { linearGaussianModel } from "../src/models/linear-gaussian-program.ts";
import { type CompiledFunction, compile } from "../src/runtime/compile.ts";
import type { Engine } from "../src/runtime/engine.ts";
import { data, matmul, sub } from "../src/tensor/index.ts";
import type { NdArray } from "../src/tensor/ndarray.ts";
import type { Figure, Outcome } from "./results.ts";

const D = 16;
const K = 8;

/** What a study repeats with a new model, new data and new draws for every seed. */
export interface CoverageSetting {
  readonly examples: number;
  readonly samples: number;
  /** q(z|x) is the posterior with its deviations times this. */
  readonly narrow: number;
}

/** One seed: what was estimated, and the exact log p(x) of the same examples. */
export interface CoverageTrial {
  readonly estimate: Pick<LikelihoodEstimate, "logLikelihood" | "estimator" | "perExample">;
  readonly exact: readonly number[];
}

/** The density program of a linear-Gaussian model and q(z|x) = N(G(x − μ), LLᵀ), all of them inputs. */
export async function openCoverage(engine: Engine): Promise<CompiledFunction> {
  const x = data("x", ["batch", D]);
  const mean = data("mean", [D]);
  const posterior = multivariateNormal(
    matmul(sub(x, mean), data("gain", [K, D]), { transposeB: true }),
    data("scaleTril", [K, K]),
  );
  const parameters = { weight: data("weight", [D, K]), mean, variance: data("variance", []) };
  const model = linearGaussianModel(parameters, () => posterior);
  const { sample: z, logProb } = posterior.rsampleWithLogProb(latentNoise("epsilon", posterior, "batch", "samples"));
  return compile(engine, {
    logLikelihood: model.decoder(z).logProb(x),
    logPrior: model.prior.logProb(z),
    logPosterior: logProb,
  });
}

/** A random model, its data and q, and the estimate of what is known exactly. */
export async function coverageTrial(
  density: CompiledFunction,
  seed: number,
  { examples, samples, narrow }: CoverageSetting,
): Promise<CoverageTrial> {
  const { model, x } = drawLinearGaussian(seed, { d: D, k: K, n: examples });
  const { precision } = exactPosterior(model, x[0]);
  const covariance = inversePositive(precision);
  const array = (rows: readonly (readonly number[])[]): NdArray => {
    return { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0].length] };
  };
  const estimate = await estimateLikelihood({
    density,
    dataset: arrayDataset(array(x), { name: "linear-Gaussian data", measure: "real" }),
    parameters: new Map<string, NdArray>([
      ["weight", array(model.weight)],
      ["mean", { data: Float32Array.from(model.mean), shape: [D] }],
      ["variance", { data: Float32Array.of(model.variance), shape: [] }],
      ["gain", array(scaled(product(covariance, transposed(model.weight)), 1 / model.variance))], // Λ⁻¹Wᵀ/η
      ["scaleTril", array(scaled(choleskyFactor(covariance), narrow))],
    ]),
    samples,
    seed,
  });
  return { estimate, exact: x.map((row) => logEvidence(model, row)) };
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** What many seeds say of one setting; shares are of the seeds. */
export interface Coverage extends CoverageSetting {
  readonly seeds: number;
  /** In the 95 % interval lies the exact mean log p(x) of the seed's examples. */
  readonly covered: number;
  /** The same, had the bias not been taken out. */
  readonly coveredUncorrected: number;
  /** The mean of (estimate − bias − exact)/error, and of its square: 0 and 1 of an honest error. */
  readonly standardised: number;
  readonly standardisedSquare: number;
  /** The mean error that was stated, bias that was stated, and bias that was seen, in nats. */
  readonly statedError: number;
  readonly statedBias: number;
  readonly seenBias: number;
}

export function summariseTrials(setting: CoverageSetting, trials: readonly CoverageTrial[]): Coverage {
  const rows = trials.map(({ estimate: { logLikelihood, estimator }, exact }) => {
    const off = logLikelihood.value - average(exact);
    const { bias, error, interval } = estimator;
    const half = (interval[1] - interval[0]) / 2;
    return {
      off,
      bias,
      error,
      z: (off - bias) / error,
      covered: Math.abs(off - bias) < half,
      raw: Math.abs(off) < half,
    };
  });
  const share = (of: (row: (typeof rows)[number]) => boolean): number => average(rows.map((row) => (of(row) ? 1 : 0)));
  return {
    ...setting,
    seeds: trials.length,
    covered: share(({ covered }) => covered),
    coveredUncorrected: share(({ raw }) => raw),
    standardised: average(rows.map(({ z }) => z)),
    standardisedSquare: average(rows.map(({ z }) => z ** 2)),
    statedError: average(rows.map(({ error }) => error)),
    statedBias: average(rows.map(({ bias }) => bias)),
    seenBias: average(rows.map(({ off }) => off)),
  };
}

const SEEDS = 1000;
const SAMPLES = 500;

/** The project's bar, and beyond it a q so narrow that the weights have no third moment. */
const settings: readonly (CoverageSetting & { readonly held: boolean })[] = [
  { examples: 20, samples: SAMPLES, narrow: 0.9, held: true },
  { examples: 300, samples: SAMPLES, narrow: 0.9, held: true },
  { examples: 20, samples: SAMPLES, narrow: 0.8, held: false },
  { examples: 300, samples: SAMPLES, narrow: 0.8, held: false },
];

/** How often the 95 % interval of `estimateLikelihood` holds the exact mean log-likelihood of a fixed set. */
export async function benchCoverage(engine: Engine): Promise<Outcome> {
  const density = await openCoverage(engine);
  const figures: Figure[] = [];
  const details: Coverage[] = [];
  for (const { held, ...setting } of settings) {
    const trials: CoverageTrial[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      trials.push(await coverageTrial(density, seed, setting));
    }
    const coverage = summariseTrials(setting, trials);
    details.push(coverage);
    const what = `${setting.examples} examples, q ${setting.narrow} times as wide as the posterior`;
    const percent = (share: number): number => Math.round(1000 * share) / 10;
    const { statedBias, seenBias, statedError, standardisedSquare, coveredUncorrected } = coverage;
    figures.push(
      {
        what: `${what}: covered by the 95 % interval`,
        value: percent(coverage.covered),
        unit: "%",
        spread: `${SEEDS} seeds, ±${(100 * Math.sqrt((0.95 * 0.05) / SEEDS)).toFixed(1)}; ${percent(coveredUncorrected)} % with the bias left in`,
        bar: held ? 98 : undefined,
      },
      { what: `${what}: not covered`, value: percent(1 - coverage.covered), unit: "%", bar: held ? 9 : undefined },
      {
        what: `${what}: root mean square of (estimate − bias − exact)/error`,
        value: Math.sqrt(standardisedSquare),
        unit: "",
        spread: `error ${statedError.toExponential(2)} nats; bias stated ${statedBias.toExponential(2)}, seen ${seenBias.toExponential(2)}`,
      },
    );
  }
  await density.release();
  return {
    figures,
    notes: [
      `Linear-Gaussian data, d = ${D}, k = ${K}, ${SAMPLES} importance samples; a new model, data and draws for every seed. Exact log p(x) in closed form.`,
      "At 0.8 the weights have a variance but no third moment: about as far as a standard error can be trusted.",
    ],
    details,
  };
}
