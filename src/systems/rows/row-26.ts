import { evidenceLowerBound } from "../../inference/elbo.ts";
import { namedLeaves } from "../../onnx/lower.ts";
import { add, constant, data, mul, sum, type Tensor } from "../../tensor/index.ts";
import { sizeOf } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { staticShape } from "../../tensor/shape.ts";
import { gaussian } from "../bijection-checks.ts";
import { parameterGradients } from "../execute.ts";
import { flowAsVae } from "../flow-as-vae.ts";
import { flowAsVaePicture } from "../flow-as-vae-picture.ts";
import { D, EXAMPLES, type Family, f, feeds, gapsOfFlow, law, leftBy, x } from "../flow-gaps.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

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

const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

/** The gap as s → 0, and that all the rest goes as s². */
function limits(): readonly Measurement[] {
  const [more, less] = [1e-2, 1e-3];
  const { limits: gaps, isotropic, following, noisy } = gapsOfFlow();
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
  const left = leftBy(isotropic, less);
  const none = gaps.map(() => 0);
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
    order("N(f(x), s²I) reaches that gap", isotropic, gaps),
    order("N(f(x), s² J_f J_fᵀ) reaches no gap", following, none),
    order("q_s, the law of f(x + sε), reaches no gap", noisy, none),
  ];
}

async function measure(): Promise<readonly Measurement[]> {
  return [...[1, 0.1, 0.01].flatMap(drawByDraw), parametersShared(), ...limits()];
}

/** Row 26: a flow is a VAE whose encoder follows its decoder exactly; a q that does not leaves a gap. */
export const row26: SystemRow = { row: 26, title: "VAE against flow", measure, pictures: flowAsVaePicture };
