import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { draw } from "../../src/distributions/distribution.ts";
import { InputError } from "../../src/errors.ts";
import { evidenceLowerBound, latentNoise } from "../../src/inference/elbo.ts";
import type { DataDescription, Model } from "../../src/models/model.ts";
import { decoderProgram, densityProgram, encoderProgram } from "../../src/models/programs.ts";
import { vae } from "../../src/models/vae.ts";
import { lower, namedLeaves } from "../../src/onnx/lower.ts";
import { drawInitial } from "../../src/random/initial.ts";
import { stream } from "../../src/random/stream.ts";
import { compile, load } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import {
  type AnyTensor,
  add,
  broadcastTo,
  constant,
  data,
  div,
  exp,
  extent,
  log,
  logsumexp,
  mean,
  mul,
  neg,
  noise,
  parameter,
  reshape,
  scope,
  sigmoid,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../src/tensor/ndarray.ts";
import { asFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { bindShape, staticShape } from "../../src/tensor/shape.ts";
import { readGraph } from "./onnx-graph.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const image: DataDescription = { shape: [1, 8, 8], measure: "bytes", means: new Float32Array(64).fill(90) };
const flat: DataDescription = { shape: [7], measure: "binary", means: new Float32Array(7).fill(0.3) };
const convVae = vae(
  { architecture: { kind: "conv", channels: [3, 5] }, latents: 2, likelihood: "logistic", binarize: "none" },
  image,
);
const mlpVae = vae(
  { architecture: { kind: "mlp", widths: [6] }, latents: 3, likelihood: "bernoulli", binarize: "none" },
  flat,
);

/** The importance-weighted bound log 1/K Σ p(x, z)/q(z|x), Burda et al. 2016, eq. 8, and its gradients. */
function importanceWeighted(model: Model, { shape }: DataDescription): Record<string, Tensor> {
  const x = data("x", ["batch", ...shape], "float");
  const epsilon = latentNoise("epsilon", model.prior, "batch", "samples");
  const { sample: z, logProb } = draw(model.encoder(x), epsilon);
  const weights = sub(add(model.decoder(z).logProb(x), model.prior.logProb(z)), logProb); // [samples, batch]
  const bounds = sub(logsumexp(weights, 0), log(extent(weights, 0))); // [batch]
  const loss = neg(mean(bounds));
  const parameters = namedLeaves([loss]).filter(({ leaf }) => leaf.kind === "parameter");
  const slopes = gradients(
    loss,
    parameters.map(({ tensor }) => asFloat(tensor)),
  );
  return { bounds, loss, ...Object.fromEntries(parameters.map(({ leaf }, i) => [`gradient/${leaf.name}`, slopes[i]])) };
}

function elbo(model: Model, { shape }: DataDescription): Record<string, Tensor> {
  const x = data("x", ["batch", ...shape], "float");
  return { ...evidenceLowerBound(model, x, latentNoise("epsilon", model.prior, "batch", "samples")) };
}

const programs: readonly { readonly name: string; readonly outputs: Readonly<Record<string, AnyTensor>> }[] = [
  { name: "encoder of a conv VAE", outputs: encoderProgram(convVae, image) },
  { name: "decoder of a conv VAE", outputs: decoderProgram(convVae) },
  { name: "densities of a conv VAE", outputs: densityProgram(convVae, image) },
  { name: "densities of an MLP VAE", outputs: densityProgram(mlpVae, flat) },
  { name: "bound of an MLP VAE", outputs: elbo(mlpVae, flat) },
  { name: "importance-weighted bound of an MLP VAE with gradients", outputs: importanceWeighted(mlpVae, flat) },
  { name: "importance-weighted bound of a conv VAE with gradients", outputs: importanceWeighted(convVae, image) },
];

describe("one file with symbolic sizes", () => {
  it.each(programs)("serves every batch and number of samples: $name", async ({ outputs }) => {
    const program = lower(outputs);
    const symbols = new Set(program.inputs.flatMap(({ shape }) => shape.filter((dim) => typeof dim === "string")));
    expect(symbols.has("batch")).toBe(true);
    const compiled = await load(engine, program);
    for (const sizes of [
      { batch: 1, samples: 1 },
      { batch: 3, samples: 2 },
      { batch: 2, samples: 5 },
    ]) {
      const random = stream(sizes.batch, "lowering");
      const feeds: Record<string, NdArray> = {};
      for (const { name, leaf, dtype, shape: symbolic } of program.inputs) {
        const shape = staticShape(name, bindShape(symbolic, sizes));
        const numbers = { length: sizeOf(shape) };
        const binary = leaf.kind === "data" && shape[shape.length - 1] === 7;
        if (leaf.kind === "parameter") feeds[name] = { data: drawInitial(leaf.initial, name, shape, 1), shape };
        else if (dtype === "uint8") feeds[name] = { data: Uint8Array.from(numbers, () => random.below(256)), shape };
        else
          feeds[name] = { data: Float32Array.from(numbers, () => (binary ? random.below(2) : random.normal())), shape };
      }
      const values = await compiled.run(feeds);
      const exact = evaluate(Object.values(outputs), feeds);
      for (const [i, name] of Object.keys(outputs).entries()) {
        expect(values[name].shape, name).toEqual(exact[i].shape);
        expect(values[name].shape, name).toEqual(staticShape(name, bindShape(outputs[name].shape, sizes)));
        // In norm, as all of float32 against float64 here.
        expect(distance(values[name].data, exact[i].data), name).toBeLessThan(1e-5);
      }
    }
    await compiled.release();
  });

  it("keeps a symbol that nothing binds, and binds the others", () => {
    const z = data("z", ["samples", "batch", 3], "float");
    const { inputs, outputs } = readGraph(
      lower({ y: reshape(z, ["batch·samples", 3]) }, { sizes: { batch: 4 } }).bytes,
    );
    expect(inputs).toEqual([{ name: "z", shape: ["samples", 4, 3] }]);
    expect(outputs).toEqual([{ name: "y", shape: ["4·samples", 3] }]);
  });

  it("refuses a size that stands on no input", () => {
    const y = add(broadcastTo(constant(1), ["batch"]), data("x", [1], "float"));
    expect(() => lower({ y })).toThrow(InputError);
    expect(() => lower({ y })).toThrow("the size of batch cannot be read off any input of this program");
  });

  it("says which feed is missing or has another shape", async () => {
    const compiled = await compile(engine, {
      y: sub(data("x", ["batch", 2], "float"), data("mean", ["batch", 1], "float")),
    });
    const of = (...shape: readonly number[]): NdArray => ({ data: new Float32Array(sizeOf(shape)), shape });
    await expect(compiled.run({ x: of(3, 2) })).rejects.toThrow("data mean of shape [batch, 1] is not fed");
    await expect(compiled.run({ x: of(3, 3), mean: of(3, 1) })).rejects.toThrow(
      "data x: the shape [batch, 2] is expected, got [3, 3]",
    );
    await expect(compiled.run({ x: of(3, 2), mean: of(4, 1) })).rejects.toThrow(
      "data x: the shape [batch, 2] is expected with batch = 4, as mean has it, got [3, 2]",
    );
    const doubles = { data: new Float64Array(6), shape: [3, 2] };
    await expect(compiled.run({ x: doubles, mean: of(3, 1) })).rejects.toThrow(
      "x: a program in float32 needs float32 numbers, got Float64Array",
    );
    await compiled.release();
  });
});

/** ‖a − b‖ / ‖b‖ */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return Math.sqrt(difference / size);
}

const x = data("x", [2, 3], "float");
const typesOf = (outputs: Readonly<Record<string, AnyTensor>>): readonly string[] =>
  readGraph(lower(outputs).bytes).nodes.map(({ type }) => type);

describe("equal nodes are one node", () => {
  it("in the program", () => {
    expect(tanh(neg(x))).toBe(tanh(neg(x)));
    expect(sum(x, 0)).toBe(sum(x, -2));
    expect(add(x, 2)).toBe(add(x, constant(2)));
    expect(sum(x, 0)).not.toBe(sum(x, 1));
    expect(sub(x, 2)).not.toBe(sub(x, 3));
  });

  it("in the file", () => {
    expect(typesOf({ y: mul(exp(neg(x)), add(exp(neg(x)), 1)) }).toSorted()).toEqual(["Add", "Exp", "Mul", "Neg"]);
    // Two sigmoids of the one number are the one chain Neg, Exp, Add, Div of each.
    const y = div(sigmoid(x), sigmoid(x));
    expect(typesOf({ y }).filter((type) => type === "Exp")).toHaveLength(1);
  });

  it("in the file too where two ops ask for the same ONNX node, such as a size read off an input", () => {
    const rows = data("rows", ["batch", 3], "float");
    const wide = [1, 2].map((value) => broadcastTo(constant([value, 0, 0], [3]), ["batch", 3]));
    const types = typesOf({ y: reshape(rows, [-1]), a: wide[0], b: wide[1] });
    expect(types.filter((type) => type === "Shape")).toHaveLength(1);
    expect(types.filter((type) => type === "Expand")).toHaveLength(2);
  });

  it("but two noise leaves stay two, and under one name are an error", () => {
    const draw = (name: string): Tensor => noise(name, "normal", { batch: 2, event: [3] });
    const { inputs } = readGraph(lower({ y: add(draw("a"), draw("b")) }).bytes);
    expect(inputs.map(({ name }) => name).toSorted()).toEqual(["a", "b"]);
    expect(() => lower({ y: add(draw("a"), draw("a")) })).toThrow(
      /the name a stands for two leaves: noise \[2, 3\] and/,
    );
  });

  it("and data declared twice alike are one input", () => {
    const twice = add(data("x", ["batch"], "float"), neg(data("x", ["batch"], "float")));
    expect(readGraph(lower({ y: twice }).bytes).inputs).toEqual([{ name: "x", shape: ["batch"] }]);
    expect(() => lower({ y: add(data("x", [1], "float"), data("x", [3], "float")) })).toThrow(
      /the name x stands for two leaves/,
    );
  });
});

it("what no output needs is not in the file", () => {
  const weight = parameter("weight", [3], { law: "constant", value: 1 });
  const used = mul(x, 2);
  sum(exp(mul(used, weight)));
  const graph = readGraph(lower({ y: used }).bytes);
  expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(graph.nodes.map(({ type }) => type)).toEqual(["Mul"]);
  expect(graph.initializers).toHaveLength(1);
});

describe("outputs", () => {
  it("have the names given, in their order, and nodes that use them too", async () => {
    const inner = exp(x);
    const outputs = { last: sum(neg(inner)), inner };
    const graph = readGraph(lower(outputs).bytes);
    expect(graph.outputs).toEqual([
      { name: "last", shape: [] },
      { name: "inner", shape: [2, 3] },
    ]);
    expect(graph.nodes.find(({ type }) => type === "Neg")?.inputs).toEqual(["inner"]);
  });

  it("may be one value twice, an input or a constant", async () => {
    const y = neg(x);
    const compiled = await compile(engine, { a: y, b: y, input: x, number: constant([1, 2], [2]) });
    const values = await compiled.run({ x: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] } });
    await compiled.release();
    expect(Array.from(values.a.data)).toEqual([-1, -2, -3, -4, -5, -6]);
    expect(values.b).toEqual(values.a);
    expect(Array.from(values.input.data)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(Array.from(values.number.data)).toEqual([1, 2]);
  });

  it("are written where the caller says, and nowhere else", async () => {
    const compiled = await compile(engine, { a: neg(x), b: exp(x) });
    const place = { data: new Float32Array(6), shape: [2, 3] };
    const fed = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] };
    const values = await compiled.run({ x: fed }, { a: place });
    expect(values.a).toBe(place);
    expect(Array.from(place.data)).toEqual([-1, -2, -3, -4, -5, -6]);
    fed.data.fill(7); // the same array fed again is read again
    await compiled.run({ x: fed }, { a: place });
    expect(Array.from(place.data)).toEqual([-7, -7, -7, -7, -7, -7]);
    await compiled.release();
  });
});

