import { FEWEST_EXCEEDANCES, paretoShape } from "./pareto.ts";

/** The logarithm of a mean of weights, and how far it may be from the logarithm of what the mean estimates. In nats. */
export interface LogMean {
  /** log 1/K Σ w: −∞ where all weights are 0. */
  readonly logMean: number;
  /** Its standard error by the delta method, √(s²/K)/w̄: NaN of one weight. */
  readonly error: number;
  /** E log w̄ − log E w ≈ −½ var w̄ / w̄², the second term of the delta method: NaN of one weight. */
  readonly bias: number;
  /** (Σw)²/Σw², between 1 and K. Kong 1992. */
  readonly effectiveSamples: number;
  /** How heavy the tail of the weights is; above `largestTrustedShape` the numbers above are not to be trusted. −∞ where they are equal, NaN of few. */
  readonly paretoShape: number;
}

/** How far sums in float32 of terms of about the logarithm's own size may be apart where they should be equal. */
const ROUNDING = 1e-5;

/** The tail is told by at most so many weights, however many stream by. */
const LARGEST_TAIL = 1000;

/**
 * Weights that stream by as logarithms, kept as (max, Σw/max, Σw²/max²) and the largest few: memory does not grow with their
 * number. Sums in float64.
 */
export class LogWeights {
  #count = 0;
  #largest = Number.NEGATIVE_INFINITY;
  #smallest = Number.POSITIVE_INFINITY;
  #sum = 0;
  #squares = 0;
  /** A heap, the smallest of the largest first. */
  readonly #tail: Float64Array;
  #kept = 0;

  /** `expected`: how many will be added; it decides how many are the tail, min(S/5, 3√S) as in Vehtari et al. 2024, §2.2. */
  constructor(expected: number) {
    const tail = Math.min(Math.ceil(Math.min(expected / 5, 3 * Math.sqrt(expected))), LARGEST_TAIL);
    this.#tail = new Float64Array(tail >= FEWEST_EXCEEDANCES ? tail + 1 : 0);
  }

  /** A weight of 0 is −∞; NaN makes the mean NaN. */
  add(logWeight: number): void {
    this.#count += 1;
    this.#smallest = Math.min(this.#smallest, logWeight);
    if (Number.isNaN(logWeight)) this.#largest = Number.NaN;
    else if (logWeight > this.#largest) {
      const shrink = Math.exp(this.#largest - logWeight);
      this.#sum = this.#sum * shrink + 1;
      this.#squares = this.#squares * shrink ** 2 + 1;
      this.#largest = logWeight;
    } else if (logWeight > Number.NEGATIVE_INFINITY) {
      const weight = Math.exp(logWeight - this.#largest);
      this.#sum += weight;
      this.#squares += weight ** 2;
    }
    if (this.#kept < this.#tail.length) this.#rise(logWeight);
    else if (this.#kept > 0 && logWeight > this.#tail[0]) this.#sink(logWeight);
  }

  summary(): LogMean {
    const count = this.#count;
    // var w̄ / w̄² = (Σw²/(Σw)² − 1/K)·K/(K − 1), the K − 1 as in any variance about a mean
    const relative = Math.max(0, ((this.#squares / this.#sum ** 2) * count - 1) / (count - 1));
    return {
      logMean: this.#largest + Math.log(this.#sum / count),
      error: count > 1 ? Math.sqrt(relative) : Number.NaN,
      bias: count > 1 ? -0.5 * relative : Number.NaN,
      effectiveSamples: this.#areEqual() ? count : this.#sum ** 2 / this.#squares,
      paretoShape: this.#shape(),
    };
  }

  /** Whether all weights are one number to rounding, as an exact posterior has them. */
  #areEqual(): boolean {
    return this.#largest - this.#smallest <= ROUNDING * (1 + Math.abs(this.#largest));
  }

  #shape(): number {
    if (this.#count > 1 && this.#areEqual()) return Number.NEGATIVE_INFINITY;
    const tail = this.#tail.slice(0, this.#kept).sort();
    const threshold = Math.exp(tail[0] - this.#largest);
    const exceedances = tail.map((logWeight) => Math.exp(logWeight - this.#largest) - threshold);
    return paretoShape(exceedances.filter((value) => value > 0));
  }

  #rise(logWeight: number): void {
    const heap = this.#tail;
    let at = this.#kept;
    this.#kept += 1;
    for (let above = (at - 1) >> 1; at > 0 && heap[above] > logWeight; above = (at - 1) >> 1) {
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = logWeight;
  }

  #sink(logWeight: number): void {
    const heap = this.#tail;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && heap[below + 1] < heap[below]) below += 1;
      if (below >= heap.length || heap[below] >= logWeight) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = logWeight;
  }
}
