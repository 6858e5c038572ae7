/** The terms of the adversarial game where they are known, their gradients, and what is said of games that go wrong. */
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import {
  type AdversarialEpoch,
  adversarialTerms,
  adversarialTrouble,
  codeSpread,
} from "../../src/inference/adversarial.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import { constant, data, gradients, matmul, mean, reshape, type Tensor, tanh } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";

const engine = await openEngine({ threads: 1 });

const row = (values: readonly number[]): Tensor => constant(values, [values.length]);
const numbers = (tensor: Tensor): readonly number[] => Array.from(evaluate([tensor], {})[0].data);

describe("terms", () => {
  it("are 2 log 2, log 2 and ½ for a discriminator that guesses", () => {
    const { discriminator, generator, accuracy } = adversarialTerms(row([0, 0]), row([0, 0]));
    expect(numbers(mean(discriminator))[0]).toBeCloseTo(2 * Math.LN2, 15);
    expect(numbers(mean(generator))[0]).toBeCloseTo(Math.LN2, 15);
    expect(numbers(accuracy)).toEqual([0.5, 0.5]);
  });

  it("count codes below 0 and draws of the prior above it as told", () => {
    expect(numbers(adversarialTerms(row([-1, -1, 1, 1]), row([2, -2, 2, -2])).accuracy)).toEqual([1, 0.5, 0.5, 0]);
  });

  it("are least at log p/q, where 2 log 2 less the loss is twice the Jensen–Shannon divergence", () => {
    const p = [0.5, 0.3, 0.2]; // prior
    const q = [0.1, 0.3, 0.6]; // codes
    const divergence = p.reduce((total, a, i) => {
      const middle = (a + q[i]) / 2;
      return total + 0.5 * a * Math.log(a / middle) + 0.5 * q[i] * Math.log(q[i] / middle);
    }, 0);
    // Σ_ij p_i q_j of the term at the pair (i, j)
    const expected = (logits: readonly number[]): number => {
      const pairs = p.flatMap((_, i) => q.map((__, j) => ({ i, j })));
      const { discriminator } = adversarialTerms(
        row(pairs.map(({ j }) => logits[j])),
        row(pairs.map(({ i }) => logits[i])),
      );
      return numbers(discriminator).reduce((total, value, at) => total + p[pairs[at].i] * q[pairs[at].j] * value, 0);
    };
    const best = p.map((a, i) => Math.log(a / q[i]));
    expect(expected(best)).toBeCloseTo(2 * Math.LN2 - 2 * divergence, 14);
    for (const factor of [0, 0.8, 1.3, -1]) {
      expect(expected(best.map((logit) => factor * logit))).toBeGreaterThan(expected(best) + 1e-3);
    }
  });

  it("and their gradients are finite for logits of any size, and the encoder's does not vanish where all is told", async () => {
    const [codes, prior] = [data("codes", ["batch"]), data("prior", ["batch"])];
    const { discriminator, generator } = adversarialTerms(codes, prior);
    const [ofCodes, ofPrior] = gradients(mean(discriminator), [codes, prior]);
    const [ofEncoder] = gradients(mean(generator), [codes]);
    const program = await compile(engine, { discriminator, generator, ofCodes, ofPrior, ofEncoder });
    const logits = Float32Array.of(-1e30, -200, -20, 0, 20, 200, 1e30);
    const out = await program.run({
      codes: { data: logits, shape: [7] },
      prior: { data: logits.toReversed(), shape: [7] },
    });
    await program.release();
    for (const { data: values } of Object.values(out)) expect(Array.from(values).every(Number.isFinite)).toBe(true);
    expect(out.ofEncoder.data[1] * 7).toBeCloseTo(-1, 6); // −(1 − D) at D ≈ 0
  });
});

describe("gradients through a discriminator z ↦ tanh(zA)b are their central differences", () => {
  const from = stream(2, "adversarial");
  const normals = (...shape: number[]): NdArray<Float64Array> => ({
    data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => from.normal()),
    shape,
  });
  const feeds = { z: normals(5, 3), p: normals(5, 3), a: normals(3, 4), b: normals(4, 1) };
  const leaves = {
    z: data("z", feeds.z.shape),
    p: data("p", feeds.p.shape),
    a: data("a", feeds.a.shape),
    b: data("b", feeds.b.shape),
  };
  const logits = (rows: Tensor): Tensor => reshape(matmul(tanh(matmul(rows, leaves.a)), leaves.b), [5]);
  const terms = adversarialTerms(logits(leaves.z), logits(leaves.p));

  it.each([
    ["the discriminator's loss", terms.discriminator, ["a", "b"]],
    ["the encoder's loss", terms.generator, ["z"]],
    ["the spread of the codes", codeSpread(leaves.z, leaves.p), ["z"]],
  ] as const)("%s", (_, term, names) => {
    const loss = mean(term);
    const at = (name: keyof typeof feeds, i: number, by: number): number => {
      const values = feeds[name].data.map((value, j) => (j === i ? value + by : value));
      return evaluate([loss], { ...feeds, [name]: { ...feeds[name], data: values } })[0].data[0];
    };
    const sought = names.map((name) => leaves[name]);
    const slopes = evaluate(gradients(loss, sought), feeds);
    const h = 1e-5;
    for (const [which, name] of names.entries()) {
      expect(Math.max(...slopes[which].data.map(Math.abs))).toBeGreaterThan(1e-2);
      for (const [i, slope] of slopes[which].data.entries()) {
        expect(slope).toBeCloseTo((at(name, i, h) - at(name, i, -h)) / (2 * h), 8); // rounding 1e-16/h, and h² of the third derivative
      }
    }
  });
});

