import { InputError } from "../errors.ts";
import {
  abs,
  add,
  constant,
  cumsum,
  div,
  exp,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logSoftmax,
  mul,
  neg,
  pad,
  reshape,
  slice,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  toFloat,
  where,
} from "../tensor/index.ts";
import { staticShape } from "../tensor/shape.ts";
import { boundedLogScale, type Elementwise, type Transform } from "./transform.ts";

export interface SplineOptions {
  /** K */
  readonly bins?: number;
  /** B: the spline is on [−B, B], beyond it the identity. */
  readonly bound?: number;
}

/** The least width and height of a bin, as a part of the whole. */
const LEAST = 1e-3;
/** How far the logarithms of the slopes at the knots go each way. */
const LARGEST_LOG_SLOPE = Math.log(1000);

/** The numbers of K bins of each variable, the K on the last axis but one: [..., K, d]. */
interface Bins {
  /** Where each begins, and how long it is, in x. */
  readonly x: Tensor;
  readonly width: Tensor;
  /** The same in z. */
  readonly z: Tensor;
  readonly height: Tensor;
  /** The slopes where it begins and where it ends. */
  readonly first: Tensor;
  readonly last: Tensor;
}

/** The numbers of the bin that each of the variables is in: [..., d]. */
type Bin = Bins;

/**
 * The monotone rational-quadratic spline with K bins on [−B, B] and the identity beyond, where its slope is 1 on either side. A
 * network gives each variable K widths, K heights and K − 1 inner slopes; at 0 all bins are alike and all slopes 1. Slopes at knots
 * lie between 1/1000 and 1000. Durkan et al. 2019, §3.1 and eq. 4–8.
 */
export function rationalQuadratic({ bins = 8, bound = 3 }: SplineOptions = {}): Transform {
  if (!Number.isInteger(bins) || bins < 2 || bins * LEAST >= 0.5) {
    throw new InputError(`spline: bins must be a whole number from 2 to ${0.5 / LEAST - 1}, got ${bins}`);
  }
  if (!(bound > 0 && bound < Number.POSITIVE_INFINITY)) {
    throw new InputError(`spline: bound must be a positive number, got ${bound}`);
  }
  const within = (x: Tensor, map: (inside: Tensor) => Elementwise): Elementwise => {
    const inside = lessEqual(abs(x), bound);
    const { value, logDerivative } = map(where(inside, x, 0));
    return { value: where(inside, value, x), logDerivative: where(inside, logDerivative, 0) };
  };
  return {
    name: "spline",
    owners: (d) => Array.from({ length: (3 * bins - 1) * d }, (_, i) => i % d),
    forward: (x, raw) =>
      within(x, (inside) => {
        const all = binsOf(raw, bins, bound);
        const bin = chosen(all, inside, all.x);
        const at = part(sub(inside, bin.x), bin.width); // ξ
        return { value: add(bin.z, mul(bin.height, rise(bin, at))), logDerivative: logSlope(bin, at, sub(1, at)) };
      }),
    inverse: (z, raw) =>
      within(z, (inside) => {
        const all = binsOf(raw, bins, bound);
        const bin = chosen(all, inside, all.z);
        const { at, left } = solved(bin, part(sub(inside, bin.z), bin.height));
        return { value: add(bin.x, mul(bin.width, at)), logDerivative: neg(logSlope(bin, at, left)) };
      }),
  };
}

/** [..., (3K − 1)·d] → the bins */
function binsOf(raw: Tensor, bins: number, bound: number): Bins {
  const [numbers] = staticShape("spline", raw.shape.slice(-1));
  const parts = reshape(raw, [...raw.shape.slice(0, -1), 3 * bins - 1, numbers / (3 * bins - 1)]);
  const [widths, heights, slopes] = split(parts, -2, [bins, bins, bins - 1]);
  const lengths = (of: Tensor): Tensor => mul(2 * bound, add(LEAST, mul(1 - LEAST * bins, exp(logSoftmax(of, -2)))));
  const starts = (of: Tensor): Tensor => sub(sub(cumsum(of, -2), of), bound);
  const width = lengths(widths);
  const height = lengths(heights);
  const logSlopes = boundedLogScale(slopes, LARGEST_LOG_SLOPE); // 0 is put at both ends: slope 1
  return {
    x: starts(width),
    width,
    z: starts(height),
    height,
    first: exp(pad(logSlopes, -2, 1, 0)),
    last: exp(pad(logSlopes, -2, 0, 1)),
  };
}

