import { describe, expect, it } from "vitest";
import { weightedLoss } from "../../src/inference/elbo.ts";
import { trainingProgram } from "../../src/models/programs.ts";
import { type VaeOptions, vae } from "../../src/models/vae.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { instantiateKernels } from "../../src/runtime/kernels.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { asFloat } from "../../src/tensor/op.ts";
import type { AnyTensor } from "../../src/tensor/tensor.ts";
import { allocate } from "../../src/training/memory.ts";
import { applyUpdate } from "../../src/training/optimizer.ts";
import { float32, float64, found, type GoldenArray, relativeDistance } from "./arrays.ts";
import convGolden from "./values/conv-vae.json" with { type: "json" };
import mlpGolden from "./values/mlp-vae.json" with { type: "json" };

interface GoldenVae {
  readonly batch: { readonly x: GoldenArray };
  readonly noise: readonly GoldenArray[];
  readonly parameters: Readonly<Record<string, GoldenArray>>;
  readonly gradients: Readonly<Record<string, GoldenArray>>;
  readonly loss: number;
  readonly losses: readonly number[];
  readonly parametersAfter: Readonly<Record<string, GoldenArray>>;
}

const cases: readonly {
  readonly name: string;
  readonly golden: GoldenVae;
  readonly architecture: VaeOptions["architecture"];
}[] = [
  { name: "MLP VAE", golden: mlpGolden, architecture: { kind: "mlp", widths: [16, 12] } },
  { name: "conv VAE", golden: convGolden, architecture: { kind: "conv", channels: [4, 6] } },
];

// The project's bars: against float64, so that the rounding is ours alone.
const CLOSE = 1e-5;
const UPDATE_CLOSE = 1e-4; // Adam divides by √v, which makes small gradients' rounding large

const [PARAMETERS, GRADIENTS, M, V] = [0, 1, 2, 3];

interface Trained {
  readonly losses: readonly number[];
  readonly first: ReadonlyMap<string, readonly number[]>;
  readonly after: ReadonlyMap<string, readonly number[]>;
}

/** The golden script's ten steps: the product's own program, memory and kernels, fed its parameters, batch and noise. */
async function train(engine: Engine, golden: GoldenVae, architecture: VaeOptions["architecture"]): Promise<Trained> {
  const x = float32(golden.batch.x);
  const [batch, ...shape] = x.shape;
  const data = { shape, measure: "binary", means: x.data } as const;
  const model = vae({ architecture, latents: 3, likelihood: "bernoulli", binarize: "none" }, data);
  const { terms } = trainingProgram(model, data);
  const loss = weightedLoss(terms);
  const leaves = namedLeaves([loss]).filter(({ leaf }) => leaf.kind === "parameter");
  const slopes = gradients(
    loss,
    leaves.map(({ tensor }) => asFloat(tensor)),
  );
  const outputs: Record<string, AnyTensor> = { loss };
  for (const [i, { leaf }] of leaves.entries()) outputs[`gradient/${leaf.name}`] = slopes[i];
  const names = leaves.map(({ leaf }) => leaf.name);
  expect(names.toSorted()).toEqual(Object.keys(golden.parameters).toSorted());

  const compiled = await compile(engine, outputs, { sizes: { batch } });
  const memory = allocate(
    names.map((name) => ({ name, shape: golden.parameters[name].shape })),
    4,
  );
  const [parameters, gradient] = memory.regions.map(({ arrays }) => arrays);
  for (const name of names) found(parameters, name).data.set(float32(golden.parameters[name]).data);
  const kernels = instantiateKernels(memory.memory);
  const snapshot = (arrays: ReadonlyMap<string, NdArray>): Map<string, readonly number[]> =>
    new Map(names.map((name) => [name, Array.from(found(arrays, name).data)]));

  const into = Object.fromEntries(names.map((name) => [`gradient/${name}`, found(gradient, name)]));
  const losses: number[] = [];
  let first: Trained["first"] = new Map();
  const fixed = { x, klWeight: { data: Float32Array.of(1), shape: [] } };
  for (const [step, noise] of golden.noise.entries()) {
    const feeds = { ...Object.fromEntries(parameters), ...fixed, epsilon: float32(noise) };
    const values = await compiled.run(feeds, into);
    losses.push(values.loss.data[0]);
    if (step === 0) first = snapshot(gradient);
    for (const { offset, count } of memory.ranges(new Set(names))) {
      const at = (region: number): number => memory.regions[region].start + 4 * offset;
      const range = { param: at(PARAMETERS), grad: at(GRADIENTS), count };
      const slots = [at(M), at(V)];
      applyUpdate(kernels, { kind: "adam" }, range, { slots, learningRate: 1e-3, gradScale: 1, count: step + 1 });
    }
  }
  await compiled.release();
  return { losses, first, after: snapshot(parameters) };
}

/** The tests of both models on one engine. */
export function describeGolden(open: () => Promise<Engine>): void {
  describe.each(cases)("$name", ({ golden, architecture }) => {
    const trained = open().then((engine) => train(engine, golden, architecture));
    const names = Object.keys(golden.parameters);
    const start = (name: string): Float64Array => float64(golden.parameters[name]).data;
    const update = (name: string, after: ArrayLike<number>): Float64Array => start(name).map((x, i) => after[i] - x);

    it("has the loss", async () => {
      expect(Math.abs((await trained).losses[0] / golden.loss - 1)).toBeLessThan(CLOSE);
    });

    it("has every gradient", async () => {
      const { first } = await trained;
      for (const name of names) {
        const error = relativeDistance(found(first, name), float64(golden.gradients[name]).data);
        expect(error, name).toBeLessThan(CLOSE);
      }
      const all = names.flatMap((name) => found(first, name));
      const exact = names.flatMap((name) => Array.from(float64(golden.gradients[name]).data));
      expect(relativeDistance(all, exact)).toBeLessThan(CLOSE);
    });

    it("has the losses of ten Adam steps", async () => {
      const { losses } = await trained;
      expect(losses).toHaveLength(golden.losses.length);
      for (const [step, loss] of losses.entries()) {
        expect(Math.abs(loss / golden.losses[step] - 1), `step ${step}`).toBeLessThan(CLOSE);
      }
    });

    it("has moved every parameter as far", async () => {
      const { after } = await trained;
      const moved = names.map((name) => update(name, found(after, name)));
      const exact = names.map((name) => update(name, float64(golden.parametersAfter[name]).data));
      for (const [i, name] of names.entries()) {
        expect(relativeDistance(moved[i], exact[i]), name).toBeLessThan(UPDATE_CLOSE);
      }
      const flat = (parts: readonly Float64Array[]): number[] => parts.flatMap((part) => Array.from(part));
      expect(relativeDistance(flat(moved), flat(exact))).toBeLessThan(UPDATE_CLOSE);
    });
  });
}
