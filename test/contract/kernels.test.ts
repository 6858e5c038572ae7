import { describe, expect, test } from "vitest";
import { stream } from "../../src/random/stream.ts";
import { type AdamSettings, instantiateKernels, type SgdSettings } from "../../src/runtime/kernels.ts";
import golden from "../golden/values/optimizers.json" with { type: "json" };

const memory = new WebAssembly.Memory({ initial: 4 });
const kernels = instantiateKernels(memory);
const HALF_ULP = 2 ** -24; // the relative error of one rounding to float32
const BEFORE_DENORMAL = 2 ** -126;

/** Five equally long ranges of float32 in the memory, one element apart from a 16-byte boundary and from each other. */
function ranges(count: number) {
  new Float32Array(memory.buffer).fill(Number.NaN); // so that reading or writing beside a range shows
  const range = (index: number): Float32Array =>
    new Float32Array(memory.buffer, 4 + index * 4 * (count + 1), count).fill(0);
  const [param, grad, m, v, velocity] = [0, 1, 2, 3, 4].map(range);
  const at = {
    param: param.byteOffset,
    grad: grad.byteOffset,
    m: m.byteOffset,
    v: v.byteOffset,
    velocity: velocity.byteOffset,
    count,
  };
  return { param, grad, m, v, velocity, at };
}

const written = (): Uint8Array => new Uint8Array(memory.buffer.slice(0));

function normals(count: number, name: string, scale = 1): Float32Array {
  const out = new Float32Array(count);
  stream(1, name).fillNormal(out, 0, count);
  return out.map((x) => scale * x);
}

const plain: SgdSettings = { learningRate: 0.01, momentum: 0, nesterov: false, weightDecay: 0, gradScale: 1 };
const adamBase = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, gradScale: 1 };
const adamAt = (step: number, changed: Partial<AdamSettings> = {}): AdamSettings => {
  const settings = { ...adamBase, ...changed };
  return { ...settings, bias1: 1 - settings.beta1 ** step, bias2: 1 - settings.beta2 ** step };
};

/** torch.optim.SGD for one element, in float64. */
function sgdReference(s: SgdSettings, p: number, gradients: readonly number[]): number {
  let velocity = 0;
  let value = p;
  for (const gradient of gradients) {
    const decayed = s.gradScale * gradient + s.weightDecay * value;
    velocity = s.momentum * velocity + decayed;
    value -= s.learningRate * (s.nesterov ? decayed + s.momentum * velocity : velocity);
  }
  return value;
}

/** torch.optim.AdamW for one element, in float64. */
function adamReference(s: Omit<AdamSettings, "bias1" | "bias2">, p: number, gradients: readonly number[]): number {
  let [value, m, v] = [p, 0, 0];
  for (const [index, gradient] of gradients.entries()) {
    const scaled = s.gradScale * gradient;
    m = s.beta1 * m + (1 - s.beta1) * scaled;
    v = s.beta2 * v + (1 - s.beta2) * scaled ** 2;
    value *= 1 - s.learningRate * s.weightDecay;
    const denominator = Math.sqrt(v) / Math.sqrt(1 - s.beta2 ** (index + 1)) + s.epsilon;
    value -= (s.learningRate / (1 - s.beta1 ** (index + 1))) * (m / denominator);
  }
  return value;
}

/**
 * A step rounds the parameter at most twice; the update's own roundings, some 10, are relative to an update that is less than
 * a tenth of the largest parameter. So three half ulps of the largest parameter a step.
 */
function expectClose(actual: Float32Array, expected: readonly number[], steps: number): void {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(actual[i] - x)), 0);
  expect(worst).toBeLessThan(3 * steps * HALF_ULP * largest);
}

/** ‖Δa − Δb‖ / ‖Δb‖ of the updates from `start`. */
function updateError(start: readonly number[], actual: Float32Array, expected: readonly number[]): number {
  return Math.hypot(...expected.map((x, i) => actual[i] - x)) / Math.hypot(...expected.map((x, i) => x - start[i]));
}

