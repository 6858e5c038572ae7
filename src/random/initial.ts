import { InputError } from "../errors.ts";
import type { Initial } from "../tensor/initial.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { type Stream, stream } from "./stream.ts";

/** The starting values of the parameter `name`, row by row: drawn from the seed and the name alone. */
export function drawInitial(initial: Initial, name: string, shape: readonly number[], seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  const from = stream(seed, `initial/${name}`);
  switch (initial.law) {
    case "constant":
      return values.fill(initial.value);
    case "normal":
      return values.map(() => (initial.mean ?? 0) + initial.scale * from.normal());
    case "uniform":
      return values.map(() => initial.low + (initial.high - initial.low) * from.uniform());
    case "truncatedNormal":
      return values.map(() => initial.scale * normalWithinTwo(from));
    case "values":
      if (initial.values.length !== values.length) {
        const expected = `${values.length} for the shape [${shape.join(", ")}]`;
        throw new InputError(`${name}: initial values: expected ${expected}, got ${initial.values.length}`);
      }
      values.set(initial.values);
      return values;
  }
}

function normalWithinTwo(from: Stream): number {
  for (;;) {
    const x = from.normal();
    if (Math.abs(x) <= 2) return x;
  }
}
