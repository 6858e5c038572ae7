import { ShapeError } from "../errors.ts";
import type { Tensor } from "../tensor/index.ts";
import { show, staticShape } from "../tensor/shape.ts";
import { type Distribution, isReparameterized, type Reparameterized, sumEvent } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export interface Independent extends Distribution {
  /** What each of the independent draws is from. */
  readonly base: Distribution;
  /** How many of its batch axes became event axes. */
  readonly rank: number;
}

/** The same numbers with the last `rank` batch axes counted to the event: log p is summed over them. */
export function independent(base: Reparameterized, rank: number): Independent & Reparameterized;
export function independent(base: Distribution, rank: number): Independent;
export function independent(base: Distribution, rank: number): Independent {
  const { name, shape, noise, entropy } = base;
  const eventRank = base.eventRank + rank;
  if (!Number.isInteger(rank) || rank < 0 || shape.length < eventRank) {
    throw new ShapeError(
      `independent: ${rank} batch axes are to join the event, and ${name} ${show(shape)} has ${shape.length - base.eventRank}`,
    );
  }
  const joined = staticShape(name, shape.slice(shape.length - eventRank, shape.length - base.eventRank));
  const { parameters, support, mean, variance } = base;
  const made: Independent = {
    base,
    rank,
    name,
    parameters,
    shape,
    eventRank,
    support,
    mean,
    variance,
    noise: { law: noise.law, event: [...joined, ...noise.event] },
    logProb: (x) => sumEvent(base.logProb(x), rank),
    sample: (epsilon) => base.sample(epsilon),
    entropy: entropy && (() => sumEvent(entropy(), rank)),
    ...(isReparameterized(base) && {
      rsampleWithLogProb: (epsilon: Tensor) => {
        const { sample, logProb } = base.rsampleWithLogProb(epsilon);
        return { sample, logProb: sumEvent(logProb, rank) };
      },
    }),
  };
  family.add(made);
  return made;
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isIndependent(distribution: Distribution): distribution is Independent {
  return family.has(distribution);
}
