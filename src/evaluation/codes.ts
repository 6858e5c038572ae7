import { InputError } from "../errors.ts";
import type { CodeRows } from "./latents.ts";
import type { Estimate } from "./likelihood.ts";
import { fitLogistic } from "./logistic.ts";

/** Codes of examples with the class number of each. */
export interface LabelledCodes {
  readonly codes: CodeRows;
  readonly labels: ArrayLike<number>;
}

/** How well a class can be read off a code, on codes that nothing was fitted to. */
export interface CodeAccuracy {
  /** The share of held-out codes whose class is right, and its standard error √(a(1 − a)/n). */
  readonly nearest: Estimate;
  readonly linear: Estimate;
  /** What guessing the commonest class of the training codes gets right. */
  readonly chance: number;
  readonly classes: number;
  readonly trained: number;
  readonly scored: number;
  readonly stamp: string;
}

const NEIGHBOURS = 10;
/** More training codes than this tell no more, and each held-out one is compared with all. */
const MOST_CODES = 10_000;
/** λ of the linear probe, on codes of unit deviation: so small that it only keeps separable classes finite. */
const PENALTY = 1e-4;

/**
 * Accuracy of the ten nearest neighbours (Euclidean, a vote) and of a linear probe (multinomial logistic regression on codes
 * standardised by the training codes), fitted to training codes and scored on others. Row 27.
 */
export function codeAccuracy(train: LabelledCodes, heldOut: LabelledCodes): CodeAccuracy {
  for (const [name, { codes, labels }] of Object.entries({ training: train, "held-out": heldOut })) {
    if (codes.shape[0] === labels.length && labels.length > 0) continue;
    throw new InputError(
      `codes: a class for each of ${codes.shape[0]} ${name} codes is expected, got ${labels.length}`,
    );
  }
  if (train.codes.shape[1] !== heldOut.codes.shape[1]) {
    throw new InputError(
      `codes: ${train.codes.shape[1]} latents in training and ${heldOut.codes.shape[1]} held out; use one encoder for both`,
    );
  }
  const fitted = spreadCodes(train, MOST_CODES);
  const names = Array.from(new Set(Array.from(fitted.labels))).sort((a, b) => a - b);
  if (names.length < 2) throw new InputError(`codes: two classes at least are expected, got ${names.length}`);
  const place = new Map(names.map((name, i) => [name, i]));
  const classes = Int32Array.from(fitted.labels, (label) => place.get(label) ?? -1);
  const truth = Int32Array.from(heldOut.labels, (label) => place.get(label) ?? -1); // −1: a class that was never seen
  const counts = countsOf(classes, names.length);
  const commonest = counts.indexOf(counts.reduce((a, b) => Math.max(a, b)));
  const shareRight = (predicted: ArrayLike<number>): Estimate => {
    const value = truth.reduce((total, label, i) => total + (label === predicted[i] ? 1 : 0), 0) / truth.length;
    return { value, error: Math.sqrt((value * (1 - value)) / truth.length) };
  };
  const { centre, spread } = standardOf(fitted.codes);
  const linear = fitLogistic(standardised(fitted.codes, centre, spread), classes, {
    classes: names.length,
    penalty: PENALTY,
  });
  return {
    nearest: shareRight(byNeighbours(fitted.codes, classes, names.length, heldOut.codes)),
    linear: shareRight(linear.predict(standardised(heldOut.codes, centre, spread))),
    chance: shareRight(truth.map(() => commonest)).value,
    classes: names.length,
    trained: classes.length,
    scored: truth.length,
    stamp: `${classes.length.toLocaleString("en-US")} training codes, ${truth.length.toLocaleString("en-US")} held out, ${names.length} classes; ${Math.min(NEIGHBOURS, classes.length)} nearest neighbours, multinomial logistic regression`,
  };
}

/** At most so many, spread evenly: data may lie sorted by class. */
function spreadCodes({ codes: { data, shape }, labels }: LabelledCodes, most: number): LabelledCodes {
  const [n, k] = shape;
  if (n <= most) return { codes: { data, shape }, labels };
  const kept = Array.from({ length: most }, (_, i) => Math.floor(((i + 0.5) * n) / most));
  const picked = new Float64Array(most * k);
  for (const [i, row] of kept.entries()) picked.set(data.subarray(row * k, (row + 1) * k), i * k);
  return { codes: { data: picked, shape: [most, k] }, labels: kept.map((row) => labels[row]) };
}

function countsOf(classes: ArrayLike<number>, most: number): number[] {
  const counts = new Array<number>(most).fill(0);
  for (let i = 0; i < classes.length; i++) counts[classes[i]] += 1;
  return counts;
}

/** The vote of the nearest codes; where classes are level, the one that has the nearest of them. */
function byNeighbours(known: CodeRows, classes: Int32Array, count: number, asked: CodeRows): Int32Array {
  const [n, k] = known.shape;
  const nearest = Math.min(NEIGHBOURS, n);
  const predicted = new Int32Array(asked.shape[0]);
  const distances = new Float64Array(nearest);
  const found = new Int32Array(nearest);
  for (let row = 0; row < predicted.length; row++) {
    distances.fill(Number.POSITIVE_INFINITY);
    for (let i = 0; i < n; i++) {
      let distance = 0;
      for (let j = 0; j < k && distance < distances[nearest - 1]; j++) {
        distance += (known.data[i * k + j] - asked.data[row * k + j]) ** 2;
      }
      if (!(distance < distances[nearest - 1])) continue;
      let at = nearest - 1;
      for (; at > 0 && distances[at - 1] > distance; at--) {
        distances[at] = distances[at - 1];
        found[at] = found[at - 1];
      }
      distances[at] = distance;
      found[at] = i;
    }
    const voters = Array.from(found, (i) => classes[i]);
    const votes = countsOf(voters, count);
    const most = votes.reduce((a, b) => Math.max(a, b));
    predicted[row] = voters.find((label) => votes[label] === most) ?? -1;
  }
  return predicted;
}

/** Mean and standard deviation of each latent; 1 for one that does not vary. */
function standardOf({ data, shape: [n, k] }: CodeRows): {
  readonly centre: Float64Array;
  readonly spread: Float64Array;
} {
  const centre = new Float64Array(k);
  const spread = new Float64Array(k);
  for (let i = 0; i < data.length; i++) centre[i % k] += data[i] / n;
  for (let i = 0; i < data.length; i++) spread[i % k] += (data[i] - centre[i % k]) ** 2 / n;
  return { centre, spread: spread.map((variance) => Math.sqrt(variance) || 1) };
}

function standardised({ data, shape: [, k] }: CodeRows, centre: Float64Array, spread: Float64Array): Float64Array {
  return data.map((value, i) => (value - centre[i % k]) / spread[i % k]);
}
