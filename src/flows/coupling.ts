import { InputError, ShapeError } from "../errors.ts";
import { zeros } from "../nn/initialisers.ts";
import type { Layer } from "../nn/layers.ts";
import { multilayer } from "../nn/mlp.ts";
import { broadcastTo, concat, type Shape, scope, slice, sum, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import type { Bijection, Mapped } from "./bijection.ts";
import { everywhere, leadOf } from "./event.ts";
import { affineTransform, type Elementwise, type Transform } from "./transform.ts";

export interface CouplingOptions {
  /**
   * The widths of the network's hidden layers ([64, 64]), or a network of one's own from the part that stays, and the context after
   * it, to the transform's numbers. The built-in one starts at 0 and the coupling so as the identity.
   */
  readonly network?: readonly number[] | Layer;
  /** How many numbers the first part has; half of them, rounded down. */
  readonly split?: number;
  /** Whether the first part is what moves: else it stays. */
  readonly swap?: boolean;
  /** How many numbers a context has, where it depends on one. */
  readonly context?: number;
}

/**
 * One part of the numbers stays and gives, by a network, the parameters of a transform that moves the other: z₁ = x₁, z₂ = T(x₂; NN(x₁)).
 * One pass both ways. Dinh et al. 2017, §3.2. Of one number alone nothing stays: the transform's numbers are then learned
 * themselves, or follow from the context. Parameters under `name`.
 */
export function coupling(name: string, d: number, transform: Transform, options: CouplingOptions = {}): Bijection {
  const { split = Math.floor(d / 2), swap = false, context: extra = 0 } = options;
  if (!Number.isInteger(d) || d < 1) throw new InputError(`${name}: a coupling needs 1 number or more, got ${d}`);
  if (d === 1 ? split !== 0 : !Number.isInteger(split) || split < 1 || split >= d) {
    throw new InputError(`${name}: split: a coupling of ${d} keeps ${d === 1 ? 0 : `1 to ${d - 1}`}, got ${split}`);
  }
  const moveFirst = swap && d > 1;
  const kept = moveFirst ? d - split : split;
  const outputs = transform.owners(d - kept).length;
  const numbers = conditioner(name, kept + extra, outputs, options.network ?? [64, 64]);
  const map = (from: Tensor, context: Tensor | undefined, move: (part: Tensor, raw: Tensor) => Elementwise): Mapped =>
    scope(name, () => {
      requireContext(name, context, extra);
      const lead = broadcastShapes(name, leadOf(name, from, d), context?.shape.slice(0, -1) ?? []);
      const whole = broadcastTo(from, [...lead, d]);
      const parts = kept === 0 ? [whole] : [slice(whole, -1, 0, split), slice(whole, -1, split, d)];
      const [moves, stays] = moveFirst ? parts : parts.toReversed();
      const raw = numbers(joined([stays, context], lead));
      const { value, logDerivative } = move(moves, raw);
      return {
        value: joined(moveFirst ? [value, stays] : [stays, value], lead) ?? value,
        logAbsDetJacobian: everywhere(sum(logDerivative, -1), lead),
      };
    });
  return {
    name: `${transform.name}Coupling`,
    forward: (x, context) => map(x, context, transform.forward),
    inverse: (z, context) => map(z, context, transform.inverse),
  };
}

/** x₂ = z₂ ⊙ σ(z₁) + μ(z₁), log|det ∂z/∂x| = −Σ log σ_j: `coupling` with log σ within ±`bound` (5). */
export function affineCoupling(
  name: string,
  d: number,
  options: CouplingOptions & { readonly bound?: number } = {},
): Bijection {
  return coupling(name, d, affineTransform(options), options);
}

/** [..., inputs] → [..., outputs], from nothing its own numbers. The last layer starts at 0. */
function conditioner(
  name: string,
  inputs: number,
  outputs: number,
  network: readonly number[] | Layer,
): (x: Tensor | undefined) => Tensor {
  if (inputs === 0) {
    if (typeof network === "function") {
      throw new InputError(`${name}: a network has nothing to depend on in 1 number without a context; leave it out`);
    }
    const raw = parameter(`${name}/output/bias`, [outputs], zeros);
    return () => raw;
  }
  const layer = typeof network === "function" ? network : multilayer(name, inputs, network, outputs, { weight: zeros });
  return (x) => {
    if (!x) throw new ShapeError(`${name}: ${inputs} numbers of context are expected, got none`);
    const raw = layer(x);
    if (raw.shape.at(-1) !== outputs) {
      throw new ShapeError(`${name}: a network of ${outputs} outputs is expected, got ${show(raw.shape)}`);
    }
    return raw;
  };
}

/** The parts there are side by side, each broadcast to the leading axes. */
function joined(parts: readonly (Tensor | undefined)[], lead: Shape): Tensor | undefined {
  const whole = parts.flatMap((part) => (part ? [broadcastTo(part, [...lead, ...part.shape.slice(-1)])] : []));
  return whole.length > 1 ? concat(whole, -1) : whole.at(0);
}

function requireContext(name: string, context: Tensor | undefined, size: number): void {
  const got = context?.shape.at(-1) ?? 0;
  if (got === size) return;
  throw new ShapeError(`${name}: a context of ${size} numbers is expected, got ${got}; say so in \`context\``);
}
