import { add, div, exp, mul, neg, split, sub, type Tensor, tanh } from "../tensor/index.ts";
import { staticShape } from "../tensor/shape.ts";

/** Where a transform takes each number, and log|derivative| there: both [..., d]. */
export interface Elementwise {
  readonly value: Tensor;
  readonly logDerivative: Tensor;
}

/** A monotone map of each number by itself, data → noise, whose parameters a network gives; where these are 0 it is the identity. */
export interface Transform {
  readonly name: string;
  /** For each number that the network gives for d variables, the variable it is for. */
  owners(d: number): readonly number[];
  /** z of x [..., d], with the network's numbers [..., owners(d).length], and log ∂z/∂x */
  forward(x: Tensor, raw: Tensor): Elementwise;
  /** x of z, and log ∂x/∂z */
  inverse(z: Tensor, raw: Tensor): Elementwise;
}

/** How far log σ goes each way. */
const LARGEST_LOG_SCALE = 5;

/** log σ = b·tanh(raw/b): any number, smoothly within ±b. */
export function boundedLogScale(raw: Tensor, bound = LARGEST_LOG_SCALE): Tensor {
  return mul(bound, tanh(div(raw, bound)));
}

/** x = σ·z + μ, z = (x − μ)/σ; the network gives all μ, then all log σ before they are bounded. */
export function affineTransform({ bound }: { readonly bound?: number } = {}): Transform {
  const parts = (raw: Tensor): { readonly mean: Tensor; readonly logScale: Tensor } => {
    const [both] = staticShape("affineTransform", raw.shape.slice(-1));
    const [mean, scale] = split(raw, -1, [both / 2, both / 2]);
    return { mean, logScale: boundedLogScale(scale, bound) };
  };
  return {
    name: "affine",
    owners: (d) => Array.from({ length: 2 * d }, (_, i) => i % d),
    forward: (x, raw) => {
      const { mean, logScale } = parts(raw);
      return { value: mul(sub(x, mean), exp(neg(logScale))), logDerivative: neg(logScale) };
    },
    inverse: (z, raw) => {
      const { mean, logScale } = parts(raw);
      return { value: add(mul(z, exp(logScale)), mean), logDerivative: logScale };
    },
  };
}
