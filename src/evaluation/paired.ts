import { InputError } from "../errors.ts";
import { type Estimate, estimate } from "./likelihood.ts";
import { studentHalfWidth } from "./student.ts";

/** One run's numbers of examples, larger is better, such as `perExample.logLikelihood`. */
export interface ScoredExamples {
  /** What errors and the stamp call it: a run folder. */
  readonly name: string;
  /** What the examples are: the checksum of the dataset, and of how they were binarised. Equal texts are equal examples. */
  readonly examples: string;
  readonly values: ArrayLike<number>;
}

/** How much better the first run is than the second, on the same examples. */
export interface PairedComparison {
  readonly examples: number;
  /** The mean of first − second and its standard error, which is that of the differences. */
  readonly difference: Estimate;
  /** For the mean over all data that the examples are a sample of, with 95 %; by Student's t. */
  readonly interval: readonly [number, number];
  /** The share of examples that are better under the first; an equal one counts half. */
  readonly better: number;
  readonly stamp: string;
}

/**
 * Compares two runs example by example: what makes an example hard for both cancels, so differences show that the standard
 * errors of the two means hide. @throws InputError where the examples are not the same.
 */
export function comparePaired(first: ScoredExamples, second: ScoredExamples): PairedComparison {
  const n = first.values.length;
  if (first.examples !== second.examples || second.values.length !== n) {
    const of = ({ name, examples, values }: ScoredExamples): string => `${name} has ${values.length} of ${examples}`;
    throw new InputError(
      `compare: the same examples are expected, but ${of(first)} and ${of(second)}; evaluate both on the same data`,
    );
  }
  if (n < 2) throw new InputError(`compare: at least 2 examples are expected, got ${n}; evaluate more`);
  const differences = Float64Array.from(first.values, (value, i) => value - second.values[i]);
  const stray = differences.findIndex((value) => !Number.isFinite(value));
  if (stray >= 0) {
    throw new InputError(
      `compare: example ${stray} has ${first.values[stray]} in ${first.name} and ${second.values[stray]} in ${second.name}; finite numbers are expected`,
    );
  }
  const difference = estimate(differences);
  const half = studentHalfWidth(0.95, n - 1) * difference.error;
  const better = differences.reduce((total, value) => total + (value > 0 ? 1 : value === 0 ? 0.5 : 0), 0) / n;
  return {
    examples: n,
    difference,
    interval: [difference.value - half, difference.value + half],
    better,
    stamp: `${first.name} − ${second.name}, paired over ${n.toLocaleString("en-US")} examples, 95 % by Student's t`,
  };
}
