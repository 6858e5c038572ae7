/** Ways of inference: which phases there are, and the steps of the semi-amortized one against steps taken by hand. */
import { describe, expect, it } from "vitest";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { REFINEMENT_NOISE, type Refinement, refined } from "../../src/inference/semi-amortized.ts";
import { LOCAL, phasesOf, type WayOptions } from "../../src/inference/ways.ts";
import {
  constant,
  data,
  exp,
  gradients,
  matmul,
  mul,
  parameter,
  split,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { slopesOf } from "./objective-draws.ts";
import { array } from "./single.ts";

const zero = constant(0);
const base = {
  loss: zero,
  terms: {},
  optimizer: { kind: "adam" },
  learningRate: { kind: "constant", value: 0.1 },
  updates: { "decoder/variance": zero, "baseline/mean": zero },
} as const;
const names = ["encoder/weight", "decoder/weight", "prior/mean"];
const way = (chosen: Partial<WayOptions>): WayOptions => ({
  inference: "joint",
  innerSteps: 5,
  outerSteps: 2,
  lineSearch: false,
  ...chosen,
});

describe("phases", () => {
  const told = (parameters: readonly string[], chosen: Partial<WayOptions>) => {
    const { phases, batchPer } = phasesOf(base, parameters, way(chosen));
    return {
      batchPer,
      phases: phases.map(({ name, moves, steps, lineSearch, learningRate, updates = {} }) => ({
        name,
        moves,
        steps,
        search: lineSearch ?? false,
        learningRate,
        updates: Object.keys(updates),
      })),
    };
  };
  const rate = base.learningRate;

  it("joint: one, which moves everything", () => {
    const all = { name: "train", moves: undefined, steps: undefined, search: false, learningRate: rate };
    expect(told(names, {})).toEqual({
      batchPer: "step",
      phases: [{ ...all, updates: ["decoder/variance", "baseline/mean"] }],
    });
  });

  it("one side alone: its own parameters and statistics", () => {
    const { phases: encoder } = told(names, { inference: "encoder" });
    expect(encoder).toMatchObject([{ moves: ["encoder/weight"], updates: ["baseline/mean"] }]);
    const { phases: decoder } = told(names, { inference: "decoder" });
    expect(decoder).toMatchObject([{ moves: ["decoder/weight", "prior/mean"], updates: ["decoder/variance"] }]);
  });

  it("em: turns of one batch, each side with its steps and its rate", () => {
    const innerRate = { kind: "constant", value: 0.02 } as const;
    const { batchPer, phases } = told(names, { inference: "em", innerRate, lineSearch: true });
    expect(batchPer).toBe("turn");
    expect(phases).toMatchObject([
      { name: "expectation", moves: ["encoder/weight"], steps: 5, search: true, learningRate: innerRate },
      { name: "maximisation", moves: ["decoder/weight", "prior/mean"], steps: 2, search: true, learningRate: rate },
    ]);
  });

  it("per example: a line search is for what all examples share", () => {
    const { phases } = told([LOCAL, ...names.slice(1)], { inference: "per-example", lineSearch: true });
    expect(phases).toMatchObject([
      { name: "posteriors", moves: [LOCAL], search: false },
      { name: "maximisation", search: true },
    ]);
  });

  it("refuses names that do not say whose they are", () => {
    expect(() => phasesOf(base, ["a", "b"], way({ inference: "em" }))).toThrow(
      '--inference em: the encoder\'s parameters are known by names that begin with "encoder/", and this model has 0 such and 2 others',
    );
  });
});

describe.each(["gradient", "adam"] as const)("an encoder's answer improved by steps: %s", (optimizer) => {
  const refinement: Refinement = { steps: 3, rate: optimizer === "adam" ? 0.2 : 0.05, optimizer, samples: 1 };
  const { steps, rate } = refinement;
  const x = [0.4, -1.1];
  const weight = [0.8, -1.3];
  const epsilon = 0.6;
  const variance = 0.5;
  const decoder = (z: Tensor) => normal(matmul(z, constant(weight, [1, 2])), Math.sqrt(variance));
  const posterior = (numbers: Tensor) => {
    const [mean, logScale] = split(numbers, -1, [1, 1]);
    return normal(mean, exp(logScale));
  };

  /** One draw's bound at γ = (m, log s), in plain numbers. */
  function bound([m, logScale]: readonly number[]): number {
    const s = Math.exp(logScale);
    const z = m + s * epsilon;
    const squares = x.reduce((total, value, i) => total + (value - weight[i] * z) ** 2, 0);
    const logLikelihood = -Math.log(2 * Math.PI * variance) - squares / (2 * variance);
    return logLikelihood - (0.5 * (m * m + s * s - 1) - logScale);
  }

  /** Steps of γ ← γ + rate·∇bound(γ), or Adam's with a rate that falls along half a cosine, by central differences. */
  function climbed(start: readonly number[]): readonly number[] {
    let at = start;
    const [m, v] = [start.map(() => 0), start.map(() => 0)];
    for (let step = 0; step < steps; step++) {
      const slopes = slopesOf(bound, at);
      at = at.map((value, j) => {
        if (optimizer === "gradient") return value + rate * slopes[j];
        m[j] = 0.9 * m[j] + 0.1 * slopes[j];
        v[j] = 0.999 * v[j] + 0.001 * slopes[j] ** 2;
        const length = 0.5 * rate * (1 + Math.cos((Math.PI * step) / steps));
        const [first, second] = [m[j] / (1 - 0.9 ** (step + 1)), v[j] / (1 - 0.999 ** (step + 1))];
        return value + (length * first) / (Math.sqrt(second) + 1e-8);
      });
    }
    return at;
  }

  const start = [1.5, 0.4];
  const leaf = parameter("encoder/numbers", [1, 2], { law: "constant", value: 0 });
  const network = refined({ network: () => leaf, posterior }, decoder, standardNormal(1), refinement);
  const numbers = network(data("x", ["batch", 2]));
  const feeds = {
    x: array(x, [1, 2]),
    "encoder/numbers": array(start, [1, 2]),
    [REFINEMENT_NOISE]: array([epsilon], [1, 1]),
  };

  it("takes the steps", () => {
    const [found] = evaluate([numbers], feeds);
    const exact = climbed(start);
    expect(bound(exact)).toBeGreaterThan(bound(start) + 0.1);
    // 1e-6: three slopes by differences
    for (const [j, value] of exact.entries()) expect(Math.abs(found.data[j] - value)).toBeLessThan(1e-6);
  });

  it("is differentiated through them", () => {
    const weights = [0.7, -1.9];
    const [slope] = evaluate(gradients(sum(mul(numbers, constant(weights, [1, 2]))), [leaf]), feeds);
    const exact = slopesOf((at) => climbed(at).reduce((total, value, j) => total + weights[j] * value, 0), start);
    // 1e-3: differences of differences
    for (const [j, value] of exact.entries()) expect(Math.abs(slope.data[j] - value)).toBeLessThan(1e-3);
    expect(Math.abs(slope.data[0] - weights[0])).toBeGreaterThan(0.005); // not as if the steps were constants
  });
});
