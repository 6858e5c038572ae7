/** Normals in the plane whose integrals a grid gives, for the tests of correlated Normals. */
import { meanOf } from "../../src/distributions/distribution.ts";
import { lowRankNormal } from "../../src/distributions/low-rank-normal.ts";
import {
  type CorrelatedNormal,
  multivariateNormal,
  multivariateNormalPrecision,
} from "../../src/distributions/multivariate-normal.ts";
import { type Normal, normal } from "../../src/distributions/normal.ts";
import { constant, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";

/** Row by row, `columns` numbers each. */
export const matrix = (columns: number, values: readonly number[]): Tensor =>
  constant(values, [values.length / columns, columns]);
export const vector = (values: readonly number[]): Tensor => constant(values, [values.length]);
export const numbers = (...outputs: Tensor[]): readonly Float64Array[] =>
  evaluate(outputs, {}).map((each) => each.data);
export const identity = matrix(2, [1, 0, 0, 1]);

export interface Planar<D = CorrelatedNormal> {
  readonly name: string;
  readonly of: D;
  /** Σ by plain numbers, row by row. */
  readonly covariance: readonly number[];
}

/** Normals in the plane. */
export const planar: readonly Planar[] = [
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
export const diagonal: Planar<Normal> = {
  name: "σ",
  of: normal(vector([0.5, -1]), vector([1.2, 2])),
  covariance: [1.44, 0, 0, 4],
};

const POINTS = 241;
const REACH = 9;

/** A grid of 9 deviations either way along each axis: beyond lie 2e-19 of the mass; steps of 0.075 deviations. */
export function grid({ of, covariance }: Planar<CorrelatedNormal | Normal>): {
  readonly x: Tensor;
  readonly weight: number;
} {
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
