/** A given mixture against scikit-learn and SciPy: scripts/gaussian_mixture.py. */
import { expect, it } from "vitest";
import { gaussianMixture } from "../../src/models/gaussian-mixture.ts";
import golden from "./values/gaussian_mixture.json" with { type: "json" };

const mixture = gaussianMixture(golden);
const rows = golden.x.map((x, i) => ({
  x,
  logJoint: golden.logJoint[i],
  logProb: golden.logProb[i],
  posterior: golden.posterior[i],
}));

// float64 by two different factorisations: some hundred roundings, magnified by κ(Σ) < 100
const BAR = 1e-12;

it.each(rows)("log p(x, z), log p(x) and p(z|x) at $x", ({ x, logJoint, logProb, posterior }) => {
  for (const [z, value] of mixture.logJoint(x).entries()) {
    expect(Math.abs(value - logJoint[z])).toBeLessThan(BAR * Math.abs(logJoint[z]));
  }
  expect(Math.abs(mixture.logProb(x) - logProb)).toBeLessThan(BAR * Math.abs(logProb));
  for (const [z, value] of mixture.posterior(x).entries()) {
    // the error of a difference of log-densities is one of p(z|x), relative
    const lost = BAR * Math.max(1, ...logJoint.map(Math.abs));
    expect(Math.abs(value - posterior[z])).toBeLessThan(lost * posterior[z] + Number.MIN_VALUE);
  }
});

it("log p(x) = ELBO(q) + KL(q ‖ p(z|x)) for any q, and q = p(z|x) closes the gap", () => {
  const choices = [[0.1, 0.7, 0.2], [1, 0, 0], [0, 0, 1], golden.weights];
  for (const { x, logProb, posterior } of rows) {
    for (const q of choices) {
      const [elbo, gap] = [mixture.elbo(x, q), mixture.posteriorGap(x, q)];
      // Σ q log q/p(z|x) by scikit-learn's own p(z|x), where that is not 0 to float64
      const direct = q.reduce(
        (total, value, z) => (value === 0 ? total : total + value * Math.log(value / posterior[z])),
        0,
      );
      if (Number.isFinite(direct)) expect(Math.abs(gap - direct)).toBeLessThan(1e-10 * Math.max(1, direct));
      expect(Math.abs(elbo + gap - logProb)).toBeLessThan(BAR * Math.max(Math.abs(elbo), Math.abs(logProb)));
      expect(elbo).toBeLessThan(logProb);
    }
    const best = mixture.posterior(x);
    expect(Math.abs(mixture.elbo(x, best) - logProb)).toBeLessThan(BAR * Math.abs(logProb));
    expect(Math.abs(mixture.posteriorGap(x, best))).toBeLessThan(1e-14);
  }
  // the deliberately wrong ones are more than a nat off, at most of the points
  const gaps = rows.flatMap(({ x }) => choices.map((q) => mixture.posteriorGap(x, q)));
  expect(gaps.filter((gap) => gap > 1).length).toBeGreaterThan(gaps.length / 2);
});

it("refuses what is no mixture", () => {
  expect(() => gaussianMixture({ ...golden, weights: [0.5, 0.3, 0.3] })).toThrow(
    "mixture: the weights must be 3 probabilities that sum to 1, got 3 of sum 1.1",
  );
  expect(() => mixture.elbo(golden.x[0], [0.5, 0.5])).toThrow("mixture: q must be 3 probabilities");
  expect(() => gaussianMixture({ ...golden, covariances: golden.covariances.slice(1) })).toThrow(
    "mixture: a covariance for each of 3 components is expected, got 2",
  );
});
