import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { meanOf } from "../../src/distributions/distribution.ts";
import { InputError } from "../../src/errors.ts";
import { weightedLoss } from "../../src/inference/elbo.ts";
import { formatArchitecture, parseArchitecture } from "../../src/models/architecture.ts";
import { type Architecture, decoderNetwork, encoderNetwork } from "../../src/models/networks.ts";
import { trainingProgram } from "../../src/models/programs.ts";
import { vae } from "../../src/models/vae.ts";
import { zeros } from "../../src/nn/initialisers.ts";
import type { Layer } from "../../src/nn/layers.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { drawInitial } from "../../src/random/initial.ts";
import { stream } from "../../src/random/stream.ts";
import { type CompiledFunction, compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { data, gradients, sum, type Tensor } from "../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../src/tensor/ndarray.ts";
import { asFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { staticShape } from "../../src/tensor/shape.ts";
import type { AnyTensor, Initial } from "../../src/tensor/tensor.ts";

let engine: Engine;
const compiled: CompiledFunction[] = [];
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});
afterAll(() => Promise.all(compiled.map((one) => one.release())));

const LATENTS = 3;
const levels = (kind: "conv" | "residual", ...channels: readonly number[]): Architecture => ({ kind, channels });
const image = (event: readonly number[]): Tensor => data("x", ["batch", ...event]);

/** The encoder's k numbers taken for latents, and decoded. */
function roundTrip(encoder: Architecture, decoder: Architecture, event: readonly number[]): Layer {
  const inwards = encoderNetwork("encoder", encoder, event, LATENTS);
  const outwards = decoderNetwork("decoder", decoder, LATENTS, event, zeros);
  return (x) => outwards(inwards(x));
}

