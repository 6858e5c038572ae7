import { InputError } from "../errors.ts";

/**
 * P(−t ≤ T ≤ t) of Student's t with a whole number of degrees of freedom, θ = arctan(t/√ν): finite sums in cos θ.
 * Abramowitz & Stegun 1964, 26.7.3 and 26.7.4.
 */
export function studentWithin(t: number, degrees: number): number {
  const theta = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let j = odd ? 3 : 2; j < degrees - 1; j += 2) {
    term *= ((j - 1) / j) * cosine ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (theta + sine * sum) : sine * sum;
}

/** The t that `share` of Student's t lies within ±t of: 2.26 for 95 % and 9 degrees of freedom. */
export function studentHalfWidth(share: number, degrees: number): number {
  if (!(Number.isInteger(degrees) && degrees >= 1)) {
    throw new InputError(`Student's t: a whole number of degrees of freedom from 1 is expected, got ${degrees}`);
  }
  let [low, high] = [0, 1];
  while (studentWithin(high, degrees) < share) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, degrees) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
