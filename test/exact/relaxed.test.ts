import { describe, expect, it } from "vitest";
import { relaxedBernoulli } from "../../src/distributions/relaxed-bernoulli.ts";
import { relaxedCategorical } from "../../src/distributions/relaxed-categorical.ts";
import { ShapeError } from "../../src/errors.ts";
import {
  add,
  data,
  div,
  exp,
  gradients,
  logsumexp,
  mul,
  neg,
  reshape,
  sigmoid,
  slice,
  square,
  sub,
  sum,
} from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

/** The largest |a − b| / (1 + |b|). */
function worst(a: ArrayLike<number>, b: Float64Array): number {
  return Math.max(...Array.from(b, (value, i) => Math.abs(a[i] - value) / (1 + Math.abs(value))));
}

/** The numbers at `from`, `from` + `stride`, … */
function every(values: ArrayLike<number>, stride: number, from: number): readonly number[] {
  return Array.from({ length: values.length / stride }, (_, i) => Number(values[from + i * stride]));
}

describe("RelaxedBernoulli", () => {
  const settings = [-3, 0.4, 2].flatMap((logit) => [0.3, 1, 2.5].map((temperature) => ({ logit, temperature })));
  const n = settings.length;
  const column = (of: (setting: (typeof settings)[number]) => number): Float64Array =>
    Float64Array.from(settings, (setting) => Math.fround(of(setting)));
  const logits = data("logits", [n, 1]);
  const temperature = data("temperature", [n, 1]);
  const feeds = {
    logits: array(
      column(({ logit }) => logit),
      [n, 1],
    ),
    temperature: array(
      column((setting) => setting.temperature),
      [n, 1],
    ),
  };
  const distribution = relaxedBernoulli(logits, temperature);

  // Trapezoids in y = logit x, where the density falls as e^(−t|y|): to 60/t with 30 steps in 1/t, an error below 1e-12.
  const points = Array.from({ length: 3601 }, (_, i) => (i - 1800) / 30);
  const grid = array(
    points.flatMap((point) => Array.from(feeds.temperature.data, (t) => point / t)),
    [points.length, n, 1],
  );
  const y = data("y", grid.shape);
  const x = sigmoid(y);
  const density = mul(exp(distribution.logProb(x)), sum(mul(x, sigmoid(neg(y))), -1)); // p(x)·dx/dy  [points, n]
  /** ∫ p(x)·f(x) dx for each setting. */
  const integrals = (f: (x: number) => number, logitsBy = 0): readonly number[] => {
    const shifted = { ...feeds.logits, data: feeds.logits.data.map((logit) => logit + logitsBy) };
    const [masses, values] = evaluate([density, x], { ...feeds, logits: shifted, y: grid });
    return settings.map((_, i) => {
      const terms = every(masses.data, n, i).map((mass, k) => mass * f(values.data[k * n + i]));
      return terms.reduce((a, b) => a + b, 0) / 30 / feeds.temperature.data[i];
    });
  };

  it("integrates to 1 over (0, 1), with P(x > ½) = σ(ℓ)", () => {
    for (const total of integrals(() => 1)) expect(Math.abs(total - 1)).toBeLessThan(1e-10);
    // The jump at ½ lies on a point of the grid, which counts half; what is left is p′(½)/12 of a step squared.
    for (const [i, half] of integrals((point) => (1 + Math.sign(point - 0.5)) / 2).entries()) {
      expect(Math.abs(half - 1 / (1 + Math.exp(-feeds.logits.data[i])))).toBeLessThan(1e-3);
    }
  });

  it("scores its samples as logProb does, those too that float32 rounds to 0 or 1", async () => {
    const u = drawn("relaxed", "uniform", [200, n, 1]);
    const noise = data("u", u.shape);
    const cold = relaxedBernoulli(logits, 0.01);
    for (const each of [distribution, cold]) {
      const { sample, logProb } = each.rsampleWithLogProb(noise);
      expect(each.sample(noise)).toBe(sample);
      const outputs = [logProb, each.logProb(sample), distribution.logProb(sample), sample];
      const [own, again, other, values] = evaluate(outputs, { ...feeds, u });
      const rounded = await single(outputs, { ...feeds, u });
      expect(worst(again.data, own.data)).toBeLessThan(1e-12);
      // Arguments up to 1600 are rounded by 6e-8 of themselves, and so is what is made of them.
      for (const [i, exact] of [own, again, other].entries()) {
        expect(worst(rounded[i].data.map(Number), exact.data)).toBeLessThan(5e-5);
      }
      if (each === cold) expect(values.data.filter((value) => value === 1).length).toBeGreaterThan(200);
    }
  });

  it("has draws of its density, whose gradients are those of the expectation", async () => {
    const draws = 300_000;
    const u = drawn("gradients", "uniform", [draws, n, 1]);
    const own = data("own", u.shape); // a leaf of logits for each draw, so that each has its own gradient
    const z = square(relaxedBernoulli(own, temperature).rsampleWithLogProb(data("u", u.shape)).sample);
    const [path] = gradients(sum(z), [own]);
    const repeated = { ...u, data: u.data.map((_, i) => feeds.logits.data[i % n]) };
    const [values, slopes] = await single([z, path], { temperature: feeds.temperature, own: repeated, u });
    const exact = integrals((point) => point ** 2);
    const step = 1e-4;
    const [above, below] = [step, -step].map((by) => integrals((point) => point ** 2, by));
    // 18 means within 6 standard errors: a false alarm of 4e-8; an error of 5 % in the gradient would be more than that.
    for (const i of settings.keys()) {
      const value = meanAndError(every(values.data, n, i));
      expect(Math.abs(value.mean - exact[i])).toBeLessThan(6 * value.error);
      const slope = meanAndError(every(slopes.data, n, i));
      const derivative = (above[i] - below[i]) / (2 * step);
      expect(Math.abs(slope.mean - derivative)).toBeLessThan(6 * slope.error);
      expect(6 * slope.error).toBeLessThan(0.05 * derivative);
    }
  });
});

