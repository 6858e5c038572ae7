import { Matrix as Dense, SingularValueDecomposition } from "ml-matrix";
import type { Distribution } from "../../distributions/distribution.ts";
import { multivariateNormal } from "../../distributions/multivariate-normal.ts";
import { standardNormal } from "../../distributions/normal.ts";
import { flow } from "../../flows/flow.ts";
import { evidenceLowerBound } from "../../inference/elbo.ts";
import { gram, scaled, transposed } from "../../linalg/matrix.ts";
import { choleskyFactor } from "../../linalg/positive.ts";
import { namedLeaves } from "../../onnx/lower.ts";
import { formatNumber } from "../../report/numbers.ts";
import { colour } from "../../report/svg-file.ts";
import { add, constant, data, mul, sum, type Tensor } from "../../tensor/index.ts";
import { sizeOf } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { gaussian, numericalJacobian, randomParameters } from "../bijection-checks.ts";
import { parameterGradients } from "../execute.ts";
import { flowAsVae, isotropic, lawOfNoisy } from "../flow-as-vae.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemPicture, type SystemRow } from "../row.ts";
import { smoothFlow } from "../smooth-flow.ts";

const D = 3;
const EXAMPLES = 20;

const f = smoothFlow("flow", D);
const law = flow(standardNormal(D), f);
const x = data("x", ["batch", D]);
const feeds = { ...randomParameters([law.logProb(x)], 0.5), x: gaussian("x", [EXAMPLES, D], 1.5) };
const rows = Array.from({ length: EXAMPLES }, (_, i) => Array.from(feeds.x.data.subarray(i * D, (i + 1) * D)));

/** A draw's term of the bound, with its two parts, against the flow's log-density at x + sε, and their gradients in θ. */
function drawByDraw(s: number): readonly Measurement[] {
  const epsilon = constant(gaussian("epsilon", [EXAMPLES, D]).data, [EXAMPLES, D]);
  const { elbo, reconstruction, rate } = evidenceLowerBound(flowAsVae(f, D, s), x, epsilon);
  const density = law.logProb(add(x, mul(s, epsilon)));
  const [bound, first, second, exact] = evaluate([elbo, reconstruction, rate, density], feeds);
  const largest = Math.max(...[first, second, exact].flatMap(({ data: values }) => Array.from(values, Math.abs)));
  const apart = Math.max(...Array.from(bound.data, (value, i) => Math.abs(value - exact.data[i])));
  const [mine, its] = [elbo, density].map((of) => {
    const outputs = Object.values(parameterGradients(sum(of)));
    return evaluate(outputs, feeds).flatMap(({ data: slopes }) => Array.from(slopes));
  });
  const set = `s = ${s}, ${EXAMPLES} draws`;
  return [
    {
      what: `log p(z) + log p_s(x|z) − log q_s(z|x) at z = f(x + sε), against log p_flow(x + sε), ${set}; the first is shown`,
      measured: bound.data[0],
      expected: exact.data[0],
      error: apart / largest,
      tolerance: EXACT.float64,
    },
    {
      what: `length of the gradient of their sum in the flow's parameters, ${set}`,
      measured: norm(mine),
      expected: norm(its),
      error: relativeToLargest(mine, its),
      tolerance: EXACT.float64,
    },
  ];
}

/** What the bound of the VAE depends on: of the flow's, no number more. */
function parametersShared(): Measurement {
  const count = (of: Tensor): number =>
    namedLeaves([of]).reduce(
      (total, { leaf }) => total + (leaf.kind === "parameter" ? sizeOf(feeds[leaf.name].shape) : 0),
      0,
    );
  const { elbo } = evidenceLowerBound(flowAsVae(f, D, 1), x, data("epsilon", ["batch", D]));
  const [measured, expected] = [count(elbo), count(law.logProb(x))];
  return {
    what: "numbers that encoder and decoder of this VAE learn, against the flow's: g is f⁻¹, of the same ones",
    measured,
    expected,
    error: Math.abs(measured - expected),
    tolerance: 0,
  };
}

