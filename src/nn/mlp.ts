import { relu } from "../tensor/index.ts";
import { glorotUniform, heNormal } from "./initialisers.ts";
import { type DenseOptions, dense, type Layer, sequential } from "./layers.ts";

/**
 * Dense layers of these widths with ReLU after each, then a linear one: [..., inputs] → [..., outputs]. Their parameters lie under
 * `name/hidden1`, … and `name/output`; `output` says how the last starts.
 */
export function multilayer(
  name: string,
  inputs: number,
  widths: readonly number[],
  outputs: number,
  output: DenseOptions = {},
): Layer {
  const sizes = [inputs, ...widths];
  const hidden = widths.map((width, i) =>
    sequential(dense(`${name}/hidden${i + 1}`, sizes[i], width, { weight: heNormal(sizes[i]) }), relu),
  );
  const before = sizes[widths.length];
  return sequential(
    ...hidden,
    dense(`${name}/output`, before, outputs, { weight: glorotUniform(before, outputs), ...output }),
  );
}