describe("RelaxedCategorical", () => {
  const C = 3;
  const rows = [
    { logits: [0, 0, 0], temperature: 1 },
    { logits: [1, -1.5, 0.25], temperature: 0.5 },
    { logits: [-0.5, 0.75, 1], temperature: 2 },
  ];
  const leaf = data("logits", [C]);

  // Trapezoids in v = t·(log x₁/x₃, log x₂/x₃), where dx₁dx₂ = x₁x₂x₃ dv/t²: the density falls as e^(−max|v|) and is analytic
  // within π of the real axes, so that to ±32 with 2 steps a unit the error is e^−32 + e^(−4π²): 1e-14.
  const side = Array.from({ length: 129 }, (_, i) => (i - 64) / 2);
  const grid = array(
    side.flatMap((a) => side.flatMap((b) => [a, b, 0])),
    [side.length ** 2, C],
  );
  /** ∫ p(x)·x₁² dx and ∫ p(x) dx */
  function integrals(logits: readonly number[], temperature: number): readonly [number, number] {
    const w = div(data("v", grid.shape), temperature);
    const logX = sub(w, reshape(logsumexp(w, -1), [side.length ** 2, 1]));
    const logMass = add(relaxedCategorical(leaf, temperature).logProb(exp(logX)), sum(logX, -1));
    const [masses, x] = evaluate([exp(logMass), exp(logX)], { logits: array(logits), v: grid });
    let [second, total] = [0, 0];
    for (const [i, mass] of masses.data.entries()) {
      second += mass * x.data[i * C] ** 2;
      total += mass;
    }
    const cell = (2 * temperature) ** 2;
    return [second / cell, total / cell];
  }

  it.each(rows)("integrates to 1 over the simplex: $logits at $temperature", ({ logits, temperature }) => {
    expect(Math.abs(integrals(logits, temperature)[1] - 1)).toBeLessThan(1e-11);
  });

  it.each(rows)("has draws of its density and gradients: $logits at $temperature", async ({ logits, temperature }) => {
    const draws = 200_000;
    const u = drawn(`simplex ${temperature}`, "uniform", [draws, C]);
    const own = data("own", u.shape);
    const { sample } = relaxedCategorical(own, temperature).rsampleWithLogProb(data("u", u.shape));
    const first = square(slice(sample, -1, 0, 1));
    const [path] = gradients(sum(first), [own]);
    const repeated = { ...u, data: u.data.map((_, i) => logits[i % C]) };
    const [x, values, slopes] = await single([sample, first, path], { own: repeated, u });
    const step = 1e-4;
    const moved = (by: number): number => integrals([logits[0] + by, ...logits.slice(1)], temperature)[0];
    // 15 comparisons within 6 standard errors: a false alarm of 3e-8; 5 % of the gradient would be more.
    const value = meanAndError(every(values.data, 1, 0));
    expect(Math.abs(value.mean - integrals(logits, temperature)[0])).toBeLessThan(6 * value.error);
    const slope = meanAndError(every(slopes.data, C, 0));
    const derivative = (moved(step) - moved(-step)) / (2 * step);
    expect(Math.abs(slope.mean - derivative)).toBeLessThan(6 * slope.error);
    expect(6 * slope.error).toBeLessThan(0.05 * derivative);
    // The largest is c with the probability softmax(ℓ)_c at every temperature: Maddison, Mnih & Teh 2017, proposition 1.
    const wins = [0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const row = every(x.data.slice(i * C, (i + 1) * C), 1, 0);
      wins[row.indexOf(Math.max(...row))] += 1;
    }
    const masses = logits.map(Math.exp);
    for (const [c, mass] of masses.entries()) {
      const p = mass / masses.reduce((a, b) => a + b);
      expect(Math.abs(wins[c] / draws - p)).toBeLessThan(6 * Math.sqrt((p * (1 - p)) / draws));
    }
  });

  it("scores its samples as logProb does, those too that float32 rounds to 0", async () => {
    const logits = data("l", [8]);
    const u = drawn("corners", "uniform", [300, 8]);
    const feeds = { l: array([3, -2, 0.5, 8, -30, 1, 2, 0]), u };
    for (const temperature of [0.02, 0.5, 3]) {
      const each = relaxedCategorical(logits, temperature);
      const { sample, logProb } = each.rsampleWithLogProb(data("u", u.shape));
      const outputs = [logProb, each.logProb(sample), relaxedCategorical(mul(logits, 0), 0.5).logProb(sample)];
      const exact = evaluate(outputs, feeds);
      const rounded = await single(outputs, feeds);
      expect(worst(exact[1].data, exact[0].data)).toBeLessThan(1e-11);
      // log x reaches −2000 and is rounded by 6e-8 of that, C times.
      for (const [i, { data: values }] of exact.entries()) {
        expect(worst(rounded[i].data.map(Number), values)).toBeLessThan(1e-4);
      }
    }
  });

  it("sums over further axes of the event and refuses what it does not know", () => {
    const codes = relaxedCategorical(data("l", ["batch", 4, C]), 0.5, 2);
    expect(codes.noise.event).toEqual([4, C]);
    expect(codes.logProb(data("x", ["samples", "batch", 4, C])).shape).toEqual(["samples", "batch"]);
    expect(() => relaxedCategorical(leaf, data("t", [C]))).toThrow("the temperature must be one number, got [3]");
    expect(() => relaxedCategorical(leaf, 1, 2)).toThrow(ShapeError);
    expect(() => relaxedBernoulli(leaf, 1, 2)).toThrow(ShapeError);
  });
});

