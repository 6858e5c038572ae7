import { describe, expect, it } from "vitest";
import type { Measure } from "../../src/data/dataset.ts";
import { settleOptions, vaeOptions } from "../../src/run/defaults.ts";
import { parseOptions } from "../../src/run/options.ts";

const parse = (values: Record<string, unknown>) => parseOptions(values, (option) => `--${option}`);

function description(shape: readonly number[], measure: Measure) {
  return { shape, measure, means: new Float64Array(shape.reduce((a, b) => a * b)).fill(0.5) };
}

const data = { data: "somewhere" };

describe("the likelihood follows from the measure", () => {
  it.each([
    ["bytes", "logistic"],
    ["binary", "bernoulli"],
    ["real", "normal"],
    ["unit", "normal"],
  ] as const)("%s: %s", (measure, likelihood) => {
    expect(vaeOptions(parse(data), description([8], measure)).likelihood).toBe(likelihood);
  });

  it("unless it is said, or binarising asks for a Bernoulli", () => {
    expect(vaeOptions(parse({ ...data, likelihood: "bernoulli" }), description([8], "bytes")).likelihood).toBe(
      "bernoulli",
    );
    const threshold = vaeOptions(parse({ ...data, binarize: "threshold" }), description([8], "bytes"));
    expect([threshold.likelihood, threshold.binarize]).toEqual(["bernoulli", "threshold"]);
  });

  it("counts and categories have theirs", () => {
    expect(vaeOptions(parse(data), description([8], "count")).likelihood).toBe("negative-binomial");
    expect(vaeOptions(parse(data), description([8], "category")).likelihood).toBe("categorical");
  });

  it("a fixed variance is a Normal's", () => {
    expect(() => vaeOptions(parse({ ...data, variance: 0.1 }), description([8], "bytes"))).toThrow("--variance");
    expect(vaeOptions(parse({ ...data, variance: 0.1 }), description([8], "real")).variance).toBe(0.1);
  });
});

describe("the network follows from the shape", () => {
  it.each([
    [[3, 64, 64], { kind: "conv", channels: [16, 32, 64, 128] }, 128],
    [[1, 28, 28], { kind: "mlp", widths: [400, 400] }, 16],
    [[13], { kind: "mlp", widths: [128, 128] }, 7],
    [[2], { kind: "mlp", widths: [128, 128] }, 2],
  ])("[%s]", (shape, architecture, latents) => {
    const options = vaeOptions(parse(data), description(shape, shape.length === 3 ? "bytes" : "real"));
    expect([options.architecture, options.latents]).toEqual([architecture, latents]);
  });

  it("but the embedded images keep the model that the README measures", () => {
    expect(vaeOptions(parse({}), description([1, 28, 28], "bytes"))).toMatchObject({
      architecture: { kind: "mlp", widths: [400, 400] },
      latents: 16,
      likelihood: "bernoulli",
      binarize: "stochastic",
    });
  });

  it("the decoder may be another", () => {
    const { architecture, decoder } = vaeOptions(
      parse({ ...data, encoder: "conv 8,16", decoder: "mlp 32" }),
      description([1, 28, 28], "bytes"),
    );
    expect([architecture, decoder]).toEqual([
      { kind: "conv", channels: [8, 16] },
      { kind: "mlp", widths: [32] },
    ]);
  });
});

describe("few examples get smaller batches and more epochs", () => {
  it.each([
    [9000, 64, 40],
    [1800, 32, 40],
    [135, 32, 500],
    [20, 20, 2000],
  ])("%i examples: batches of %i, %i epochs", (examples, batch, epochs) => {
    expect(settleOptions(parse(data), description([13], "real"), examples)).toMatchObject({ batch, epochs });
  });

  it("the embedded images have their own number, and no early end", () => {
    const settled = settleOptions(parse({}), description([1, 28, 28], "bytes"), 9000);
    expect(settled).toMatchObject({ batch: 64, epochs: 60, learningRate: 1e-3 });
    expect(settled.patience).toBeUndefined();
    expect(settleOptions(parse(data), description([13], "real"), 1800).patience).toBe(10);
    expect(settleOptions(parse({ ...data, epochs: 10 }), description([13], "real"), 1800).patience).toBeUndefined();
  });

  it("and what is said stays", () => {
    const given = parse({ ...data, batch: 7, epochs: 3, learningRate: 0.5 });
    expect(settleOptions(given, description([3, 64, 64], "bytes"), 1800)).toMatchObject({
      batch: 7,
      epochs: 3,
      learningRate: 0.5,
    });
    expect(settleOptions(parse(data), description([3, 64, 64], "bytes"), 1800).learningRate).toBe(2e-3);
  });
});
