/** Mean and variance of vectors that stream by, number by number: no vector is kept. Float64. */
export class VectorMoments {
  readonly size: number;
  readonly mean: Float64Array;
  /** Σ (g − ḡ)² of each number. */
  readonly #squares: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  get count(): number {
    return this.#count;
  }

  /** Welford 1962. */
  add(vector: Float64Array): void {
    this.#count += 1;
    for (let i = 0; i < vector.length; i++) {
      const before = vector[i] - this.mean[i];
      this.mean[i] += before / this.#count;
      this.#squares[i] += before * (vector[i] - this.mean[i]);
    }
  }

  /** All that another has seen, as if it had been added here. Chan, Golub & LeVeque 1983, eq. 2.1. */
  merge(other: VectorMoments): void {
    const count = this.#count + other.#count;
    if (other.#count === 0) return;
    for (let i = 0; i < this.size; i++) {
      const apart = other.mean[i] - this.mean[i];
      this.mean[i] += (apart * other.#count) / count;
      this.#squares[i] += other.#squares[i] + (apart ** 2 * this.#count * other.#count) / count;
    }
    this.#count = count;
  }

  /**
   * Of the numbers from … to − 1: the trace of their covariance, and ‖E g‖² without bias: ‖ḡ‖² less the trace over the count; 0 where
   * that is negative.
   */
  summary(from: number, to: number): { readonly variance: number; readonly signal: number } {
    let [squares, length] = [0, 0];
    for (let i = from; i < to; i++) {
      squares += this.#squares[i];
      length += this.mean[i] ** 2;
    }
    const variance = squares / (this.#count - 1);
    return { variance, signal: Math.max(0, length - variance / this.#count) };
  }
}

/** ‖ḡ_a − ḡ_b‖² / (tr_a/n_a + tr_b/n_b): 1 in the mean where the two expectations are equal and the draws independent. */
export function distanceOfMeans(a: VectorMoments, b: VectorMoments): number {
  let distance = 0;
  for (let i = 0; i < a.size; i++) distance += (a.mean[i] - b.mean[i]) ** 2;
  const noise = [a, b].map((one) => one.summary(0, one.size).variance / one.count);
  return distance / (noise[0] + noise[1]);
}
