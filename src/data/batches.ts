import { InputError } from "../errors.ts";
import { permutation, stream } from "../random/stream.ts";

export interface BatchOrder {
  /** Full batches in one epoch; the examples left over come up in other epochs. */
  readonly stepsPerEpoch: number;
  /** The rows of the batch of this step, counted from 0 over all epochs: [batchSize], a view not to be written to. */
  indices(step: number): Uint32Array;
}

/**
 * Which examples form the batch of which step. Each epoch goes through a fresh permutation that depends on (seed, epoch) and
 * the number of examples alone, so any step can be asked for at once: resuming needs no more than the step number.
 * The current epoch's permutation is kept; going back and forth between epochs draws it anew.
 */
export function batchOrder({
  length,
  batchSize,
  seed,
}: {
  readonly length: number;
  readonly batchSize: number;
  readonly seed: number;
}): BatchOrder {
  if (!(Number.isInteger(batchSize) && batchSize >= 1)) {
    throw new InputError(`batch size: expected a positive integer, got ${batchSize}`);
  }
  if (batchSize > length) {
    throw new InputError(
      `batch size: ${batchSize} is more than the ${length} examples to train on; use ${length} or less`,
    );
  }
  const stepsPerEpoch = Math.floor(length / batchSize);
  let current = -1;
  let order: Uint32Array = new Uint32Array(0);
  return {
    stepsPerEpoch,
    indices(step) {
      if (!(Number.isInteger(step) && step >= 0))
        throw new InputError(`step: expected 0 or a positive integer, got ${step}`);
      const epoch = Math.floor(step / stepsPerEpoch);
      if (epoch !== current) {
        order = permutation(length, stream(seed, "data/order", epoch));
        current = epoch;
      }
      const start = (step % stepsPerEpoch) * batchSize;
      return order.subarray(start, start + batchSize);
    },
  };
}
