import { InputError } from "../errors.ts";
import { adversarialTerms, codeSpread } from "../inference/adversarial.ts";
import { latentNoise } from "../inference/elbo.ts";
import { glorotUniform, heNormal } from "../nn/initialisers.ts";
import { dense, type Layer, sequential } from "../nn/layers.ts";
import { mean, mul, relu, reshape, stopGradient, sub, type Tensor } from "../tensor/index.ts";
import { comparedCodes } from "./compared-codes.ts";
import { besideCondition, conditionInput } from "./condition.ts";
import type { Family } from "./family.ts";
import type { DataDescription, Model, ModelPhase } from "./model.ts";
import { classPrior } from "./priors.ts";
import type { VaeOptions } from "./vae.ts";

export interface AdversarialOptions {
  readonly vae: VaeOptions;
  /** Widths of the discriminator's hidden layers. */
  readonly discriminator?: readonly number[];
  /** λ, in nats: the weight of the encoder's part in the game beside the reconstruction. */
  readonly regularization?: number;
}

const NAME = "adversarial-autoencoder";
const DISCRIMINATOR = "discriminator/";
const WIDTHS: readonly number[] = [128, 128];
/** λ, where it is not given. */
const WEIGHT = 20;
/** The discriminator's learning rate as a share of the run's: one that lags behind the codes points where they were. Heusel et al. 2017. */
const AHEAD = 3;
/** Its β₁: with the usual 0.9 the game with 8 latents went around in circles. Radford, Metz & Chintala 2016, §3. */
const SHORT_MEMORY = 0.5;

/**
 * A VAE whose KL is replaced by a game. A discriminator D learns to tell codes z ~ q(z|x) from draws of p(z); encoder and decoder maximise
 * E log p(x|z) + λ E log D(z). Two steps in turns on each batch. Makhzani et al. 2016, §2, in one step for reconstruction and encoder's part
 * as in Tolstikhin et al. 2018, algorithm 1. With labels as the condition p(z|y) is the component of the label's class, and D sees
 * the label too (Makhzani et al., §2.3).
 */
export function adversarialAutoencoder(options: AdversarialOptions, data: DataDescription): Model {
  const { discriminator: widths = WIDTHS, regularization = WEIGHT } = options;
  const { condition, ...unconditional } = data;
  if (condition && options.vae.prior !== "classes") {
    throw new InputError(
      `--condition: the labels of an ${NAME.replace("-", " ")} choose the prior's component; give --prior classes too`,
    );
  }
  if (condition && !condition.chooses) {
    throw new InputError(
      `--condition ${condition.names.join(", ")}: what chooses the prior's component is one class of each example; give --condition label, or one column of classes`,
    );
  }
  const base = comparedCodes(NAME, options.vae, unconditional);
  const { latents } = base;
  const model: Model = condition
    ? {
        ...base,
        prior: classPrior(conditionInput(condition), latents),
        observation: `${base.observation}, given ${condition.names.join(", ")}`,
      }
    : base;
  const discriminator = network(widths, latents + (condition?.width ?? 0));
  const judge = (z: Tensor): Tensor => {
    const logits = discriminator(besideCondition(z, condition)); // [..., batch, 1]
    return reshape(logits, logits.shape.slice(0, -1));
  };
  return {
    ...model,
    phases: ({ reconstruction }, _, { z }): readonly ModelPhase[] => {
      const drawn = stopGradient(model.prior.sample(latentNoise("prior", model.prior, "batch"))); // [batch, k]
      const { discriminator: told, accuracy } = adversarialTerms(judge(stopGradient(z)), judge(drawn));
      const { generator } = adversarialTerms(judge(z), judge(drawn));
      return [
        {
          name: "autoencoder",
          loss: sub(mul(regularization, mean(generator)), mean(reconstruction)),
          moves: ["encoder/", "decoder/"],
          terms: { generatorLoss: generator, codeSpread: codeSpread(z, drawn) },
        },
        {
          name: "discriminator",
          loss: mean(told),
          moves: [DISCRIMINATOR],
          share: AHEAD,
          momentum: SHORT_MEMORY,
          terms: { discriminatorLoss: told, discriminatorAccuracy: accuracy },
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
