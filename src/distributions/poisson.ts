import { ShapeError } from "../errors.ts";
import {
  abs,
  add,
  and,
  constant,
  cumsum,
  customGradient,
  div,
  equal,
  floor,
  greaterEqual,
  less,
  lessEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  sqrt,
  sub,
  sum,
  type Tensor,
  toFloat,
  where,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { unbroadcast } from "../tensor/ops/shape.ts";
import { show } from "../tensor/shape.ts";
import { inverseCdf } from "./categorical.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";
import { openUniform } from "./standard-noise.ts";
import { stirlingError } from "./stirling.ts";

const family = new WeakSet<Distribution>();

export interface Poisson extends Distribution {
  readonly name: "Poisson";
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly parameters: { readonly rate: Tensor };
}

/**
 * P(x) = λˣ e^−λ / x! for the rate λ > 0, independent along the event's axes. A rate made by exp keeps its exponent's accuracy. Counts
 * are exact to 2²⁴, as float32 is.
 */
export function poisson(rate: TensorLike, eventRank = 1): Poisson {
  const parameters = { rate: lift(rate) };
  const { shape } = parameters.rate;
  if (shape.length < eventRank) throw new ShapeError(`Poisson: ${eventRank} event axes in ${show(shape)}`);
  const event = eventShape({ name: "Poisson", shape, eventRank });
  const made: Poisson = {
    name: "Poisson",
    parameters,
    shape,
    eventRank,
    support: "counts",
    noise: { law: "uniform", event: [...event, POISSON_NOISE] },
    mean: parameters.rate,
    variance: parameters.rate,
    logProb: (x) => sumEvent(logMass(x, parameters.rate), eventRank),
    sample: (noise) => drawPoisson(parameters.rate, noise),
  };
  family.add(made);
  return made;
}

/**
 * x log λ − λ − log x! = −D(x, λ) − S(x): terms that do not cancel, where x log λ and log x! would lose a nat at counts of 10⁶.
 * Loader 2000, "Fast and accurate computation of binomial probabilities", eq. 6. The gradient in log λ, x − λ, in one piece: where λ is
 * made by exp it goes to the exponent, and a λ too small for float32 does no harm.
 */
function logMass(x: Tensor, rate: Tensor): Tensor {
  const logRate = log(rate);
  const difference = sub(x, rate);
  const value = neg(add(deviance(x, rate, logRate, difference), factorialRemainder(x)));
  return customGradient(value, [logRate], (upstream) => [unbroadcast(mul(upstream, difference), logRate.shape)]);
}

/** What stands for 0 under a logarithm whose factor is 0. */
const TINY = 1e-30;

/**
 * D(x, m) = x·log(x/m) + m − x ≥ 0 for x ≥ 0, given m, log m and x − m, each accurate to itself. Near x = m by
 * v = (x − m)/(x + m): D = (x − m)·v + 2x·(v³/3 + v⁵/5 + …). Loader 2000, "bd0".
 */
export function deviance(x: Tensor, mean: Tensor, logMean: Tensor, difference: Tensor): Tensor {
  const total = add(x, mean);
  const near = less(abs(difference), mul(0.1, total));
  const v = where(near, div(difference, maximum(total, TINY)), 0);
  const square = mul(v, v);
  const odd = [13, 11, 9, 7, 5, 3].reduce<Tensor>((series, n) => mul(square, add(1 / n, series)), constant(0));
  const close = add(mul(difference, v), mul(2, mul(mul(x, v), odd)));
  const direct = sub(mul(x, sub(log(maximum(x, TINY)), logMean)), difference);
  return where(near, close, direct);
}

/**
 * S(x) = log Γ(x + 1) − x log x + x ≥ 0 for x ≥ 0, what Stirling's formula leaves; by its error Δ it is
 * Δ(x + 1) + ½ log 2π(x + 1) + x·log(1 + 1/x) − 1.
 */
export function factorialRemainder(x: Tensor): Tensor {
  const next = add(x, 1);
  const growth = mul(x, log1p(div(1, maximum(x, TINY))));
  return add(stirlingError(next), add(mul(0.5, log(mul(2 * Math.PI, next))), sub(growth, 1)));
}

/** Rates below it are drawn by inversion, the others by rejection. */
const THRESHOLD = 10;
/** Counts that inversion knows: at the rate 10 the others have 2·10⁻¹² of the mass. */
const COUNTS = 40;
/** Candidates of the rejection: at least 3 of 4 are taken, so all fail in fewer than one of a million draws. */
const ROUNDS = 10;

/** Uniforms that one draw takes. */
export const POISSON_NOISE = 2 * ROUNDS;

/** A draw for each rate [...] from uniforms [..., POISSON_NOISE]. */
export function drawPoisson(rate: Tensor, uniforms: Tensor): Tensor {
  const few = byInversion(minimum(rate, THRESHOLD), slice(uniforms, -1, 0, 1));
  return where(less(rate, THRESHOLD), few, byRejection(maximum(rate, THRESHOLD), uniforms));
}

/** log P(k) = k·log λ − log k! + constant for k = 0…COUNTS − 1; rate [...], u [..., 1]. */
function byInversion(rate: Tensor, u: Tensor): Tensor {
  const counts = Float64Array.from({ length: COUNTS }, (_, k) => k);
  const logFactorials = new Float64Array(COUNTS);
  for (let k = 1; k < COUNTS; k++) logFactorials[k] = logFactorials[k - 1] + Math.log(k);
  const slope = log(maximum(rate, TINY));
  const logMasses = sub(
    mul(reshape(slope, [...slope.shape, 1]), constant(counts, [COUNTS])),
    constant(logFactorials, [COUNTS]),
  );
  return inverseCdf(logMasses, reshape(u, u.shape.slice(0, -1)));
}

/** The transformed rejection of Hörmann 1993 (PTRS) in a fixed number of rounds: the first candidate taken, ⌊λ⌋ if none is. */
function byRejection(rate: Tensor, uniforms: Tensor): Tensor {
  const mean = reshape(rate, [...rate.shape, 1]);
  const centred = sub(slice(uniforms, -1, 0, ROUNDS), 0.5); //      U  [..., ROUNDS]
  const height = openUniform(slice(uniforms, -1, ROUNDS, 2 * ROUNDS)); // V
  const b = add(0.931, mul(2.53, sqrt(mean)));
  const a = add(-0.059, mul(0.02483, b));
  const inverseAlpha = add(1.1239, div(1.1328, sub(b, 3.4)));
  const edge = maximum(sub(0.5, abs(centred)), 2 ** -25); //        ½ − |U|
  const candidate = floor(add(mul(add(div(mul(2, a), edge), b), centred), add(mean, 0.43)));
  const count = maximum(candidate, 0);
  const hat = log(div(mul(height, inverseAlpha), add(div(a, mul(edge, edge)), b)));
  const taken = toFloat(and(greaterEqual(candidate, 0), lessEqual(hat, logMass(count, mean))));
  const first = equal(mul(taken, cumsum(taken, -1)), 1);
  const any = sum(where(first, 1, 0), -1);
  return where(equal(any, 1), sum(where(first, count, 0), -1), floor(rate));
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isPoisson(distribution: Distribution): distribution is Poisson {
  return family.has(distribution);
}
