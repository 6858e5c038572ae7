export { actnorm } from "./actnorm.ts";
export { elementwiseAffine } from "./affine.ts";
export {
  type AutoregressiveOptions,
  autoregressive,
  inverseAutoregressive,
  maskedAutoregressive,
} from "./autoregressive.ts";
export { type Bijection, compose, type Initialised, inverted, type Mapped } from "./bijection.ts";
export { affineCoupling, type CouplingOptions, coupling } from "./coupling.ts";
export { flow } from "./flow.ts";
export type { LinearOptions } from "./linear.ts";
export { linearLu } from "./linear-lu.ts";
export { linearQr } from "./linear-qr.ts";
export { permutation, reversal } from "./permutation.ts";
export { logit, squash } from "./sigmoid.ts";
export { rationalQuadratic, type SplineOptions } from "./spline.ts";
export { splineAutoregressive } from "./spline-autoregressive.ts";
export { splineCoupling } from "./spline-coupling.ts";
export { affineTransform, type Elementwise, type Transform } from "./transform.ts";
