import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { bytesOf } from "../../src/checksum.ts";
import { meanOf, rsample } from "../../src/distributions/distribution.ts";
import { hasClosedForm, kl, klTerms } from "../../src/distributions/kl.ts";
import { isLowRankNormal, lowRankNormal } from "../../src/distributions/low-rank-normal.ts";
import {
  type CorrelatedNormal,
  covarianceOf,
  isMultivariateNormal,
  multivariateNormal,
  multivariateNormalPrecision,
} from "../../src/distributions/multivariate-normal.ts";
import { type Normal, normal } from "../../src/distributions/normal.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import {
  add,
  cholesky,
  concat,
  constant,
  data,
  gather,
  gradients,
  indices,
  log,
  lowerTriangle,
  matmul,
  matrixVector,
  mean,
  mul,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  triangularInverse,
} from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

/** Row by row, `columns` numbers each. */
const matrix = (columns: number, values: readonly number[]): Tensor =>
  constant(values, [values.length / columns, columns]);
const vector = (values: readonly number[]): Tensor => constant(values, [values.length]);
const numbers = (...outputs: Tensor[]): readonly Float64Array[] => evaluate(outputs, {}).map((each) => each.data);
const identity = matrix(2, [1, 0, 0, 1]);

interface Planar<D = CorrelatedNormal> {
  readonly name: string;
  readonly of: D;
  /** Σ by plain numbers, row by row. */
  readonly covariance: readonly number[];
}

/** Normals in the plane. */
const planar: readonly Planar[] = [
  {
    name: "L",
    of: multivariateNormal(vector([0.7, -2]), matrix(2, [1.5, 0, 2.4, 0.6])),
    covariance: [2.25, 3.6, 3.6, 6.12],
  },
  {
    name: "P",
    // PPᵀ = [[4, −10], [−10, 125]], of determinant 400
    of: multivariateNormalPrecision(vector([1, 0.1]), matrix(2, [2, 0, -5, 10])),
    covariance: [125 / 400, 10 / 400, 10 / 400, 4 / 400],
  },
  {
    name: "FFᵀ + D",
    of: lowRankNormal(vector([-1, 3]), matrix(1, [2, -1.5]), vector([0.5, 0.25])),
    covariance: [4.5, -3, -3, 2.5],
  },
];
const diagonal: Planar<Normal> = {
  name: "σ",
  of: normal(vector([0.5, -1]), vector([1.2, 2])),
  covariance: [1.44, 0, 0, 4],
};

const POINTS = 241;
const REACH = 9;

/** A grid of 9 deviations either way along each axis: beyond lie 2e-19 of the mass; steps of 0.075 deviations. */
function grid({ of, covariance }: Planar<CorrelatedNormal | Normal>): { readonly x: Tensor; readonly weight: number } {
  const [centre] = numbers(meanOf(of));
  const deviations = [covariance[0], covariance[3]].map(Math.sqrt);
  const step = (2 * REACH) / (POINTS - 1);
  const x = Float64Array.from({ length: 2 * POINTS ** 2 }, (_, at) => {
    const [point, axis] = [Math.floor(at / 2), at % 2];
    const place = axis === 0 ? Math.floor(point / POINTS) : point % POINTS;
    return centre[axis] + deviations[axis] * (place * step - REACH);
  });
  return { x: constant(x, [POINTS ** 2, 2]), weight: step ** 2 * deviations[0] * deviations[1] };
}