/* E over ε ~ N(0, I) by 3 points along each axis with the weights of Gauss and Hermite: exact for polynomials of degree 5. */
const axis = [
  { at: -Math.sqrt(3), weight: 1 / 6 },
  { at: 0, weight: 2 / 3 },
  { at: Math.sqrt(3), weight: 1 / 6 },
];
const nodes = Array.from({ length: D }).reduce<readonly { readonly at: readonly number[]; readonly weight: number }[]>(
  (all) =>
    all.flatMap(({ at, weight }) => axis.map((one) => ({ at: [...at, one.at], weight: weight * one.weight }))),
  [{ at: [], weight: 1 }],
);
const epsilons = constant(
  nodes.flatMap(({ at }) => at),
  [nodes.length, 1, D],
);
const weights = constant(
  nodes.map(({ weight }) => weight),
  [nodes.length, 1],
);

type Family = (s: number) => (x: Tensor) => Distribution;

/** log p_flow(x) less the bound, for every x: what a family of q leaves at a noise s. */
function leftBy(family: Family, s: number): readonly number[] {
  const { elbo } = evidenceLowerBound(flowAsVae(f, D, s, family(s)), x, epsilons); // [nodes, batch]
  const [bound, density] = evaluate([sum(mul(weights, elbo), 0), law.logProb(x)], feeds);
  return Array.from(density.data, (log, i) => log - bound.data[i]);
}

const jacobians = rows.map((row) =>
  numericalJacobian(row, (points) => evaluate([f.forward(x).value], { ...feeds, x: points })[0].data),
);
const families = {
  noisy: (s: number) => lawOfNoisy(f, s),
  isotropic: (s: number) => isotropic(f, s),
  /** N(f(x), s² J_f J_fᵀ), the Normal that follows f. */
  full: (s: number) => (at: Tensor) => {
    const factors = jacobians.map((jacobian) => choleskyFactor(scaled(gram(transposed(jacobian)), s * s)));
    return multivariateNormal(f.forward(at).value, constant(factors.flat(2), [EXAMPLES, D, D]));
  },
} as const;

/** ½Σ(σ_i² − 1 − log σ_i²), σ_i the singular values of J_g, which are those of J_f inverted. */
const gaps = jacobians.map((jacobian) =>
  new SingularValueDecomposition(new Dense(jacobian)).diagonal.reduce(
    (total, slope) => total + 0.5 * (slope ** -2 - 1 + 2 * Math.log(slope)),
    0,
  ),
);

const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

/** The limit s → 0 of each family, and that it is reached as s². */
function limits(): readonly Measurement[] {
  const [more, less] = [1e-2, 1e-3];
  const claims = [
    { name: "isotropic q = N(f(x), s²I)", family: families.isotropic, limit: gaps },
    { name: "q = N(f(x), s² J_f J_fᵀ)", family: families.full, limit: gaps.map(() => 0) },
    { name: "q_s, the law of f(x + sε)", family: families.noisy, limit: gaps.map(() => 0) },
  ];
  return claims.flatMap(({ name, family, limit }) => {
    const [first, second] = [more, less].map((s) => leftBy(family, s).map((left, i) => left - limit[i]));
    const order = Math.log10(norm(first) / norm(second));
    const left = leftBy(family, less);
    const gap: Measurement = {
      what: `log p_flow(x) − ELBO of the ${name} at s = ${less}, against ½Σ(σ_i² − 1 − log σ_i²), mean of ${EXAMPLES} x; the error is the largest of an x`,
      measured: mean(left),
      expected: mean(limit),
      error: Math.max(...second.map(Math.abs)),
      tolerance: 1e-3,
      because: "nats; what is left of order s²",
    };
    return [
      ...(family === families.isotropic ? [gap] : []),
      {
        what: `order in s at which ${name} reaches its limit, ${family === families.isotropic ? "the gap" : "no gap"}, from s = ${more} to ${less}`,
        measured: order,
        expected: 2,
        error: Math.abs(order - 2),
        tolerance: 0.02,
        because: "the next order",
      },
    ];
  });
}

async function measure(): Promise<readonly Measurement[]> {
  return [...[1, 0.1, 0.01].flatMap(drawByDraw), parametersShared(), ...limits()];
}

/** Row 26: a flow is a VAE whose encoder follows its decoder exactly; a q that does not leaves a gap. */
export const row26: SystemRow = { row: 26, title: "VAE against flow", measure };
