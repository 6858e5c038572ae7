import type { Conditions } from "../data/conditions.ts";
import { flattenEvent, type Layer } from "../nn/layers.ts";
import { broadcastTo, concat, constant, data, mul, reshape, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { type Architecture, encoderNetwork } from "./networks.ts";

/** What a model is told of what is given with each example: `encodeConditions` says what the numbers are. */
export interface ConditionDescription {
  /** Numbers of one example's condition. */
  readonly width: number;
  /** What they are of: columns, or "label". */
  readonly names: readonly string[];
  /** What networks multiply each by; by default 1. */
  readonly scales?: readonly number[];
  /** Whether it is one class of each example, and nothing else. */
  readonly chooses: boolean;
}

/**
 * What a model is told of conditions. The one of C classes is √C to the networks: as long as C numbers of unit size, so that it is heard beside
 * pixels and latents. With 1 the embedded images took their classes from z and hardly from y.
 */
export function describeCondition({ fields, width }: Conditions): ConditionDescription {
  const scales = fields.flatMap((field) => {
    if (field.kind === "number") return [1];
    const { length } = field.values;
    return Array.from({ length }, () => Math.sqrt(length));
  });
  const [field, ...others] = fields;
  const chooses = others.length === 0 && field.kind !== "number";
  return { width, names: fields.map(({ name }) => name), scales, chooses };
}

/** The name of the input that the condition is fed to. */
export const CONDITION = "condition";

/** The condition y of each example: [batch, width]. */
export function conditionInput({ width }: ConditionDescription): Tensor {
  return data(CONDITION, ["batch", width]);
}

/** The condition as networks take it. */
function scaledCondition(condition: ConditionDescription): Tensor {
  const { scales, width } = condition;
  return scales ? mul(conditionInput(condition), constant(scales, [width])) : conditionInput(condition);
}

/** Rows with their example's condition beside them: [..., batch, n] → [..., batch, n + width]. */
export function besideCondition(rows: Tensor, condition: ConditionDescription | undefined): Tensor {
  if (condition === undefined) return rows;
  const given = broadcastTo(scaledCondition(condition), [...rows.shape.slice(0, -1), condition.width]);
  return concat([rows, given], -1);
}

/** Images with their example's condition as constant channels: [..., batch, c, h, w] → [..., batch, c + width, h, w]. */
function withChannels(images: Tensor, condition: ConditionDescription): Tensor {
  const { width } = condition;
  const lead = images.shape.slice(0, -3);
  const given = reshape(scaledCondition(condition), ["batch", width, 1, 1]);
  return concat([images, broadcastTo(given, [...lead, width, ...images.shape.slice(-2)])], -3);
}

/**
 * q(z|x, y) of Sohn, Lee & Yan 2015 and Kingma et al. 2014: `encoderNetwork`, which takes the condition, where there is one, beside the numbers of
 * x, by convolutions as channels.
 */
export function conditionalEncoder(
  name: string,
  architecture: Architecture,
  event: readonly number[],
  outputs: number,
  condition: ConditionDescription | undefined,
): Layer {
  if (condition === undefined) return encoderNetwork(name, architecture, event, outputs);
  if (architecture.kind === "mlp") {
    const network = encoderNetwork(name, architecture, [sizeOf(event) + condition.width], outputs);
    const flat = flattenEvent(event);
    return (x) => network(besideCondition(flat(x), condition));
  }
  const [channels, ...extents] = event;
  const network = encoderNetwork(name, architecture, [channels + condition.width, ...extents], outputs);
  return (x) => network(withChannels(x, condition));
}
