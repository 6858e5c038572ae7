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
  max,
  mul,
  neg,
  pad,
  reshape,
  slice,
  split,
  sqrt,
  square,
  stopGradient,
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

/** The bin that each variable is in: [..., d] each. */
interface Bin {
  /** Where it begins, and how long it is, in x. */
  readonly x: Tensor;
  readonly width: Tensor;
  /** The same in z. */
  readonly z: Tensor;
  readonly height: Tensor;
  /** The slopes where it begins and where it ends. */
  readonly first: Tensor;
  readonly last: Tensor;
}

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
        const bin = binAt(inside, "x", raw, { bins, bound });
        const at = part(sub(inside, bin.x), bin.width); // ξ
        return { value: add(bin.z, mul(bin.height, rise(bin, at))), logDerivative: logSlope(bin, at, sub(1, at)) };
      }),
    inverse: (z, raw) =>
      within(z, (inside) => {
        const bin = binAt(inside, "z", raw, { bins, bound });
        const { at, left } = solved(bin, part(sub(inside, bin.z), bin.height));
        return { value: add(bin.x, mul(bin.width, at)), logDerivative: neg(logSlope(bin, at, left)) };
      }),
  };
}

/** The bin that x or z is in, [..., d], by a network's numbers [..., (3K − 1)·d]. Bins stand on the last axis but one. */
function binAt(at: Tensor, side: "x" | "z", raw: Tensor, { bins, bound }: Required<SplineOptions>): Bin {
  const [numbers] = staticShape("spline", raw.shape.slice(-1));
  const d = numbers / (3 * bins - 1);
  const parts = reshape(raw, [...raw.shape.slice(0, -1), 3 * bins - 1, d]);
  const [widths, heights, slopes] = split(parts, -2, [bins, bins, bins - 1]); // [..., K, d] and [..., K − 1, d]
  const shares = { x: powers(widths), z: powers(heights) };
  const inner = (of: Tensor): Tensor => slice(of, -2, 0, bins - 1);
  /** −B + 2B·(the share of the whole that lies below, and LEAST for each of its bins) */
  const place = (least: Tensor, share: Tensor): Tensor =>
    sub(mul(2 * bound, add(mul(LEAST, least), mul(1 - LEAST * bins, share))), bound);

  const { power, total } = shares[side];
  const count = constant(
    Array.from({ length: bins - 1 }, (_, k) => k + 1),
    [bins - 1, 1],
  );
  const knots = place(count, div(inner(cumsum(power, -2)), opened(total))); //       [..., K − 1, d]
  const below = toFloat(greaterEqual(opened(at), knots)); // 1 for bins that lie below, [..., K − 1, d]
  const lowest = constant(
    Array.from({ length: bins }, (_, k) => (k === 0 ? 1 : 0)),
    [bins, 1],
  );
  const here = add(sub(pad(below, -2, 1, 0), pad(below, -2, 0, 1)), lowest); // 1 for its bin, [..., K, d]
  const passed = sum(below, -2);
  const start = (of: Powers): Tensor => place(passed, div(sum(mul(below, inner(of.power)), -2), of.total));
  const length = (of: Powers): Tensor =>
    mul(2 * bound, add(LEAST, mul(1 - LEAST * bins, div(sum(mul(here, of.power), -2), of.total))));
  const slope = (from: number): Tensor => {
    const chosen = sum(mul(slice(here, -2, from, from + bins - 1), slopes), -2); // 0 at either end: slope 1
    return exp(boundedLogScale(chosen, LARGEST_LOG_SLOPE));
  };
  return {
    x: start(shares.x),
    width: length(shares.x),
    z: start(shares.z),
    height: length(shares.z),
    first: slope(1),
    last: slope(0),
  };
}

/** e^logit, the largest 1, and their sum: a softmax before its division. */
interface Powers {
  readonly power: Tensor;
  readonly total: Tensor;
}

function powers(logits: Tensor): Powers {
  const power = exp(sub(logits, opened(stopGradient(max(logits, -2)))));
  return { power, total: sum(power, -2) };
}

/** [..., d] → [..., 1, d] */
function opened(x: Tensor): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), 1, ...x.shape.slice(-1)]);
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
