import { ShapeError } from "../errors.ts";
import {
  add,
  broadcastTo,
  diagonalOf,
  log,
  matmul,
  matrixVector,
  mul,
  neg,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  triangularInverse,
} from "../tensor/index.ts";
import { broadcastShapes, type Dim, type Shape, show, staticShape } from "../tensor/shape.ts";
import type { Distribution, Reparameterized } from "./distribution.ts";

/** A Normal whose components depend on each other, whatever its covariance is written by. */
export interface CorrelatedNormal extends Reparameterized {
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** ½ log det Σ: [...batch] */
  readonly halfLogDeterminant: Tensor;
  readonly entropy: () => Tensor;
}

export interface MultivariateNormal extends CorrelatedNormal {
  readonly name: "MultivariateNormal";
  /** `mean` [..., k] and either `scaleTril` L, Σ = LLᵀ, or `precisionTril` P, Σ⁻¹ = PPᵀ: [..., k, k]. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** R with Σ = RRᵀ: [..., k, k] */
  readonly root: () => Tensor;
  /** A with Σ⁻¹ = AᵀA, so that A(x − μ) is standard: [..., k, k] */
  readonly whitener: () => Tensor;
}

const family = new WeakSet<Distribution>();

/**
 * N(μ, LLᵀ) in k dimensions: mean [..., k], scaleTril [..., k, k] lower triangular with a positive diagonal (make it with
 * `lowerTriangle`). Its own samples are scored without a solve.
 */
export function multivariateNormal(mean: Tensor, scaleTril: Tensor): MultivariateNormal {
  return make({ mean, scaleTril }, scaleTril, {
    halfLogDeterminant: sum(log(diagonalOf(scaleTril)), -1),
    variance: sum(square(scaleTril), -1), // Σ_ii = Σ_j L_ij²
    root: () => scaleTril,
    whitener: () => triangularInverse(scaleTril),
  });
}

/**
 * N(μ, Σ) in k dimensions with Σ⁻¹ = PPᵀ: mean [..., k], precisionTril [..., k, k] lower triangular with a positive
 * diagonal. It scores without a solve; a draw takes one.
 */
export function multivariateNormalPrecision(mean: Tensor, precisionTril: Tensor): MultivariateNormal {
  const inverse = triangularInverse(precisionTril);
  return make({ mean, precisionTril }, precisionTril, {
    halfLogDeterminant: neg(sum(log(diagonalOf(precisionTril)), -1)),
    variance: sum(square(inverse), -2), // Σ = P⁻ᵀP⁻¹
    root: () => transpose(inverse),
    whitener: () => transpose(precisionTril),
  });
}

type Form = Pick<MultivariateNormal, "halfLogDeterminant" | "variance" | "root" | "whitener">;

function make(
  parameters: Readonly<Record<string, Tensor>> & { readonly mean: Tensor },
  triangle: Tensor,
  form: Form,
): MultivariateNormal {
  const { mean } = parameters;
  const k = dimensionOf("MultivariateNormal", mean, triangle);
  const shape = broadcastShapes("MultivariateNormal", mean.shape, triangle.shape.slice(0, -1));
  const locate = (noise: Tensor): Tensor => add(mean, matrixVector(form.root(), noise)); // z = μ + Rε
  const made: MultivariateNormal = {
    name: "MultivariateNormal",
    parameters,
    shape,
    eventRank: 1,
    support: "real",
    noise: { law: "normal", event: [k] },
    ...form,
    ...normalMoments({ shape, mean, variance: form.variance, halfLogDeterminant: form.halfLogDeterminant }),
    logProb: (x) => normalLogProb(squaredNorm(matrixVector(form.whitener(), sub(x, mean))), form.halfLogDeterminant, k),
    sample: locate,
    rsampleWithLogProb: (noise) => ({
      sample: locate(noise),
      logProb: normalLogProb(squaredNorm(noise), form.halfLogDeterminant, k),
    }),
  };
  family.add(made);
  return made;
}

/** k of a mean [..., k] and a triangle [..., k, k]. */
function dimensionOf(name: string, mean: Tensor, triangle: Tensor): number {
  const [rows, columns] = staticShape(name, triangle.shape.slice(-2));
  if (mean.shape.length < 1 || triangle.shape.length < 2 || rows !== columns || mean.shape.at(-1) !== rows) {
    throw new ShapeError(
      `${name}: a mean [..., k] and a triangle [..., k, k] are expected, got ${show(mean.shape)} and ${show(triangle.shape)}`,
    );
  }
  return rows;
}

/** ‖v‖² over the last axis. */
export function squaredNorm(v: Tensor): Tensor {
  return sum(square(v), -1);
}

/** log N(x; μ, Σ) = −½(x − μ)ᵀΣ⁻¹(x − μ) − ½ log det Σ − ½k log 2π, from the quadratic form [..., batch]. */
export function normalLogProb(quadratic: Tensor, halfLogDeterminant: Tensor, k: number): Tensor {
  return sub(mul(-0.5, quadratic), add(halfLogDeterminant, 0.5 * k * Math.log(2 * Math.PI)));
}

/** Mean and variance of the whole shape, and the entropy ½ log det Σ + ½k log 2πe. */
export function normalMoments(
  of: Pick<CorrelatedNormal, "mean" | "variance" | "halfLogDeterminant"> & { readonly shape: Shape },
): Pick<CorrelatedNormal, "mean" | "variance" | "entropy"> {
  const batch: readonly Dim[] = of.shape.slice(0, -1);
  const [k] = staticShape("Normal", of.shape.slice(-1));
  return {
    mean: broadcastTo(of.mean, of.shape),
    variance: broadcastTo(of.variance, of.shape),
    entropy: () => broadcastTo(add(of.halfLogDeterminant, 0.5 * k * Math.log(2 * Math.PI * Math.E)), batch),
  };
}

/** Σ of a full-covariance Normal: [..., k, k] */
export function covarianceOf({ root }: MultivariateNormal): Tensor {
  return matmul(root(), root(), { transposeB: true });
}

/** Whether `multivariateNormal` or `multivariateNormalPrecision` made it. */
export function isMultivariateNormal(distribution: Distribution): distribution is MultivariateNormal {
  return family.has(distribution);
}
