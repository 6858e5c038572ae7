import type { Measurement } from "./row.ts";

/** An estimator's mean over many independent draws and how far off that mean may be, component by component. */
export interface Averaged {
  readonly draws: number;
  readonly mean: Float64Array;
  /** The standard error of the mean. */
  readonly error: Float64Array;
}

/** The mean of draws that lie one after the other: [draws, components]. */
export function average(values: ArrayLike<number>, components: number): Averaged {
  const draws = values.length / components;
  const [mean, error] = [new Float64Array(components), new Float64Array(components)];
  for (let i = 0; i < values.length; i++) mean[i % components] += values[i] / draws;
  for (let i = 0; i < values.length; i++) error[i % components] += (values[i] - mean[i % components]) ** 2;
  return { draws, mean, error: error.map((squares) => Math.sqrt(squares / (draws - 1) / draws)) };
}

/** How often a right estimator may be called wrong, over all components of one claim. */
const FALSE_ALARM = 1e-6;
/** The bias that must not go unseen, relative to the largest component. */
const PLANTED = 0.05;
/** What the mean of draws that do not vary may be off by, relative to the largest component. */
const ROUNDING = 1e-12;

/** t such that |N(0, 1)| > t with a probability of 1e-6/n at most, by the bound 2φ(t)/t of the tail. */
export function standardErrors(components: number): number {
  const rest = Math.log((FALSE_ALARM / components) * Math.sqrt(Math.PI / 2));
  let t = 5;
  for (let i = 0; i < 50; i++) t = Math.sqrt(-2 * (rest + Math.log(t)));
  return t;
}

/**
 * That an estimator is right in the mean: |mean − exact| ≤ t standard errors in every component. Planted is a bias of 5 % of the
 * largest component, in the one component, and with the one sign, where it would be seen the least.
 */
export function unbiased(what: string, averaged: Averaged, exact: ArrayLike<number>): Measurement {
  const { draws, mean } = averaged;
  const largest = Math.max(...Array.from(exact, Math.abs));
  const error = averaged.error.map((one) => Math.max(one, ROUNDING * largest)); // a draw may be the same every time
  const apart = mean.map((value, i) => (value - exact[i]) / error[i]);
  const bias = PLANTED * largest;
  const seen = apart.map((value, i) => Math.abs(Math.abs(value) - bias / error[i]));
  const t = standardErrors(mean.length);
  return {
    what: `${what}, mean of ${draws.toLocaleString("en-US")} draws`,
    measured: length(mean),
    expected: length(exact),
    error: Math.max(...apart.map(Math.abs)),
    tolerance: t,
    because: `standard errors, ${mean.length} component${mean.length === 1 ? "" : "s"}: a false alarm of 1e-6`,
    planted: Math.min(...seen),
  };
}

/** The length of a vector; a single number with its sign. */
function length(values: ArrayLike<number>): number {
  return values.length === 1 ? values[0] : Math.hypot(...Array.from(values));
}
