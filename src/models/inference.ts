import { InputError } from "../errors.ts";
import { type Refinement, semiAmortized } from "../inference/semi-amortized.ts";
import { type InferenceName, LOCAL } from "../inference/ways.ts";
import { zeros } from "../nn/initialisers.ts";
import { local } from "../tensor/index.ts";
import type { Amortization, Model } from "./model.ts";

/** The model with the encoder that a way of inference asks for: its own network, one that is improved by steps, or numbers of each example's own. */
export function inferredBy(model: Model, inference: InferenceName, refinement: Refinement): Model {
  if (inference === "semi-amortized") {
    const amortization = partsOf(model, inference);
    const network = semiAmortized(amortization, model.decoder, model.prior, refinement);
    return {
      ...model,
      amortization: { ...amortization, network },
      encoder: (x) => amortization.posterior(network(x)),
    };
  }
  if (inference === "per-example") {
    const { numbers, posterior } = partsOf(model, inference);
    const own = local(LOCAL, [numbers], zeros);
    return { ...model, encoder: () => posterior(own) };
  }
  return model;
}

function partsOf({ amortization }: Model, inference: InferenceName): Amortization {
  if (amortization) return amortization;
  throw new InputError(
    `--inference ${inference}: the model must give its encoder in two parts, as amortization { numbers, network, posterior }`,
  );
}