/** The bin that x [..., d] is in, by where they start [..., K, d]: the first takes all below, the last all above. */
function chosen({ x, width, z, height, first, last }: Bins, at: Tensor, starts: Tensor): Bin {
  const [k, d] = staticShape("spline", starts.shape.slice(-2));
  const above = toFloat(greaterEqual(reshape(at, [...at.shape.slice(0, -1), 1, d]), slice(starts, -2, 1, k)));
  const lowest = constant(
    Float64Array.from({ length: k }, (_, i) => (i === 0 ? 1 : 0)),
    [k, 1],
  );
  const here = add(sub(pad(above, -2, 1, 0), pad(above, -2, 0, 1)), lowest); // 1 for its bin, 0 for the others
  const of = (numbers: Tensor): Tensor => sum(mul(here, numbers), -2); //       [..., K, d] → [..., d]
  return { x: of(x), width: of(width), z: of(z), height: of(height), first: of(first), last: of(last) };
}

/** The part of a bin that lies below, which rounding may put beside it: within [0, 1]. */
function part(above: Tensor, length: Tensor): Tensor {
  const of = div(above, length);
  return where(less(of, 0), 0, where(greater(of, 1), 1, of));
}

/** s = height/width, the slope of the chord. */
function chord({ height, width }: Bin): Tensor {
  return div(height, width);
}

/** s + (δ₀ + δ₁ − 2s)ξ(1 − ξ), written as a sum of positive terms */
function denominator(s: Tensor, bin: Bin, at: Tensor, left: Tensor): Tensor {
  const both = mul(at, left);
  return add(mul(s, sub(1, mul(2, both))), mul(add(bin.first, bin.last), both));
}

/** (sξ² + δ₀ξ(1 − ξ))/(s + (δ₀ + δ₁ − 2s)ξ(1 − ξ)): the part of the height that is below. Durkan et al. 2019, eq. 4. */
function rise(bin: Bin, at: Tensor): Tensor {
  const s = chord(bin);
  const left = sub(1, at);
  return div(
    mul(at, add(mul(s, at), mul(bin.first, left))), // sξ² + δ₀ξ(1 − ξ)
    denominator(s, bin, at, left),
  );
}

/** log dz/dx, dz/dx = s²(δ₁ξ² + 2sξ(1 − ξ) + δ₀(1 − ξ)²)/(s + (δ₀ + δ₁ − 2s)ξ(1 − ξ))². Durkan et al. 2019, eq. 5. */
function logSlope(bin: Bin, at: Tensor, left: Tensor): Tensor {
  const s = chord(bin);
  const numerator = add(add(mul(bin.last, square(at)), mul(mul(2, s), mul(at, left))), mul(bin.first, square(left)));
  return add(log(numerator), mul(2, sub(log(s), log(denominator(s, bin, at, left)))));
}

/**
 * ξ and 1 − ξ from the part η of the height that is below: the root of aξ² + bξ + c = 0 with c = −sη, b = u + 2sη, a = s − b,
 * u = δ₀(1 − η) − δ₁η (eq. 6–8 over the height). Its discriminant is u² + 4s²η(1 − η), and with r = √discriminant + |u|
 *
 *   ξ = 2sη/(2sη + r) where u ≥ 0,   1 − ξ = 2s(1 − η)/(2s(1 − η) + r) where u < 0:
 *
 * no terms cancel.
 */
function solved(bin: Bin, eta: Tensor): { readonly at: Tensor; readonly left: Tensor } {
  const s = chord(bin);
  const rest = sub(1, eta);
  const u = sub(mul(bin.first, rest), mul(bin.last, eta));
  const negative = less(u, 0);
  const size = where(negative, neg(u), u); // |u|, whose slope at 0 is not 0
  const r = add(sqrt(add(square(u), mul(mul(4, square(s)), mul(eta, rest)))), size);
  const near = mul(mul(2, s), where(negative, rest, eta));
  const total = add(near, r);
  const [small, large] = [div(near, total), div(r, total)];
  return { at: where(negative, large, small), left: where(negative, small, large) };
}
