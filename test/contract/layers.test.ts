import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { InputError, ShapeError } from "../../src/errors.ts";
import {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  ones,
  zeros,
} from "../../src/nn/initialisers.ts";
import {
  conv,
  convTranspose,
  dense,
  dropout,
  flattenEvent,
  type Layer,
  layerNorm,
  residual,
  sequential,
  unflattenEvent,
} from "../../src/nn/layers.ts";
import { lower, namedLeaves } from "../../src/onnx/lower.ts";
import { drawInitial } from "../../src/random/initial.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { add, data, type Shape, type Tensor } from "../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import type { Initial } from "../../src/tensor/tensor.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const image = (...shape: Shape): Tensor => data("x", shape, "float");

/** A layer's parameters by name, with their shapes and starts. */
function parametersOf(y: Tensor): ReadonlyMap<string, { readonly shape: Shape; readonly initial: Initial }> {
  return new Map(
    namedLeaves([y]).flatMap(({ leaf, tensor }) =>
      leaf.kind === "parameter" ? [[leaf.name, { shape: tensor.shape, initial: leaf.initial }] as const] : [],
    ),
  );
}

const shapesOf = (y: Tensor): Readonly<Record<string, Shape>> =>
  Object.fromEntries(Array.from(parametersOf(y), ([name, { shape }]) => [name, shape]));

interface LayerCase {
  readonly name: string;
  readonly layer: Layer;
  readonly event: readonly number[];
  readonly gives: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
}

const cases: readonly LayerCase[] = [
  {
    name: "dense",
    layer: dense("a", 4, 3),
    event: [4],
    gives: [3],
    parameters: { "a/weight": [4, 3], "a/bias": [3] },
  },
  {
    name: "dense without bias",
    layer: dense("a", 4, 3, { bias: false }),
    event: [4],
    gives: [3],
    parameters: { "a/weight": [4, 3] },
  },
  {
    name: "conv",
    layer: conv("a", 2, 5, { kernel: 4, stride: 2, padding: 1 }),
    event: [2, 8, 6],
    gives: [5, 4, 3],
    parameters: { "a/weight": [5, 2, 4, 4], "a/bias": [5] },
  },
  {
    name: "conv without bias",
    layer: conv("a", 2, 5, { kernel: 3, bias: false }),
    event: [2, 5, 4],
    gives: [5, 3, 2],
    parameters: { "a/weight": [5, 2, 3, 3] },
  },
  {
    name: "convTranspose",
    layer: convTranspose("a", 5, 2, { kernel: 4, stride: 2, padding: 1, outputPadding: 1 }),
    event: [5, 3, 2],
    gives: [2, 7, 5],
    parameters: { "a/weight": [5, 2, 4, 4], "a/bias": [2] },
  },
  {
    name: "convTranspose with another output padding on each axis",
    layer: convTranspose("a", 5, 2, { kernel: 4, stride: 2, padding: 1, outputPadding: [0, 1] }),
    event: [5, 3, 2],
    gives: [2, 6, 5],
    parameters: { "a/weight": [5, 2, 4, 4], "a/bias": [2] },
  },
  {
    name: "layerNorm",
    layer: layerNorm("a", 4),
    event: [4],
    gives: [4],
    parameters: { "a/weight": [4], "a/bias": [4] },
  },
  {
    name: "residual",
    layer: residual(dense("a", 4, 3), dense("b", 4, 3, { bias: false })),
    event: [4],
    gives: [3],
    parameters: { "a/weight": [4, 3], "a/bias": [3], "b/weight": [4, 3] },
  },
  {
    name: "sequential",
    layer: sequential(flattenEvent([2, 3]), dense("a", 6, 4), unflattenEvent([2, 2])),
    event: [2, 3],
    gives: [2, 2],
    parameters: { "a/weight": [6, 4], "a/bias": [4] },
  },
];

