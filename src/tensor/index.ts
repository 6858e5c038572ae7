/** The language that formulas are written in: symbolic tensors and functions of them. */
export { gradients, gradientThrough, pullBack } from "./gradients.ts";
export { constant, data, hyper, indices, noise, parameter, state, type TensorLike } from "./leaves.ts";
export type { NdArray } from "./ndarray.ts";
export { add, div, maximum, minimum, mul, pow, square, sub } from "./ops/binary.ts";
export { conv2d, convTranspose2d, type Window } from "./ops/convolution.ts";
export { customGradient, stopGradient } from "./ops/custom.ts";
export { affine, matmul } from "./ops/matmul.ts";
export { argmax, cumsum, logSoftmax, logsumexp, max, mean, reverse, sum } from "./ops/reduce.ts";
export { erf, fastSigmoid, sigmoid, softplus, softplusSum, tanh } from "./ops/saturating.ts";
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
export { abs, exp, floor, log, neg, relu, sign, sqrt, step } from "./ops/unary.ts";
export type { Dim, Shape } from "./shape.ts";
export { type AnyTensor, type DType, scope, type Tensor } from "./tensor.ts";
