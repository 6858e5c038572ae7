import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { bytesOf } from "../../src/checksum.ts";
import { rsample } from "../../src/distributions/distribution.ts";
import { kl } from "../../src/distributions/kl.ts";
import { isLowRankNormal, lowRankNormal } from "../../src/distributions/low-rank-normal.ts";
import {
  type CorrelatedNormal,
  covarianceOf,
  isMultivariateNormal,
  multivariateNormal,
  multivariateNormalPrecision,
} from "../../src/distributions/multivariate-normal.ts";
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
  sum,
  type Tensor,
  triangularInverse,
} from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { grid, identity, matrix, numbers, planar, vector } from "./planar.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

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

  it("low rank: log p and its gradient are good to 1e-5 and 1e-4 where FFᵀ is 10⁵ times D", async () => {
    const [batch, d, r] = [8, 20, 3];
    const random = stream(4, "low rank");
    const fed = (shape: readonly number[], of: () => number): NdArray<Float32Array> => ({
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, of),
      shape,
    });
    const factor = data("factor", [batch, d, r]);
    const q = lowRankNormal(data("mean", [batch, d]), factor, data("diagonal", [batch, d]));
    const logProb = q.logProb(data("x", [batch, d]));
    const outputs = { logProb, slope: gradients(sum(logProb), [factor])[0] };
    const feeds = {
      mean: fed([batch, d], () => random.normal()),
      factor: fed([batch, d, r], () => 1e5 ** 0.5 * random.normal()),
      diagonal: fed([batch, d], () => 0.5 + random.uniform()),
      noise: fed([batch, d + r], () => random.normal()),
    };
    const [{ data: drawn, shape }] = evaluate([q.sample(data("noise", [batch, d + r]))], feeds);
    const all = { ...feeds, x: { data: Float32Array.from(drawn), shape } };
    const exact = evaluate(Object.values(outputs), all);
    const compiled = await compile(engine, outputs);
    const got = await compiled.run(all);
    await compiled.release();
    for (const [i, [name, bar]] of Object.entries({ logProb: 1e-5, slope: 1e-4 }).entries()) {
      const largest = exact[i].data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (const [j, value] of exact[i].data.entries()) {
        expect(Math.abs(got[name].data[j] - value), name).toBeLessThan(bar * largest);
      }
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
