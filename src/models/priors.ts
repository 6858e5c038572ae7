import { bernoulli } from "../distributions/bernoulli.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { mixture } from "../distributions/mixture.ts";
import { normal, standardNormal } from "../distributions/normal.ts";
import { relaxedBernoulli } from "../distributions/relaxed-bernoulli.ts";
import { uniform } from "../distributions/uniform.ts";
import { flow } from "../flows/flow.ts";
import { zeros } from "../nn/initialisers.ts";
import { constant, exp, matmul, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { staticShape } from "../tensor/shape.ts";
import { type FlowOptions, flowLayers } from "./flow-layers.ts";
import type { PriorName, VaeSpace } from "./names.ts";

/** What priors are made of. */
export interface PriorOptions {
  readonly latents: number;
  /** Components of the mixtures. */
  readonly components: number;
  readonly temperature: number;
  /** Whether the posterior is relaxed, so that the prior must be a density on (0, 1) too. */
  readonly relaxed: boolean;
  /** q(z|u) of `components` inputs u that are trained themselves. */
  readonly pseudoPosterior: () => Distribution;
  /** Layers of a flow. */
  readonly flow?: FlowOptions;
}

export interface PriorFamily {
  readonly space: VaeSpace;
  readonly build: (options: PriorOptions) => Distribution;
}

const equal = (components: number): Tensor => constant(new Float32Array(components), [components]);

/** How far from 0 the modes of `classes` are, and how wide each is: a ring, as in Makhzani et al. 2016, fig. 4. */
const RADIUS = 3;
const WIDTH = 0.5;

/** Places for C modes: on a circle in the first two latents, or along the one there is. */
function ring(components: number, k: number): Float32Array {
  const places = new Float32Array(components * k);
  for (let c = 0; c < components; c++) {
    const angle = (2 * Math.PI * c) / components;
    if (components === 1) continue; // one mode stands at 0
    if (k === 1) places[c] = RADIUS * ((2 * c) / (components - 1) - 1);
    else places.set([RADIUS * Math.cos(angle), RADIUS * Math.sin(angle)], c * k);
  }
  return places;
}

/** p(z|y): the component of `classes` that each row of ones and zeros y [batch, C] names. Its shape is [batch, k]. */
export function classPrior(oneHot: Tensor, latents: number): Distribution {
  const [components] = staticShape("classPrior", oneHot.shape.slice(-1));
  const places = constant(ring(components, latents), [components, latents]);
  return normal(matmul(oneHot, places), WIDTH);
}

/** The priors that `--prior` names. */
export const priorFamilies: Readonly<Record<PriorName, PriorFamily>> = {
  /** N(0, I) */
  normal: { space: "real", build: ({ latents }) => standardNormal(latents) },
  /** N(m, diag s²), m and s trained. */
  "learned-normal": {
    space: "real",
    build: ({ latents }) =>
      normal(parameter("prior/mean", [latents], zeros), exp(parameter("prior/logScale", [latents], zeros))),
  },
  /** Σ_c π_c N(m_c, diag s_c²), all of it trained. */
  mixture: {
    space: "real",
    build: ({ latents, components }) =>
      mixture(
        parameter("prior/logits", [components], zeros),
        normal(
          parameter("prior/mean", [components, latents], { law: "normal", scale: 1 }),
          exp(parameter("prior/logScale", [components, latents], zeros)),
        ),
      ),
  },
  /** One narrow mode for each class, on a ring; not trained. Makhzani et al. 2016, §2.3. */
  classes: {
    space: "real",
    build: ({ latents, components }) =>
      mixture(
        equal(components),
        normal(
          constant(ring(components, latents), [components, latents]),
          constant(new Float32Array(components * latents).fill(WIDTH), [components, latents]),
        ),
      ),
  },
  /** 1/C Σ_c q(z|u_c), the posteriors of C trained inputs. Tomczak & Welling 2018, eq. 10. */
  vamp: { space: "real", build: ({ components, pseudoPosterior }) => mixture(equal(components), pseudoPosterior()) },
  /** N(0, I) through a flow that is trained; sampling an autoregressive one takes up to k passes. Chen et al. 2017. */
  flow: {
    space: "real",
    build: ({ latents, flow: options }) =>
      flow(standardNormal(latents), flowLayers("prior/flow", latents, options ?? {})),
  },
  /** Uniform on [0, 1]^k. */
  uniform: {
    space: "unit",
    build: ({ latents }) =>
      uniform(constant(new Float32Array(latents), [latents]), constant(new Float32Array(latents).fill(1), [latents])),
  },
  /** Fair coins; where the posterior is relaxed, relaxed too, so that the rate is one between densities on (0, 1). */
  bernoulli: {
    space: "binary",
    build: ({ latents, relaxed, temperature }) =>
      relaxed
        ? relaxedBernoulli(constant(new Float32Array(latents), [latents]), temperature)
        : bernoulli(constant(new Float32Array(latents), [latents])),
  },
};