it("both stay finite with their gradients in float32, for logits of ±1e4, cold and hot, and at the ends", async () => {
  const u = data("u", [4, 3]);
  const ends = array(
    [0, 1 - 2 ** -24, 0.5, 0.25, 0, 0, 1 - 2 ** -24, 1 - 2 ** -24, 1 - 2 ** -24, 0.1, 0.9, 0.3],
    [4, 3],
  );
  const corners = array([0, 1, 0, 0.5, 0.5, 0, 1e-30, 1, 1e-30, 0.2, 0.3, 0.5], [4, 3]);
  const logits = data("logits", [3]);
  const temperature = data("temperature", []);
  for (const build of [relaxedBernoulli, relaxedCategorical]) {
    const law = build(logits, temperature);
    const { sample, logProb } = law.rsampleWithLogProb(u);
    const given = law.logProb(data("x", [4, 3]));
    const slopes = [sum(sample), sum(logProb), sum(given)].flatMap((each) => gradients(each, [logits, temperature]));
    for (const t of [1e-3, 1, 100]) {
      for (const row of [
        [1e4, -1e4, 0],
        [-1e4, -1e4, 1e4],
        [0, 0, 0],
      ]) {
        const feeds = { logits: array(row), temperature: array([t], []), u: ends, x: corners };
        for (const { data: values } of await single([sample, logProb, given, ...slopes], feeds)) {
          expect(Array.from(values, Number).every(Number.isFinite), `${law.name} ${t} ${row}`).toBe(true);
        }
      }
    }
  }
});
