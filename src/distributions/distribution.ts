import { InputError } from "../errors.ts";
import type { Shape, Tensor } from "../tensor/index.ts";
import { sum } from "../tensor/index.ts";
import { staticShape } from "../tensor/shape.ts";
import type { NoiseLaw } from "../tensor/tensor.ts";

/**
 * Where a density has its mass; a likelihood is one on the data only if their measure lies in it. `unit` is [0, 1], `bytes` the
 * integers 0…255, `counts` 0, 1, 2 …, `category` 0…C−1, `oneHot` a 1 among C−1 zeros, `simplex` positive numbers of sum 1,
 * `mixed` one of these for each part.
 */
export type Support =
  | "real"
  | "positive"
  | "unit"
  | "binary"
  | "bytes"
  | "counts"
  | "category"
  | "oneHot"
  | "simplex"
  | "mixed";

/** The standard noise that one draw takes. */
export interface NoiseNeed {
  readonly law: NoiseLaw;
  /** The shape of one draw's noise: that of the event, or wider where a draw takes more numbers. */
  readonly event: readonly number[];
}

/** A distribution over tensors whose last `eventRank` axes are one event; densities have the shape of the others. */
export interface Distribution {
  readonly name: string;
  /** Its parameters by the names under which exported files give them. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** [...batch, ...event] */
  readonly shape: Shape;
  readonly eventRank: number;
  readonly support: Support;
  /** log p(x) in nats, normalised: [...batch, ...event] → [...batch]; x may have further leading axes. */
  logProb(x: Tensor): Tensor;
  /** E x, of `shape`; absent where no formula is known. */
  readonly mean?: Tensor;
  /** E (x − E x)² of each number of the event by itself, of `shape`; absent where no formula is known. */
  readonly variance?: Tensor;
  /** What `sample` takes: [..., ...batch, ...noise.event]. */
  readonly noise: NoiseNeed;
  sample(noise: Tensor): Tensor;
  /** In nats, where it is known: [...batch]. */
  readonly entropy?: () => Tensor;
}

/** One whose sample is a differentiable function of its parameters and of noise that does not depend on them. */
export interface Reparameterized extends Distribution {
  /** z = T(ε; φ) and log q(z), so that a sample need not be inverted to be scored. Kingma & Welling 2014, §2.4. */
  rsampleWithLogProb(noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor };
}

/** A mixture that can be drawn from every component at once. */
export interface Stratified extends Distribution {
  /**
   * One draw of each of C components, log q of the WHOLE mixture there, and the components' log-weights, all with a leading axis C:
   * Σ_c e^{logWeight_c}·f(sample_c) estimates E f, with gradients in all parameters. Morningstar et al. 2021, eq. 6.
   */
  strata(noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor; readonly logWeight: Tensor };
}

/** Whether it can be drawn from every component at once. */
export function isStratified(distribution: Distribution): distribution is Stratified {
  return "strata" in distribution;
}

/** Whether gradients pass through its samples. */
export function isReparameterized(distribution: Distribution): distribution is Reparameterized {
  return "rsampleWithLogProb" in distribution;
}

/** z = T(ε; φ) */
export function rsample(distribution: Reparameterized, noise: Tensor): Tensor {
  return distribution.rsampleWithLogProb(noise).sample;
}

/** A draw and its log-density; gradients pass through the draw where the family can be reparameterized, and nowhere else. */
export function draw(distribution: Distribution, noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor } {
  if (isReparameterized(distribution)) return distribution.rsampleWithLogProb(noise);
  const sample = distribution.sample(noise);
  return { sample, logProb: distribution.logProb(sample) };
}

/** E x, for those that must show what they think. @throws InputError where no formula is known. */
export function meanOf({ name, mean }: Distribution): Tensor {
  if (mean) return mean;
  throw new InputError(`${name}: has no mean in closed form; choose another distribution here`);
}

/** The axes of one event. @throws ShapeError where one is symbolic. */
export function eventShape({
  name,
  shape,
  eventRank,
}: Pick<Distribution, "name" | "shape" | "eventRank">): readonly number[] {
  return staticShape(name, shape.slice(shape.length - eventRank));
}

/** Sums over the last `rank` axes. */
export function sumEvent(x: Tensor, rank: number): Tensor {
  return sum(
    x,
    Array.from({ length: rank }, (_, i) => x.shape.length - rank + i),
  );
}
