/**
 * The VAE of Tomczak & Welling 2018 (VampPrior) and Norouzi, Fleet & Norouzi 2020 (Exemplar VAE) with one layer of latents: 784-300-300 to 40
 * of them and back, every hidden layer gated, h = (Wx + b) ⊙ σ(Vx + c)
 * (Dauphin et al. 2017); q(z|x) by a log variance held in [−6, 2]; pixels Bernoulli, binarised afresh at every use.
 */
import type { DataDescription, Layer, Model } from "reparam";
import { bernoulli, dense, flattenEvent, heNormal, normal, sequential, standardNormal, unflattenEvent } from "reparam";
import { exp, less, maximum, minimum, mul, noise, sigmoid, toFloat } from "reparam/tensor";

const [HIDDEN, LATENTS] = [300, 40];
const [LEAST, MOST] = [-6, 2];

function gated(name: string, inputs: number, outputs: number): Layer {
  const weight = heNormal(inputs);
  const [value, gate] = ["value", "gate"].map((part) => dense(`${name}/${part}`, inputs, outputs, { weight }));
  return (x) => mul(value(x), sigmoid(gate(x)));
}

export default function model({ shape }: DataDescription): Model {
  const pixels = shape.reduce((size, extent) => size * extent, 1);
  const body = sequential(
    flattenEvent(shape),
    gated("encoder/hidden1", pixels, HIDDEN),
    gated("encoder/hidden2", HIDDEN, HIDDEN),
  );
  const mean = dense("encoder/mean", HIDDEN, LATENTS);
  const logVariance = dense("encoder/logVariance", HIDDEN, LATENTS);
  const decoder = sequential(
    gated("decoder/hidden1", LATENTS, HIDDEN),
    gated("decoder/hidden2", HIDDEN, HIDDEN),
    dense("decoder/output", HIDDEN, pixels),
    unflattenEvent(shape),
  );
  const uniform = noise("binarize", "uniform", { batch: "batch", event: shape });
  return {
    latents: LATENTS,
    observe: (raw) => toFloat(less(mul(255, uniform), raw)), // 1 with probability raw/255
    observation: "stochastic binarisation",
    unit: 255,
    encoder: (x) => {
      const h = body(x); // [batch, 300]
      const held = maximum(LEAST, minimum(MOST, logVariance(h)));
      return normal(mean(h), exp(mul(0.5, held)));
    },
    decoder: (z) => bernoulli(decoder(z), shape.length),
    prior: standardNormal(LATENTS),
  };
}
