import { zeros } from "../nn/initialisers.ts";
import { exp, greater, log, mean, mul, neg, scope, sqrt, square, sub, where } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { elementwiseAffine } from "./affine.ts";
import type { Bijection } from "./bijection.ts";

/** A variance below this part of the mean square is rounding: a constant keeps its scale. */
const ROUNDING = 1e-10;

/**
 * z = (x − shift)·e^(−logScale) with a learned shift and scale for each of d numbers, which a start from data makes mean 0 and
 * variance 1. Parameters `name/shift` and `name/logScale` [d]. Kingma & Dhariwal 2018, §3.1.
 */
export function actnorm(name: string, d: number): Bijection {
  const shift = parameter(`${name}/shift`, [d], zeros);
  const logScale = parameter(`${name}/logScale`, [d], zeros);
  return {
    ...elementwiseAffine(shift, logScale, "actnorm"),
    initialised: (x) =>
      scope(name, () => {
        const average = mean(x, 0); // [batch, d] → [d]
        const centred = sub(x, average);
        const variance = mean(square(centred), 0);
        const varies = greater(variance, mul(ROUNDING, mean(square(x), 0)));
        const start = log(sqrt(where(varies, variance, 1)));
        return {
          values: { [`${name}/shift`]: average, [`${name}/logScale`]: start },
          value: mul(centred, exp(neg(start))),
        };
      }),
  };
}