describe.each(planar)("a Normal in the plane by $name", (each) => {
  const { of, covariance } = each;
  const { x, weight } = grid(each);
  const [logs, at, centre, variance] = numbers(of.logProb(x), x, of.mean, of.variance);
  const integral = (f: (point: number) => number): number =>
    logs.reduce((total, log, point) => total + weight * Math.exp(log) * f(point), 0);

  // Trapezoids of a Gaussian: e^(−2π²(s/h)²), with s the smallest deviation along any line, 0.24 of the marginal one at least,
  // and h = 0.075: e^−200. What is left are 58,081 roundings.
  it("integrates to 1 and has its mean, covariance and entropy", () => {
    expect(Math.abs(integral(() => 1) - 1)).toBeLessThan(1e-12);
    for (const i of [0, 1]) {
      expect(Math.abs(integral((p) => at[2 * p + i]) - centre[i])).toBeLessThan(1e-11);
      for (const j of [0, 1]) {
        const product = integral((p) => (at[2 * p + i] - centre[i]) * (at[2 * p + j] - centre[j]));
        expect(Math.abs(product - covariance[2 * i + j])).toBeLessThan(1e-11);
      }
      expect(Math.abs(variance[i] - covariance[3 * i])).toBeLessThan(1e-14 * covariance[3 * i]);
    }
    const [entropy] = numbers(of.entropy());
    expect(Math.abs(integral((p) => -logs[p]) - entropy[0])).toBeLessThan(1e-12);
    if (isMultivariateNormal(of)) {
      for (const [i, value] of numbers(covarianceOf(of))[0].entries()) {
        expect(Math.abs(value - covariance[i])).toBeLessThan(1e-14 * 7);
      }
    }
  });

  it("draws what its density says, and scores its own draws", async () => {
    const draws = 100_000;
    const random = stream(11, each.name);
    const [width] = of.noise.event;
    const noise = { data: Float32Array.from({ length: draws * width }, () => random.normal()), shape: [draws, width] };
    const epsilon = data("noise", [draws, width]);
    const { sample, logProb } = of.rsampleWithLogProb(epsilon);
    const again = of.logProb(sample);
    const compiled = await compile(engine, { sample, logProb, again, plain: of.sample(epsilon) });
    const got = await compiled.run({ noise });
    await compiled.release();
    expect(Buffer.compare(bytesOf(got.plain.data), bytesOf(got.sample.data))).toBe(0);
    const largest = Array.from(got.logProb.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let i = 0; i < 1000; i++) {
      // float32: x − μ has lost 6e-8·|x| ≤ 1e-6 of deviations that are 0.1 at least, ten of them squared
      expect(Math.abs(got.logProb.data[i] - got.again.data[i])).toBeLessThan(1e-4 * largest);
    }
    const deviation = (p: number, i: number): number => got.sample.data[2 * p + i] - centre[i];
    for (const i of [0, 1]) {
      let first = 0;
      for (let p = 0; p < draws; p++) first += deviation(p, i);
      // 6 standard errors, 2e-9 each of five statistics in three tests: a false alarm of 3e-8
      expect(Math.abs(first / draws)).toBeLessThan(6 * Math.sqrt(covariance[3 * i] / draws));
      for (const j of [0, i]) {
        let second = 0;
        for (let p = 0; p < draws; p++) second += deviation(p, i) * deviation(p, j);
        const own = covariance[3 * i] * covariance[3 * j];
        const standardError = Math.sqrt((own + covariance[2 * i + j] ** 2) / draws);
        expect(Math.abs(second / draws - covariance[2 * i + j])).toBeLessThan(6 * standardError);
        expect(6 * standardError).toBeLessThan(0.05 * Math.sqrt(own)); // a covariance 5 % off would fail
      }
    }
  });

  it("has the exact gradient of E f through its draws", () => {
    // f = ½zᵀHz + bᵀz has E f = ½ tr HΣ + ½μᵀHμ + bᵀμ; the 2m points ±√m e_i average it without error.
    const [m] = of.noise.event;
    const points = Float64Array.from({ length: 2 * m * m }, (_, at) => {
      const [point, axis] = [Math.floor(at / m), at % m];
      return Math.floor(point / 2) === axis ? Math.sqrt(m) * (point % 2 === 0 ? 1 : -1) : 0;
    });
    const [h, b] = [matrix(2, [2, -0.7, -0.7, 0.3]), vector([1, -3])];
    const quadratic = (z: Tensor): Tensor => add(mul(0.5, sum(mul(z, matrixVector(h, z)), -1)), sum(mul(b, z), -1));
    const drawn = mean(quadratic(rsample(of, constant(points, [2 * m, m]))));
    const spread = sum(mul(matmul(h, covarianceIn(of)), identity)); // tr HΣ
    const exact = add(mul(0.5, spread), quadratic(of.parameters.mean));
    const wrt = Object.values(of.parameters);
    const [path, known] = [gradients(drawn, wrt), gradients(exact, wrt)].map((each) => numbers(...each));
    for (const [i, values] of known.entries()) {
      for (const [j, value] of values.entries()) {
        // 1e-13: some hundred roundings, of numbers up to 100
        expect(Math.abs(path[i][j] - value), `${Object.keys(of.parameters)[i]} ${j}`).toBeLessThan(1e-11);
      }
    }
  });
});

/** Σ from the parameters: [2, 2] */
function covarianceIn(of: CorrelatedNormal): Tensor {
  if (isMultivariateNormal(of)) return covarianceOf(of);
  const { factor, diagonal: own } = of.parameters;
  return add(matmul(factor, factor, { transposeB: true }), mul(identity, own));
}

