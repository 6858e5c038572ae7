import type { Shape, Tensor } from "../tensor/index.ts";
import { sum } from "../tensor/index.ts";
import type { NoiseLaw } from "../tensor/tensor.ts";

/** Where a density has its mass; a likelihood is one on the data only if their measure lies in it. */
export type Support = "real" | "binary" | "bytes";

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
  readonly mean: Tensor;
  /** The noise that `sample` needs, of the event's shape. */
  readonly noiseLaw: NoiseLaw;
  sample(noise: Tensor): Tensor;
  /** In nats, where it is known: [...batch]. */
  readonly entropy?: () => Tensor;
}

/** One whose sample is a differentiable function of its parameters and of noise that does not depend on them. */
export interface Reparameterized extends Distribution {
  /** z = T(ε; φ) and log q(z), so that a sample need not be inverted to be scored. Kingma & Welling 2014, §2.4. */
  rsampleWithLogProb(noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor };
}

/** z = T(ε; φ) */
export function rsample(distribution: Reparameterized, noise: Tensor): Tensor {
  return distribution.rsampleWithLogProb(noise).sample;
}

/** Sums over the last `rank` axes. */
export function sumEvent(x: Tensor, rank: number): Tensor {
  return sum(
    x,
    Array.from({ length: rank }, (_, i) => x.shape.length - rank + i),
  );
}
