import { describe, expect, it } from "vitest";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import type { OptimizerOptions } from "../../src/inference/phase.ts";
import type { DataDescription, Model } from "../../src/models/model.ts";
import type { Architecture } from "../../src/models/networks.ts";
import { trainingProgram } from "../../src/models/programs.ts";
import { type LayerSummary, networkSummary } from "../../src/models/summary.ts";
import { vae } from "../../src/models/vae.ts";
import { ones, zeros } from "../../src/nn/initialisers.ts";
import { dense, layerNorm, residual, sequential } from "../../src/nn/layers.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { add, exp, gradients, parameter, relu, scope, split } from "../../src/tensor/index.ts";
import { sizeOf } from "../../src/tensor/ndarray.ts";
import { asFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { bindShape } from "../../src/tensor/shape.ts";
import { topological } from "../../src/tensor/tensor.ts";
import { trainingBytes } from "../../src/training/bytes.ts";
import { allocate } from "../../src/training/memory.ts";

const images = (...shape: readonly number[]): DataDescription => ({
  shape,
  measure: "bytes",
  means: new Float64Array(sizeOf(shape)).fill(100),
});
const built = (architecture: Architecture, description: DataDescription, decoder?: Architecture): Model =>
  vae({ architecture, decoder, latents: 16, likelihood: "logistic" }, description);

const lines = (rows: readonly LayerSummary[]): readonly string[] =>
  rows.map(({ name, output, parameters }) => `${name} ${output} ${parameters}`);

const plain: DataDescription = { shape: [5], measure: "real", means: new Float64Array(5) };

/** A model as a user writes one: other names, scopes around it, a skip, a prior that is trained, a layer used by both. */
function own(): Model {
  const shared = layerNorm("norm", 4);
  const inwards = sequential(dense("in", 5, 4), shared, dense("out", 4, 6, { bias: false }));
  const body = sequential(dense("dec/hidden", 3, 4), shared, relu, dense("dec/output", 4, 5));
  const outwards = residual(body, dense("dec/skip", 3, 5));
  const logScale = parameter("dec/logScale", [5], zeros);
  const offset = parameter("offset", [], zeros);
  return {
    latents: 3,
    encoder: (x) =>
      scope("mine", () => {
        const [mean, spread] = split(inwards(x), -1, [3, 3]);
        return normal(mean, exp(spread));
      }),
    // dec/logScale is used outside the scope dec, so it is no part of a layer of that name.
    decoder: (z) =>
      normal(
        add(
          scope("dec", () => outwards(z)),
          offset,
        ),
        exp(logScale),
      ),
    prior: normal(parameter("prior/mean", [3], zeros), parameter("prior/scale", [3], ones)),
  };
}

describe("the layers of a model, in order, with shapes and parameters", () => {
  it("convolutional, of any size", () => {
    const description = images(3, 45, 64);
    const model = built({ kind: "conv", channels: [8, 16] }, description);
    const { encoder, decoder, rest, totals } = networkSummary(model, description);
    expect(lines(encoder)).toEqual([
      "encoder/conv1 8×22×32 392", // 3·8·16 + 8
      "encoder/conv2 16×11×16 2064", // 8·16·16 + 16
      "encoder/output 32 90144", // 2816·32 + 32
    ]);
    expect(lines(decoder)).toEqual([
      "decoder/input 2816 47872", // 16·2816 + 2816
      "decoder/conv1 8×22×32 2056", // 16·8·16 + 8
      "decoder/conv2 3×45×64 387", // 8·3·16 + 3
      "decoder/logScale 1 1",
    ]);
    expect(rest).toEqual([]);
    expect(totals).toEqual({ encoder: 92600, decoder: 50316, rest: 0, all: 142916 });
  });

  it("residual, with a decoder of its own", () => {
    const description = images(1, 6, 7);
    const model = built({ kind: "residual", channels: [4] }, description, { kind: "mlp", widths: [9, 10] });
    const { encoder, decoder, totals } = networkSummary(model, description);
    expect(lines(encoder)).toEqual([
      "encoder/conv1 4×3×3 68",
      "encoder/block1/conv1 4×3×3 148",
      "encoder/block1/conv2 4×3×3 148",
      "encoder/output 32 1184",
    ]);
    expect(lines(decoder)).toEqual([
      "decoder/hidden1 10 170",
      "decoder/hidden2 9 99",
      "decoder/output 42 420",
      "decoder/logScale 1 1",
    ]);
    expect(totals.all).toBe(68 + 148 + 148 + 1184 + 170 + 99 + 420 + 1);
  });

  it("a user's own, whatever it is made of", () => {
    const { encoder, decoder, rest, totals } = networkSummary(own(), plain);
    expect(lines(encoder)).toEqual(["in 4 24", "norm 4 8", "out 6 24"]);
    expect(lines(decoder).toSorted()).toEqual([
      "dec/hidden 4 16",
      "dec/logScale 5 5",
      "dec/output 5 25",
      "dec/skip 5 20",
      "offset 1 1",
    ]);
    expect(lines(decoder).indexOf("dec/hidden 4 16")).toBeLessThan(lines(decoder).indexOf("dec/output 5 25"));
    expect(lines(rest).toSorted()).toEqual(["prior/mean 3 3", "prior/scale 3 3"]);
    expect(totals).toEqual({ encoder: 56, decoder: 67, rest: 6, all: 129 });
  });
});

/** Parameters by name and shape, and every node of the training program with its gradients. */
function programOf(model: Model, description: DataDescription, samples?: number) {
  const { terms, loss } = trainingProgram(model, description, { samples });
  const leaves = namedLeaves([loss]);
  const parameters = leaves.filter(({ leaf }) => leaf.kind === "parameter").map(({ tensor }) => asFloat(tensor));
  const slopes = gradients(loss, parameters);
  return { leaves, parameters, slopes, nodes: topological([loss, ...Object.values(terms), ...slopes]) };
}

/** 4 bytes for every number that a node has when the interpreter runs it, 1 for a byte or a truth. */
function measured(model: Model, description: DataDescription, batch: number, samples?: number): number {
  const { leaves, parameters, slopes, nodes } = programOf(model, description, samples);
  const feeds = Object.fromEntries(
    leaves.map(({ leaf, tensor }) => {
      const shape = bindShape(tensor.shape, { batch }).map(Number);
      return [leaf.name, { data: new Float64Array(sizeOf(shape)).fill(0.5), shape }];
    }),
  );
  const counted = nodes.filter(
    (node) =>
      node.leaf?.kind !== "constant" && ![...parameters, ...slopes].some((elsewhere) => elsewhere.id === node.id),
  );
  const sizes = evaluate(counted, feeds).map(({ data }) => data.length);
  return counted.reduce((total, { dtype }, i) => total + (dtype === "bool" || dtype === "uint8" ? 1 : 4) * sizes[i], 0);
}

describe("the memory of training", () => {
  const description = images(1, 6, 8);
  const adam: OptimizerOptions = { kind: "adam" };

  it.each<readonly [OptimizerOptions, number]>([
    [adam, 2],
    [{ kind: "adamw" }, 2],
    [{ kind: "sgd", momentum: 0.9 }, 1],
    [{ kind: "sgd" }, 0],
  ])("%j keeps %d slots, each of the parameters' size, as they lie in memory", (optimizer, slots) => {
    const model = built({ kind: "residual", channels: [4] }, description);
    const bytes = trainingBytes(model, description, { batchSize: 2, samples: 1, optimizer });
    const once = 4 * networkSummary(model, description).totals.all;
    expect([bytes.parameters, bytes.gradients, bytes.slots]).toEqual([once, once, slots * once]);
    const { parameters } = programOf(model, description);
    const arrays = parameters.map(({ shape }, i) => ({ name: `${i}`, shape: shape.map(Number) }));
    const { regions } = allocate(arrays, 2);
    const padding = regions[1].start - regions[0].start - once;
    expect(padding).toBeGreaterThanOrEqual(0);
    expect(padding).toBeLessThan(64 * arrays.length);
  });

  it.each([1, 3])("counts what %d samples of a dense model compute, forward and backward", (samples) => {
    const model = built({ kind: "mlp", widths: [5] }, description);
    const { activations } = trainingBytes(model, description, { batchSize: 7, samples, optimizer: adam });
    expect(activations).toBe(measured(model, description, 7, samples === 1 ? undefined : samples));
  });

  it("and the windows that a convolution gathers besides", () => {
    const model = built({ kind: "conv", channels: [4, 5] }, images(1, 8, 9));
    const { activations } = trainingBytes(model, images(1, 8, 9), { batchSize: 3, samples: 1, optimizer: adam });
    // With more than three channels: those of encoder/conv2 and decoder/conv1, each 4×4 on 4 channels at 2×2 places.
    const windows = 2 * 4 * (3 * 2 * 2) * (4 * 4 * 4);
    expect(activations).toBe(measured(model, images(1, 8, 9), 3) + windows);
  });

  it("is told of a user's own model too", () => {
    const bytes = trainingBytes(own(), plain, { batchSize: 4, samples: 1, optimizer: adam });
    expect(bytes.parameters).toBe(4 * 129);
    expect(bytes.activations).toBe(measured(own(), plain, 4));
  });

  it("is nothing where nothing is trained", () => {
    const fixed: Model = {
      latents: 5,
      encoder: (x) => normal(x, 1),
      decoder: (z) => normal(z, 1, 1),
      prior: standardNormal(5),
    };
    const bytes = trainingBytes(fixed, plain, { batchSize: 4, samples: 1, optimizer: adam });
    expect(bytes).toMatchObject({ parameters: 0, gradients: 0, slots: 0 });
    expect(networkSummary(fixed, plain).totals.all).toBe(0);
  });
});
