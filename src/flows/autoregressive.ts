import { type ConditionalLayer, type MaskedNetworkOptions, maskedNetwork } from "../nn/masked.ts";
import { maximum, minimum, scope, sum, type Tensor } from "../tensor/index.ts";
import { fixedPoint } from "../tensor/ops/fixed-point.ts";
import { type Bijection, inverted } from "./bijection.ts";
import { affineTransform, type Transform } from "./transform.ts";

/**
 * Numbers on their way to the fixed point may grow beyond all bounds before they settle; a network sees them up to here, so that what is
 * masked stays finite, as 0·∞ is not 0. Beyond it a sample has no exact inverse.
 */
const LARGEST = 1e15;

/**
 * z_j = f(x_j; network(x)_j), where what the network gives for x_j depends on the variables before x_j in some order alone. Forward
 * takes one pass, and the Jacobian is triangular: log|det ∂z/∂x| = Σ_j log ∂z_j/∂x_j. Inverse is the fixed point of
 * x ← f⁻¹(z; network(x)), from which each pass makes one variable more exact: at most d of them. Papamakarios et al. 2017, eq. 3–5;
 * Song, Meng & Ermon 2021, §3.
 */
export function autoregressive(name: string, d: number, network: ConditionalLayer, transform: Transform): Bijection {
  return {
    name: `${transform.name}Autoregressive`,
    sequential: d > 1 ? "inverse" : undefined,
    forward: (x, context) =>
      scope(name, () => {
        const { value, logDerivative } = transform.forward(x, network(x, context));
        return { value, logAbsDetJacobian: sum(logDerivative, -1) };
      }),
    inverse: (z, context) =>
      scope(name, () => {
        const step = (x: Tensor): Tensor => transform.inverse(z, network(bounded(x), context)).value;
        const first = step(z);
        const x = d > 1 ? fixedPoint(step, first, d - 1) : first;
        return { value: x, logAbsDetJacobian: sum(transform.inverse(z, network(x, context)).logDerivative, -1) };
      }),
  };
}

function bounded(x: Tensor): Tensor {
  return minimum(maximum(x, -LARGEST), LARGEST);
}

export interface AutoregressiveOptions extends MaskedNetworkOptions {
  /** How each number is mapped; affine unless said otherwise. */
  readonly transform?: Transform;
}

/**
 * A masked autoregressive flow: x_j = σ_j(x_<j)·z_j + μ_j(x_<j), or another transform of z_j. Densities in one pass, samples in at most d.
 * Starts as the identity. Papamakarios et al. 2017.
 */
export function maskedAutoregressive(
  name: string,
  d: number,
  { transform = affineTransform(), ...options }: AutoregressiveOptions,
): Bijection {
  return autoregressive(name, d, maskedNetwork(name, d, transform.owners(d), options), transform);
}

/**
 * An inverse autoregressive flow: x_j = (z_j − μ_j(z_<j))/σ_j(z_<j), or another transform. Samples in one pass, scored as they are drawn;
 * densities of other points in at most d. Kingma et al. 2016.
 */
export function inverseAutoregressive(name: string, d: number, options: AutoregressiveOptions): Bijection {
  return inverted(maskedAutoregressive(name, d, options));
}
