import { type Distribution, draw } from "../distributions/distribution.ts";
import { hasClosedForm, kl } from "../distributions/kl.ts";
import { add, constant, mul, pullBack, scope, sub, sum, type Tensor } from "../tensor/index.ts";
import { latentNoise } from "./elbo.ts";

/** The numbers γ of each example's posterior, between the network that proposes them and the family that reads them. */
export interface Proposal {
  /** x [batch, ...] → γ [batch, numbers]. */
  readonly network: (x: Tensor) => Tensor;
  /** γ → q(z|x). */
  readonly posterior: (numbers: Tensor) => Distribution;
}

export interface Refinement {
  /** Gradient steps in γ. */
  readonly steps: number;
  /** Their length. */
  readonly rate: number;
}

/** The noise of the refining steps, one draw for each example, the same in all steps. */
export const REFINEMENT_NOISE = "refinement";

/**
 * The encoder's answer improved by a few steps of gradient ascent of each example's own bound in γ, on fixed noise; the whole is a
 * function of x and is differentiated through. Kim et al. 2018, algorithm 1.
 */
export function semiAmortized(
  { network, posterior }: Proposal,
  decoder: (z: Tensor) => Distribution,
  prior: Distribution,
  { steps, rate }: Refinement,
): Proposal["network"] {
  return (x) => {
    let numbers = network(x); // [batch, numbers]
    const epsilon = latentNoise(REFINEMENT_NOISE, posterior(numbers), "batch");
    for (let step = 0; step < steps; step++) {
      const [ascent] = scope("refinement", () => {
        const bound = boundOf(posterior(numbers), decoder, prior, x, epsilon); // [batch]
        return pullBack(sum(bound), constant(1), [numbers]);
      });
      numbers = add(numbers, mul(rate, ascent));
    }
    return numbers;
  };
}

/** One draw's bound at q, pathwise, the rate in closed form where there is one. */
export function boundOf(
  q: Distribution,
  decoder: (z: Tensor) => Distribution,
  prior: Distribution,
  x: Tensor,
  epsilon: Tensor,
): Tensor {
  const { sample: z, logProb } = draw(q, epsilon);
  const rate = hasClosedForm(q, prior) ? kl(q, prior) : sub(logProb, prior.logProb(z));
  return sub(decoder(z).logProb(x), rate);
}
