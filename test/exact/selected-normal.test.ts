/** N(μ_z, Σ_z) of the component that z says: against its definition, in each of its forms. */
import { describe, expect, it } from "vitest";
import { multivariateNormalPrecision } from "../../src/distributions/multivariate-normal.ts";
import { normal } from "../../src/distributions/normal.ts";
import { type NormalComponents, type SelectedNormal, selectedNormal } from "../../src/distributions/selected-normal.ts";
import { constant, type Dim, data, gather, gradients, indices, mul, sum, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

const [C, D] = [3, 2];
const means = data("means", [C, D]);
const meanValues = [0, 1, -2, 0.5, 3, -1];
const tril = [1.2, 0, 0.4, 0.8, 0.5, 0, -0.7, 2, 3, 0, 0.1, 0.6];
const feedOf = { means: array(meanValues, [C, D]) };

/** Each form's components, what is fed, and component c as a distribution of its own. */
const forms: readonly {
  readonly name: string;
  readonly spread: NormalComponents["spread"];
  readonly feeds: Readonly<Record<string, ReturnType<typeof array>>>;
}[] = [
  {
    name: "full",
    spread: { precisionTril: data("p", [C, D, D]) },
    feeds: { ...feedOf, p: array(tril, [C, D, D]) },
  },
  {
    name: "tied",
    spread: { precisionTril: data("p", [1, D, D]) },
    feeds: { ...feedOf, p: array(tril.slice(0, 4), [1, D, D]) },
  },
  {
    name: "diagonal",
    spread: { scale: data("s", [C, D]) },
    feeds: { ...feedOf, s: array([1, 0.5, 2, 0.3, 0.7, 1.5], [C, D]) },
  },
  {
    name: "spherical",
    spread: { scale: data("s", [C, 1]) },
    feeds: { ...feedOf, s: array([1, 0.5, 2], [C, 1]) },
  },
];

/** Row c of what may be shared. */
const row = (of: Tensor, c: number): Tensor => gather(of, indices([of.shape[0] === 1 ? 0 : c]), 0);

describe.each(forms)("$name", ({ spread, feeds }) => {
  const over = (batch: Dim): SelectedNormal => selectedNormal(data("z", [batch, C]), { means, spread });
  const own = (c: number): { logProb(x: Tensor): Tensor; variance?: Tensor } => {
    const mean = row(means, c); // [1, D]
    return "scale" in spread
      ? normal(mean, mul(row(spread.scale, c), constant([1, 1], [1, 2])))
      : multivariateNormalPrecision(mean, row(spread.precisionTril, c));
  };
  const x = array([0.3, -1, 2, 2.5, -7, 4, 1, 1], [4, D]);

  it("is called what each of its components is", () => {
    expect(over(4).name).toBe("scale" in spread ? "Normal" : "MultivariateNormal");
  });

  it("has each component's density, and that of the one that z says", () => {
    const [all, leaf] = [over(4), data("x", [4, D])];
    const outputs = [all.componentLogProb(leaf), ...[0, 1, 2].map((c) => own(c).logProb(leaf))];
    const [each, ...exact] = evaluate(outputs, { ...feeds, x });
    for (let i = 0; i < 4; i++) {
      // 1e-14 relative: some ten roundings of each
      for (let c = 0; c < C; c++) {
        const { [i]: value } = exact[c].data;
        expect(Math.abs(each.data[i * C + c] - value)).toBeLessThan(1e-14 * (1 + Math.abs(value)));
      }
    }
    const chosen = array([0, 1, 0, 1, 0, 0, 0, 0, 1, 0.2, 0.3, 0.5], [4, C]);
    const [logProb] = evaluate([all.logProb(leaf)], { ...feeds, x, z: chosen });
    for (let i = 0; i < 4; i++) {
      const expected = [0, 1, 2].reduce((total, c) => total + chosen.data[i * C + c] * each.data[i * C + c], 0);
      expect(Math.abs(logProb.data[i] - expected)).toBeLessThan(1e-14 * (1 + Math.abs(expected)));
    }
  });

  it("draws with its mean and variance, and its density has them", async () => {
    const [all, draws] = [over(C), 30_000];
    const noise = drawn("selected", "normal", [draws, C, D]);
    const chosen = array([1, 0, 0, 0, 1, 0, 0, 0, 1], [C, C]);
    const epsilon = data("e", noise.shape);
    const [{ data: values }] = await single([all.sample(epsilon)], { ...feeds, z: chosen, e: noise });
    const [mean, variance, ...variances] = evaluate(
      [all.mean, all.variance, ...[0, 1, 2].flatMap((c) => own(c).variance ?? [])],
      { ...feeds, z: chosen },
    );
    expect(mean.shape).toEqual([C, D]);
    expect(Array.from(mean.data)).toEqual(meanValues);
    for (let i = 0; i < C * D; i++) {
      const exact = variances[Math.floor(i / D)].data[i % D];
      expect(Math.abs(variance.data[i] - exact)).toBeLessThan(1e-14 * exact);
      const column = Array.from({ length: draws }, (_, draw) => Number(values[draw * C * D + i]));
      const first = meanAndError(column);
      const second = meanAndError(column.map((value) => (value - meanValues[i]) ** 2));
      // 12 means within 6 standard errors, in four tests: a false alarm of 1e-7; 6 of them are 4 % of the variance
      expect(Math.abs(first.mean - meanValues[i])).toBeLessThan(6 * first.error);
      expect(Math.abs(second.mean - exact)).toBeLessThan(6 * second.error);
      expect(6 * second.error).toBeLessThan(0.05 * exact);
    }
  });

  it("scores a draw by the noise that it is made of", () => {
    const [all, n] = [over(C), 200];
    const noise = drawn("selected/own", "normal", [n, C, D]);
    const chosen = array([1, 0, 0, 0, 1, 0, 0, 0, 1], [C, C]);
    // log p(μ + Rε) = −½‖ε‖² − ½ log det Σ − log 2π, draw by draw
    const [scored, atMean] = evaluate([all.logProb(all.sample(data("e", noise.shape))), all.logProb(all.mean)], {
      ...feeds,
      z: chosen,
      e: noise,
    });
    for (const [i, value] of scored.data.entries()) {
      const square = noise.data[i * D] ** 2 + noise.data[i * D + 1] ** 2;
      expect(Math.abs(value - (atMean.data[i % C] - 0.5 * square))).toBeLessThan(1e-12);
    }
  });

  it("passes leading axes and symbolic ones, and is finite in float32 far from all", async () => {
    const all = over("batch");
    expect(all.shape).toEqual(["batch", D]);
    expect(all.logProb(data("x", ["samples", "batch", D])).shape).toEqual(["samples", "batch"]);
    expect(all.componentLogProb(data("x", ["samples", "batch", D])).shape).toEqual(["samples", "batch", C]);
    expect(all.sample(data("e", ["samples", "batch", D])).shape).toEqual(["samples", "batch", D]);
    const one = selectedNormal(data("z", [C]), { means, spread });
    expect([one.shape, one.logProb(data("x", [D])).shape, one.mean.shape]).toEqual([[D], [], [D]]);
    const image = selectedNormal(data("z", ["batch", C]), { means, spread }, [1, D, 1]);
    expect([image.shape, image.mean.shape, image.variance.shape]).toEqual(Array(3).fill(["batch", 1, D, 1]));
    expect(image.logProb(data("x", ["samples", "batch", 1, D, 1])).shape).toEqual(["samples", "batch"]);
    expect(image.sample(data("e", ["samples", "batch", 1, D, 1])).shape).toEqual(["samples", "batch", 1, D, 1]);
    const far = data("x", [2, D]);
    const some = over(2);
    const leaves = [far, means, "scale" in spread ? spread.scale : spread.precisionTril];
    const outputs = [some.logProb(far), ...gradients(sum(some.logProb(far)), leaves)];
    const given = { ...feeds, x: array([1e12, -1e12, 0, 1e-30], [2, D]), z: array([1, 0, 0, 0, 0, 1], [2, C]) };
    for (const { data: values } of await single(outputs, given)) {
      expect(Array.from(values, Number).every(Number.isFinite)).toBe(true);
    }
  });
});

it("refuses components that do not fit", () => {
  const z = data("z", ["batch", C]);
  for (const spread of [{ scale: data("s", [C, 3]) }, { precisionTril: data("p", [2, D, D]) }, { scale: means }]) {
    const build = (): unknown =>
      selectedNormal("scale" in spread && spread.scale === means ? data("z", [4]) : z, { means, spread });
    expect(build).toThrow("SelectedNormal: z [..., C], means [C, d] and a scale [C, d] or precisionTril [C, d, d]");
  }
  expect(() => selectedNormal(z, { means, spread: { scale: means } }, [1, 3])).toThrow(
    "SelectedNormal: an event of 2 numbers is expected, got [1, 3]",
  );
});
