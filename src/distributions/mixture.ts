import { ShapeError } from "../errors.ts";
import {
  add,
  broadcastTo,
  equal,
  exp,
  logsumexp,
  mul,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import { categories, inverseCdf, logProbabilities } from "./categorical.ts";
import { type Distribution, isReparameterized, type Reparameterized, type Stratified } from "./distribution.ts";
import { uniformOf } from "./standard-noise.ts";

export interface Mixture extends Distribution {
  readonly logits: Tensor;
  readonly components: Distribution;
}

/**
 * p(x) = Σ_c π_c p_c(x), π = softmax(logits), for logits [..., C] and components of the shape [..., C, ...event]. A draw takes
 * the noise of a draw of every component and one number before them that chooses.
 */
export function mixture(logits: Tensor, components: Reparameterized): Mixture & Stratified;
export function mixture(logits: Tensor, components: Distribution): Mixture;
export function mixture(logits: Tensor, components: Distribution): Mixture {
  const { eventRank, noise } = components;
  const componentBatch = components.shape.slice(0, components.shape.length - eventRank); // [..., C]
  const event = components.shape.slice(componentBatch.length);
  const count = logits.shape.at(-1);
  if (typeof count !== "number" || count !== componentBatch.at(-1)) {
    throw new ShapeError(
      `mixture: logits [..., C] and components [..., C, ...event] are expected, got ${show(logits.shape)} and ${show(components.shape)} with ${eventRank} event axes`,
    );
  }
  const batch = broadcastShapes("mixture", logits.shape, componentBatch).slice(0, -1);
  const one = event.map(() => 1);
  const axis = -1 - eventRank; // of the components
  const logP = logProbabilities(logits); //                      log π  [..., C]
  const weight = reshape(exp(logP), [...logP.shape, ...one]); // π  [..., C, 1…]
  const shape = [...batch, ...event];
  const average = (of: Tensor): Tensor => broadcastTo(sum(mul(weight, of), axis), shape);
  const open = (x: Tensor): Tensor => {
    const lead = x.shape.slice(0, x.shape.length - eventRank);
    return reshape(x, [...lead, 1, ...x.shape.slice(lead.length)]); // [..., event] → [..., 1, event]
  };
  const mean = components.mean && average(components.mean);
  const numbers = reshape(categories("mixture", logits), [count, ...one]);
  const width = 1 + count * sizeOf(noise.event);
  /** The numbers that choose, [...], and those of the components' draws, [..., C, ...noise of one]. */
  const parts = (epsilon: Tensor): { readonly choice: Tensor; readonly own: Tensor } => {
    const lead = epsilon.shape.slice(0, -1);
    return {
      choice: reshape(slice(epsilon, -1, 0, 1), lead),
      own: reshape(slice(epsilon, -1, 1, width), [...lead, count, ...noise.event]),
    };
  };
  const logProb = (x: Tensor): Tensor => logsumexp(add(logP, components.logProb(open(x))), -1);
  return {
    name: "Mixture",
    logits,
    components,
    parameters: { logits, ...prefixed(components.parameters) },
    shape,
    eventRank,
    support: components.support,
    noise: { law: noise.law, event: [width] },
    mean,
    // Σ_c π_c (σ²_c + (μ_c − μ)²)
    variance:
      mean &&
      components.mean &&
      components.variance &&
      average(add(components.variance, square(sub(components.mean, open(mean))))),
    logProb,
    sample: (epsilon) => {
      const { choice, own } = parts(epsilon);
      const chosen = inverseCdf(logits, noise.law === "normal" ? uniformOf(choice) : choice); // [...]
      const mask = equal(reshape(chosen, [...chosen.shape, 1, ...one]), numbers); //             [..., C, 1…]
      return sum(where(mask, components.sample(own), 0), axis);
    },
    ...(isReparameterized(components) && {
      strata: (epsilon: Tensor): ReturnType<Stratified["strata"]> => {
        const sample = toFront(components.rsampleWithLogProb(parts(epsilon).own).sample, axis);
        const lead = sample.shape.slice(1, sample.shape.length - eventRank);
        return {
          sample,
          logProb: logProb(sample),
          logWeight: toFront(broadcastTo(logP, [...lead, count]), -1),
        };
      },
    }),
  };
}

/** The axis moved before all others. */
function toFront(x: Tensor, axis: number): Tensor {
  const at = x.shape.length + axis;
  return transpose(x, [at, ...x.shape.flatMap((_, i) => (i === at ? [] : [i]))]);
}

function prefixed(parameters: Distribution["parameters"]): Distribution["parameters"] {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`component/${name}`, value]));
}

/** Whether it is a mixture whose components can be asked. */
export function isMixture(distribution: Distribution): distribution is Mixture {
  return "components" in distribution && "logits" in distribution;
}
