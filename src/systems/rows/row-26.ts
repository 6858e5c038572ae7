import { Matrix as Dense, SingularValueDecomposition } from "ml-matrix";
import type { Distribution } from "../../distributions/distribution.ts";
import { multivariateNormal } from "../../distributions/multivariate-normal.ts";
import { standardNormal } from "../../distributions/normal.ts";
import { flow } from "../../flows/flow.ts";
import { evidenceLowerBound } from "../../inference/elbo.ts";
import { gram, type Matrix, scaled, transposed } from "../../linalg/matrix.ts";
import { choleskyFactor } from "../../linalg/positive.ts";
import { namedLeaves } from "../../onnx/lower.ts";
import { add, constant, data, mul, sum, type Tensor } from "../../tensor/index.ts";
import { type NdArray, sizeOf } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { staticShape } from "../../tensor/shape.ts";
import { gaussian, numericalJacobian, randomParameters } from "../bijection-checks.ts";
import { parameterGradients } from "../execute.ts";
import { flowAsVae, isotropic, lawOfNoisy } from "../flow-as-vae.ts";
import { flowAsVaePicture } from "../flow-as-vae-picture.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";
import { smoothFlow } from "../smooth-flow.ts";

const D = 3;
const EXAMPLES = 20;

const f = smoothFlow("flow", D);
const law = flow(standardNormal(D), f);
const x = data("x", [EXAMPLES, D]);
const feeds = { ...randomParameters([law.logProb(x)]), x: gaussian("x", [EXAMPLES, D], 1.5) };

/** A draw's term of the bound against the flow's log-density at x + sε, and the gradients of both in the flow's parameters. */
function drawByDraw(s: number): readonly Measurement[] {
  const epsilon = constant(gaussian("epsilon", [EXAMPLES, D]).data, [EXAMPLES, D]);
  const { elbo, reconstruction, rate } = evidenceLowerBound(flowAsVae(f, D, s), x, epsilon);
  const density = law.logProb(add(x, mul(s, epsilon)));
  const [bound, first, second, exact] = evaluate([elbo, reconstruction, rate, density], feeds);
  const largest = Math.max(...[first, second, exact].flatMap(({ data: values }) => Array.from(values, Math.abs)));
  const apart = Math.max(...Array.from(bound.data, (value, i) => Math.abs(value - exact.data[i])));
  const [mine, its] = [elbo, density].map((of) => {
    const slopes = Object.values(parameterGradients(sum(of)));
    return evaluate(slopes, feeds).flatMap(({ data: values }) => Array.from(values));
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

/** How many numbers the VAE learns: the flow's. */
function parametersShared(): Measurement {
  const count = (of: Tensor): number =>
    namedLeaves([of]).reduce(
      (total, { leaf, tensor }) =>
        total + (leaf.kind === "parameter" ? sizeOf(staticShape(leaf.name, tensor.shape)) : 0),
      0,
    );
  const { elbo } = evidenceLowerBound(flowAsVae(f, D, 1), x, data("epsilon", [EXAMPLES, D]));
  const [measured, expected] = [count(elbo), count(law.logProb(x))];
  return {
    what: "numbers that encoder and decoder of this VAE learn together, against the flow's",
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
const nodes = axis.flatMap((a) =>
  axis.flatMap((b) => axis.map((c) => ({ at: [a.at, b.at, c.at], weight: a.weight * b.weight * c.weight }))),
);
const epsilons = constant(
  nodes.flatMap(({ at }) => at),
  [nodes.length, 1, D],
);
const weights = constant(
  nodes.map(({ weight }) => weight),
  [nodes.length, 1],
);

/** A family of q(z|x) at a noise s. */
type Family = (s: number) => (x: Tensor) => Distribution;

/** log p_flow(x) − ELBO for every x. */
function leftBy(family: Family, s: number): readonly number[] {
  const { elbo } = evidenceLowerBound(flowAsVae(f, D, s, family(s)), x, epsilons); // [nodes, examples]
  const [bound, density] = evaluate([sum(mul(weights, elbo), 0), law.logProb(x)], feeds);
  return Array.from(density.data, (log, i) => log - bound.data[i]);
}

/** J_f at every x. */
function jacobians(): readonly Matrix[] {
  const anywhere = data("anywhere", ["points", D]);
  const map = (points: NdArray): ArrayLike<number> =>
    evaluate([f.forward(anywhere).value], { ...feeds, anywhere: points })[0].data;
  const row = (i: number): readonly number[] => Array.from(feeds.x.data).slice(i * D, (i + 1) * D);
  return Array.from({ length: EXAMPLES }, (_, i) => numericalJacobian(row(i), map));
}

/** ½Σ(σ_i² − 1 − log σ_i²), σ_i the singular values of J_g: those of J_f inverted. */
function gapOf(jacobian: Matrix): number {
  const { diagonal } = new SingularValueDecomposition(new Dense(jacobian.map((row) => [...row])));
  return diagonal.reduce((total, slope) => total + 0.5 * (slope ** -2 - 1 + 2 * Math.log(slope)), 0);
}

const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

/** What is left of the gap as s → 0, and that all the rest goes as s². */
function limits(): readonly Measurement[] {
  const [more, less] = [1e-2, 1e-3];
  const slopes = jacobians();
  const gaps = slopes.map(gapOf);
  const factors = slopes.map((jacobian) => choleskyFactor(gram(transposed(jacobian)))); // of J_f J_fᵀ
  const following: Family = (s) => (at) =>
    multivariateNormal(
      f.forward(at).value,
      constant(factors.flatMap((factor) => scaled(factor, s)).flat(), [EXAMPLES, D, D]),
    );
  const order = (what: string, family: Family, limit: readonly number[]): Measurement => {
    const [first, second] = [more, less].map((s) => norm(leftBy(family, s).map((left, i) => left - limit[i])));
    const measured = Math.log10(first / second);
    return {
      what: `order in s at which ${what}, from s = ${more} to ${less}`,
      measured,
      expected: 2,
      error: Math.abs(measured - 2),
      tolerance: 0.02,
      because: "what is of the next order",
    };
  };
  const left = leftBy((s) => isotropic(f, s), less);
  const zero = gaps.map(() => 0);
  return [
    {
      what: `log p_flow(x) − ELBO of q = N(f(x), s²I) at s = ${less}, against ½Σ(σ_i² − 1 − log σ_i²), mean of ${EXAMPLES} x; the error is the largest of an x`,
      measured: mean(left),
      expected: mean(gaps),
      error: Math.max(...left.map((value, i) => Math.abs(value - gaps[i]))),
      tolerance: 1e-3,
      because: "nats; what is of order s²",
      planted: Math.min(...left.map((value, i) => Math.abs(value - 1.05 * gaps[i]))),
    },
    order("N(f(x), s²I) reaches that gap", (s) => isotropic(f, s), gaps),
    order("N(f(x), s² J_f J_fᵀ) reaches no gap", following, zero),
    order("q_s, the law of f(x + sε), reaches no gap", (s) => lawOfNoisy(f, s), zero),
  ];
}

async function measure(): Promise<readonly Measurement[]> {
  return [...[1, 0.1, 0.01].flatMap(drawByDraw), parametersShared(), ...limits()];
}

/** Row 26: a flow is a VAE whose encoder follows its decoder exactly; a q that does not leaves a gap. */
export const row26: SystemRow = { row: 26, title: "VAE against flow", measure, pictures: flowAsVaePicture };
