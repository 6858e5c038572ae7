import { expect, it } from "vitest";
import { symmetricEigen } from "../../src/linalg/eigen.ts";
import { leadingComponents } from "../../src/linalg/leading.ts";
import { stream } from "../../src/random/stream.ts";

it("the largest components by Lanczos are those of the whole matrix", () => {
  const [n, d] = [90, 140]; // more numbers than rows, whose spectrum falls as that of images does
  const random = stream(3, "leading");
  const rows = Array.from({ length: n }, () => Float64Array.from({ length: d }, (_, j) => random.normal() / (1 + j)));
  const matrix = Array.from({ length: d }, (_, a) =>
    Array.from({ length: d }, (_, b) => rows.reduce((sum, row) => sum + row[a] * row[b], 0) / n),
  );
  const whole = symmetricEigen(matrix);
  const { values, vectors } = leadingComponents(rows, 2);
  for (const i of [0, 1]) {
    // Rayleigh quotients are off by the square of what the directions are.
    expect(Math.abs(values[i] / whole.values[i] - 1)).toBeLessThan(1e-12);
    const cosine = vectors[i].reduce((sum, value, j) => sum + value * whole.vectors[i][j], 0);
    expect(1 - Math.abs(cosine)).toBeLessThan(1e-12);
  }
});

it("rows in one line have one component", () => {
  const rows = Array.from({ length: 5 }, (_, i) => Float64Array.of(i - 2, 2 * (i - 2), 0));
  const { values, vectors } = leadingComponents(rows, 2);
  expect(values[0]).toBeCloseTo(10, 12);
  expect(values[1]).toBeCloseTo(0, 12);
  expect(Math.abs(vectors[0][1])).toBeCloseTo(2 / Math.sqrt(5), 12);
});