describe.each(cases)("$name", ({ layer, event, gives, parameters }) => {
  const random = stream(1, "layers");
  const filled = (shape: readonly number[]): NdArray<Float32Array> => ({
    data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
    shape,
  });

  it("has the shape and the parameters that it says", () => {
    const y = layer(image("batch", ...event));
    expect(y.shape).toEqual(["batch", ...gives]);
    expect(shapesOf(y)).toEqual(parameters);
  });

  it("passes leading axes through: K samples are K batches", async () => {
    const [K, batch] = [3, 2];
    const values = Object.fromEntries(Object.entries(parameters).map(([name, shape]) => [name, filled(shape)]));
    const x = filled([K, batch, ...event]);
    const sampled = layer(image("samples", "batch", ...event));
    expect(sampled.shape).toEqual(["samples", "batch", ...gives]);
    const compiled = await compile(engine, { sampled });
    const { sampled: all } = await compiled.run({ ...values, x });
    await compiled.release();
    const size = x.data.length / K;
    for (let k = 0; k < K; k++) {
      const part = { data: x.data.subarray(k * size, (k + 1) * size), shape: [batch, ...event] };
      const [alone] = evaluate([layer(image("batch", ...event))], { ...values, x: part });
      for (const [i, value] of alone.data.entries()) {
        // float32 through some hundred products, against float64
        expect(all.data[k * alone.data.length + i]).toBeCloseTo(value, 4);
      }
    }
  });
});

