import { type Distribution, draw } from "../distributions/distribution.ts";
import { hasClosedForm, kl } from "../distributions/kl.ts";
import { type Dim, hyper, mean, mul, neg, noise, scope, sub, type Tensor } from "../tensor/index.ts";

/** What a bound needs of a model: x ↦ q(z|x), z ↦ p(x|z) and p(z). */
export interface LatentVariableModel {
  readonly encoder: (x: Tensor) => Distribution;
  readonly decoder: (z: Tensor) => Distribution;
  readonly prior: Distribution;
}

/** The bound and its two terms, per example, in nats: [batch], or [samples, batch]. */
export interface BoundTerms {
  readonly elbo: Tensor;
  readonly reconstruction: Tensor;
  readonly rate: Tensor;
}

/** The noise that one draw for each example needs, named `name`. */
export function latentNoise(name: string, { noise: { law, event } }: Distribution, batch: Dim, samples?: Dim): Tensor {
  return noise(name, law, { samples, batch, event });
}

/**
 * log p(x) ≥ E_q log p(x|z) − KL(q(z|x) ‖ p(z)), the expectation by the samples that `epsilon` makes, the KL in closed
 * form where there is one. Kingma & Welling 2014, eq. 3.
 */
export function evidenceLowerBound(model: LatentVariableModel, x: Tensor, epsilon: Tensor): BoundTerms {
  const posterior = scope("encoder", () => model.encoder(x)); //   q(z|x)
  const { sample: z, logProb } = draw(posterior, epsilon); //      [..., batch, k]
  const likelihood = scope("decoder", () => model.decoder(z)); //  p(x|z)
  return scope("elbo", () => {
    const reconstruction = likelihood.logProb(x); //               log p(x|z)  [..., batch]
    const rate = hasClosedForm(posterior, model.prior)
      ? kl(posterior, model.prior) //                              KL(q(z|x) ‖ p(z))  [batch]
      : sub(logProb, model.prior.logProb(z));
    return { elbo: sub(reconstruction, rate), reconstruction, rate };
  });
}

/** The weight of the rate in the loss, a scheduled number; the reported bound never carries it. */
export const KL_WEIGHT = "klWeight";

/** The loss −mean(reconstruction − w·rate), w = `hyper("klWeight")`. Higgins et al. 2017, eq. 4, in nats per example. */
export function weightedLoss({ reconstruction, rate }: BoundTerms): Tensor {
  return neg(mean(sub(reconstruction, mul(hyper(KL_WEIGHT), rate))));
}
