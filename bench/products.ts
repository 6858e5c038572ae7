import { compile, openEngine } from "../dist/index.js";
import { data, matmul, slice } from "../dist/tensor/index.js";
import { AAE, BATCH, CHANNELS, HIDDEN, IWAE, LATENTS, type Subject } from "./subject.ts";
import { quantile } from "./turns.ts";

/** A product [rows, inner] × [inner, columns], and how often a step makes one of its size. */
interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly times: number;
}

const PIXELS = 784;
const [FIRST, SECOND] = CHANNELS;
const TAPS = 16;
const [JUDGE] = AAE.discriminator;

/** A layer's products: its value, its weights' gradient and, but for the first layer, its input's gradient. */
function layer(rows: number, inputs: number, outputs: number, first = false): readonly Product[] {
  return [
    { rows, inner: inputs, columns: outputs, times: 1 },
    { rows: inputs, inner: rows, columns: outputs, times: 1 },
    { rows, inner: outputs, columns: inputs, times: first ? 0 : 1 },
  ];
}

/** The products of a layer whose weights are held: its value and its input's gradient. */
function valueAndInput(rows: number, inputs: number, outputs: number): readonly Product[] {
  return [
    { rows, inner: inputs, columns: outputs, times: 1 },
    { rows, inner: outputs, columns: inputs, times: 1 },
  ];
}

/** Every matrix product of a step; a convolution is one with the windows of its image as rows. */
const products: Readonly<Record<Subject, readonly Product[]>> = {
  mlp: [
    ...layer(BATCH, PIXELS, HIDDEN, true),
    ...layer(BATCH, HIDDEN, 2 * LATENTS),
    ...layer(BATCH, LATENTS, HIDDEN),
    ...layer(BATCH, HIDDEN, PIXELS),
  ],
  iwae: [
    ...layer(IWAE.batch, PIXELS, IWAE.hidden, true),
    ...layer(IWAE.batch, IWAE.hidden, IWAE.hidden),
    ...layer(IWAE.batch, IWAE.hidden, 2 * IWAE.latents),
    ...layer(IWAE.samples * IWAE.batch, IWAE.latents, IWAE.hidden),
    ...layer(IWAE.samples * IWAE.batch, IWAE.hidden, IWAE.hidden),
    ...layer(IWAE.samples * IWAE.batch, IWAE.hidden, PIXELS),
  ],
  aae: [
    ...layer(BATCH, PIXELS, HIDDEN, true),
    ...layer(BATCH, HIDDEN, HIDDEN),
    ...layer(BATCH, HIDDEN, AAE.latents),
    ...layer(BATCH, AAE.latents, HIDDEN),
    ...layer(BATCH, HIDDEN, HIDDEN),
    ...layer(BATCH, HIDDEN, PIXELS),
    // the discriminator of the codes, through which the encoder's gradient passes
    ...valueAndInput(BATCH, AAE.latents, JUDGE),
    ...valueAndInput(BATCH, JUDGE, JUDGE),
    // its own step: the encoder's value once more, then codes and draws of the prior
    { rows: BATCH, inner: PIXELS, columns: HIDDEN, times: 1 },
    { rows: BATCH, inner: HIDDEN, columns: HIDDEN, times: 1 },
    { rows: BATCH, inner: HIDDEN, columns: AAE.latents, times: 1 },
    ...layer(2 * BATCH, AAE.latents, JUDGE, true),
    ...layer(2 * BATCH, JUDGE, JUDGE),
  ],
  conv: [
    ...layer(BATCH * 14 * 14, TAPS, FIRST, true),
    ...layer(BATCH * 7 * 7, TAPS * FIRST, SECOND),
    ...layer(BATCH, SECOND * 7 * 7, 2 * LATENTS),
    ...layer(BATCH, LATENTS, SECOND * 7 * 7),
    ...layer(BATCH * 7 * 7, SECOND, TAPS * FIRST),
    ...layer(BATCH * 14 * 14, FIRST, TAPS),
  ],
};

const flops = ({ rows, inner, columns, times }: Product): number => 2 * rows * inner * columns * times;

/** Floating-point operations of a step's matrix products; the rest of a step is not counted. */
export function stepFlops(subject: Subject): number {
  return products[subject].reduce((total, product) => total + flops(product), 0);
}

const REPEATS = 15;

/** GFLOP/s of the engine in those products, each made alone: the whole of their operations over the sum of their times. */
export async function matrixRate(subject: Subject, threads: number): Promise<number> {
  const engine = await openEngine({ threads });
  let milliseconds = 0;
  for (const { rows, inner, columns, times } of products[subject]) {
    const y = matmul(data("a", [rows, inner]), data("b", [inner, columns]));
    // One row leaves the engine: copying a result is no part of a product.
    const compiled = await compile(engine, { row: slice(y, 0, 0, 1) });
    const feeds = {
      a: { data: new Float32Array(rows * inner).fill(0.5), shape: [rows, inner] },
      b: { data: new Float32Array(inner * columns).fill(0.5), shape: [inner, columns] },
    };
    const runs: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const start = performance.now();
      await compiled.run(feeds);
      runs.push(performance.now() - start);
    }
    milliseconds += times * quantile(runs, 0.5);
    await compiled.release();
  }
  return stepFlops(subject) / 1e6 / milliseconds;
}
