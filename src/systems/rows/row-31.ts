import { type Distribution, draw } from "../../distributions/distribution.ts";
import { hasClosedForm, kl } from "../../distributions/kl.ts";
import { normal } from "../../distributions/normal.ts";
import { InputError } from "../../errors.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, noise, reshape, sub, type Tensor } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { examples, type Quadrature } from "../divergence-examples.ts";
import { drawnNoise } from "../draws.ts";
import { executable, type Values } from "../execute.ts";
import { EXACT, type Measurement, type SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 31;
const DRAWS = 40_000;

/** KL(q ‖ p) of a and b of two families, in one order. */
interface Order {
  readonly q: Distribution;
  readonly p: Distribution;
  readonly grid: Quadrature;
}

interface Pair {
  readonly name: string;
  readonly there: Order;
  /** The other order, where it has a closed form too. */
  readonly back?: Order;
}

/** Whether the divergence is known and finite; where it is infinite `kl` refuses. */
function known({ q, p }: Order): boolean {
  try {
    const events = [q, p].map(({ shape }) => shape.join());
    return events[0] === events[1] && hasClosedForm(q, p);
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

const pairs: readonly Pair[] = examples.flatMap((first) =>
  examples.flatMap((second) => {
    const there = { q: first.a, p: second.b, grid: first.grid };
    const back = { q: second.b, p: first.a, grid: second.grid };
    if (!known(there)) return [];
    return [{ name: `${first.family} ‖ ${second.family}`, there, back: known(back) ? back : undefined }];
  }),
);

const orders: readonly Order[] = pairs.flatMap(({ there, back }) => (back ? [there, back] : [there]));

/** A divergence by its closed form, by quadrature and by draws of log q − log p. */
interface Found {
  readonly closed: number;
  readonly summed: number;
  readonly terms: ArrayLike<number>;
}

const value = (rows: readonly (readonly number[])[]): NdArray => ({
  data: Float64Array.from(rows.flat()),
  shape: [rows.length, rows[0].length],
});

/** All of them by one program. */
async function divergences(engine: Engine): Promise<ReadonlyMap<Order, Found>> {
  const outputs: Record<string, Tensor> = {};
  const feeds: Record<string, NdArray> = {};
  for (const [i, { q, p, grid }] of orders.entries()) {
    const x = data(`x/${i}`, [`points${i}`, ...q.shape]);
    const epsilon = noise(`noise/${i}`, q.noise.law, { batch: "draws", event: q.noise.event });
    const { sample, logProb } = draw(q, epsilon);
    outputs[`closed/${i}`] = reshape(kl(q, p), []);
    outputs[`q/${i}`] = q.logProb(x);
    outputs[`p/${i}`] = p.logProb(x);
    outputs[`term/${i}`] = sub(logProb, p.logProb(sample));
    feeds[`x/${i}`] = value(grid.x);
    feeds[`noise/${i}`] = drawnNoise(q, DRAWS, SEED + i);
  }
  const values = await run(engine, outputs, feeds);
  return new Map(
    orders.map((order, i) => {
      const [logQ, logP] = [values[`q/${i}`].data, values[`p/${i}`].data];
      const summed = order.grid.weight.reduce((total, weight, at) => {
        const density = Math.exp(logQ[at]);
        return density === 0 ? total : total + weight * density * (logQ[at] - logP[at]);
      }, 0);
      return [order, { closed: values[`closed/${i}`].data[0], summed, terms: values[`term/${i}`].data }];
    }),
  );
}

async function run(engine: Engine, outputs: Readonly<Record<string, Tensor>>, feeds: Values): Promise<Values> {
  const program = await executable(engine, outputs, "float64");
  const values = await program.run(feeds);
  await program.release();
  return values;
}

/** KL(q ‖ q) of every example, by the closed form: 0. */
async function ofEqual(engine: Engine): Promise<number> {
  const closed = examples.filter(({ a }) => known({ q: a, p: a, grid: { x: [], weight: [] } }));
  const outputs = Object.fromEntries(closed.map(({ a }, i) => [`same/${i}`, reshape(kl(a, a), [])]));
  const values = await run(engine, outputs, {});
  return Math.max(...Object.values(values).map(({ data: [one] }) => Math.abs(one)));
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const found = await divergences(engine);
  const at = (order: Order): Found => {
    const one = found.get(order);
    if (!one) throw new Error("row 31: an order that was not computed");
    return one;
  };
  const bothWays = pairs.map(({ name, there, back }): Measurement => {
    const { closed, summed } = at(there);
    const other = back ? `; the other way ${at(back).closed.toFixed(4)}` : "";
    return {
      what: `KL(${name}) in nats, closed form against quadrature${other}`,
      measured: closed,
      expected: summed,
      error: Math.abs(closed / summed - 1),
      tolerance: EXACT.float32,
      because: "quadrature",
    };
  });
  const all = orders.map(at);
  const averages = all.map(({ terms }) => average(terms, 1));
  const least = Math.min(...all.map(({ closed }) => closed));
  const symmetric = pairs.filter(({ there, back }) => back && Math.abs(at(there).closed - at(back).closed) < 0.01);
  const [zero, one] = [0, 1].map((mean) => normal(constant([mean], [1]), 1));
  const half = await run(engine, { there: reshape(kl(zero, one), []), back: reshape(kl(one, zero), []) }, {});
  return [
    ...bothWays,
    unbiased(
      `all ${orders.length} divergences as E_q[log q − log p] (their length as a vector)`,
      {
        draws: DRAWS,
        mean: Float64Array.from(averages, ({ mean }) => mean[0]),
        error: Float64Array.from(averages, ({ error }) => error[0]),
      },
      all.map(({ closed }) => closed),
    ),
    {
      what: `KL > 0 where the two differ: the smallest of ${orders.length}; of equal ones the largest is ${(await ofEqual(engine)).toExponential(1)}`,
      measured: least,
      expected: 0,
      error: Math.max(0, -least),
      tolerance: 0,
    },
    {
      what: `not symmetric: pairs known in both orders that differ by more than 0.01 nats, of ${pairs.filter(({ back }) => back).length}`,
      measured: pairs.filter(({ back }) => back).length - symmetric.length,
      expected: pairs.filter(({ back }) => back).length,
      error: symmetric.length,
      tolerance: 0,
    },
    {
      what: "and yet both orders may agree without equality: KL(N(0, 1) ‖ N(1, 1)), against the other way",
      measured: half.there.data[0],
      expected: half.back.data[0],
      error: Math.abs(half.there.data[0] - half.back.data[0]),
      tolerance: 0,
    },
  ];
}

/** Row 31: KL(q ‖ p) = E_q[log q − log p]. */
export const row31: SystemRow = { row: 31, title: "KL divergence", measure };
