import { logistic } from "../../distributions/logistic.ts";
import { uniform } from "../../distributions/uniform.ts";
import { actnorm } from "../../flows/actnorm.ts";
import { inverseAutoregressive, maskedAutoregressive } from "../../flows/autoregressive.ts";
import { compose } from "../../flows/bijection.ts";
import { affineCoupling } from "../../flows/coupling.ts";
import { flow } from "../../flows/flow.ts";
import { linearLu } from "../../flows/linear-lu.ts";
import { linearQr } from "../../flows/linear-qr.ts";
import { permutation, reversal } from "../../flows/permutation.ts";
import { logit, squash } from "../../flows/sigmoid.ts";
import { rationalQuadratic } from "../../flows/spline.ts";
import { splineAutoregressive } from "../../flows/spline-autoregressive.ts";
import { splineCoupling } from "../../flows/spline-coupling.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data } from "../../tensor/index.ts";
import { evaluate } from "../../tensor/reference.ts";
import { bijectionHolds, gaussian, randomParameters, type Tried } from "../bijection-checks.ts";
import { moonsPicture } from "../moons-picture.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

const ALL = [1, 2, 7];
const network = [8, 8];
const widths = network;
const transform = rationalQuadratic({ bins: 5 });

const bijections: readonly Tried[] = [
  { name: "actnorm", dimensions: ALL, build: (d) => actnorm("a", d) },
  { name: "logit", dimensions: ALL, domain: "unit", build: () => logit(1e-3) },
  { name: "sigmoid", dimensions: ALL, range: "unit", build: () => squash() },
  { name: "permutation", dimensions: ALL, build: (d) => permutation(d, { seed: 3 }) },
  { name: "LU", dimensions: ALL, build: (d) => linearLu("lu", d) },
  { name: "QR", dimensions: ALL, build: (d) => linearQr("qr", d) },
  { name: "affine coupling", dimensions: ALL, build: (d) => affineCoupling("c", d, { network }) },
  { name: "spline coupling", dimensions: ALL, build: (d) => splineCoupling("s", d, { network, bins: 5 }) },
  { name: "autoregressive", dimensions: ALL, build: (d) => maskedAutoregressive("m", d, { widths }) },
  { name: "inverse autoregressive", dimensions: ALL, build: (d) => inverseAutoregressive("m", d, { widths }) },
  {
    name: "spline autoregressive",
    dimensions: ALL,
    build: (d) => splineAutoregressive("m", d, { widths, bins: 5 }),
  },
  {
    name: "inverse spline autoregressive",
    dimensions: ALL,
    build: (d) => inverseAutoregressive("m", d, { widths, transform }),
  },
];

const parts = (d: number) => [
  actnorm("1", d),
  linearLu("2", d),
  affineCoupling("3", d, { network }),
  reversal(d),
  splineCoupling("4", d, { network, bins: 5 }),
  linearQr("5", d),
  maskedAutoregressive("6", d, { widths }),
  permutation(d, { seed: 1 }),
  splineAutoregressive("7", d, { widths, bins: 5 }),
  actnorm("8", d),
];

const composition: Tried = {
  name: `all in a row, K = ${parts(1).length}`,
  dimensions: ALL,
  build: (d) => compose(...parts(d)),
};

/** log|det| of f_K ∘ … ∘ f_1 is the sum of log|det| of each part where the one before has taken x. */
function sumOfParts(): Measurement {
  const d = 7;
  const x = data("x", ["batch", d]);
  const whole = compose(...parts(d)).forward(x);
  const feeds = { ...randomParameters([whole.value]), x: gaussian("composition", [9, d]) };
  const [measured] = evaluate([whole.logAbsDetJacobian], feeds);
  const total = new Float64Array(9);
  let at = feeds.x;
  for (const part of parts(d)) {
    const { value, logAbsDetJacobian } = part.forward(x);
    const [next, log] = evaluate([value, logAbsDetJacobian], { ...feeds, x: at });
    at = { data: Float64Array.from(next.data), shape: next.shape };
    for (let i = 0; i < total.length; i++) total[i] += log.data[i];
  }
  return {
    what: `log|det J| of the composition against the sum of its ${parts(d).length} parts, d = ${d}, 9 x; the first is shown`,
    measured: measured.data[0],
    expected: total[0],
    error: relativeToLargest(measured.data, total),
    tolerance: EXACT.float64,
  };
}

/** u = 1/(1 + e⁻ˣ) uniform makes x logistic: a density that is known otherwise. */
function knownDensity(): Measurement {
  const x = data("x", ["points", 1]);
  const made = flow(uniform(constant([0], [1]), constant([1], [1])), squash());
  const points = Array.from({ length: 41 }, (_, i) => i / 2 - 10);
  const [got, exact] = evaluate([made.logProb(x), logistic(constant([0], [1]), 1).logProb(x)], {
    x: { data: Float64Array.from(points), shape: [points.length, 1] },
  });
  return {
    what: "log p(x) where the sigmoid of x is uniform, against the logistic law's, 41 x from −10 to 10; the first is shown",
    measured: got.data[0],
    expected: exact.data[0],
    error: relativeToLargest(got.data, exact.data),
    tolerance: EXACT.float64,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const one of [...bijections, composition]) measurements.push(...(await bijectionHolds(engine, one)));
  return [...measurements, sumOfParts(), knownDensity()];
}

/** Row 22: log p(x) = log p(f(x)) + log|det J_f|, for every bijection there is and any composition. */
export const row22: SystemRow = { row: 22, title: "Change of variables", measure, pictures: moonsPicture };