describe("against the formula in float64", () => {
  const COUNT = 1003;
  const STEPS = 10;
  const start = normals(COUNT, "parameters");
  const gradients = Array.from({ length: STEPS }, (_, step) => normals(COUNT, `gradients ${step}`, 0.1));
  const ofElement = (i: number): readonly number[] => gradients.map((gradient) => gradient[i]);

  const sgdCases: Readonly<Record<string, Partial<SgdSettings>>> = {
    plain: {},
    momentum: { momentum: 0.9 },
    nesterov: { momentum: 0.9, nesterov: true },
    "weight decay, scaled gradient": { momentum: 0.8, nesterov: true, weightDecay: 0.1, gradScale: 0.3 },
  };
  test.each(Object.entries(sgdCases))("sgd, %s", (_, changed) => {
    const settings = { ...plain, ...changed };
    const { param, grad, at } = ranges(COUNT);
    param.set(start);
    for (const gradient of gradients) {
      grad.set(gradient);
      kernels.sgd(at, settings);
    }
    expectClose(
      param,
      Array.from(start, (p, i) => sgdReference(settings, p, ofElement(i))),
      STEPS,
    );
  });

  const adamCases: Readonly<Record<string, Partial<AdamSettings>>> = {
    adam: {},
    "weight decay, scaled gradient": { weightDecay: 0.5, gradScale: 0.3 },
    "other rates": { learningRate: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 0.01 },
  };
  test.each(Object.entries(adamCases))("adam, %s", (_, changed) => {
    const { param, grad, at } = ranges(COUNT);
    param.set(start);
    for (const [index, gradient] of gradients.entries()) {
      grad.set(gradient);
      kernels.adam(at, adamAt(index + 1, changed));
    }
    expectClose(
      param,
      Array.from(start, (p, i) => adamReference({ ...adamBase, ...changed }, p, ofElement(i))),
      STEPS,
    );
  });

  test("sumSquares", () => {
    const { param, at } = ranges(COUNT);
    param.set(start);
    const expected = start.reduce((sum, x) => sum + x * x, 0);
    // Both sums round at most once an element, by 2^-53 of the sum; the squares are exact.
    expect(Math.abs(kernels.sumSquares(at.param, COUNT) / expected - 1)).toBeLessThan(2 * COUNT * 2 ** -53);
  });
});

describe("against PyTorch", () => {
  const start = golden.parameters.data;
  const { sgd, momentum, nesterov, adam, adamw } = golden.optimizers;
  type Range = ReturnType<typeof ranges>["at"];
  const bySgd =
    (options: { lr: number; momentum?: number; nesterov?: boolean }) =>
    (at: Range): void =>
      kernels.sgd(at, {
        ...plain,
        learningRate: options.lr,
        momentum: options.momentum ?? 0,
        nesterov: options.nesterov ?? false,
      });
  const byAdam =
    (options: { lr: number; betas: number[]; eps: number; weight_decay: number }) =>
    (at: Range, step: number): void =>
      kernels.adam(
        at,
        adamAt(step, {
          learningRate: options.lr,
          beta1: options.betas[0],
          beta2: options.betas[1],
          epsilon: options.eps,
          weightDecay: options.weight_decay,
        }),
      );
  const cases = [
    ["sgd", bySgd(sgd.options), sgd.after],
    ["momentum", bySgd(momentum.options), momentum.after],
    ["nesterov", bySgd(nesterov.options), nesterov.after],
    ["adam", byAdam(adam.options), adam.after],
    ["adamw", byAdam(adamw.options), adamw.after],
  ] as const;

  test.each(cases)("%s", (_, update, after) => {
    const { param, grad, at } = ranges(start.length);
    param.set(start);
    for (const [index, gradient] of golden.gradients.entries()) {
      grad.set(gradient.data);
      update(at, index + 1);
      if (index === 0) expectClose(param, after["1"].data, 1);
    }
    expectClose(param, after["10"].data, 10);
    expect(updateError(start, param, after["10"].data)).toBeLessThan(1e-4); // the product's own bar for 10 steps
  });
});

type Update = (at: ReturnType<typeof ranges>["at"]) => void;
const updates: readonly (readonly [string, Update])[] = [
  ["sgd", (at) => kernels.sgd(at, plain)],
  ["momentum", (at) => kernels.sgd(at, { ...plain, momentum: 0.9, nesterov: true })],
  ["adam", (at) => kernels.adam(at, adamAt(1))],
];

