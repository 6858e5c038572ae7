import { describe, expect, it } from "vitest";
import { standardNormal } from "../../src/distributions/normal.ts";
import { inverseAutoregressive, maskedAutoregressive } from "../../src/flows/autoregressive.ts";
import { type Bijection, compose } from "../../src/flows/bijection.ts";
import { flow } from "../../src/flows/flow.ts";
import { linearQr } from "../../src/flows/linear-qr.ts";
import { splineCoupling } from "../../src/flows/spline-coupling.ts";
import { evidenceLowerBound } from "../../src/inference/elbo.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { flowAsVae, isotropic } from "../../src/systems/flow-as-vae.ts";
import { smoothFlow } from "../../src/systems/smooth-flow.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { add, data, mul, sum, type Tensor } from "../../src/tensor/index.ts";
import { asFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { randomParameters } from "./flows/contract.ts";
import { drawn } from "./single.ts";

/*
 * Row 26: p_s(x|z) = N(g(z), s²I) with q_s, the law of f(x + sε). Each draw of the bound is log p_flow(x + sε), whatever the flow.
 */
const bijections: readonly { readonly name: string; readonly build: (d: number) => Bijection }[] = [
  { name: "smooth couplings", build: (d) => smoothFlow("f", d) },
  {
    name: "QR and splines",
    build: (d) => compose(linearQr("q", d), splineCoupling("s", d, { network: [6], bins: 4 })),
  },
  { name: "autoregressive", build: (d) => maskedAutoregressive("m", d, { widths: [6] }) },
  { name: "inverse autoregressive", build: (d) => inverseAutoregressive("m", d, { widths: [6] }) },
];
const dimensions = [1, 2, 5];
const noises = [1, 0.1, 0.01];

const x = (d: number): Tensor => data("x", ["batch", d], "float");
const epsilon = (d: number): Tensor => data("epsilon", ["samples", "batch", d], "float");
const drawing = (d: number) => ({ x: drawn("x", "normal", [4, d]), epsilon: drawn("epsilon", "normal", [3, 4, d]) });

/** The bound's draws, and the flow's log-density at x + sε; how far apart they are relative to the largest of their terms. */
function apart(f: Bijection, d: number, s: number): number {
  const { elbo, reconstruction, rate } = evidenceLowerBound(flowAsVae(f, d, s), x(d), epsilon(d)); // [samples, batch]
  const density = flow(standardNormal(d), f).logProb(add(x(d), mul(s, epsilon(d))));
  expect(elbo.shape).toEqual(["samples", "batch"]);
  const feeds = { ...randomParameters([density]), ...drawing(d) };
  const [bound, first, second, exact] = evaluate([elbo, reconstruction, rate, density], feeds);
  const largest = Math.max(...[first, second, exact].flatMap(({ data: values }) => Array.from(values, Math.abs)));
  return Math.max(...exact.data.map((log, i) => Math.abs(log - bound.data[i]))) / largest;
}

/** The same map with a log-determinant 5 % too large. */
function planted(f: Bijection): Bijection {
  return {
    ...f,
    forward: (at) => {
      const { value, logAbsDetJacobian } = f.forward(at);
      return { value, logAbsDetJacobian: mul(1.05, logAbsDetJacobian) };
    },
  };
}

describe.each(bijections)("a flow as a VAE: $name", ({ build }) => {
  it.each(dimensions)("each draw of the bound is the flow's log-density at x + sε, d = %i", (d) => {
    // F: rounding of float64, which 1/s² makes 1e4 times as large at s = 0.01.
    for (const s of noises) expect(apart(build(d), d, s), `s = ${s}`).toBeLessThan(1e-10);
  });
});

it("and so are their gradients in the flow's parameters", () => {
  const d = 5;
  for (const s of noises) {
    const f = smoothFlow("f", d);
    const { elbo } = evidenceLowerBound(flowAsVae(f, d, s), x(d), epsilon(d));
    const density = flow(standardNormal(d), f).logProb(add(x(d), mul(s, epsilon(d))));
    const leaves = namedLeaves([density]).flatMap(({ leaf, tensor }) =>
      leaf.kind === "parameter" ? [asFloat(tensor)] : [],
    );
    const feeds = { ...randomParameters([density]), ...drawing(d) };
    const [mine, its] = [elbo, density].map((of) =>
      evaluate(gradients(sum(of), leaves), feeds).flatMap(({ data: slopes }) => Array.from(slopes)),
    );
    const largest = Math.max(...its.map(Math.abs));
    for (const [i, slope] of its.entries()) expect(Math.abs(slope - mine[i]) / largest, `s = ${s}`).toBeLessThan(1e-10);
  }
});

describe("the identity can fail", () => {
  it("with a log-determinant 5 % too large in the flow alone", () => {
    const d = 5;
    const f = smoothFlow("f", d);
    const { elbo } = evidenceLowerBound(flowAsVae(f, d, 0.1), x(d), epsilon(d));
    const density = flow(standardNormal(d), planted(f)).logProb(add(x(d), mul(0.1, epsilon(d))));
    const feeds = { ...randomParameters([density]), ...drawing(d) };
    const [bound, exact] = evaluate([elbo, density], feeds);
    expect(Math.min(...exact.data.map((log, i) => Math.abs(log - bound.data[i])))).toBeGreaterThan(1e-3);
  });

  it("with an isotropic q around f(x)", () => {
    const d = 5;
    const f = smoothFlow("f", d);
    const s = 0.01;
    const { elbo } = evidenceLowerBound(flowAsVae(f, d, s, isotropic(f, s)), x(d), epsilon(d));
    const density = flow(standardNormal(d), f).logProb(add(x(d), mul(s, epsilon(d))));
    const feeds = { ...randomParameters([density]), ...drawing(d) };
    const [bound, exact] = evaluate([elbo, density], feeds);
    expect(Math.min(...exact.data.map((log, i) => Math.abs(log - bound.data[i])))).toBeGreaterThan(1e-3);
  });
});
