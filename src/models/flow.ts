import { standardNormal } from "../distributions/normal.ts";
import { elementwiseAffine } from "../flows/affine.ts";
import { type Bijection, compose } from "../flows/bijection.ts";
import { flow } from "../flows/flow.ts";
import { logit } from "../flows/sigmoid.ts";
import { constant, reshape, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { asData, realNumbers } from "./dequantize.ts";
import type { Family } from "./family.ts";
import { type FlowOptions, flowLayers, LAYERS } from "./flow-layers.ts";
import type { DataDescription, PointModel } from "./model.ts";

/** Images of more numbers than this mix by permutations: a matrix of all pairs would be most of the model. */
const MOST_MIXED = 128;
/** Bytes are drawn in from the ends of their interval, where the logit is infinite. Dinh et al. 2017, §4.1. */
const ALPHA = 0.05;
/** Scales of so many numbers multiply: between them and their gradients float32 would overflow in the first steps. */
const IMAGE_BOUND = 1;
/** What is one step of a byte, as a part of the interval. */
const BYTES = 256;

/**
 * A normalizing flow: z = f(x) ~ N(0, I), log p(x) = log N(f(x); 0, I) + log|det ∂f/∂x|, exact. Rezende & Mohamed 2015. Integers are
 * modelled as x + u; bytes pass a logit first, other numbers are standardised.
 */
export function normalizingFlow(options: FlowOptions, data: DataDescription): PointModel {
  const d = sizeOf(data.shape);
  const image = d > MOST_MIXED;
  const suited: FlowOptions = {
    ...options,
    transform: options.transform ?? (image ? "coupling" : "spline-coupling"),
    mixing: options.mixing ?? (image ? "permutation" : "lu"),
    hidden: options.hidden ?? (image ? [256, 256] : [64, 64]),
  };
  const bijection = compose(
    ...outwards(data),
    flowLayers("flow", d, { ...suited, normalised: true, scaleBound: image ? IMAGE_BOUND : undefined }),
  );
  const prior = standardNormal(d);
  const law = flow(prior, bijection);
  const flat = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, x.shape.length - data.shape.length), d]);
  const shaped = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, -1), ...data.shape]);
  return {
    latents: d,
    ...realNumbers(data),
    density: `Flow of ${suited.layers ?? LAYERS} layers, ${suited.transform}`,
    encode: (x) => bijection.forward(flat(x)).value,
    decode: (z) => shaped(asData(bijection.inverse(z).value, data)),
    prior,
    logProb: (x) => law.logProb(flat(x)),
    terms: (x) => ({ logLikelihood: law.logProb(flat(x)) }),
    gauge: { term: "logLikelihood", better: "larger" },
    initialised: (x) => bijection.initialised?.(flat(x)).values ?? {},
  };
}

/** From the data's own numbers to about N(0, I): fixed, and with its log-determinant a part of the flow. */
function outwards({ measure, means, deviations }: DataDescription): readonly Bijection[] {
  if (measure === "bytes") {
    const toUnit = constant(
      Array.from(means, () => Math.log(BYTES)),
      [means.length],
    );
    return [elementwiseAffine(constant(new Float32Array(means.length), [means.length]), toUnit), logit(ALPHA)];
  }
  const integer = measure !== "real" && measure !== "unit";
  const shift = Array.from(means, (mean) => mean + (integer ? 0.5 : 0));
  const logScale = Array.from(means, (mean, i) => {
    const variance = deviations ? deviations[i] ** 2 : mean * (1 - mean);
    return 0.5 * Math.log((variance || (integer ? 0 : 1)) + (integer ? 1 / 12 : 0));
  });
  return [elementwiseAffine(constant(shift, [shift.length]), constant(logScale, [shift.length]))];
}

export const flowFamily: Family = {
  title: "A normalizing flow",
  draws: 20, // of u, where it models integers
  objective: "exact log-likelihood",
  encoder: "f, x ↦ z, invertible",
  decoder: "f⁻¹, z ↦ x",
  build: normalizingFlow,
};
