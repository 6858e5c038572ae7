import { type AutoregressiveOptions, maskedAutoregressive } from "./autoregressive.ts";
import type { Bijection } from "./bijection.ts";
import { rationalQuadratic, type SplineOptions } from "./spline.ts";

/** `maskedAutoregressive` by monotone rational-quadratic splines: K bins (8) on [−B, B] (3), the identity beyond. Durkan et al. 2019, §3.2. */
export function splineAutoregressive(
  name: string,
  d: number,
  options: Omit<AutoregressiveOptions, "transform"> & SplineOptions,
): Bijection {
  return maskedAutoregressive(name, d, { ...options, transform: rationalQuadratic(options) });
}
