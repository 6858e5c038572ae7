import { ShapeError } from "../errors.ts";
import { and, broadcastTo, greaterEqual, lessEqual, type Tensor, where } from "../tensor/index.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import type { NoiseLaw } from "../tensor/tensor.ts";
import { eventShape, type Reparameterized, type Support, sumEvent } from "./distribution.ts";

/** A distribution of numbers that do not depend on each other: all is said for each number of the event by itself. */
export interface Componentwise<N extends string, P extends Readonly<Record<string, Tensor>>> extends Reparameterized {
  readonly name: N;
  readonly parameters: P;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly entropy: () => Tensor;
  /** The entropy of each number of the event by itself, of `shape`. */
  readonly entropyTerms: () => Tensor;
}

/** One number of a family: formulas in its parameters, broadcast against each other. */
export interface Component<N extends string, P extends Readonly<Record<string, Tensor>>> {
  readonly name: N;
  readonly parameters: P;
  readonly support: Support;
  readonly law: NoiseLaw;
  /** How much noise one number takes, as a last axis of its own; left out, one number without such an axis. */
  readonly width?: number;
  readonly mean: () => Tensor;
  readonly variance: () => Tensor;
  readonly entropy: () => Tensor;
  /** log p(x) of each number. */
  readonly logDensity: (x: Tensor) => Tensor;
  /** z = T(ε; φ) and log q(z) of each number, from the noise. */
  readonly draw: (noise: Tensor) => { readonly sample: Tensor; readonly logDensity: Tensor };
}

/** A family of which no more than this is asked. */
export type AnyComponentwise = Componentwise<string, Readonly<Record<string, Tensor>>>;

/** −∞ where x lies outside of the support; at its ends the density is what the family says. */
function within(support: Support, x: Tensor, logDensity: Tensor): Tensor {
  if (support !== "positive" && support !== "unit") return logDensity;
  const above = greaterEqual(x, 0);
  const inside = support === "unit" ? and(above, lessEqual(x, 1)) : above;
  return where(inside, logDensity, Number.NEGATIVE_INFINITY);
}

/** Independent numbers along the last `eventRank` axes, each of this family. @throws ShapeError without so many axes. */
export function componentwise<N extends string, P extends Readonly<Record<string, Tensor>>>(
  component: Component<N, P>,
  eventRank: number,
): Componentwise<N, P> {
  const { name, parameters, support, law, width } = component;
  const shape = broadcastShapes(name, ...Object.values(parameters).map((parameter) => parameter.shape));
  if (shape.length < eventRank) throw new ShapeError(`${name}: ${eventRank} event axes in ${show(shape)}`);
  const event = eventShape({ name, shape, eventRank });
  const entropyTerms = (): Tensor => broadcastTo(component.entropy(), shape);
  // One draw for one noise, however often it is asked for: samplers are made of many nodes.
  const drawn = new WeakMap<Tensor, { readonly sample: Tensor; readonly logProb: Tensor }>();
  const rsampleWithLogProb = (noise: Tensor): { readonly sample: Tensor; readonly logProb: Tensor } => {
    const before = drawn.get(noise);
    if (before) return before;
    const { sample, logDensity } = component.draw(noise);
    const made = { sample, logProb: sumEvent(broadcastTo(logDensity, sample.shape), eventRank) };
    drawn.set(noise, made);
    return made;
  };
  return {
    name,
    parameters,
    shape,
    eventRank,
    support,
    noise: { law, event: width === undefined ? event : [...event, width] },
    mean: broadcastTo(component.mean(), shape),
    variance: broadcastTo(component.variance(), shape),
    logProb: (x) => sumEvent(within(support, x, component.logDensity(x)), eventRank),
    sample: (noise) => rsampleWithLogProb(noise).sample,
    rsampleWithLogProb,
    entropyTerms,
    entropy: () => sumEvent(entropyTerms(), eventRank),
  };
}