describe("the file", () => {
  it("is of opset 17 in the default domain alone, and format 8", () => {
    for (const { outputs } of programs) {
      const { opsets, irVersion } = readGraph(lower(outputs).bytes);
      expect(opsets).toEqual({ "": 17 });
      expect(irVersion).toBe(8);
    }
  });

  it("names its nodes by scope, every one and every value once", () => {
    for (const { outputs } of programs) {
      const { nodes, initializers, inputs } = readGraph(lower(outputs).bytes);
      const names = nodes.map(({ name }) => name);
      const values = [...nodes.flatMap((node) => node.outputs), ...initializers, ...inputs.map(({ name }) => name)];
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(values).size).toBe(values.length);
    }
    const y = scope("outer", () => scope("inner", () => neg(data("fresh", [2], "float"))));
    expect(readGraph(lower({ y }).bytes).nodes[0].name).toMatch(/^outer\/inner\/Neg/);
  });

  it("uses a value only after the node that gives it", () => {
    for (const { outputs } of programs) {
      const { nodes, initializers, inputs } = readGraph(lower(outputs).bytes);
      const known = new Set([...initializers, ...inputs.map(({ name }) => name)]);
      for (const node of nodes) {
        for (const input of node.inputs) expect(known.has(input), `${node.name} uses ${input}`).toBe(true);
        for (const output of node.outputs) known.add(output);
      }
    }
  });

  it("holds the parameters whose values are given, and asks for the rest", async () => {
    const [a, b] = ["a", "b"].map((name) => parameter(name, [3], { law: "constant", value: 0 }));
    const values = new Map<string, NdArray>([["a", { data: Float32Array.of(1, 2, 3), shape: [3] }]]);
    const outputs = { y: add(mul(x, a), b) };
    const graph = readGraph(lower(outputs, { values }).bytes);
    expect(graph.inputs.map(({ name }) => name).toSorted()).toEqual(["b", "x"]);
    expect(graph.initializers).toContain("a");
    const compiled = await compile(engine, outputs, { values });
    const ones = { data: new Float32Array(6).fill(1), shape: [2, 3] };
    const { y } = await compiled.run({ x: ones, b: { data: Float32Array.of(10, 20, 30), shape: [3] } });
    await compiled.release();
    expect(Array.from(y.data)).toEqual([11, 22, 33, 11, 22, 33]);
    const wrong = new Map<string, NdArray>([["a", { data: new Float32Array(4), shape: [4] }]]);
    expect(() => lower(outputs, { values: wrong })).toThrow("a: the program has the shape [3] and its value [4]");
  });
});
