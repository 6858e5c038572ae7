import { standardNormal } from "../../distributions/normal.ts";
import { autoregressive } from "../../flows/autoregressive.ts";
import { affineCoupling } from "../../flows/coupling.ts";
import { flow } from "../../flows/flow.ts";
import { affineTransform } from "../../flows/transform.ts";
import { multilayer } from "../../nn/mlp.ts";
import type { Engine } from "../../runtime/engine.ts";
import { concat, data, mul, slice, split, type Tensor } from "../../tensor/index.ts";
import { evaluate } from "../../tensor/reference.ts";
import { bijectionHolds, gaussian, randomParameters } from "../bijection-checks.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

const [D, KEPT] = [7, 3];
const MOVED = D - KEPT;
const EXAMPLES = 9;
/** How far log σ goes each way: b·tanh(·/b). */
const BOUND = 5;

/** One network for both, x₁ ↦ μ and log σ before it is bounded. */
const network = multilayer("shared", KEPT, [8], 2 * MOVED);
const coupling = affineCoupling("coupling", D, { split: KEPT, network, bound: BOUND });

/** Row 24 whose network sees the first block alone and gives it μ = 0 and log σ = 0. */
const asAutoregressive = autoregressive(
  "autoregressive",
  D,
  (x: Tensor): Tensor => {
    const first = slice(x, -1, 0, KEPT);
    const [means, logScales] = split(network(first), -1, [MOVED, MOVED]);
    const none = mul(first, 0);
    return concat([none, means, none, logScales], -1);
  },
  affineTransform({ bound: BOUND }),
);

const x = data("x", [EXAMPLES, D]);
const feeds = {
  ...randomParameters([coupling.forward(x).value]),
  x: gaussian("x", [EXAMPLES, D], 1.5),
};

/** z, log|det|, x again and log p of both, side by side. */
function specialCase(): readonly Measurement[] {
  const [one, other] = [coupling, asAutoregressive].map((f) => {
    const { value, logAbsDetJacobian } = f.forward(x);
    const back = f.inverse(x); // the same numbers as noise
    const outputs = [value, logAbsDetJacobian, back.value, flow(standardNormal(D), f).logProb(x)];
    return evaluate(outputs, feeds).map(({ data: values }) => values);
  });
  const what = [
    "length of z = f(x)",
    "length of log|det J|",
    "length of x = g(z), one pass against a fixed point of as many as d",
    "length of log p(x)",
  ];
  return what.map((name, i) => ({
    what: `${name}, the coupling against row 24 with μ = 0, σ = 1 on the first block, d = ${D}, ${EXAMPLES} x`,
    measured: norm(one[i]),
    expected: norm(other[i]),
    error: relativeToLargest(one[i], other[i]),
    tolerance: EXACT.float64,
  }));
}

/** x₁ = z₁, x₂ = z₂ ⊙ σ(z₁) + μ(z₁) and log|det ∂z/∂x| = −Σ log σ_j(z₁), written out in plain numbers. */
function byHand(): readonly Measurement[] {
  const z = x;
  const { value } = coupling.inverse(z);
  const raw = network(slice(z, -1, 0, KEPT));
  const [made, numbers] = evaluate([value, raw], feeds);
  const expected = Array.from(feeds.x.data);
  const volumes = new Array<number>(EXAMPLES).fill(0);
  for (let row = 0; row < EXAMPLES; row++) {
    for (let j = 0; j < MOVED; j++) {
      const [mean, free] = [numbers.data[row * 2 * MOVED + j], numbers.data[row * 2 * MOVED + MOVED + j]];
      const logScale = BOUND * Math.tanh(free / BOUND);
      const at = row * D + KEPT + j;
      expected[at] = expected[at] * Math.exp(logScale) + mean;
      volumes[row] -= logScale;
    }
  }
  const there = evaluate([coupling.forward(x).logAbsDetJacobian, value], {
    ...feeds,
    x: { data: Float64Array.from(made.data), shape: [EXAMPLES, D] },
  })[0];
  return [
    {
      what: `length of x = g(z), against (z₁, z₂ ⊙ σ(z₁) + μ(z₁)) written out, d = ${D}, ${EXAMPLES} z`,
      measured: norm(made.data),
      expected: norm(expected),
      error: relativeToLargest(made.data, expected),
      tolerance: EXACT.float64,
    },
    {
      what: "length of log|det ∂z/∂x| there, against −Σ log σ_j(z₁)",
      measured: norm(there.data),
      expected: norm(volumes),
      error: relativeToLargest(there.data, volumes),
      tolerance: EXACT.float64,
    },
  ];
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const tried = [
    { name: "coupling", swap: false },
    { name: "coupling, the first block moves", swap: true },
  ];
  const measurements: Measurement[] = [];
  for (const { name, swap } of tried) {
    const build = (d: number) => affineCoupling("c", d, { network: [8, 8], swap });
    measurements.push(...(await bijectionHolds(engine, { name, dimensions: [2, 7], build })));
  }
  return [...measurements, ...specialCase(), ...byHand()];
}

/** Row 25: x₂ = z₂ ⊙ σ(z₁) + μ(z₁), row 24 where each of the second block sees the first alone. */
export const row25: SystemRow = { row: 25, title: "Coupling flow", measure };