interface Parameter {
  readonly name: string;
  readonly tensor: Tensor;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

function parametersOf(outputs: readonly AnyTensor[]): readonly Parameter[] {
  return namedLeaves(outputs).flatMap(({ leaf, tensor }) =>
    leaf.kind === "parameter"
      ? [{ name: leaf.name, tensor: asFloat(tensor), shape: staticShape("", tensor.shape), initial: leaf.initial }]
      : [],
  );
}

const shapesOf = (...outputs: readonly AnyTensor[]): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(parametersOf(outputs).map(({ name, shape }) => [name, shape]));

type Values = Record<string, NdArray<Float64Array>>;

/** The parameters as they start, or spread normally, so that nothing is zero. */
function startOf(outputs: readonly AnyTensor[], spread?: number): Values {
  const random = stream(3, "networks");
  return Object.fromEntries(
    parametersOf(outputs).map(({ name, shape, initial }) => {
      const drawn = drawInitial(initial, name, shape, 1);
      const start = Float64Array.from(drawn, (value) => (spread === undefined ? value : spread * random.normal()));
      return [name, { data: start, shape }];
    }),
  );
}

function normals(name: string, shape: readonly number[]): NdArray<Float64Array> {
  const random = stream(4, name);
  return { data: Float64Array.from({ length: sizeOf(shape) }, () => random.normal()), shape };
}

const float32 = (values: Readonly<Record<string, NdArray>>): Record<string, NdArray> =>
  Object.fromEntries(
    Object.entries(values).map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );

/** The most levels that an image has room for. */
const deepest = (...extents: readonly number[]): number => Math.floor(Math.log2(Math.min(...extents)));

describe("encoder and decoder fit each other and the image", () => {
  it.each(["conv", "residual"] as const)("%s, for sizes from 5 to 40", (kind) => {
    const random = stream(1, "sizes");
    const among = (low: number, high: number): number => low + random.below(high - low + 1);
    for (let trial = 0; trial < 150; trial++) {
      const event = [random.below(2) === 0 ? 1 : 3, among(5, 40), among(5, 40)];
      const depth = among(1, deepest(event[1], event[2]));
      const channels = Array.from({ length: depth }, () => among(1, 5));
      const x = image(event);
      const y = roundTrip(levels(kind, ...channels), levels(kind, ...channels), event)(x);
      expect(y.shape, `${channels} on ${event}`).toEqual(x.shape);
    }
  });

  it.each([
    [3, 45, 64],
    [1, 7, 28],
    [3, 61, 33],
    [1, 5, 40],
  ])("in the engine too, for %d×%d×%d", async (...event) => {
    for (const kind of ["conv", "residual"] as const) {
      const architecture = levels(kind, 4, 5);
      const y = roundTrip(architecture, architecture, event)(image(event));
      const program = await compile(engine, { y });
      compiled.push(program);
      const { y: got } = await program.run(float32({ ...startOf([y]), x: normals("x", [2, ...event]) }));
      expect(got.shape).toEqual([2, ...event]);
      expect(got.data.some((value) => value !== 0)).toBe(true);
    }
  });

  it("however the two differ", () => {
    const event = [3, 9, 14];
    const all = [levels("conv", 4, 5), levels("residual", 6), { kind: "mlp", widths: [7] } as const];
    for (const encoder of all) {
      for (const decoder of all)
        expect(roundTrip(encoder, decoder, event)(image(event)).shape).toEqual(["batch", ...event]);
    }
  });

  it.each([
    [5, 40, 3],
    [40, 5, 3],
    [8, 8, 4],
    [1, 28, 1],
  ])("or it is said that an image of %d×%d cannot be halved %d times", (height, width, times) => {
    for (const kind of ["conv", "residual"] as const) {
      const architecture = levels(kind, ...new Array<number>(times).fill(2));
      const message = `an image of ${height}×${width} cannot be halved ${times} times; use fewer channels`;
      for (const build of [
        () => encoderNetwork("encoder", architecture, [1, height, width], 2),
        () => decoderNetwork("decoder", architecture, 2, [1, height, width], zeros),
      ]) {
        expect(build).toThrow(InputError);
        expect(build).toThrow(message);
      }
    }
  });

  it("and what is no image is refused", () => {
    expect(() => encoderNetwork("encoder", levels("residual", 4), [12], 2)).toThrow(
      "a residual network needs images [channels, height, width], got [12]; use mlp",
    );
  });
});

describe("parameters have the names and shapes that checkpoints know", () => {
  const event = [3, 9, 8];
  const mlp = { kind: "mlp", widths: [7, 5] } as const;
  const convolutions = {
    "encoder/conv1/weight": [4, 3, 4, 4],
    "encoder/conv1/bias": [4],
    "encoder/conv2/weight": [5, 4, 4, 4],
    "encoder/conv2/bias": [5],
    "encoder/output/weight": [20, 3],
    "encoder/output/bias": [3],
    "decoder/input/weight": [3, 20],
    "decoder/input/bias": [20],
    "decoder/conv1/weight": [5, 4, 4, 4],
    "decoder/conv1/bias": [4],
    "decoder/conv2/weight": [4, 3, 4, 4],
    "decoder/conv2/bias": [3],
  };
  const block = (name: string, channels: number) => ({
    [`${name}/conv1/weight`]: [channels, channels, 3, 3],
    [`${name}/conv1/bias`]: [channels],
    [`${name}/conv2/weight`]: [channels, channels, 3, 3],
    [`${name}/conv2/bias`]: [channels],
  });
  it.each([
    [
      mlp,
      {
        "encoder/hidden1/weight": [216, 7],
        "encoder/hidden1/bias": [7],
        "encoder/hidden2/weight": [7, 5],
        "encoder/hidden2/bias": [5],
        "encoder/output/weight": [5, 3],
        "encoder/output/bias": [3],
        "decoder/hidden1/weight": [3, 5],
        "decoder/hidden1/bias": [5],
        "decoder/hidden2/weight": [5, 7],
        "decoder/hidden2/bias": [7],
        "decoder/output/weight": [7, 216],
        "decoder/output/bias": [216],
      },
    ],
    [levels("conv", 4, 5), convolutions],
    [
      levels("residual", 4, 5),
      {
        ...convolutions,
        ...block("encoder/block1", 4),
        ...block("encoder/block2", 5),
        ...block("decoder/block1", 5),
        ...block("decoder/block2", 4),
      },
    ],
  ])("%j", (architecture, expected) => {
    expect(shapesOf(roundTrip(architecture, architecture, event)(image(event)))).toEqual(expected);
  });
});

describe("a residual network", () => {
  const event = [3, 9, 6];
  const [plain, residual] = [levels("conv", 4, 5), levels("residual", 4, 5)].map((architecture) =>
    roundTrip(architecture, architecture, event)(image(event)),
  );
  const x = normals("x", [2, ...event]);

  it("starts as the convolutional one of the same seed", () => {
    const start = startOf([residual]);
    const [expected, got] = evaluate([plain, residual], { ...start, x });
    expect(Array.from(got.data)).toEqual(Array.from(expected.data));
    const moved = normals("moved", [4, 4, 3, 3]);
    for (const name of ["encoder/block1/conv2/weight", "decoder/block2/conv2/weight"]) {
      const [other] = evaluate([residual], { ...start, x, [name]: moved });
      expect(Array.from(other.data), name).not.toEqual(Array.from(expected.data));
    }
  });

  it("learns its blocks from the first step on", () => {
    const second = parametersOf([residual]).filter(({ name }) => name.includes("block") && /conv2\/weight$/.test(name));
    expect(second).toHaveLength(4);
    const slopes = gradients(
      sum(residual),
      second.map(({ tensor }) => tensor),
    );
    for (const { data: slope } of evaluate(slopes, { ...startOf([residual]), x })) {
      expect(slope.some((value) => value !== 0)).toBe(true);
    }
  });
});

/** The loss of a VAE of real images and its gradients by name, with everything that they are fed. */
function lossOf(encoder: Architecture, decoder: Architecture, event: readonly number[]) {
  const means = new Float64Array(sizeOf(event));
  const description = { shape: event, measure: "real", means } as const;
  const model = vae({ architecture: encoder, decoder, latents: LATENTS, likelihood: "normal" }, description);
  const loss = weightedLoss(trainingProgram(model, description).terms);
  const parameters = parametersOf([loss]);
  const slopes = gradients(
    loss,
    parameters.map(({ tensor }) => tensor),
  );
  const given = { x: normals("x", [2, ...event]), epsilon: normals("epsilon", [2, LATENTS]) };
  const klWeight = { data: Float64Array.of(0.7), shape: [] };
  const feeds: Values = { ...startOf([loss], 0.2), ...given, klWeight };
  return { loss, parameters, slopes, feeds };
}

describe.each([
  { encoder: levels("conv", 4, 5), decoder: levels("conv", 4, 5) },
  { encoder: levels("residual", 4, 5), decoder: levels("residual", 4, 5) },
  { encoder: levels("residual", 5), decoder: levels("conv", 4, 5) },
])("the gradients of a VAE of 3×9×6, $encoder.kind to $decoder.kind", ({ encoder, decoder }) => {
  const { loss, parameters, slopes, feeds } = lossOf(encoder, decoder, [3, 9, 6]);

  it("are those of finite differences along a random direction of each parameter", () => {
    const exact = evaluate(slopes, feeds);
    const step = 1e-6;
    const at = (name: string, direction: Float64Array, by: number): number => {
      const { data: from, shape } = feeds[name];
      const moved = { data: from.map((value, i) => value + by * direction[i]), shape };
      return evaluate([loss], { ...feeds, [name]: moved })[0].data[0];
    };
    for (const [i, { name, shape }] of parameters.entries()) {
      const { data: direction } = normals(name, shape);
      const slope = exact[i].data.reduce((total, value, j) => total + value * direction[j], 0);
      const numerical = (at(name, direction, step) - at(name, direction, -step)) / (2 * step);
      // A loss of some hundred nats rounds by 1e-14·1e2/1e-6 = 1e-6; no ReLU switches within 1e-6 with this seed.
      expect(Math.abs(numerical - slope), name).toBeLessThan(1e-5 * (1 + Math.abs(slope)));
    }
  });

  it("are what the reference says when the engine computes them", async () => {
    const outputs = Object.fromEntries(parameters.map(({ name }, i) => [`gradient/${name}`, slopes[i]]));
    const program = await compile(engine, outputs, { sizes: { batch: 2 } });
    compiled.push(program);
    const got = await program.run(float32(feeds));
    for (const [i, { data: exact }] of evaluate(slopes, feeds).entries()) {
      const { name } = parameters[i];
      const { data: single } = got[`gradient/${name}`];
      const norm = Math.hypot(...exact);
      // the project's bar for float32, in norm
      expect(Math.hypot(...exact.map((value, j) => value - single[j])), name).toBeLessThan(1e-5 * norm);
      expect(norm, name).toBeGreaterThan(0);
    }
  });
});

describe("a VAE with a decoder of its own", () => {
  const event = [3, 8, 8];
  const means = Float64Array.from({ length: sizeOf(event) }, (_, i) => 10 + i);
  const description = { shape: event, measure: "bytes", means } as const;
  const mlp = { kind: "mlp", widths: [6] } as const;
  const biasOf = (architecture: Architecture, decoder: Architecture | undefined, name: string) =>
    parametersOf([
      meanOf(
        vae({ architecture, decoder, likelihood: "logistic", latents: 2 }, description).decoder(
          data("z", ["batch", 2]),
        ),
      ),
    ]).find((parameter) => parameter.name === name);

  it.each([levels("conv", 4), levels("residual", 4)])("$kind starts at the mean of each channel", (decoder) => {
    const bias = biasOf(mlp, decoder, "decoder/conv1/bias");
    expect(bias?.shape).toEqual([3]);
    // channel c holds 10 + 64c … 73 + 64c; a mean m is 127.5·(1 + bias)
    const expected = [0, 1, 2].map((channel) => (41.5 + 64 * channel) / 127.5 - 1);
    const values = bias?.initial.law === "values" ? Array.from(bias.initial.values) : [];
    expect(values.length).toBe(3);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i], 12); // 64 roundings
  });

