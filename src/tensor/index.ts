/** The language that formulas are written in: symbolic tensors and functions of them. */
export { gradients, gradientThrough, pullBack } from "./gradients.ts";
export { constant, data, hyper, indices, local, noise, parameter, state, type TensorLike } from "./leaves.ts";
export type { NdArray } from "./ndarray.ts";
export { add, div, maximum, minimum, mul, pow, square, sub } from "./ops/binary.ts";
export { conv2d, convTranspose2d, type Window } from "./ops/convolution.ts";
export { customGradient, stopGradient } from "./ops/custom.ts";
export { fixedPoint } from "./ops/fixed-point.ts";
export { affine, matmul } from "./ops/matmul.ts";
export { argmax, cumsum, logSoftmax, logsumexp, max, mean, reverse, sum } from "./ops/reduce.ts";
export { fastSigmoid, sigmoid, softplus, softplusSum, tanh } from "./ops/saturating.ts";
export {
  and,
  equal,
  finite,
  gather,
  greater,
  greaterEqual,
  less,
  lessEqual,
  not,
  or,
  scatterAdd,
  toFloat,
  where,
} from "./ops/select.ts";
export { broadcastTo, concat, extent, flatten, pad, reshape, slice, split, transpose } from "./ops/shape.ts";
export { besselRatio, logI0 } from "./ops/special/bessel.ts";
export { lbeta } from "./ops/special/beta.ts";
export { digamma, lgamma, polygamma } from "./ops/special/gamma.ts";
export { digammaDifference, lgammaDifference, polygammaDifference } from "./ops/special/gamma-difference.ts";
export { expm1, log1mexp, log1p } from "./ops/special/logs.ts";
export { erf, erfc, inverseMills, logNormalCdf, normalCdf } from "./ops/special/normal.ts";
export { erfinv, normalQuantile } from "./ops/special/normal-quantile.ts";
export {
  diagonalMatrix,
  diagonalOf,
  identityMatrix,
  lowerTriangle,
  type PositiveDiagonal,
  triangle,
  triangleEntries,
} from "./ops/triangle.ts";
export { cholesky, matrixVector, triangularInverse, triangularSolve } from "./ops/triangular.ts";
export { abs, exp, floor, log, neg, relu, sign, sqrt, step } from "./ops/unary.ts";
export type { Dim, Shape } from "./shape.ts";
export { type AnyTensor, type DType, scope, type Tensor } from "./tensor.ts";
