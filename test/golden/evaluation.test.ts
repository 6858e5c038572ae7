import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { codeAccuracy, type LabelledCodes } from "../../src/evaluation/codes.ts";
import { fitLogistic } from "../../src/evaluation/logistic.ts";
import { comparePaired } from "../../src/evaluation/paired.ts";
import { studentHalfWidth } from "../../src/evaluation/student.ts";
import { float64, type GoldenArray, relativeDistance } from "./arrays.ts";

type Probes = Readonly<
  Record<"train" | "heldOut" | "trainLabels" | "heldOutLabels" | "coefficients" | "logistic" | "nearest", GoldenArray>
> & { readonly penalty: number };

interface Golden {
  readonly probes: Probes;
  readonly students: { readonly degrees: readonly number[]; readonly halfWidths: readonly number[] };
  readonly paired: Readonly<Record<"first" | "second", readonly number[]>> & { readonly interval: readonly number[] };
}

const { probes, students, paired }: Golden = JSON.parse(
  readFileSync(new URL("values/evaluation.json", import.meta.url), "utf8"),
);

const labelled = (codes: GoldenArray, labels: GoldenArray): LabelledCodes => {
  const [n, k] = codes.shape;
  return { codes: { data: float64(codes).data, shape: [n, k] }, labels: float64(labels).data };
};
const train = labelled(probes.train, probes.trainLabels);
const heldOut = labelled(probes.heldOut, probes.heldOutLabels);

describe("the class probes are scikit-learn's", () => {
  const [n, k] = train.codes.shape;
  const centre = Array.from({ length: k }, (_, j) => columnMean(j, (x) => x));
  const spread = centre.map((mean, j) => Math.sqrt(columnMean(j, (x) => (x - mean) ** 2)));
  function columnMean(j: number, of: (x: number) => number): number {
    let total = 0;
    for (let i = 0; i < n; i++) total += of(train.codes.data[i * k + j]);
    return total / n;
  }
  const standard = (values: Float64Array): Float64Array => values.map((x, i) => (x - centre[i % k]) / spread[i % k]);

  it("logistic regression, weight by weight", () => {
    const fit = fitLogistic(standard(train.codes.data), train.labels, { classes: 3, penalty: probes.penalty });
    const slopes = Array.from(fit.weights).filter((_, i) => i % (k + 1) > 0);
    // scikit-learn stops at a slope of 1e-12, this at 1e-7; the weights differ by that over a curvature of 1e-4 or more.
    expect(relativeDistance(slopes, float64(probes.coefficients).data)).toBeLessThan(1e-3);
    expect(Array.from(fit.predict(standard(heldOut.codes.data)))).toEqual(Array.from(float64(probes.logistic).data));
    expect(fit.slope).toBeLessThan(1e-7);
  });

  it("and both accuracies follow from its predictions", () => {
    const { nearest, linear, chance, trained, scored } = codeAccuracy(train, heldOut);
    const truth = Array.from(heldOut.labels);
    const right = (predicted: ArrayLike<number>): number =>
      truth.filter((label, i) => label === predicted[i]).length / truth.length;
    expect({ trained, scored }).toEqual({ trained: 118, scored: 60 });
    expect(linear.value).toBe(right(float64(probes.logistic).data));
    expect(linear.error).toBeCloseTo(Math.sqrt((linear.value * (1 - linear.value)) / 60), 12);
    expect(nearest.value).toBe(right(float64(probes.nearest).data));
    const counts = [0, 1, 2].map((label) => Array.from(train.labels).filter((one) => one === label).length);
    expect(chance).toBe(truth.filter((label) => label === counts.indexOf(Math.max(...counts))).length / 60);
    expect(linear.value).toBeGreaterThan(chance + 0.2);
  });
});

it("Student's t is SciPy's", () => {
  for (const [i, degrees] of students.degrees.entries()) {
    expect(studentHalfWidth(0.95, degrees) / students.halfWidths[i]).toBeCloseTo(1, 10);
  }
});

it("the paired interval is SciPy's", () => {
  const run = (name: string, values: readonly number[]) => ({ name, examples: "the same", values });
  const { interval, difference } = comparePaired(run("a", paired.first), run("b", paired.second));
  expect(interval[0]).toBeCloseTo(paired.interval[0], 10);
  expect(interval[1]).toBeCloseTo(paired.interval[1], 10);
  expect(difference.value).toBeCloseTo((interval[0] + interval[1]) / 2, 10);
});
