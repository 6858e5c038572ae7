import { type Distribution, draw } from "../../distributions/distribution.ts";
import { hasClosedForm, kl } from "../../distributions/kl.ts";
import { mixture } from "../../distributions/mixture.ts";
import { normal } from "../../distributions/normal.ts";
import { InputError } from "../../errors.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, exp, gradients, mul, noise, reshape, sub, sum, type Tensor } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { type Example, examples } from "../divergence-examples.ts";
import { drawnNoise } from "../draws.ts";
import { executable } from "../execute.ts";
import { EXACT, type Measurement, type SystemPicture, type SystemRow } from "../row.ts";
import { type Averaged, average, unbiased } from "../unbiased.ts";

const SEED = 31;
const DRAWS = 20_000;

/** Whether the divergence is known and finite; where it is infinite `kl` refuses. */
function known(q: Distribution, p: Distribution): boolean {
  try {
    return q.shape.join() === p.shape.join() && hasClosedForm(q, p);
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

const closedForm = (q: Distribution, p: Distribution): Tensor => reshape(kl(q, p), []);

const value = (rows: readonly (readonly number[])[]): NdArray => ({
  data: Float64Array.from(rows.flat()),
  shape: [rows.length, rows[0].length],
});

/** KL(q ‖ p) by its closed form, by quadrature and by draws of log q − log p, and the other way where that is known. */
interface Divergence {
  readonly name: string;
  readonly closed: number;
  readonly summed: number;
  readonly drawn: Averaged;
  readonly back?: number;
}

/** One distribution's divergences from those of all families, and from itself. */
async function divergencesFrom(
  engine: Engine,
  { family, a: q, grid }: Example,
): Promise<{ readonly found: readonly Divergence[]; readonly itself: number }> {
  const others = examples.filter(({ b }) => known(q, b));
  if (others.length === 0) return { found: [], itself: 0 };
  const x = data("x", ["points", ...q.shape]);
  const { sample, logProb } = draw(q, noise("epsilon", q.noise.law, { batch: "draws", event: q.noise.event }));
  const outputs: Record<string, Tensor> = { logQ: q.logProb(x) };
  if (known(q, q)) outputs.itself = closedForm(q, q);
  for (const { family: other, b: p } of others) {
    outputs[`closed/${other}`] = closedForm(q, p);
    if (known(p, q)) outputs[`back/${other}`] = closedForm(p, q);
    outputs[`logP/${other}`] = p.logProb(x);
    outputs[`term/${other}`] = sub(logProb, p.logProb(sample));
  }
  const program = await executable(engine, outputs, "float64");
  const values = await program.run({ x: value(grid.x), epsilon: drawnNoise(q, DRAWS, SEED) });
  await program.release();
  const logQ = values.logQ.data;
  const found = others.map(({ family: other }): Divergence => {
    const logP = values[`logP/${other}`].data;
    const summed = grid.weight.reduce((total, weight, i) => {
      const density = Math.exp(logQ[i]);
      return density === 0 ? total : total + weight * density * (logQ[i] - logP[i]);
    }, 0);
    return {
      name: `${family} ‖ ${other}`,
      closed: values[`closed/${other}`].data[0],
      summed,
      drawn: average(values[`term/${other}`].data, 1),
      back: values[`back/${other}`]?.data[0],
    };
  });
  return { found, itself: values.itself?.data[0] ?? 0 };
}

/** Both orders of N(0, 1) and N(1, 1). */
async function halves(engine: Engine): Promise<Measurement> {
  const [zero, one] = [0, 1].map((mean) => normal(constant([mean], [1]), 1));
  const program = await executable(engine, { there: closedForm(zero, one), back: closedForm(one, zero) }, "float64");
  const { there, back } = await program.run({});
  await program.release();
  return {
    what: "and yet both orders may agree without equality: KL(N(0, 1) ‖ N(1, 1)), against the other way",
    measured: there.data[0],
    expected: back.data[0],
    error: Math.abs(there.data[0] - back.data[0]),
    tolerance: 0,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const all: Divergence[] = [];
  let equal = 0;
  for (const example of examples) {
    const { found, itself } = await divergencesFrom(engine, example);
    all.push(...found);
    equal = Math.max(equal, Math.abs(itself));
  }
  const each = all.map(({ name, closed, summed, back }): Measurement => {
    const other = back !== undefined && Number.isFinite(back) ? `; the other way ${back.toFixed(3)}` : "";
    return {
      what: `KL(${name}) in nats, closed form against quadrature${other}`,
      measured: closed,
      expected: summed,
      error: Math.abs(closed / summed - 1),
      tolerance: EXACT.float32,
    };
  });
  const column = (of: (one: Divergence) => number): Float64Array => Float64Array.from(all, of);
  const least = Math.min(...column(({ closed }) => closed));
  const both = all.flatMap(({ closed, back }) => (back === undefined ? [] : [Math.abs(closed - back)]));
  const apart = both.filter((difference) => difference > 0.005).length;
  return [
    ...each,
    unbiased(
      `length of all ${all.length} as E_q[log q − log p]`,
      { draws: DRAWS, mean: column(({ drawn }) => drawn.mean[0]), error: column(({ drawn }) => drawn.error[0]) },
      column(({ closed }) => closed),
    ),
    {
      what: `KL(q ‖ p) > 0 for q ≠ p: the smallest of ${all.length}`,
      measured: least,
      expected: least,
      error: Math.max(0, -least),
      tolerance: 0,
    },
    {
      what: `KL(q ‖ q) = 0 for each of ${examples.length} (1 more is shown)`,
      measured: 1 + equal,
      expected: 1,
      error: equal,
      tolerance: EXACT.float64,
    },
    {
      what: `not symmetric: pairs whose two orders are more than 0.005 nats apart, of ${both.length} known in both`,
      measured: apart,
      expected: both.length,
      error: both.length - apart,
      tolerance: 0,
    },
    await halves(engine),
  ];
}

/** Two modes, and a single Normal for them by either order. */
const target = mixture(
  constant([Math.log(0.6), Math.log(0.4)], [2]),
  normal(constant([-1.7, 2.1], [2, 1]), constant([0.6, 0.4], [2, 1])),
);

/** KL(q ‖ p) and KL(p ‖ q) of q = N(m, s²) by quadrature, and the slopes of the first. */
async function bothOrders(engine: Engine) {
  const [m, logScale, places] = [data("m", [1]), data("logScale", [1]), data("places", ["points", 1])];
  const [x, weight] = [data("x", ["points", 1]), data("weight", ["points"])];
  const q = normal(m, exp(logScale));
  const { sample, logProb } = q.rsampleWithLogProb(places);
  const there = sum(mul(weight, sub(logProb, target.logProb(sample)))); //                 E_q[log q − log p]
  const onTarget = target.logProb(x);
  const back = sum(mul(exp(onTarget), sub(onTarget, q.logProb(x)))); // times the spacing: E_p[log p − log q]
  const [byMean, byScale] = gradients(there, [m, logScale]);
  const program = await executable(engine, { there, back, byMean, byScale }, "float64");
  const width = 0.02;
  const points = Array.from({ length: 801 }, (_, i) => (i - 400) * width);
  const density = points.map((at) => (width * Math.exp(-0.5 * at * at)) / Math.sqrt(2 * Math.PI));
  const fixed = {
    places: value(points.map((at) => [at])),
    x: value(points.map((at) => [at])),
    weight: { data: Float64Array.from(density), shape: [points.length] },
  };
  const at = async (mean: number, log: number) => {
    const scalar = (number: number): NdArray => ({ data: Float64Array.of(number), shape: [1] });
    const found = await program.run({ ...fixed, m: scalar(mean), logScale: scalar(log) });
    const [toward, away, slope, slopeOfScale] = ["there", "back", "byMean", "byScale"].map(
      (name) => found[name].data[0],
    );
    return { toward, away: away * width, slope, slopeOfScale };
  };
  return { at, release: () => program.release() };
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const { at, release } = await bothOrders(engine);
  let [mean, log] = [-1, 0];
  for (let step = 0; step < 300; step++) {
    const { slope, slopeOfScale } = await at(mean, log);
    [mean, log] = [mean - 0.1 * slope, log - 0.1 * slopeOfScale];
  }
  // KL(p ‖ q) is least where q has the mean and the variance of p.
  const [centre, variance] = [0.6 * -1.7 + 0.4 * 2.1, 0.6 * (0.36 + 1.7 ** 2) + 0.4 * (0.16 + 2.1 ** 2)];
  const fits = [
    { name: "least KL(q ‖ p)", mean, scale: Math.exp(log), colour: colour("training") },
    { name: "least KL(p ‖ q)", mean: centre, scale: Math.sqrt(variance - centre ** 2), colour: colour("validation") },
  ];
  const lines: object[] = [];
  const captions: string[] = [];
  for (const { name, mean: m, scale } of fits) {
    const { toward, away } = await at(m, Math.log(scale));
    captions.push(`${name}: KL(q ‖ p) = ${toward.toFixed(2)}, KL(p ‖ q) = ${away.toFixed(2)}`);
    for (let x = -4; x <= 4; x += 0.05) {
      lines.push({ name, x, density: Math.exp(-0.5 * ((x - m) / scale) ** 2) / (scale * Math.sqrt(2 * Math.PI)) });
    }
  }
  await release();
  const program = await executable(engine, { logP: target.logProb(data("x", ["points", 1])) }, "float64");
  const places = Array.from({ length: 161 }, (_, i) => i / 20 - 4);
  const { logP } = await program.run({ x: value(places.map((x) => [x])) });
  await program.release();
  const outline = places.map((x, i) => ({ x, density: Math.exp(logP.data[i]) }));
  const encoding = {
    x: { field: "x", type: "quantitative", title: "x", axis: { grid: false } },
    y: { field: "density", type: "quantitative", title: "density", axis: { tickCount: 4 } },
  } as const;
  return [
    {
      name: "both-orders",
      caption: `KL in both orders: a Normal q for a p with two modes (grey). The one shuns places where p has no mass, the other covers all that p has. ${captions.join("; ")}.`,
      spec: {
        autosize: "pad",
        width: 420,
        height: 200,
        layer: [
          { data: { values: outline }, mark: { type: "area", color: colour("muted"), opacity: 0.3 }, encoding },
          {
            data: { values: lines },
            mark: { type: "line", strokeWidth: 2 },
            encoding: {
              ...encoding,
              color: {
                field: "name",
                type: "nominal",
                scale: { domain: fits.map(({ name }) => name), range: fits.map((fit) => fit.colour) },
                legend: { title: null, orient: "top", symbolType: "stroke" },
              },
            },
          },
        ],
      },
    },
  ];
}

/** Row 31: KL(q ‖ p) = E_q[log q − log p]. */
export const row31: SystemRow = { row: 31, title: "KL divergence", measure, pictures };
