import { describe, expect, it } from "vitest";
import { affineCoupling, coupling } from "../../../src/flows/coupling.ts";
import { splineCoupling } from "../../../src/flows/spline-coupling.ts";
import { affineTransform } from "../../../src/flows/transform.ts";
import { namedLeaves } from "../../../src/onnx/lower.ts";
import { concat, data, mul, slice } from "../../../src/tensor/index.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn } from "../single.ts";
import { startsOf } from "./starts.ts";

const x = (d: number) => data("x", ["batch", d], "float");
const rows = (d: number) => drawn(`rows/${d}`, "normal", [6, d]);

describe("couplings", () => {
  it.each([affineCoupling, splineCoupling])("start as the identity: %o", (build) => {
    for (const d of [1, 2, 5]) {
      const { value, logAbsDetJacobian } = build("c", d).forward(x(d));
      const at = rows(d);
      const [z, log] = evaluate([value, logAbsDetJacobian], { ...startsOf([value]), x: at });
      for (const [i, number] of at.data.entries()) expect(Math.abs(z.data[i] - number)).toBeLessThan(1e-15 * 8);
      for (const number of log.data) expect(Math.abs(number)).toBeLessThan(1e-13);
    }
  });

  it("x₂ = z₂ ⊙ σ(z₁) + μ(z₁) and log|det ∂z/∂x| = −Σ log σ_j (row 25)", () => {
    // μ = (3z₁, z₂), log σ = 5 tanh of (z₂, ½z₁)/5
    const network = (part: ReturnType<typeof x>) => {
      const [first, second] = [slice(part, -1, 0, 1), slice(part, -1, 1, 2)];
      return concat([mul(3, first), second, second, mul(0.5, first)], -1);
    };
    const bijection = affineCoupling("c", 4, { network });
    const { value, logAbsDetJacobian } = bijection.inverse(data("z", ["batch", 4], "float"));
    const forward = bijection.forward(x(4));
    const z = rows(4);
    const [got, log] = evaluate([value, logAbsDetJacobian], { z });
    const [, back] = evaluate([forward.value, forward.logAbsDetJacobian], { x: got });
    for (let row = 0; row < 6; row++) {
      const [z1, z2, z3, z4] = z.data.subarray(4 * row);
      const logScales = [z2, 0.5 * z1].map((raw) => 5 * Math.tanh(raw / 5));
      const exact = [z1, z2, z3 * Math.exp(logScales[0]) + 3 * z1, z4 * Math.exp(logScales[1]) + z2];
      for (const [i, number] of exact.entries()) expect(got.data[4 * row + i]).toBeCloseTo(number, 13);
      expect(back.data[row]).toBeCloseTo(-logScales[0] - logScales[1], 13);
      expect(log.data[row]).toBeCloseTo(logScales[0] + logScales[1], 13);
    }
  });

  it("leaves the part alone that it says", () => {
    const stays = (swap: boolean, split?: number): readonly boolean[] => {
      const { value } = affineCoupling("c", 5, { swap, split }).forward(x(5));
      const starts = startsOf([value]);
      const moved = {
        ...starts,
        "c/output/bias": { ...starts["c/output/bias"], data: starts["c/output/bias"].data.fill(1) },
      };
      const [z] = evaluate([value], { ...moved, x: rows(5) });
      return Array.from({ length: 5 }, (_, j) => z.data[j] === rows(5).data[j]);
    };
    expect(stays(false)).toEqual([true, true, false, false, false]);
    expect(stays(true)).toEqual([false, false, true, true, true]);
    expect(stays(false, 4)).toEqual([true, true, true, true, false]);
    expect(stays(true, 4)).toEqual([false, false, false, false, true]);
  });

  it("of one number learns the transform's numbers themselves, or has them of the context", () => {
    const alone = affineCoupling("c", 1).forward(x(1));
    const named = (of: typeof alone) => namedLeaves([of.value]).map(({ leaf, tensor }) => [leaf.name, tensor.shape]);
    expect(Object.fromEntries(named(alone))).toEqual({ x: ["batch", 1], "c/output/bias": [2] });
    const given = affineCoupling("c", 1, { context: 3, network: [4] }).forward(x(1), data("context", ["batch", 3]));
    expect(Object.fromEntries(named(given))).toMatchObject({ "c/hidden1/weight": [3, 4], "c/output/weight": [4, 2] });
  });

  it("takes one context for many samples", () => {
    const bijection = splineCoupling("c", 3, { context: 2, network: [4] });
    const samples = data("x", ["samples", "batch", 3], "float");
    const context = data("context", ["batch", 2], "float");
    const { value, logAbsDetJacobian } = bijection.forward(samples, context);
    expect(value.shape).toEqual(["samples", "batch", 3]);
    expect(logAbsDetJacobian.shape).toEqual(["samples", "batch"]);
    const one = bijection.forward(x(3), data("one", [2], "float"));
    const parameters = Object.fromEntries(
      Object.entries(startsOf([value])).map(([name, { shape }]) => [name, drawn(name, "normal", shape)]),
    );
    const feeds = {
      ...parameters,
      x: drawn("samples", "normal", [4, 2, 3]),
      context: drawn("context", "normal", [2, 2]),
    };
    const [all] = evaluate([value], feeds);
    for (const batch of [0, 1]) {
      const own = [0, 1, 2, 3].flatMap((s) =>
        Array.from(feeds.x.data.subarray(6 * s + 3 * batch, 6 * s + 3 * batch + 3)),
      );
      const [single] = evaluate([one.value], {
        ...parameters,
        x: array(own, [4, 3]),
        one: array(feeds.context.data.subarray(2 * batch, 2 * batch + 2)),
      });
      for (let s = 0; s < 4; s++) {
        const there = all.data.subarray(6 * s + 3 * batch, 6 * s + 3 * batch + 3);
        expect(Array.from(there)).toEqual(Array.from(single.data.subarray(3 * s, 3 * s + 3)));
      }
    }
  });

  it("say what they expect", () => {
    expect(() => affineCoupling("c", 4, { split: 4 })).toThrow("c: split: a coupling of 4 keeps 1 to 3, got 4");
    expect(() => affineCoupling("c", 1, { split: 1 })).toThrow("c: split: a coupling of 1 keeps 0, got 1");
    expect(() => affineCoupling("c", 0)).toThrow("c: a coupling needs 1 number or more, got 0");
    expect(() => affineCoupling("c", 4).forward(x(3))).toThrow(
      "c: events of 4 numbers [..., 4] are expected, got [batch, 3]",
    );
    expect(() => affineCoupling("c", 2).forward(x(2), x(2))).toThrow("c: a context of 0 numbers is expected, got 2");
    expect(() => affineCoupling("c", 2, { context: 3 }).forward(x(2))).toThrow(
      "c: a context of 3 numbers is expected, got 0",
    );
    expect(() => coupling("c", 2, affineTransform(), { network: (part) => part }).forward(x(2))).toThrow(
      "c: a network of 2 outputs is expected, got [batch, 1]",
    );
    expect(() => affineCoupling("c", 1, { network: (part) => part })).toThrow("c: a network has nothing to depend on");
  });
});
