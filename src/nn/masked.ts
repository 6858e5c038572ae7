import { ShapeError } from "../errors.ts";
import {
  add,
  affine,
  broadcastTo,
  constant,
  lessEqual,
  mul,
  relu,
  scope,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { show } from "../tensor/shape.ts";
import type { Initial } from "../tensor/tensor.ts";
import { glorotUniform, heNormal, zeros } from "./initialisers.ts";
import type { Layer } from "./layers.ts";

/** What each input and output of a masked layer stands for in an order: an output sees the inputs of its degree and below. */
export interface Degrees {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/**
 * x ↦ x·(W ⊙ M) + b with M_ij = 1 where degree(input i) ≤ degree(output j): [..., inputs] → [..., outputs]. Parameters
 * `name/weight` [inputs, outputs] and `name/bias`; no weight where all are masked. Germain et al. 2015, eq. 10 and 13.
 */
export function maskedDense(name: string, { inputs, outputs }: Degrees, weight?: Initial): Layer {
  const bias = parameter(`${name}/bias`, [outputs.length], zeros);
  if (Math.min(...inputs) > Math.max(...outputs)) {
    return (x) => broadcastTo(bias, [...x.shape.slice(0, -1), outputs.length]);
  }
  const shape = [inputs.length, outputs.length];
  const weights = parameter(`${name}/weight`, shape, weight ?? glorotUniform(inputs.length, outputs.length));
  return (x) =>
    scope(name, () => {
      const mask = lessEqual(constant(inputs, [inputs.length, 1]), constant(outputs, [outputs.length]));
      return affine(x, mul(weights, toFloat(mask)), bias);
    });
}

export interface MaskedNetworkOptions {
  /** Units of each hidden layer; none makes it linear. */
  readonly widths: readonly number[];
  /** The variables, first to last, each of which sees those before it; as they are numbered unless said otherwise. */
  readonly order?: readonly number[];
  /** How many numbers of context every output sees beside; none unless said otherwise. */
  readonly context?: number;
}

/** A network of x, and of context where it was made for one. */
export type ConditionalLayer = (x: Tensor, context?: Tensor) => Tensor;

/**
 * A masked autoregressive network, ReLU between its layers: what it gives for a variable depends on the variables before that one in
 * the order, and on the context. `owners` says of each of its outputs which variable it is for. The last layer starts at 0.
 * [..., d] and [..., context] → [..., owners]. Germain et al. 2015, §4.
 */
export function maskedNetwork(
  name: string,
  d: number,
  owners: readonly number[],
  { widths, order = Array.from({ length: d }, (_, i) => i), context = 0 }: MaskedNetworkOptions,
): ConditionalLayer {
  if (!Number.isInteger(d) || d < 1) throw new ShapeError(`${name}: 1 variable or more is expected, got ${d}`);
  if (order.length !== d || order.toSorted((a, b) => a - b).some((variable, i) => variable !== i)) {
    throw new ShapeError(`${name}: the order must hold each of 0 … ${d - 1} once, got ${show(order)}`);
  }
  for (const width of widths) {
    if (!Number.isInteger(width) || width < 1) {
      throw new ShapeError(`${name}: hidden layers of 1 unit or more are expected, got ${show(widths)}`);
    }
  }
  // The variables have the degrees 1 … d in their order. A unit of degree m sees those up to m; of degree 0, context alone.
  const degree = order.reduce<number[]>((all, variable, i) => all.with(variable, i + 1), new Array<number>(d).fill(0));
  const lowest = Math.min(context > 0 ? 0 : 1, d - 1);
  const spread = (width: number): readonly number[] => {
    return Array.from({ length: width }, (_, i) => lowest + Math.floor((i * (d - lowest)) / width)); // lowest … d − 1
  };
  const layers = [degree, ...widths.map(spread)];
  const last = layers.length - 1;
  const seen = owners.map((variable) => degree[variable] - 1); // those strictly before
  const hidden = widths.map((_, i) =>
    maskedDense(
      `${name}/hidden${i + 1}`,
      { inputs: layers[i], outputs: layers[i + 1] },
      heNormal(layers[i].length + (i === 0 ? context : 0)),
    ),
  );
  const output = maskedDense(`${name}/output`, { inputs: layers[last], outputs: seen }, zeros);
  const [first, ...others] = [...hidden, output];
  const width = layers[1]?.length ?? owners.length;
  const start = widths.length > 0 ? heNormal(d + context) : zeros;
  const beside = context > 0 ? parameter(`${name}/context/weight`, [context, width], start) : undefined;
  return (x, given) => {
    const [got, size] = [x, given].map((each) => each?.shape.at(-1) ?? 0);
    if (got !== d || size !== context) {
      throw new ShapeError(`${name}: ${d} numbers and ${context} of context are expected, got ${got} and ${size}`);
    }
    // The context's part has no bias of its own; a loop over x computes it once.
    const before =
      beside && given ? add(first(x), affine(given, beside, constant(new Float64Array(width), [width]))) : first(x);
    return others.reduce((value, layer) => layer(relu(value)), before);
  };
}
