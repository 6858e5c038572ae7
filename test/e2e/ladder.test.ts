/** The ladder of docs/ladder.md at a tiny size: its steps, its table and its picture. The sizes of the page are run by hand. */
import { beforeAll, expect, it } from "vitest";
import { HEAD, ladder, picture, type Rung, row } from "../../examples/ladder.ts";
import { openEngine } from "../../src/runtime/engine-node.ts";
import { openDigits } from "../../src/systems/linear-vae.ts";

const tiny = {
  latents: 2,
  widths: [16],
  batch: 100,
  linear: { steps: 600, rate: 3e-2 },
  deep: { steps: 4, rate: 3e-3 },
  samples: 2,
  flow: { layers: 2, hidden: [8] },
  validateEvery: 2,
  seeds: 2,
  importanceSamples: 20,
};

let rungs: readonly Rung[];
beforeAll(async () => {
  rungs = await ladder(await openEngine(), await openDigits(), tiny);
});

it("climbs from probabilistic PCA to a flow prior", () => {
  const names = ["probabilistic PCA", "linear VAE", "VAE", "importance-weighted", "flow prior"];
  expect(rungs.map(({ name }) => name)).toEqual(names);
  for (const [i, { logLikelihood, gain }] of rungs.entries()) {
    expect(Number.isFinite(logLikelihood.value) && logLikelihood.error > 0).toBe(true);
    if (i > 0) expect(gain?.value).toBeCloseTo(logLikelihood.value - rungs[i - 1].logLikelihood.value, 8);
  }
});

it("gives probabilistic PCA the subspace of PCA, and the linear VAE its likelihood", () => {
  const [closed, linear] = rungs;
  // Both are eigenvectors of one float64 covariance.
  expect(closed.angle).toBeLessThan(1e-6);
  // 600 steps came within 6.2° and 0.09 nats, on their way to 0; a W that spans one of the two axes alone is 90° away and loses nats.
  expect(linear.angle).toBeLessThan(15);
  expect(Math.abs(linear.gain?.value ?? Number.NaN)).toBeLessThan(0.3);
});

it("tells them in rows of one table", () => {
  const columns = HEAD.split("\n")[0].split("|").length;
  for (const rung of rungs) {
    expect(row(rung).split("|")).toHaveLength(columns);
    expect(row(rung)).not.toMatch(/NaN|undefined/);
  }
  expect(row(rungs[0])).toMatch(/^\| probabilistic PCA \| log p\(x\), closed form \| -\d+\.\d\d ± \d\.\d\d \|/);
});

it("draws them", async () => {
  const svg = await picture(rungs);
  expect(svg).toMatch(/^<svg [^>]*role="img">/);
  expect(svg).toContain("5. flow prior");
  expect(svg.length).toBeLessThan(60_000);
});