describe("KL", () => {
  const all: readonly Planar<CorrelatedNormal | Normal>[] = [...planar, diagonal];
  const pairs = all.flatMap((q) => all.map((p) => ({ q, p, name: `${q.name} and ${p.name}` })));
  const closed = pairs.filter(({ q, p }) => hasClosedForm(q.of, p.of) && !(q === diagonal && p === diagonal));

  it("is known for full and diagonal covariances in either order, and of low rank against diagonal", () => {
    expect(closed.map(({ name }) => name).toSorted()).toEqual(
      [
        ["FFᵀ + D and σ", "L and L", "L and P", "L and σ", "P and L", "P and P", "P and σ", "σ and L", "σ and P"],
      ].flat(),
    );
    expect(klTerms(planar[0].of, diagonal.of).shape).toEqual([]); // one number: the components depend on each other
  });

  it.each(closed)("of $name is E_q[log q − log p]", ({ q, p }) => {
    const [[value]] = numbers(kl(q.of, p.of));
    const { x, weight } = grid(q);
    const [own, other] = numbers(q.of.logProb(x), p.of.logProb(x));
    const terms = own.map((log, i) => weight * Math.exp(log) * (log - other[i]));
    // relative to the sum of their sizes: 58,081 roundings of float64, and those of log p, up to 10⁴ where p is narrow
    const size = terms.reduce((total, term) => total + Math.abs(term), 1);
    expect(Math.abs(value - terms.reduce((total, term) => total + term, 0))).toBeLessThan(1e-12 * size);
    if (q === p) expect(Math.abs(value)).toBeLessThan(1e-14);
    else expect(value).toBeGreaterThan(0.1);
  });

  it.each(closed.filter(({ q, p }) => q !== p))("of $name is the mean over draws", ({ q, p }) => {
    const draws = 40_000;
    const random = stream(5, `${q.name} ${p.name}`);
    const [width] = q.of.noise.event;
    const noise = constant(
      Float64Array.from({ length: draws * width }, () => random.normal()),
      [draws, width],
    );
    const { sample, logProb } = q.of.rsampleWithLogProb(noise);
    const [[value], ratios] = numbers(kl(q.of, p.of), sub(logProb, p.of.logProb(sample)));
    const average = ratios.reduce((total, ratio) => total + ratio, 0) / draws;
    const spread = Math.sqrt(ratios.reduce((total, ratio) => total + (ratio - average) ** 2, 0) / draws);
    const standardError = spread / Math.sqrt(draws);
    // 5 standard errors, 6e-7 each of seven: a false alarm of 4e-6; a value 5 % off is further away
    expect(Math.abs(average - value)).toBeLessThan(5 * standardError);
    expect(5 * standardError).toBeLessThan(0.05 * value);
  });
});

describe("shapes", () => {
  const k = 3;
  const triangle = lowerTriangle(data("flat", ["batch", 6]), k);
  const factor = data("factor", ["batch", k, 2]);
  const forms: readonly CorrelatedNormal[] = [
    multivariateNormal(data("mean", ["batch", k]), triangle),
    multivariateNormalPrecision(data("mean", ["batch", k]), triangle),
    lowRankNormal(data("mean", ["batch", k]), factor, data("diagonal", ["batch", k])),
    multivariateNormal(vector([1, 2, 3]), triangle), // the batch is the triangle's alone
  ];

  it("pass further axes of x and noise through, the batch symbolic, and agree in float32", async () => {
    const random = stream(2, "shapes");
    const fed = (shape: readonly number[], of = (): number => random.normal()): NdArray<Float32Array> => ({
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, of),
      shape,
    });
    for (const of of forms) {
      expect(of.shape).toEqual(["batch", k]);
      expect([of.mean.shape, of.variance.shape, of.entropy().shape]).toEqual([["batch", k], ["batch", k], ["batch"]]);
      const { sample, logProb } = of.rsampleWithLogProb(data("noise", ["samples", "batch", ...of.noise.event]));
      const density = of.logProb(data("x", ["samples", "batch", k]));
      const outputs = { sample, logProb, density, first: of.mean, second: of.variance, entropy: of.entropy() };
      expect([sample.shape, logProb.shape, density.shape]).toEqual([
        ["samples", "batch", k],
        ["samples", "batch"],
        ["samples", "batch"],
      ]);
      const feeds = {
        ...{ mean: fed([4, k]), flat: fed([4, 6]), factor: fed([4, k, 2]) },
        diagonal: fed([4, k], () => 0.5 + random.uniform()),
        ...{ noise: fed([5, 4, ...of.noise.event]), x: fed([5, 4, k]) },
      };
      const exact = evaluate(Object.values(outputs), feeds);
      const compiled = await compile(engine, outputs);
      const got = await compiled.run(feeds);
      await compiled.release();
      for (const [i, name] of Object.keys(outputs).entries()) {
        expect(got[name].shape).toEqual(exact[i].shape);
        const largest = Math.max(...exact[i].data.map(Math.abs));
        // 6e-8 of rounding times a condition of 20 and some ten terms
        for (const [j, value] of exact[i].data.entries()) {
          expect(Math.abs(got[name].data[j] - value)).toBeLessThan(2e-5 * largest);
        }
      }
    }
  });

  it("that do not fit are told", () => {
    expect(() => multivariateNormal(vector([1, 2]), matrix(3, new Array(9).fill(1)))).toThrow(
      "MultivariateNormal: a mean [..., k] and a triangle [..., k, k] are expected, got [2] and [3, 3]",
    );
    expect(() => lowRankNormal(vector([1, 2]), matrix(1, [1, 2, 3]), vector([1, 1, 1]))).toThrow(
      "LowRankNormal: a mean [..., d], a factor [..., d, r] and a diagonal [..., d] are expected, got [2], [3, 1] and [3]",
    );
    expect(() => lowerTriangle(vector([1, 2]), 2)).toThrow(
      "triangle: the last axis of [2] must have k(k + 1)/2 = 3 numbers for k = 2",
    );
    expect(() => cholesky(matrix(3, [1, 2, 3]))).toThrow("square matrices [..., k, k] are expected, got [1, 3]");
  });

  it("each says whose it is", () => {
    expect(forms.map(isMultivariateNormal)).toEqual([true, true, false, true]);
    expect(forms.map(isLowRankNormal)).toEqual([false, false, true, false]);
    expect(isMultivariateNormal({ ...forms[0] })).toBe(false);
  });
});

