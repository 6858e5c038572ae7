/**
 * A model of one's own, for a table of real numbers: `reparam train table.npy --model examples/skip-likelihood.ts`.
 * A skip connection leads around the decoder's hidden layer, the likelihood is Laplace's, and one nat of rate is free.
 */
import type { DataDescription, Distribution, Model } from "reparam";
import { dense, normal, residual, sequential, standardNormal, sumEvent, zeros } from "reparam";
import { abs, div, exp, log, maximum, mean, mul, parameter, relu, sign, split, sub, type Tensor } from "reparam/tensor";

const k = 4;

const laplace = (m: Tensor, b: Tensor): Distribution => ({
  name: "Laplace",
  parameters: { location: m, scale: b },
  shape: m.shape,
  eventRank: 1,
  support: "real",
  mean: m,
  logProb: (x) => sumEvent(sub(log(div(0.5, b)), div(abs(sub(x, m)), b)), 1), // log 1/2b − |x − m|/b
  noiseLaw: "uniform",
  sample: (u) => sub(m, mul(b, mul(sign(sub(u, 0.5)), log(sub(1, abs(sub(mul(2, u), 1))))))), // m − b·sgn(u − ½)·log(1 − |2u − 1|)
});

export default function model({ shape: [features] }: DataDescription): Model {
  const encoder = sequential(dense("encoder/hidden", features, 64), relu, dense("encoder/output", 64, 2 * k));
  const body = sequential(dense("decoder/hidden", k, 64), relu, dense("decoder/output", 64, features));
  const decoder = residual(body, dense("decoder/skip", k, features));
  const scale = exp(parameter("decoder/logScale", [features], zeros));
  return {
    latents: k,
    encoder: (x) => {
      const [mean, logScale] = split(encoder(x), -1, [k, k]);
      return normal(mean, exp(logScale));
    },
    decoder: (z) => laplace(decoder(z), scale),
    prior: standardNormal(k),
    objective: ({ reconstruction, rate }) => mean(sub(maximum(rate, 1), reconstruction)), // free bits on the whole code
  };
}
