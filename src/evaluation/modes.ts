import { logProbabilities } from "../distributions/categorical.ts";
import type { Mixture } from "../distributions/mixture.ts";
import { InputError } from "../errors.ts";
import { add, argmax, reshape, type Tensor } from "../tensor/index.ts";

/** The component of largest responsibility: argmax_c log π_c + log p_c(z), of z [..., k] → [...]; the first of equal ones. */
export function likeliestComponent({ logits, components }: Mixture, z: Tensor): Tensor<"int"> {
  const open = reshape(z, [...z.shape.slice(0, -1), 1, ...z.shape.slice(-1)]); // [..., k] → [..., 1, k]
  return argmax(add(logProbabilities(logits), components.logProb(open)), -1); //   [..., C] → [...]
}

/** Which components of a mixture prior hold codes. */
export interface Modes {
  readonly components: number;
  readonly found: number;
  /** The share of the codes that each component holds: [components]. */
  readonly shares: readonly number[];
  /** ½ Σ_c |share_c − expected_c|: the share of the codes that would have to move. Total variation. */
  readonly distance: number;
  readonly stamp: string;
}

/** A mode that holds less than this part of its expected share is missed. Of 40 expected codes, 19 or fewer come by chance once in 5,000 times. */
const ENOUGH = 0.5;

/**
 * Counts the modes that codes fill. `assigned` is the component of each code, as `likeliestComponent` gives it; `expected` the share that
 * each would hold if codes were draws of the prior: its weights where components hardly overlap, else `componentShares` of as many draws.
 */
export function modesFound(assigned: ArrayLike<number>, expected: readonly number[], enough: number = ENOUGH): Modes {
  const components = expected.length;
  const shares = componentShares(assigned, components);
  const found = shares.filter((share, c) => expected[c] > 0 && share >= enough * expected[c]).length;
  const distance = shares.reduce((total, share, c) => total + Math.abs(share - expected[c]), 0) / 2;
  const codes = assigned.length.toLocaleString("en-US");
  return {
    components,
    found,
    shares,
    distance,
    stamp: `${codes} codes, each given to the component of largest responsibility; found where it holds ${Math.round(100 * enough)} % of its expected share`,
  };
}

/** The share of draws that each component holds. */
export function componentShares(assigned: ArrayLike<number>, components: number): readonly number[] {
  if (assigned.length === 0) throw new InputError("modes: at least one code is expected, got none");
  const counts = new Array<number>(components).fill(0);
  for (let i = 0; i < assigned.length; i++) counts[checked(assigned[i], components)] += 1;
  return counts.map((count) => count / assigned.length);
}

function checked(component: number, components: number): number {
  if (Number.isInteger(component) && component >= 0 && component < components) return component;
  throw new InputError(`modes: components 0 to ${components - 1} are expected, got ${component}`);
}
