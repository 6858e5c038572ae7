import { add, type Tensor } from "../tensor/index.ts";

/** Where a bijection takes an event, and log|det J| of the map there, one number an event. */
export interface Mapped {
  /** [..., d] */
  readonly value: Tensor;
  /** [...] */
  readonly logAbsDetJacobian: Tensor;
}

/**
 * An invertible map of events of d numbers, data → noise: z = f(x), x = f⁻¹(z), with log|det J| of the direction taken, in nats.
 * Its parameters are made once, with it; `context` [..., c] is what a conditional one depends on beside. Axes before the last pass through.
 */
export interface Bijection {
  readonly name: string;
  /** z = f(x) and log|det ∂f/∂x| */
  forward(x: Tensor, context?: Tensor): Mapped;
  /** x = f⁻¹(z) and log|det ∂f⁻¹/∂z| */
  inverse(z: Tensor, context?: Tensor): Mapped;
  /** The direction that takes up to d passes and has no gradient, where there is one. */
  readonly sequential?: "forward" | "inverse";
  /**
   * Values of its parameters, by name, that suit data x [batch, d] (a data-dependent start), and where those take x. A bijection
   * without it starts as it is. Salimans & Kingma 2016; Kingma & Dhariwal 2018, §3.1.
   */
  readonly initialised?: (x: Tensor, context?: Tensor) => Initialised;
}

export interface Initialised {
  readonly values: Readonly<Record<string, Tensor>>;
  readonly value: Tensor;
}

/** f_K ∘ … ∘ f_1: the first is applied to the data first; log-determinants add. Rezende & Mohamed 2015, eq. 6. */
export function compose(...parts: readonly Bijection[]): Bijection {
  const directions = new Set(parts.flatMap(({ sequential }) => sequential ?? []));
  return {
    name: `compose(${parts.map(({ name }) => name).join(", ")})`,
    forward: (x, context) => through(parts, x, (part, value) => part.forward(value, context)),
    inverse: (z, context) => through(parts.toReversed(), z, (part, value) => part.inverse(value, context)),
    sequential: directions.has("inverse") ? "inverse" : directions.has("forward") ? "forward" : undefined,
    initialised: (x, context) => {
      const values: Record<string, Tensor> = {};
      let value = x;
      for (const part of parts) {
        const started = part.initialised?.(value, context);
        Object.assign(values, started?.values);
        value = started?.value ?? part.forward(value, context).value;
      }
      return { values, value };
    },
  };
}

function through(parts: readonly Bijection[], from: Tensor, map: (part: Bijection, value: Tensor) => Mapped): Mapped {
  const [first, ...others] = parts;
  return others.reduce(
    (before, part) => {
      const next = map(part, before.value);
      return { value: next.value, logAbsDetJacobian: add(before.logAbsDetJacobian, next.logAbsDetJacobian) };
    },
    map(first, from),
  );
}

/** f⁻¹ as a bijection of its own: an inverse autoregressive flow of an autoregressive one. */
export function inverted(of: Bijection): Bijection {
  const { sequential } = of;
  return {
    name: `inverted(${of.name})`,
    forward: (x, context) => of.inverse(x, context),
    inverse: (z, context) => of.forward(z, context),
    sequential: sequential && (sequential === "forward" ? "inverse" : "forward"),
  };
}
