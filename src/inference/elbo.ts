import { type Distribution, draw, isStratified } from "../distributions/distribution.ts";
import { hasClosedForm, kl } from "../distributions/kl.ts";
import { type Dim, exp, hyper, mean, mul, neg, noise, scope, sub, sum, type Tensor } from "../tensor/index.ts";

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

/** What a bound is sampled by: z, log q(z|x) there, and how values at the draws become an expectation. */
export interface PosteriorDraw {
  readonly sample: Tensor;
  readonly logProb: Tensor;
  /** Σ_c π_c f_c over the strata of a mixture, whose leading axis it takes away; the number itself elsewhere. */
  readonly expectation: (value: Tensor) => Tensor;
}

/** A draw of z ~ q(z|x), of a mixture one of every component, so that there is a path to all of its parameters. */
export function posteriorDraw(posterior: Distribution, epsilon: Tensor): PosteriorDraw {
  if (!isStratified(posterior)) return { ...draw(posterior, epsilon), expectation: (value) => value };
  const { sample, logProb, logWeight } = posterior.strata(epsilon);
  return { sample, logProb, expectation: (value) => sum(mul(exp(logWeight), value), 0) };
}

/**
 * log p(x) ≥ E_q log p(x|z) − KL(q(z|x) ‖ p(z)), the expectation by the samples that `epsilon` makes, the KL in closed
 * form where there is one. Kingma & Welling 2014, eq. 3.
 */
export function evidenceLowerBound(model: LatentVariableModel, x: Tensor, epsilon: Tensor): BoundTerms {
  const posterior = scope("encoder", () => model.encoder(x)); //                    q(z|x)
  const { sample: z, logProb, expectation } = posteriorDraw(posterior, epsilon); // [..., batch, k]
  const likelihood = scope("decoder", () => model.decoder(z)); //                   p(x|z)
  return scope("elbo", () => {
    const reconstruction = expectation(likelihood.logProb(x)); //                   log p(x|z)  [..., batch]
    const rate = hasClosedForm(posterior, model.prior)
      ? kl(posterior, model.prior) //                                               KL(q(z|x) ‖ p(z))  [batch]
      : expectation(sub(logProb, model.prior.logProb(z)));
    return { elbo: sub(reconstruction, rate), reconstruction, rate };
  });
}

/** The weight of the rate in the loss, a scheduled number; the reported bound never carries it. */
export const KL_WEIGHT = "klWeight";

/** The loss −mean(reconstruction − w·rate), w = `hyper("klWeight")`. Higgins et al. 2017, eq. 4, in nats per example. */
export function weightedLoss({ reconstruction, rate }: BoundTerms): Tensor {
  return neg(mean(sub(reconstruction, mul(hyper(KL_WEIGHT), rate))));
}
