import { normal } from "../../../src/distributions/normal.ts";
import { combinations, type Family } from "./family.ts";

const STEPS = 8; // trapezoids a standard deviation: their error for a Gaussian is e^(−2π²·64), that is none
const REACH = 10; // and beyond ten of them lie 2e-23 of the mass

const normals: Family = {
  name: "Normal",
  file: "normal.ts",
  build: ({ mean, scale }, eventRank) => normal(mean, scale, eventRank),
  settings: combinations({ mean: [-3, 0, 50], scale: [0.01, 1, 20] }),
  sampled: combinations({ mean: [-3, 0.5], scale: [0.1, 1, 20] }),
  points: ({ mean, scale }) =>
    Array.from({ length: 2 * REACH * STEPS + 1 }, (_, i) => ({
      x: mean + scale * (i / STEPS - REACH),
      weight: scale / STEPS,
    })),
  logProb: (x, { mean, scale }) => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale * Math.sqrt(2 * Math.PI)),
  conditioning: (x, { mean, scale }) => 0.5 * ((x - mean) / scale) ** 2 + Math.abs(Math.log(scale)) + 1,
};

/** Continuous families over one number. */
export const continuousFamilies: readonly Family[] = [normals];