describe("float32 at the ends", () => {
  it("values and gradients stay finite for deviations of 1e-6 to 1e6 and correlations up to 0.9999", async () => {
    const rows = [1e-6, 1, 1e6].flatMap((scale) =>
      [0, 0.9, -0.9999].map((rho) => [0.5 * scale, scale, scale, rho * scale, Math.sqrt(1 - rho ** 2) * scale]),
    );
    const fed = data("rows", [rows.length, 5]);
    const [located, raw] = [slice(fed, 1, 0, 2), slice(fed, 1, 2, 5)];
    // raw is L₁₁, L₂₁, L₂₂; the order of a triangle is the diagonal first
    const flat = gather(raw, indices([0, 2, 1]), 1);
    const triangle = lowerTriangle(concat([log(slice(flat, 1, 0, 2)), slice(flat, 1, 2, 3)], 1), 2);
    const noise = constant([1, -2], [2]);
    const q = multivariateNormal(located, triangle);
    const { sample, logProb } = q.rsampleWithLogProb(noise);
    const inverse = multivariateNormalPrecision(located, triangle);
    const scaled = lowRankNormal(
      located,
      reshape(slice(raw, 1, 0, 2), [rows.length, 2, 1]),
      square(slice(fed, 1, 0, 2)),
    );
    const losses = {
      own: sum(logProb),
      density: sum(q.logProb(sample)),
      kl: sum(kl(q, q)),
      precision: sum(inverse.rsampleWithLogProb(noise).logProb),
      inverse: sum(inverse.logProb(located)),
      lowRank: sum(scaled.rsampleWithLogProb(constant([1, -2, 0.5], [3])).logProb),
      lowRankDensity: sum(scaled.logProb(scaled.sample(constant([1, -2, 0.5], [3])))),
      entropy: sum(add(q.entropy(), scaled.entropy())),
    };
    const compiled = await compile(engine, {
      ...losses,
      ...Object.fromEntries(Object.entries(losses).map(([name, loss]) => [`d ${name}`, gradients(loss, [fed])[0]])),
    });
    const got = await compiled.run({ rows: { data: Float32Array.from(rows.flat()), shape: [rows.length, 5] } });
    await compiled.release();
    for (const [name, { data: values }] of Object.entries(got)) {
      expect(
        Array.from(values).filter((value) => !Number.isFinite(value)),
        name,
      ).toEqual([]);
    }
  });

  it("triangles of 64 are inverted to the accuracy of their condition, also where powers of them would explode", async () => {
    const k = 64;
    // The Cholesky factor of unit variances with correlations of 0.99
    const a = constant(
      Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0.99)),
      [k, k],
    );
    const l = cholesky(a);
    const outputs = { l, inverse: triangularInverse(l) };
    const exact = evaluate(Object.values(outputs), {});
    const compiled = await compile(engine, outputs);
    const got = await compiled.run({});
    await compiled.release();
    for (const [i, name] of ["l", "inverse"].entries()) {
      const largest = Math.max(...exact[i].data.map(Math.abs));
      const worst = exact[i].data.reduce((most, value, j) => Math.max(most, Math.abs(got[name].data[j] - value)), 0);
      // κ(A) = 1 + 64·99 ≈ 6,000: 6e-8·6,000 = 4e-4 of the largest, for both
      expect(worst).toBeLessThan(4e-4 * largest);
    }
  });
});
