/** KL divergences between Normals with correlated components: src/distributions/kl-multivariate.ts. */
import { describe, expect, it } from "vitest";
import { hasClosedForm, kl, klTerms } from "../../src/distributions/kl.ts";
import type { CorrelatedNormal } from "../../src/distributions/multivariate-normal.ts";
import type { Normal } from "../../src/distributions/normal.ts";
import { stream } from "../../src/random/stream.ts";
import { constant, sub } from "../../src/tensor/index.ts";
import { diagonal, grid, numbers, type Planar, planar } from "./planar.ts";

describe("KL", () => {
  const all: readonly Planar<CorrelatedNormal | Normal>[] = [...planar, diagonal];
  const pairs = all.flatMap((q) => all.map((p) => ({ q, p, name: `${q.name} and ${p.name}` })));
  const closed = pairs.filter(({ q, p }) => hasClosedForm(q.of, p.of) && !(q === diagonal && p === diagonal));

  it("is known for full and diagonal covariances in either order, and of low rank against diagonal", () => {
    expect(closed.map(({ name }) => name).toSorted()).toEqual(
      [
        ["FFᵀ + D and σ", "L and L", "L and P", "L and σ", "P and L", "P and P", "P and σ", "σ and L", "σ and P"],
      ].flat(),
    );
    expect(klTerms(planar[0].of, diagonal.of).shape).toEqual([]); // one number: the components depend on each other
  });

  it.each(closed)("of $name is E_q[log q − log p]", ({ q, p }) => {
    const [[value]] = numbers(kl(q.of, p.of));
    const { x, weight } = grid(q);
    const [own, other] = numbers(q.of.logProb(x), p.of.logProb(x));
    const terms = own.map((log, i) => weight * Math.exp(log) * (log - other[i]));
    // relative to the sum of their sizes: 58,081 roundings of float64, and those of log p, up to 10⁴ where p is narrow
    const size = terms.reduce((total, term) => total + Math.abs(term), 1);
    expect(Math.abs(value - terms.reduce((total, term) => total + term, 0))).toBeLessThan(1e-12 * size);
    if (q === p) expect(Math.abs(value)).toBeLessThan(1e-14);
    else expect(value).toBeGreaterThan(0.1);
  });

  it.each(closed.filter(({ q, p }) => q !== p))("of $name is the mean over draws", ({ q, p }) => {
    const draws = 40_000;
    const random = stream(5, `${q.name} ${p.name}`);
    const [width] = q.of.noise.event;
    const noise = constant(
      Float64Array.from({ length: draws * width }, () => random.normal()),
      [draws, width],
    );
    const { sample, logProb } = q.of.rsampleWithLogProb(noise);
    const [[value], ratios] = numbers(kl(q.of, p.of), sub(logProb, p.of.logProb(sample)));
    const average = ratios.reduce((total, ratio) => total + ratio, 0) / draws;
    const spread = Math.sqrt(ratios.reduce((total, ratio) => total + (ratio - average) ** 2, 0) / draws);
    const standardError = spread / Math.sqrt(draws);
    // 5 standard errors, 6e-7 each of seven: a false alarm of 4e-6; a value 5 % off is further away
    expect(Math.abs(average - value)).toBeLessThan(5 * standardError);
    expect(5 * standardError).toBeLessThan(0.05 * value);
  });
});
