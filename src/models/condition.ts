import { flattenEvent, type Layer } from "../nn/layers.ts";
import { broadcastTo, concat, data, reshape, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { type Architecture, encoderNetwork } from "./networks.ts";

/** What a model is told of what is given with each example: `encodeConditions` says what the numbers are. */
export interface ConditionDescription {
  /** Numbers of one example's condition. */
  readonly width: number;
  /** What they are of: columns, or "label". */
  readonly names: readonly string[];
}

/** The name of the input that the condition is fed to. */
export const CONDITION = "condition";

/** The condition y of each example: [batch, width]. */
export function conditionInput({ width }: ConditionDescription): Tensor {
  return data(CONDITION, ["batch", width]);
}

/** Rows with their example's condition beside them: [..., batch, n] → [..., batch, n + width]. */
export function besideCondition(rows: Tensor, condition: ConditionDescription | undefined): Tensor {
  if (condition === undefined) return rows;
  const given = broadcastTo(conditionInput(condition), [...rows.shape.slice(0, -1), condition.width]);
  return concat([rows, given], -1);
}

/** Images with their example's condition as constant channels: [..., batch, c, h, w] → [..., batch, c + width, h, w]. */
function withChannels(images: Tensor, condition: ConditionDescription): Tensor {
  const { width } = condition;
  const lead = images.shape.slice(0, -3);
  const given = reshape(conditionInput(condition), ["batch", width, 1, 1]);
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
