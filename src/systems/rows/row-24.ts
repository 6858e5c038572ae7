import { type Dataset, numbersOf, split } from "../../data/dataset.ts";
import { isReparameterized } from "../../distributions/distribution.ts";
import { normal, standardNormal } from "../../distributions/normal.ts";
import { autoregressive, inverseAutoregressive, maskedAutoregressive } from "../../flows/autoregressive.ts";
import { inverted } from "../../flows/bijection.ts";
import { flow } from "../../flows/flow.ts";
import { affineTransform, boundedLogScale } from "../../flows/transform.ts";
import { difference, dot, type Matrix } from "../../linalg/matrix.ts";
import { moments } from "../../linalg/moments.ts";
import { factorPositive } from "../../linalg/positive.ts";
import { realDataset } from "../../models/dequantize.ts";
import { normalizingFlow } from "../../models/flow.ts";
import { describeData } from "../../models/model.ts";
import { maskedNetwork } from "../../nn/masked.ts";
import { formatWithError } from "../../report/numbers.ts";
import type { Engine } from "../../runtime/engine.ts";
import { data, exp, split as parts } from "../../tensor/index.ts";
import { sizeOf } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { bijectionHolds, gaussian, randomParameters } from "../bijection-checks.ts";
import { logDensities, trainDensity } from "../density-model.ts";
import { openDigits } from "../linear-vae.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";
import { average } from "../unbiased.ts";

const D = 7;
const EXAMPLES = 9;
const transform = affineTransform();
const network = maskedNetwork("network", D, transform.owners(D), { widths: [16, 16] });
const f = autoregressive("flow", D, network, transform);
const law = flow(standardNormal(D), f);
const x = data("x", [EXAMPLES, D]);
const [means, raw] = parts(network(x), -1, [D, D]);
const scales = exp(boundedLogScale(raw));
const feeds = { ...randomParameters([network(x)]), x: gaussian("x", [EXAMPLES, D], 1.5) };

/** log p(x) = Σ_j log N(x_j; μ_j(x_<j), σ_j(x_<j)²), all μ and σ by one pass of the network. */
function density(): Measurement {
  const [got, exact] = evaluate([law.logProb(x), normal(means, scales).logProb(x)], feeds);
  return {
    what: `length of log p(x), by the change of variables against Σ log N(x_j; μ_j, σ_j²), d = ${D}, ${EXAMPLES} x`,
    measured: norm(got.data),
    expected: norm(exact.data),
    error: relativeToLargest(got.data, exact.data),
    tolerance: EXACT.float64,
  };
}

/** x_j = σ_j(x_<j)·z_j + μ_j(x_<j) for one j after another, what is not drawn yet being 1,000. */
function sequential(): Measurement {
  const z = feeds.x.data;
  const drawn = new Float64Array(EXAMPLES * D).fill(1000);
  for (let j = 0; j < D; j++) {
    const [mean, scale] = evaluate([means, scales], { ...feeds, x: { data: drawn, shape: [EXAMPLES, D] } });
    for (let at = j; at < drawn.length; at += D) drawn[at] = scale.data[at] * z[at] + mean.data[at];
  }
  const [got] = evaluate([f.inverse(x).value], feeds);
  return {
    what: `length of x = g(z) by the program's loop, against one x_j after another by ${D} passes of the network, ${EXAMPLES} z`,
    measured: norm(got.data),
    expected: norm(drawn),
    error: relativeToLargest(got.data, drawn),
    tolerance: EXACT.float64,
  };
}

/** The inverse arrangement, x_j = (z_j − μ_j(z_<j))/σ_j(z_<j): drawn and scored in one pass. */
function inverseArrangement(): Measurement {
  const other = flow(standardNormal(D), inverted(f));
  if (!isReparameterized(other)) throw new Error("the inverse arrangement is drawn in one pass");
  const { sample, logProb } = other.rsampleWithLogProb(x);
  const [own, looked] = evaluate([logProb, other.logProb(sample)], feeds);
  return {
    what: `the inverse arrangement: length of log p as ${EXAMPLES} x are drawn, in one pass, against their density looked up, sequentially`,
    measured: norm(own.data),
    expected: norm(looked.data),
    error: relativeToLargest(own.data, looked.data),
    tolerance: EXACT.float64,
  };
}

