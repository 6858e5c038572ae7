import { isReparameterized, isStratified } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { type Refinement, refined } from "../inference/semi-amortized.ts";
import { type InferenceName, LOCAL } from "../inference/ways.ts";
import { zeros } from "../nn/initialisers.ts";
import { broadcastTo, local } from "../tensor/index.ts";
import type { Amortization, Model } from "./model.ts";

/** How an example that was not trained on gets its own posterior, where there is no encoder: ascent from γ = 0 in the exported program. */
const FROM_NOTHING: Refinement = { steps: 20, rate: 0.3, optimizer: "adam", samples: 4 };

/**
 * The model with the encoder that a way of inference asks for: its own network; one whose answer is improved by steps; or numbers of each
 * example's own, and for new examples steps alone.
 * @throws InputError where the model does not give its encoder in two parts.
 */
export function inferredBy(
  model: Model,
  inference: InferenceName,
  { steps, rate }: Pick<Refinement, "steps" | "rate">,
): Model {
  if (inference === "semi-amortized") {
    return withRefinement(model, partsOf(model, inference), { steps, rate, optimizer: "gradient", samples: 1 });
  }
  if (inference !== "per-example") return model;
  const parts = partsOf(model, inference);
  const own = local(LOCAL, [parts.numbers], zeros);
  const nothing: Amortization = { ...parts, network: () => broadcastTo(0, ["batch", parts.numbers]) };
  return { ...model, encoder: () => parts.posterior(own), deployed: withRefinement(model, nothing, FROM_NOTHING) };
}

function withRefinement(model: Model, parts: Amortization, refinement: Refinement): Model {
  const network = refined(parts, model.decoder, model.prior, refinement);
  return { ...model, amortization: { ...parts, network, refined: true }, encoder: (x) => parts.posterior(network(x)) };
}

function partsOf({ amortization }: Model, inference: InferenceName): Amortization {
  if (amortization) {
    const q = amortization.posterior(broadcastTo(0, ["batch", amortization.numbers]));
    if (amortization.refinable === false) {
      throw new InputError(
        `--inference ${inference}: goes by many steps through the posterior, each of which takes seconds through a flow; use --posterior diagonal, or --inference joint`,
      );
    }
    if (isReparameterized(q) || isStratified(q)) return amortization;
    throw new InputError(
      `--inference ${inference}: goes by gradients in an example's own numbers, and draws of the posterior ${q.name} have no path to them; use --posterior diagonal, or --inference joint`,
    );
  }
  throw new InputError(
    `--inference ${inference}: the model must give its encoder in two parts, as amortization { numbers, network, posterior }`,
  );
}
