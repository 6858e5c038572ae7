import { ShapeError } from "../errors.ts";
import {
  add,
  broadcastTo,
  diagonalOf,
  div,
  log,
  matmul,
  mul,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  triangularInverse,
} from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { type Dim, multiply, type Shape, show } from "../tensor/shape.ts";
import type { Distribution } from "./distribution.ts";
import { normalLogProb } from "./multivariate-normal.ts";

/** C Normals in d dimensions: means [C, d] and how each spreads. */
export interface NormalComponents {
  readonly means: Tensor;
  /**
   * `precisionTril` P, lower triangular with a positive diagonal, Σ⁻¹ = PPᵀ: [C, d, d], or one for all [1, d, d]; or `scale` σ,
   * positive standard deviations: [C, d], or one for all numbers [C, 1].
   */
  readonly spread: { readonly precisionTril: Tensor } | { readonly scale: Tensor };
}

export interface SelectedNormal extends Distribution {
  readonly name: "Normal" | "MultivariateNormal";
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** log N(x; μ_c, Σ_c) of every component: [..., d] → [..., C] */
  componentLogProb(x: Tensor): Tensor;
}

/**
 * p(x|z) = N(μ_z, Σ_z) for z [..., C], a 1 among zeros. Where z is a probability of each, `logProb` is the expectation
 * Σ_c z_c log N(x; μ_c, Σ_c) and so not the log of a density. No matrix is made for an example. The d numbers may be an image's, whose
 * shape is `event` then.
 */
export function selectedNormal(
  z: Tensor,
  { means, spread }: NormalComponents,
  event: readonly number[] = [Number(means.shape.at(-1))],
): SelectedNormal {
  const [count, d] = checked(z, means, spread, event);
  const form = "scale" in spread ? diagonal(spread.scale, d) : full(spread.precisionTril);
  const centres = reshape(means, [count, 1, d]);
  const batch = z.shape.slice(0, -1);
  const shape = [...batch, ...event];
  const leading = (x: Tensor): Shape => x.shape.slice(0, x.shape.length - event.length);
  const componentLogProb = (x: Tensor): Tensor => {
    const lead = leading(x);
    const apart = sub(reshape(x, [1, multiply(...lead), d]), centres); //           [C, n, d]
    const quadratic = sum(square(form.whitened(apart)), -1); //                    [C, n]
    return reshape(transpose(normalLogProb(quadratic, form.halfLogDeterminant, d)), [...lead, count]);
  };
  /** Σ_c z_c·(of component c) [C, d] → [..., d] */
  const chosen = (of: Tensor): Tensor =>
    reshape(matmul(reshape(z, [multiply(...batch), count]), broadcastTo(of, [count, d])), shape);
  return {
    name: "scale" in spread ? "Normal" : "MultivariateNormal",
    parameters: { means, ...spread, selection: z },
    shape,
    eventRank: event.length,
    support: "real",
    noise: { law: "normal", event },
    mean: chosen(means),
    // Of one component's; between components x does not vary where z is known.
    variance: chosen(form.variance()),
    componentLogProb,
    logProb: (x) => sum(mul(z, componentLogProb(x)), -1),
    // Σ_c z_c(μ_c + R_c ε)
    sample: (noise) => {
      const lead = leading(noise);
      const draws = add(form.coloured(reshape(noise, [1, multiply(...lead), d])), centres); // [C, n, d]
      const each = reshape(transpose(draws, [1, 0, 2]), [...lead, count, d]);
      return reshape(sum(mul(reshape(z, [...z.shape, 1]), each), -2), [...lead, ...event]);
    },
  };
}

interface Form {
  /** (x − μ_c)P_c: [C, n, d] → [C, n, d] */
  readonly whitened: (apart: Tensor) => Tensor;
  /** R_c ε, Σ = RRᵀ: [1, n, d] → [C or 1, n, d] */
  readonly coloured: (noise: Tensor) => Tensor;
  /** ½ log det Σ: [C or 1, 1] */
  readonly halfLogDeterminant: Tensor;
  /** [C or 1, d or 1] */
  readonly variance: () => Tensor;
}

function full(precisionTril: Tensor): Form {
  const inverse = (): Tensor => triangularInverse(precisionTril); // P⁻¹, R = P⁻ᵀ
  return {
    whitened: (apart) => matmul(apart, precisionTril),
    coloured: (noise) => matmul(noise, inverse()), // (P⁻ᵀε)ᵀ = εᵀP⁻¹
    halfLogDeterminant: mul(-1, reshape(sum(log(diagonalOf(precisionTril)), -1), [precisionTril.shape[0], 1])),
    variance: () => sum(square(inverse()), -2), // Σ = P⁻ᵀP⁻¹
  };
}

function diagonal(scale: Tensor, d: number): Form {
  const [count, width] = scale.shape;
  const open = reshape(scale, [count, 1, width]);
  return {
    whitened: (apart) => div(apart, open),
    coloured: (noise) => mul(noise, open),
    halfLogDeterminant: mul(width === d ? 1 : d, reshape(sum(log(scale), -1), [count, 1])),
    variance: () => square(scale),
  };
}

/** [C, d] of components that fit each other and z. */
function checked(
  z: Tensor,
  means: Tensor,
  spread: NormalComponents["spread"],
  event: readonly number[],
): readonly [number, number] {
  const [count, d] = means.shape;
  const got = "scale" in spread ? spread.scale.shape : spread.precisionTril.shape;
  const within = (dim: Dim, ...allowed: readonly Dim[]): boolean => allowed.includes(dim);
  const fits =
    "scale" in spread
      ? got.length === 2 && within(got[0], 1, count) && within(got[1], 1, d)
      : got.length === 3 && within(got[0], 1, count) && got[1] === d && got[2] === d;
  if (
    typeof count !== "number" ||
    typeof d !== "number" ||
    means.shape.length !== 2 ||
    !fits ||
    z.shape.at(-1) !== count
  ) {
    const expected = "z [..., C], means [C, d] and a scale [C, d] or precisionTril [C, d, d] (1 for what is shared)";
    throw new ShapeError(
      `SelectedNormal: ${expected} are expected, got ${show(z.shape)}, ${show(means.shape)} and ${show(got)}`,
    );
  }
  if (sizeOf(event) !== d) {
    throw new ShapeError(`SelectedNormal: an event of ${d} numbers is expected, got ${show(event)}`);
  }
  return [count, d];
}