  it("of dense layers starts at the mean of each pixel, whatever the encoder", () => {
    const bias = biasOf(levels("conv", 4), mlp, "decoder/output/bias");
    expect(bias?.shape).toEqual([192]);
    expect(bias?.initial.law === "values" && bias.initial.values.length).toBe(192);
  });

  it("is the encoder's mirror image unless told otherwise", () => {
    expect(biasOf(levels("conv", 4), undefined, "decoder/conv1/bias")?.shape).toEqual([3]);
  });
});

describe("architectures as text", () => {
  it.each<readonly [string, Architecture, string]>([
    ["mlp 400 400", { kind: "mlp", widths: [400, 400] }, "mlp 400 400"],
    ["conv 32,64", { kind: "conv", channels: [32, 64] }, "conv 32,64"],
    ["residual 32,64,128", { kind: "residual", channels: [32, 64, 128] }, "residual 32,64,128"],
    [" mlp  5, 6 ,7\t8 ", { kind: "mlp", widths: [5, 6, 7, 8] }, "mlp 5 6 7 8"],
    ["conv 32 64", { kind: "conv", channels: [32, 64] }, "conv 32,64"],
  ])("%j", (text, architecture, written) => {
    expect(parseArchitecture(text)).toEqual(architecture);
    expect(formatArchitecture(architecture)).toBe(written);
    expect(parseArchitecture(written)).toEqual(architecture);
  });

  it.each([
    "",
    "mlp",
    "conv",
    "residual ",
    "400 400",
    "mlp 0",
    "mlp -4",
    "mlp 4.5",
    "mlp 1e3",
    "mlp 0x10",
    "mlp 4,,4",
    "conv 32,",
    "conv32",
    "Conv 32",
    "resnet 32",
    "conv 99999999999999999999",
  ])("%j is refused with an example", (text) => {
    const parse = (): Architecture => parseArchitecture(text);
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(
      `"mlp WIDTH …", "conv CHANNELS,…", "residual CHANNELS,…" or "linear" is expected, such as "mlp 400 400" or "conv 32,64", got "${text}"`,
    );
  });
});
