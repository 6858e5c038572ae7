import { openEngine } from "#engine";
import { namedLeaves } from "../../../src/onnx/lower.ts";
import { compile, type Feeds } from "../../../src/runtime/compile.ts";
import { gradients } from "../../../src/tensor/gradients.ts";
import type { Tensor } from "../../../src/tensor/index.ts";
import type { NdArray } from "../../../src/tensor/ndarray.ts";
import { asFloat } from "../../../src/tensor/op.ts";
import type { Precision } from "../../../src/tensor/tensor.ts";
import { startsOf } from "./starts.ts";

interface Descent {
  readonly steps: number;
  /** Where the learning rate starts; it falls to 0 along a cosine. */
  readonly rate: number;
  readonly precision: Precision;
  readonly feeds?: Feeds;
}

/** Parameters that Adam finds for a loss from their starts, by name, and the loss before every step. Kingma & Ba 2015, algorithm 1. */
export async function minimise(
  loss: Tensor,
  { steps, rate, precision, feeds = {} }: Descent,
): Promise<{ readonly parameters: Readonly<Record<string, NdArray>>; readonly losses: readonly number[] }> {
  const store = precision === "float64" ? Float64Array : Float32Array;
  const parameters = Object.entries(startsOf([loss])).map(([name, { data, shape }]) => ({
    name,
    value: { data: store.from(data), shape },
    first: new Float64Array(data.length),
    second: new Float64Array(data.length),
  }));
  const leaves = new Map(namedLeaves([loss]).map(({ leaf, tensor }) => [leaf.name, asFloat(tensor)]));
  const wanted = parameters.flatMap(({ name }) => leaves.get(name) ?? []);
  const slopes = gradients(loss, wanted).map((slope, i) => [`slope${i}`, slope] as const);
  const program = await compile(
    await openEngine({ engine: "native" }),
    { loss, ...Object.fromEntries(slopes) },
    { precision },
  );
  const values = Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const got = await program.run({ ...feeds, ...values });
    losses.push(Number(got.loss.data[0]));
    const now = 0.5 * rate * (1 + Math.cos((Math.PI * (step - 1)) / steps));
    for (const [i, { value, first, second }] of parameters.entries()) {
      for (const [j, g] of Array.from(got[`slope${i}`].data).entries()) {
        first[j] = 0.9 * first[j] + 0.1 * g;
        second[j] = 0.99 * second[j] + 0.01 * g * g;
        value.data[j] -= (now * (first[j] / (1 - 0.9 ** step))) / (Math.sqrt(second[j] / (1 - 0.99 ** step)) + 1e-12);
      }
    }
  }
  await program.release();
  return { parameters: values, losses };
}
