import { adversarialFamily } from "./adversarial-autoencoder.ts";
import { autoencoderFamily } from "./autoencoder.ts";
import type { Family } from "./family.ts";
import { flowFamily } from "./flow.ts";
import { kernelPcaFamily } from "./kernel-pca-model.ts";
import { factorAnalysisFamily, probabilisticPcaFamily } from "./linear-gaussian-families.ts";
import { gaussianMixtureFamily } from "./mixture-model.ts";
import type { ModelName } from "./names.ts";
import { pcaFamily } from "./pca-model.ts";
import { vaeFamily } from "./vae.ts";
import { wassersteinFamily } from "./wasserstein-autoencoder.ts";

/** The models that `--model` names. */
export const families: Readonly<Record<ModelName, Family>> = {
  vae: vaeFamily,
  autoencoder: autoencoderFamily,
  "probabilistic-pca": probabilisticPcaFamily,
  "factor-analysis": factorAnalysisFamily,
  "gaussian-mixture": gaussianMixtureFamily,
  pca: pcaFamily,
  "kernel-pca": kernelPcaFamily,
  flow: flowFamily,
  "adversarial-autoencoder": adversarialFamily,
  "wasserstein-autoencoder": wassersteinFamily,
};
