/**
 * The VAE of pythae's reproducibility/vae.py, started as PyTorch starts dense layers: weights and biases U(±1/√inputs), the
 * decoder's output bias too. `reparam train … --encoder "mlp 400" --latents 40` is the same model, started from He's and Glorot's
 * weights, biases 0 and the output's at the logits of the pixels' means.
 */
import type { DataDescription, Layer, Model } from "reparam";
import { bernoulli, dense, flattenEvent, normal, sequential, standardNormal, unflattenEvent } from "reparam";
import { exp, mul, relu } from "reparam/tensor";

const [PIXELS, HIDDEN, LATENTS] = [784, 400, 40];

function layer(name: string, inputs: number, outputs: number): Layer {
  const bound = 1 / Math.sqrt(inputs);
  const initial = { law: "uniform", low: -bound, high: bound } as const;
  return dense(name, inputs, outputs, { weight: initial, bias: initial });
}

export default function model({ shape }: DataDescription): Model {
  const body = sequential(flattenEvent(shape), layer("encoder/hidden", PIXELS, HIDDEN), relu);
  const mean = layer("encoder/mean", HIDDEN, LATENTS);
  const logVariance = layer("encoder/logVariance", HIDDEN, LATENTS);
  const hidden = sequential(layer("decoder/hidden", LATENTS, HIDDEN), relu);
  const decoder = sequential(hidden, layer("decoder/output", HIDDEN, PIXELS), unflattenEvent(shape));
  return {
    latents: LATENTS,
    encoder: (x) => {
      const h = body(x); // [batch, 400]
      return normal(mean(h), exp(mul(0.5, logVariance(h))));
    },
    decoder: (z) => bernoulli(decoder(z), shape.length),
    prior: standardNormal(LATENTS),
  };
}
