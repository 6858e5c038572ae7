/**
 * A model of one's own, for a table of real numbers: `reparam train table.npy --model examples/skip-likelihood.ts`.
 * A skip connection leads around the decoder's hidden layer, the likelihood is Laplace's, and one nat of rate is free.
 */
import type { DataDescription, Distribution, Model } from "reparam";
import { dense, normal, residual, sequential, standardisation, standardNormal, sumEvent, zeros } from "reparam";
import { abs, add, div, exp, log, mean, mul, parameter, relu, sign, split, sub, type Tensor } from "reparam/tensor";

const k = 4;
const gaussian = ([location, logScale]: readonly Tensor[]) => normal(location, exp(logScale));
const laplace = (location: Tensor, scale: Tensor): Distribution => ({
  name: "Laplace",
  parameters: { location, scale },
  shape: location.shape,
  eventRank: 1,
  support: "real",
  mean: location,
  // log p(x) = log 1/2b − |x − m|/b
  logProb: (x) => sumEvent(sub(log(div(0.5, scale)), div(abs(sub(x, location)), scale)), 1),
  noise: { law: "uniform", event: location.shape.slice(-1).map(Number) },
  // x = m − b·sgn(u − ½)·log(1 − |2u − 1|)
  sample: (u) => sub(location, mul(scale, mul(sign(sub(u, 0.5)), log(sub(1, abs(sub(mul(2, u), 1))))))),
});

export default function model(data: DataDescription): Model {
  // The networks work in units of each column's own deviation; the likelihood stays a density on the data as they are.
  const [[features], { centre, spread }] = [data.shape, standardisation(data)];
  const encoder = sequential(dense("encoder/hidden", features, 64), relu, dense("encoder/output", 64, 2 * k));
  const body = sequential(dense("decoder/hidden", k, 64), relu, dense("decoder/output", 64, features));
  const decoder = residual(body, dense("decoder/skip", k, features));
  const scale = mul(spread, exp(parameter("decoder/logScale", [features], zeros)));
  return {
    latents: k,
    encoder: (x) => gaussian(split(encoder(div(sub(x, centre), spread)), -1, [k, k])), // q(z|x)
    decoder: (z) => laplace(add(centre, mul(spread, decoder(z))), scale), //             p(x|z)
    prior: standardNormal(k), //                                                         p(z)
    objective: ({ reconstruction, rate }) => mean(sub(add(1, relu(sub(rate, 1))), reconstruction)),
  };
}