describe("initial values", () => {
  const count = 60_000;
  const laws: readonly { readonly name: string; readonly initial: Initial; readonly variance: number }[] = [
    { name: "heNormal", initial: heNormal(50), variance: 2 / 50 },
    { name: "heUniform", initial: heUniform(50), variance: 2 / 50 },
    { name: "glorotNormal", initial: glorotNormal(50, 30), variance: 2 / 80 },
    { name: "glorotUniform", initial: glorotUniform(50, 30), variance: 2 / 80 },
    { name: "lecunNormal", initial: lecunNormal(50), variance: 1 / 50 },
  ];

  it.each(laws)("$name has mean 0 and the variance of its formula", ({ initial, name, variance }) => {
    const values = drawInitial(initial, name, [count], 1);
    const mean = values.reduce((total, x) => total + x, 0) / count;
    const second = values.reduce((total, x) => total + x * x, 0) / count;
    // Ten z-tests at 5.4 standard errors: a false alarm of 7e-8 each. A uniform's x² varies less than a normal's, σ⁴·2.
    expect(Math.abs(mean)).toBeLessThan(5.4 * Math.sqrt(variance / count));
    expect(Math.abs(second - variance)).toBeLessThan(5.4 * variance * Math.sqrt(2 / count));
  });

  it.each([
    ["zeros", zeros, 0],
    ["ones", ones, 1],
  ] as const)("%s are so", (name, initial, value) => {
    expect(Array.from(drawInitial(initial, name, [2, 2], 1))).toEqual([value, value, value, value]);
  });

  it("given values start as given, row by row", () => {
    const weight: Initial = { law: "values", values: [1, 2, 3, 4, 5, 6] };
    const start = parametersOf(dense("a", 2, 3, { weight })(image("batch", 2))).get("a/weight");
    expect(start?.initial).toBe(weight);
    expect(Array.from(drawInitial(weight, "a/weight", [2, 3], 1))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(() => drawInitial(weight, "a/weight", [2, 2], 1)).toThrow(
      "a/weight: initial values: expected 4 for the shape [2, 2], got 6",
    );
  });

  it.each([
    { name: "conv", layer: conv("a", 3, 2, { kernel: 4, stride: 2, padding: 1 }), event: [3, 8, 8] },
    { name: "conv of stride 1", layer: conv("a", 3, 2, { kernel: 3, padding: 1 }), event: [3, 8, 8] },
    { name: "convTranspose", layer: convTranspose("a", 3, 2, { kernel: 4, stride: 2, padding: 1 }), event: [3, 8, 8] },
  ])("$name doubles the second moment away from the border, which a ReLU halves again", ({ layer, event }) => {
    // Weights of 1 on inputs of 1 count the weights that reach a pixel; Var y = that · Var w for inputs of unit power.
    const y = layer(image(1, ...event));
    const parameters = parametersOf(y);
    const initial = parameters.get("a/weight")?.initial;
    const feeds = Object.fromEntries(
      Array.from(parameters, ([name, { shape }]) => {
        const bound = shape.map(Number);
        return [name, { data: new Float32Array(sizeOf(bound)).fill(name === "a/weight" ? 1 : 0), shape: bound }];
      }),
    );
    const x = { data: new Float32Array(sizeOf(event)).fill(1), shape: [1, ...event] };
    const [reached] = evaluate([y], { ...feeds, x });
    expect(initial?.law).toBe("normal");
    if (initial?.law === "normal") expect(Math.max(...reached.data) * initial.scale ** 2).toBeCloseTo(2, 12);
  });
});

describe("dropout", () => {
  it("keeps the mean, and what it keeps grows as much as is lost", () => {
    const size = 1000;
    const y = dropout(image(size), 0.2, data("noise", [size], "float"));
    const x = { data: new Float64Array(size).fill(3), shape: [size] };
    // An even grid of uniforms instead of draws: exactly a fifth is below 0.2.
    const noise = { data: Float64Array.from({ length: size }, (_, i) => (i + 0.5) / size), shape: [size] };
    const [{ data: values }] = evaluate([y], { x, noise });
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(i < 200 ? 0 : 3.75, 12);
    expect(values.reduce((total, value) => total + value, 0) / size).toBeCloseTo(3, 12);
  });

  it("can drop whole channels by noise that broadcasts", () => {
    const y = dropout(image(2, 2), 0.5, data("noise", [2, 1], "float"));
    const x = { data: Float64Array.of(1, 2, 3, 4), shape: [2, 2] };
    const [{ data: values }] = evaluate([y], { x, noise: { data: Float64Array.of(0.6, 0.4), shape: [2, 1] } });
    expect(Array.from(values)).toEqual([2, 4, 0, 0]);
  });

  it.each([-0.1, 1, Number.NaN])("refuses the rate %s", (rate) => {
    expect(() => dropout(image(2), rate, data("noise", [2], "float"))).toThrow(
      `dropout: a rate in [0, 1) is expected, got ${rate}`,
    );
  });
});

describe("a mistake", () => {
  const bare = (outputs: number): Layer => dense("a", 2, outputs, { bias: false });

  it("a name given to two parameters is told with both shapes", () => {
    const x = image("batch", 2);
    const y = add(bare(3)(x), bare(1)(x));
    const message =
      "the name a/weight stands for two leaves: parameter [2, 1] and parameter [2, 3]; give one another name";
    expect(() => lower({ y })).toThrow(InputError);
    expect(() => lower({ y })).toThrow(message);
  });

  it("two parameters of one name and one shape are two all the same", () => {
    const x = image("batch", 2);
    expect(() => lower({ y: add(bare(3)(x), bare(3)(x)) })).toThrow(/a\/weight stands for two leaves/);
  });

  it.each<readonly [string, () => Tensor, string]>([
    ["dense", () => dense("a", 5, 3)(image("batch", 4)), "inner dimensions differ: [batch, 4] × [5, 3] (4 and 5)"],
    [
      "dense without bias",
      () => dense("a", 5, 3, { bias: false })(image("batch", 4)),
      "matmul: inner dimensions differ: [batch, 4] × [5, 3] (4 and 5)",
    ],
    [
      "conv of something else than images",
      () => conv("a", 1, 2, { kernel: 3 })(image("batch", 28, 28)),
      "images as [batch, channels, height, width] are expected, got [batch, 28, 28]",
    ],
    [
      "conv of other channels",
      () => conv("a", 1, 2, { kernel: 3 })(image("batch", 3, 8, 8)),
      "conv: the images have 3 channels and the weight 1",
    ],
    [
      "conv with too large a kernel",
      () => conv("a", 1, 2, { kernel: 5 })(image("batch", 1, 4, 4)),
      "conv: a kernel of [5, 5] does not fit into [batch, 1, 4, 4]",
    ],
    [
      "convTranspose with too much output padding",
      () => convTranspose("a", 1, 2, { kernel: 4, stride: 2, outputPadding: 2 })(image("batch", 1, 4, 4)),
      "convTranspose2d: the output padding must be below the stride 2, got 2 and 2",
    ],
    [
      "convTranspose with too much output padding on one axis",
      () => convTranspose("a", 1, 2, { kernel: 4, stride: 2, outputPadding: [1, 2] })(image("batch", 1, 4, 4)),
      "convTranspose2d: the output padding must be below the stride 2, got 1 and 2",
    ],
    [
      "residual of two shapes",
      () => residual(dense("a", 4, 3))(image("batch", 4)),
      "residual: the body makes [batch, 3] and the shortcut [batch, 4]; give a shortcut that fits",
    ],
    [
      "unflattenEvent",
      () => unflattenEvent([2, 3])(image("batch", 5)),
      "reshape: [batch, 5] has 5·batch elements and cannot become [batch, 2, 3]",
    ],
  ])("%s is told in shapes", (_, build, message) => {
    expect(build).toThrow(ShapeError);
    expect(build).toThrow(message);
  });
});