const SEED = 24;
const STEPS = 600;
const HIDDEN = 128;

function rowsOf(dataset: Dataset): Matrix {
  const [numbers, d] = [Array.from(numbersOf(dataset)), sizeOf(dataset.shape)];
  return Array.from({ length: dataset.length }, (_, i) => numbers.slice(i * d, (i + 1) * d));
}

/** The Gaussian of the largest likelihood on x + u: u, uniform on [0, 1), adds ½ to every mean and 1/12 to every variance. */
function fullGaussian(dataset: Dataset): (x: readonly number[]) => number {
  const { mean, covariance } = moments(rowsOf(dataset));
  const centre = mean.map((value) => value + 0.5);
  const { solve, logDeterminant } = factorPositive(
    covariance.map((row, i) => row.map((value, j) => value + (i === j ? 1 / 12 : 0))),
  );
  const constants = logDeterminant + centre.length * Math.log(2 * Math.PI);
  return (at) => {
    const apart = difference(at, centre);
    return -0.5 * (dot(apart, solve(apart)) + constants);
  };
}

/** One layer against a full Gaussian on digits that neither has seen, in nats an image, paired. */
async function onDigits(engine: Engine): Promise<Measurement> {
  const digits: Dataset = { ...(await openDigits()), measure: "count" };
  const { train, validation } = split(digits, { seed: SEED, fraction: 0.25 });
  const held = realDataset(validation, SEED); // x + u
  const description = describeData(train);
  const model = normalizingFlow(
    { transform: "autoregressive", layers: 1, hidden: [HIDDEN], mixing: "reverse" },
    description,
  );
  const training = { steps: STEPS, rate: 0.005, batchSize: 100, seed: SEED };
  const parameters = await trainDensity(engine, model, { dataset: train, description }, training);
  const numbers = { data: numbersOf(held), shape: [held.length, ...held.shape] };
  const logs = await logDensities(engine, model, parameters, numbers);
  const gaussians = rowsOf(held).map(fullGaussian(train));
  const paired = average(
    logs.map((log, i) => log - gaussians[i]),
    1,
  );
  const [flowMean, gaussianMean] = [logs, gaussians].map((values) => average(values, 1).mean[0]);
  const [ahead, error] = [paired.mean[0], paired.error[0]];
  const counts = `${train.length.toLocaleString("en-US")} digits 8×8, dequantised`;
  return {
    what: `mean log p(x) of ${held.length} held-out rows after ${STEPS} steps on ${counts}: one layer of ${HIDDEN} hidden units, against a full Gaussian; ${formatWithError(ahead, error)} nats a row ahead, paired`,
    measured: flowMean,
    expected: gaussianMean,
    error: Math.max(0, 3 - ahead / error),
    tolerance: 0,
    because: "standard errors short of 3",
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const widths = [8, 8];
  const tried = [
    { name: "autoregressive", build: (d: number) => maskedAutoregressive("m", d, { widths }) },
    { name: "inverse autoregressive", build: (d: number) => inverseAutoregressive("m", d, { widths }) },
  ];
  const measurements: Measurement[] = [];
  for (const one of tried) measurements.push(...(await bijectionHolds(engine, { ...one, dimensions: [1, 2, 7] })));
  return [...measurements, density(), sequential(), inverseArrangement(), await onDigits(engine)];
}

/** Row 24: x_j = σ_j(x_<j)·z_j + μ_j(x_<j), its density in one pass. */
export const row24: SystemRow = { row: 24, title: "Gaussian autoregressive flow", measure };