describe("the spread of codes", () => {
  const rows = constant([1, 0, -1, 0, 0, 1, 0, -1], [4, 2]);
  it.each([
    ["is 1 where they lie as the draws do", [1, 0, -1, 0, 0, 1, 0, -1], 1],
    ["does not depend on where they are", [8, 7, 6, 7, 7, 8, 7, 6], 1],
    ["is the square of their size", [3, 0, -3, 0, 0, 3, 0, -3], 9],
    ["is 0 where they are one point", [5, 2, 5, 2, 5, 2, 5, 2], 0],
  ] as const)("%s", (_, codes, expected) => {
    expect(numbers(mean(codeSpread(constant(codes, [4, 2]), rows)))[0]).toBeCloseTo(expected, 14);
  });
});

describe("what is said of a game", () => {
  const game = (epochs: number, at: (epoch: number) => Omit<AdversarialEpoch, "epoch">): readonly AdversarialEpoch[] =>
    Array.from({ length: epochs }, (_, i) => ({ epoch: i + 1, ...at(i + 1) }));
  const well = { accuracy: 0.6, generator: 0.9, spread: 1.1 };
  const lead = (epoch: number): number => (epoch <= 4 ? 0.99 : 0.6); // of the discriminator, at the start

  it.each([
    ["one that goes well", game(30, () => well)],
    ["one in which the discriminator leads at first", game(30, (epoch) => ({ ...well, accuracy: lead(epoch) }))],
    ["one that has recovered", game(30, (epoch) => (epoch < 20 ? { accuracy: 1, generator: 9, spread: 1e-4 } : well))],
    [
      "one whose codes lay far off at first",
      game(30, (epoch) => ({ ...well, spread: epoch < 20 ? 1e5 / epoch ** 4 : 1.2 })),
    ],
    ["four bad epochs", game(30, (epoch) => (epoch < 27 ? well : { accuracy: 1, generator: epoch, spread: 9 }))],
    ["one epoch", game(1, () => ({ accuracy: 1, generator: 3, spread: 0.004 }))],
    ["none", []],
  ] as const)("nothing of %s", (_, history) => expect(adversarialTrouble(history)).toBeUndefined());

  it.each([
    [
      "codes that became one point",
      game(20, (epoch) => (epoch < 12 ? well : { ...well, spread: 0.002 })),
      /^adversarial training has collapsed: since epoch 12 the codes have 0\.2 % of the prior's variance/,
    ],
    [
      "an encoder that loses",
      game(20, (epoch) => (epoch < 8 ? well : { accuracy: 0.99, generator: epoch, spread: 2 })),
      /^adversarial training diverges: since epoch 8 the encoder's adversarial loss has grown from 8\.0 to 20\.0 nats/,
    ],
    [
      "a discriminator that wins",
      game(20, (epoch) => ({ accuracy: epoch < 3 ? 0.7 : 0.98, generator: 3.5, spread: 1 })),
      /^the discriminator wins: since epoch 3 it tells codes from draws of the prior more than 95 % of the time/,
    ],
    [
      "codes that a discriminator lets shrink",
      game(20, (epoch) => ({ accuracy: epoch % 2 ? 0.51 : 0.63, generator: 0.69, spread: epoch < 11 ? 0.4 : 0.16 })),
      /^the codes do not follow the prior: since epoch 11 .* 0\.16 times its variance, .* 63 % of the time; raise the discriminator's/,
    ],
    [
      "codes that do not heed it",
      game(20, () => ({ accuracy: 0.81, generator: 1.7, spread: 12 })),
      /^the codes do not follow the prior: since epoch 1 .* 12 times its variance, .* 81 % of the time; raise the encoder's/,
    ],
    [
      "a term that is not finite",
      game(6, (epoch) => (epoch === 6 ? { ...well, generator: Number.NaN } : well)),
      /^adversarial training diverged in epoch 6: a term is not finite/,
    ],
  ] as const)("one line of %s", (_, history, line) => {
    expect(adversarialTrouble(history)).toMatch(line);
    expect(adversarialTrouble(history)).not.toContain("\n");
  });
});
