import { InputError } from "../errors.ts";
import { adversarialTerms, codeSpread } from "../inference/adversarial.ts";
import { latentNoise } from "../inference/elbo.ts";
import { glorotUniform, heNormal } from "../nn/initialisers.ts";
import { dense, type Layer, sequential } from "../nn/layers.ts";
import { concat, mean, neg, noise, relu, reshape, stopGradient, type Tensor } from "../tensor/index.ts";
import { conditionInput } from "./condition.ts";
import type { Family } from "./family.ts";
import type { DataDescription, Model, ModelPhase } from "./model.ts";
import { classDraw } from "./priors.ts";
import { type VaeOptions, vae } from "./vae.ts";

export interface AdversarialOptions {
  readonly vae: VaeOptions;
  /** Widths of the discriminator's hidden layers. */
  readonly discriminator?: readonly number[];
  /** The learning rate of the encoder's part in the game, as a share of that of the reconstruction. */
  readonly regularization?: number;
}

/** The name of the noise that draws of the prior are made of. */
const PRIOR_NOISE = "prior";
const DISCRIMINATOR = "discriminator/";

/**
 * A VAE whose KL is replaced by a game: a discriminator learns to tell codes z ~ q(z|x) from draws of p(z), and the encoder not to be
 * told. Three steps in turns on each batch: reconstruction, discriminator, encoder. Makhzani et al. 2016, §2. With one component of the
 * prior for each class and labels as the condition, the discriminator sees the label too, and a draw is of the label's component (§2.3).
 */
export function adversarialAutoencoder(options: AdversarialOptions, data: DataDescription): Model {
  const { discriminator: widths = [256, 256], regularization = 1 } = options;
  const { condition, ...unconditional } = data;
  if (condition && options.vae.prior !== "classes") {
    throw new InputError(
      "--condition: the labels of an adversarial autoencoder choose the prior's component; give --prior classes too",
    );
  }
  const model = vae(options.vae, unconditional);
  const { latents } = model;
  const discriminator = network(widths, latents + (condition?.width ?? 0));
  const judge = (z: Tensor): Tensor => {
    const logits = discriminator(condition ? concat([z, conditionInput(condition)], -1) : z); // [batch, 1]
    return reshape(logits, logits.shape.slice(0, -1));
  };
  const drawn = (): Tensor => {
    if (!condition) return model.prior.sample(latentNoise(PRIOR_NOISE, model.prior, "batch"));
    const epsilon = noise(PRIOR_NOISE, "normal", { batch: "batch", event: [latents] });
    return classDraw(conditionInput(condition), latents, epsilon);
  };
  return {
    ...model,
    turn: 3,
    phases: ({ reconstruction }, _, { z }): readonly ModelPhase[] => {
      const prior = stopGradient(drawn());
      const { discriminator: told, accuracy } = adversarialTerms(judge(stopGradient(z)), judge(prior));
      const { generator } = adversarialTerms(judge(z), judge(prior));
      return [
        { name: "reconstruction", loss: neg(mean(reconstruction)), moves: ["encoder/", "decoder/"] },
        {
          name: "discriminator",
          loss: mean(told),
          moves: [DISCRIMINATOR],
          terms: { discriminatorLoss: told, discriminatorAccuracy: accuracy, codeSpread: codeSpread(z, prior) },
        },
        {
          name: "regularization",
          loss: mean(generator),
          moves: ["encoder/"],
          share: regularization,
          terms: { generatorLoss: generator },
        },
      ];
    },
  };
}

function network(widths: readonly number[], inputs: number): Layer {
  const layers = widths.map((width, i) => {
    const from = i === 0 ? inputs : widths[i - 1];
    return sequential(dense(`${DISCRIMINATOR}hidden${i + 1}`, from, width, { weight: heNormal(from) }), relu);
  });
  const last = widths.at(-1) ?? inputs;
  return sequential(...layers, dense(`${DISCRIMINATOR}output`, last, 1, { weight: glorotUniform(last, 1) }));
}

export const adversarialFamily: Family = {
  title: "An adversarial autoencoder",
  objective: "reconstruction, and a game that holds the codes to the prior",
  encoder: "network, x ↦ q(z|x)",
  decoder: "network, z ↦ p(x|z)",
  build: adversarialAutoencoder,
};
