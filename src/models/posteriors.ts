import { bernoulli } from "../distributions/bernoulli.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { laplace } from "../distributions/laplace.ts";
import { mixture } from "../distributions/mixture.ts";
import { multivariateNormal } from "../distributions/multivariate-normal.ts";
import { normal } from "../distributions/normal.ts";
import { probitNormal } from "../distributions/probit-normal.ts";
import { relaxedBernoulli } from "../distributions/relaxed-bernoulli.ts";
import { straightThroughBernoulli } from "../distributions/straight-through.ts";
import { studentT } from "../distributions/student-t.ts";
import { inverted } from "../flows/bijection.ts";
import { flow } from "../flows/flow.ts";
import { add, constant, exp, lowerTriangle, reshape, sigmoid, split, type Tensor } from "../tensor/index.ts";
import { type FlowOptions, flowLayers } from "./flow-layers.ts";
import type { PosteriorName, VaeSpace } from "./names.ts";

/** What a family of posteriors takes beside the network's numbers. */
export interface PosteriorOptions {
  readonly latents: number;
  /** Components of a mixture. */
  readonly components: number;
  /** The fixed deviation of `fixed`. */
  readonly scale: number;
  /** Degrees of freedom of `student-t`. */
  readonly degrees: number;
  /** Of the relaxed families: near 0 they are almost binary. */
  readonly temperature: number;
  /** Layers of `flow`. */
  readonly flow?: FlowOptions;
}

/** q(z|x) = F(raw(x)): how many numbers the network gives for an example, and what they become. */
export interface PosteriorFamily {
  readonly space: VaeSpace;
  readonly numbers: (options: PosteriorOptions) => number;
  /** Parameters of the family's own, if it has any, are made once. */
  readonly build: (options: PosteriorOptions) => (raw: Tensor) => Distribution;
  /** Whether steps in its numbers are quick enough to be made by the hundred; they are unless it says no. */
  readonly refinable?: boolean;
  /** The point that stands for an example, where that is not the mean. */
  readonly code?: (posterior: Distribution) => Tensor;
}

const twice = ({ latents }: PosteriorOptions): number => 2 * latents;
const once = ({ latents }: PosteriorOptions): number => latents;

/** raw [..., 2k] → location [..., k] and a positive scale [..., k]. */
function locationScale(raw: Tensor, k: number): readonly [Tensor, Tensor] {
  const [location, logScale] = split(raw, -1, [k, k]);
  return [location, exp(logScale)];
}

/** Normals side by side: raw [..., C + 2Ck] → weights [..., C], locations and scales [..., C, k]. */
function mixed(raw: Tensor, { latents: k, components: c }: PosteriorOptions): Distribution {
  const [logits, locations, logScales] = split(raw, -1, [c, c * k, c * k]);
  const apart = (flat: Tensor): Tensor => reshape(flat, [...flat.shape.slice(0, -1), c, k]);
  // The components start apart, half a deviation from one to the next: equal ones would have equal gradients.
  return mixture(logits, normal(add(apart(locations), staggered(c, k)), exp(apart(logScales))));
}

function staggered(components: number, k: number): Tensor {
  const places = Float32Array.from({ length: components * k }, (_, i) => {
    const component = Math.floor(i / k);
    return i % k === component % k ? 0.5 * (1 + Math.floor(component / k)) : 0;
  });
  return constant(places, [components, k]);
}

/** The families that `--posterior` names. */
export const posteriorFamilies: Readonly<Record<PosteriorName, PosteriorFamily>> = {
  /** N(μ(x), diag σ²(x)). Kingma & Welling 2014, eq. 9. */
  diagonal: {
    space: "real",
    numbers: twice,
    build:
      ({ latents }) =>
      (raw) =>
        normal(...locationScale(raw, latents)),
  },
  /** N(μ(x), σ²(x)I): one deviation for all latents. */
  isotropic: {
    space: "real",
    numbers: ({ latents }) => latents + 1,
    build:
      ({ latents }) =>
      (raw) => {
        const [mean, logScale] = split(raw, -1, [latents, 1]);
        return normal(mean, exp(logScale));
      },
  },
  /** N(μ(x), L(x)L(x)ᵀ), z = μ + Lε, L lower triangular. Kingma & Welling 2019, eq. 2.34. */
  full: {
    space: "real",
    numbers: ({ latents: k }) => k + (k * (k + 1)) / 2,
    build:
      ({ latents: k }) =>
      (raw) => {
        const [mean, triangle] = split(raw, -1, [k, (k * (k + 1)) / 2]);
        return multivariateNormal(mean, lowerTriangle(triangle, k));
      },
  },
  /** N(μ(x), s²I), s the same for all x and not trained. */
  fixed: {
    space: "real",
    numbers: once,
    build:
      ({ scale }) =>
      (raw) =>
        normal(raw, scale),
  },
  /** Σ_c π_c(x) N(μ_c(x), diag σ_c²(x)), a draw of every component. */
  mixture: {
    space: "real",
    numbers: ({ latents, components }) => components * (1 + 2 * latents),
    build: (options) => (raw) => mixed(raw, options),
  },
  laplace: {
    space: "real",
    numbers: twice,
    build:
      ({ latents }) =>
      (raw) =>
        laplace(...locationScale(raw, latents)),
  },
  "student-t": {
    space: "real",
    numbers: twice,
    build:
      ({ latents, degrees }) =>
      (raw) =>
        studentT(degrees, ...locationScale(raw, latents)),
  },
  /** z = Φ(μ(x) + σ(x)ε) in [0, 1]^k. */
  uniform: {
    space: "unit",
    numbers: twice,
    build:
      ({ latents }) =>
      (raw) =>
        probitNormal(...locationScale(raw, latents)),
  },
  /** Zeros and ones, P(z = 1) = σ(raw); by the score function. */
  bernoulli: { space: "binary", numbers: once, build: () => bernoulli },
  /** Between 0 and 1, nearly one of them. Maddison, Mnih & Teh 2017; Jang, Gu & Poole 2017. */
  relaxed: {
    space: "binary",
    numbers: once,
    build:
      ({ temperature }) =>
      (raw) =>
        relaxedBernoulli(raw, temperature),
    code: ({ parameters }) => sigmoid(parameters.logits), // P(z > ½)
  },
  /** Zeros and ones whose gradient is that of the relaxed draw: biased. Bengio, Léonard & Courville 2013. */
  "straight-through": {
    space: "binary",
    numbers: once,
    build:
      ({ temperature }) =>
      (raw) =>
        straightThroughBernoulli(raw, temperature),
  },
  /** N(μ(x), diag σ²(x)) through a flow that sees k more numbers of x; its draws take one pass. Rezende & Mohamed 2015; Kingma et al. 2016. */
  flow: {
    space: "real",
    numbers: ({ latents }) => 3 * latents,
    build: ({ latents: k, flow: options }) => {
      const { transform = "autoregressive", ...others } = options ?? {};
      const layers = flowLayers("encoder/flow", k, { layers: 4, ...others, transform, context: k });
      const outwards = inverted(layers); // the layers' own direction is from base to z
      return (raw) => {
        const [base, context] = split(raw, -1, [2 * k, k]);
        const law = flow(normal(...locationScale(base, k)), outwards, context);
        const centre = outwards.inverse(law.parameters["base/mean"], context).value;
        return { ...law, parameters: { ...law.parameters, centre } };
      };
    },
    refinable: false,
    code: ({ parameters }) => parameters.centre,
  },
};