describe.each(updates)("%s", (_, update) => {
  const LENGTH = 11;

  /** All five ranges filled, then the update of `count` elements from `first` on. */
  function updated(first: number, count: number) {
    const all = ranges(LENGTH);
    for (const [index, values] of [all.param, all.grad, all.m, all.v, all.velocity].entries()) {
      values.set(normals(LENGTH, `range ${index}`).map(Math.abs));
    }
    const before = written();
    const { param, grad, m, v, velocity } = all.at;
    const shift = 4 * first;
    update({
      param: param + shift,
      grad: grad + shift,
      m: m + shift,
      v: v + shift,
      velocity: velocity + shift,
      count,
    });
    return { ...all, before };
  }

  test("gives an element the same bits at any place in a range of any length, and touches no other", () => {
    const whole = updated(0, LENGTH);
    const results = [whole.param, whole.m, whole.v, whole.velocity].map((values) => values.slice());
    for (let first = 0; first < LENGTH; first += 1) {
      for (let count = 0; first + count <= LENGTH; count += 1) {
        const part = updated(first, count);
        const after = written();
        const old = new Float32Array(part.before.buffer);
        for (const [index, values] of [part.param, part.m, part.v, part.velocity].entries()) {
          const offset = values.byteOffset / 4;
          for (let i = 0; i < LENGTH; i += 1) {
            const inside = i >= first && i < first + count;
            expect(values[i]).toBe(inside ? results[index][i] : old[offset + i]);
          }
          values.set(old.subarray(offset, offset + LENGTH));
        }
        expect(after.length).toBe(part.before.length);
        expect(Buffer.compare(written(), part.before)).toBe(0); // all else, the gradient among it, is as it was
      }
    }
  });
});

describe("sumSquares", () => {
  test("does not overflow", () => {
    const { grad, at } = ranges(7);
    grad.set([1, 2, 3, 4, 5, 6, 7]);
    expect(kernels.sumSquares(at.grad, 7)).toBe(140);
    grad.fill(3e38);
    expect(kernels.sumSquares(at.grad, 7)).toBe(7 * Math.fround(3e38) ** 2);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("tells %d at any place", (bad) => {
    for (let place = 0; place < 11; place += 1) {
      const { grad, at } = ranges(11);
      grad[place] = bad;
      expect(Number.isFinite(kernels.sumSquares(at.grad, 11))).toBe(false);
    }
  });
});

describe("averages that decay", () => {
  const GRID = 2 ** -90; // the distance of float32 numbers at 1e-20: what the flush rounds to
  const denormal = (values: Float32Array): boolean => values.some((x) => x !== 0 && Math.abs(x) < BEFORE_DENORMAL);
  /** Where rounding to the grid undoes a decay by `beta`: (1 − beta)·x is no more than half of it. */
  const expectAtRest = (values: Float32Array, beta: number): void => {
    for (const x of values) expect(Math.abs(x)).toBeLessThanOrEqual(GRID / (2 * (1 - beta)) + GRID);
  };

  test("adam's come to rest before they are denormal", () => {
    const { m, v, at } = ranges(6);
    m.fill(-1e-3);
    v.fill(1e-6);
    for (let step = 1; step <= 1_000; step += 1) {
      kernels.adam(at, adamAt(step, { beta2: 0.95 }));
      expect(denormal(m) || denormal(v)).toBe(false);
    }
    expectAtRest(m, 0.9);
    expectAtRest(v, 0.95);
  });

  test("momentum's come to rest before they are denormal", () => {
    const { velocity, at } = ranges(6);
    velocity.fill(-1e-3);
    for (let step = 1; step <= 1_000; step += 1) {
      kernels.sgd(at, { ...plain, momentum: 0.9 });
      expect(denormal(velocity)).toBe(false);
    }
    expectAtRest(velocity, 0.9);
  });

  test("what is denormal already becomes 0", () => {
    const { m, v, velocity, at } = ranges(6);
    for (const values of [m, v, velocity]) values.fill(1e-40);
    kernels.adam(at, adamAt(1));
    kernels.sgd(at, { ...plain, momentum: 0.9 });
    expect([...m, ...v, ...velocity].every((x) => x === 0)).toBe(true);
  });

  test("a squared gradient as small as Adam can tell from epsilon survives", () => {
    const { grad, v, at } = ranges(5);
    grad.fill(1e-9);
    kernels.adam(at, adamAt(1));
    // The flush rounds to 1e-20·2^-24, which is 6e-7 of v = 1e-21.
    for (const x of v) expect(Math.abs(x / 1e-21 - 1)).toBeLessThan(1e-6);
  });
});

test("without momentum the velocity is neither read nor written", () => {
  const { param, grad, velocity, at } = ranges(5);
  grad.fill(1);
  velocity.fill(Number.NaN);
  kernels.sgd({ ...at, velocity: 2 ** 31 }, plain); // beyond the memory: touching it would trap
  expect([...param]).toEqual(new Array(5).fill(Math.fround(-0.01)));
});

test("a range beyond the memory traps", () => {
  expect(() => kernels.sumSquares(memory.buffer.byteLength - 8, 4)).toThrow(WebAssembly.RuntimeError);
});
