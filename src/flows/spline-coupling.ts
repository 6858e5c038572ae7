import type { Bijection } from "./bijection.ts";
import { type CouplingOptions, coupling } from "./coupling.ts";
import { rationalQuadratic, type SplineOptions } from "./spline.ts";

/** `coupling` by monotone rational-quadratic splines: K bins (8) on [−B, B] (3), the identity beyond. Durkan et al. 2019, §3.2. */
export function splineCoupling(name: string, d: number, options: CouplingOptions & SplineOptions = {}): Bijection {
  return coupling(name, d, rationalQuadratic(options), options);
}
