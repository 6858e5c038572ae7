import type { Distribution } from "../distributions/distribution.ts";
import { add, constant, div, mean, mul, pullBack, scope, sqrt, square, sum, type Tensor } from "../tensor/index.ts";
import { evidenceLowerBound, latentNoise } from "./elbo.ts";

/** The numbers γ of each example's posterior, between the network that proposes them and the family that reads them. */
export interface Proposal {
  /** x [batch, ...] → γ [batch, numbers]. */
  readonly network: (x: Tensor) => Tensor;
  /** γ → q(z|x). */
  readonly posterior: (numbers: Tensor) => Distribution;
}

/** Steps of ascent of an example's own bound in γ. */
export interface Refinement {
  readonly steps: number;
  /** The length of a step of plain gradient ascent; of Adam the first step's, falling along half a cosine. */
  readonly rate: number;
  readonly optimizer: "gradient" | "adam";
  /** Draws that the bound is averaged over, the same in all steps. */
  readonly samples: number;
}

/** The noise of the refining steps. */
export const REFINEMENT_NOISE = "refinement";

/**
 * The proposal improved by a few steps of ascent of each example's own bound in γ, on fixed draws: x ↦ γ, a function like any other,
 * which can be trained through and exported. Kim et al. 2018, algorithm 1.
 */
export function refined(
  { network, posterior }: Proposal,
  decoder: (z: Tensor) => Distribution,
  prior: Distribution,
  { steps, rate, optimizer, samples }: Refinement,
): Proposal["network"] {
  return (x) => {
    let numbers = network(x); // [batch, numbers]
    const epsilon = latentNoise(REFINEMENT_NOISE, posterior(numbers), "batch", samples === 1 ? undefined : samples);
    let [m, v]: [Tensor, Tensor] = [constant(0), constant(0)];
    for (let step = 0; step < steps; step++) {
      numbers = scope("refinement", () => {
        const q = posterior(numbers);
        const { elbo } = evidenceLowerBound({ encoder: () => q, decoder, prior }, x, epsilon); // [(samples,) batch]
        const [ascent] = pullBack(sum(samples === 1 ? elbo : mean(elbo, 0)), constant(1), [numbers]);
        if (optimizer === "gradient") return add(numbers, mul(rate, ascent));
        // Kingma & Ba 2015, algorithm 1
        m = add(mul(0.9, m), mul(0.1, ascent));
        v = add(mul(0.999, v), mul(0.001, square(ascent)));
        const length = 0.5 * rate * (1 + Math.cos((Math.PI * step) / steps));
        const size = add(sqrt(mul(1 / (1 - 0.999 ** (step + 1)), v)), 1e-8);
        return add(numbers, mul(length / (1 - 0.9 ** (step + 1)), div(m, size)));
      });
    }
    return numbers;
  };
}
