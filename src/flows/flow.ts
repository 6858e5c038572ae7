import { type Distribution, isReparameterized, type Support } from "../distributions/distribution.ts";
import { ShapeError } from "../errors.ts";
import { add, sub, type Tensor } from "../tensor/index.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import type { Bijection } from "./bijection.ts";

/**
 * The law of x = f⁻¹(z; context) with z ~ base, f a bijection of events of d numbers: log p(x) = log p_base(f(x)) + log|det ∂f/∂x|.
 * Rezende & Mohamed 2015, eq. 5. It is `Reparameterized` where the base is and f⁻¹ takes one pass: a draw is then scored on its way. Where f⁻¹
 * is sequential, `sample` takes its passes and no gradient goes through it. `support` is where x is: [0, 1] before a logit, say.
 */
export function flow(
  base: Distribution,
  bijection: Bijection,
  context?: Tensor,
  support: Support = base.support,
): Distribution {
  if (base.eventRank !== 1) {
    throw new ShapeError(`flow: a base over events [d] is expected, got ${base.name} ${show(base.shape)}`);
  }
  const batch = broadcastShapes("flow", base.shape.slice(0, -1), context?.shape.slice(0, -1) ?? []);
  return {
    name: "Flow",
    parameters: {
      ...Object.fromEntries(Object.entries(base.parameters).map(([name, value]) => [`base/${name}`, value])),
      ...(context && { context }),
    },
    shape: [...batch, ...base.shape.slice(-1)],
    eventRank: 1,
    support,
    noise: base.noise,
    logProb: (x) => {
      const { value: z, logAbsDetJacobian } = bijection.forward(x, context);
      return add(base.logProb(z), logAbsDetJacobian);
    },
    sample: (noise) => bijection.inverse(base.sample(noise), context).value,
    ...(isReparameterized(base) &&
      bijection.sequential !== "inverse" && {
        rsampleWithLogProb: (noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor } => {
          const { sample: z, logProb } = base.rsampleWithLogProb(noise);
          const { value: sample, logAbsDetJacobian } = bijection.inverse(z, context);
          return { sample, logProb: sub(logProb, logAbsDetJacobian) };
        },
      }),
  };
}
