import { describe, expect, test } from "vitest";
import { batchOrder } from "../../src/data/batches.ts";
import { InputError } from "../../src/errors.ts";

const sorted = (indices: Iterable<number>): number[] => [...indices].sort((a, b) => a - b);

/** The rows of one epoch, batch after batch. */
function epochOf(order: ReturnType<typeof batchOrder>, epoch: number): number[] {
  const steps = Array.from({ length: order.stepsPerEpoch }, (_, i) => epoch * order.stepsPerEpoch + i);
  return steps.flatMap((step) => [...order.indices(step)]);
}

describe("batchOrder", () => {
  test("each epoch is a permutation of its own", () => {
    const order = batchOrder({ length: 60, batchSize: 12, seed: 7 });
    expect(order.stepsPerEpoch).toBe(5);
    const epochs = [0, 1, 2].map((epoch) => epochOf(order, epoch));
    for (const epoch of epochs) expect(sorted(epoch)).toEqual([...Array(60).keys()]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[1]).not.toEqual(epochs[2]);
  });

  test("full batches only; who is left out changes", () => {
    const order = batchOrder({ length: 11, batchSize: 4, seed: 1 });
    expect(order.stepsPerEpoch).toBe(2);
    const seen = new Set<number>();
    for (let epoch = 0; epoch < 20; epoch++) {
      const rows = epochOf(order, epoch);
      expect(new Set(rows).size).toBe(8);
      for (const row of rows) seen.add(row);
    }
    expect(seen.size).toBe(11);
  });

  test("any step asked for at once is the step met in sequence", () => {
    const order = batchOrder({ length: 23, batchSize: 5, seed: 3 });
    const sequence = Array.from({ length: 12 }, (_, step) => order.indices(step)); // views stay valid
    for (const step of [11, 0, 7, 7, 3, 4, 10]) {
      expect(batchOrder({ length: 23, batchSize: 5, seed: 3 }).indices(step)).toEqual(sequence[step]);
      expect(order.indices(step)).toEqual(sequence[step]);
    }
  });

  test("the order of an epoch does not depend on the batch size", () => {
    const rows = (batchSize: number) => epochOf(batchOrder({ length: 24, batchSize, seed: 5 }), 2);
    expect(rows(4)).toEqual(rows(6));
  });

  test("another seed, another order", () => {
    const rows = (seed: number) => batchOrder({ length: 24, batchSize: 24, seed }).indices(0);
    expect(rows(1)).not.toEqual(rows(2));
  });

  test("more than there is: one line with the remedy", () => {
    const build = () => batchOrder({ length: 10, batchSize: 11, seed: 1 });
    expect(build).toThrow(InputError);
    expect(build).toThrow("batch size: 11 is more than the 10 examples to train on; use 10 or less");
  });

  test.each([0, -1, 1.5, Number.NaN])("a batch size or step of %s is an error", (value) => {
    expect(() => batchOrder({ length: 10, batchSize: value, seed: 1 })).toThrow(InputError);
    if (value !== 0) expect(() => batchOrder({ length: 10, batchSize: 5, seed: 1 }).indices(value)).toThrow(InputError);
  });
});
