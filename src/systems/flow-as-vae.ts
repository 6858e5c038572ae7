import type { Distribution } from "../distributions/distribution.ts";
import { normal, standardNormal } from "../distributions/normal.ts";
import { type Bijection, inverted } from "../flows/bijection.ts";
import { flow } from "../flows/flow.ts";
import type { LatentVariableModel } from "../inference/elbo.ts";
import type { Tensor } from "../tensor/index.ts";

/** q(z|x) around f(x). */
type Encoder = (x: Tensor) => Distribution;

/** q_s(z|x): the law of z = f(x + sε), ε ~ N(0, I), whose density is that of x + sε by the change of variables. */
export const lawOfNoisy =
  (f: Bijection, s: number): Encoder =>
  (x) =>
    flow(normal(x, s), inverted(f));

/** q(z|x) = N(f(x), s²I), which does not follow f. */
export const isotropic =
  (f: Bijection, s: number): Encoder =>
  (x) =>
    normal(f.forward(x).value, s);

/**
 * A flow over d numbers as a VAE: p(z) = N(0, I), p_s(x|z) = N(g(z), s²I) with g = f⁻¹, and a q around f(x). With `lawOfNoisy` a draw of its
 * bound is log p(f(x + sε)) + log|det J_f(x + sε)|, the flow's log-density there: the two Gaussians in x cancel. s → 0 are the
 * deltas of Nielsen et al. 2020 (SurVAE flows).
 */
export function flowAsVae(
  f: Bijection,
  d: number,
  s: number,
  encoder: Encoder = lawOfNoisy(f, s),
): LatentVariableModel {
  return { prior: standardNormal(d), encoder, decoder: (z) => normal(f.inverse(z).value, s) };
}
