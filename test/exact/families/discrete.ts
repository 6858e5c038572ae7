import { bernoulli } from "../../../src/distributions/bernoulli.ts";
import { discretizedLogistic } from "../../../src/distributions/discretized-logistic.ts";
import { stream } from "../../../src/random/stream.ts";
import { combinations, type Family, type Setting } from "./family.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const bernoullis: Family = {
  name: "Bernoulli",
  file: "bernoulli.ts",
  build: ({ logits }, eventRank) => bernoulli(logits, eventRank),
  settings: combinations({ logits: [-80, -12, -1, 0, 0.3, 5, 40] }),
  sampled: combinations({ logits: [-3, -1, 0, 0.3, 2.5] }),
  points: () => [0, 1].map((x) => ({ x, weight: 1 })),
  logProb: (x, { logits }) => (x === 1 ? -softplus(-logits) : -softplus(logits)),
  // softplusSum promises an absolute 1e-7 a term; 0.1 stands for that beside the bar of 1e-5.
  conditioning: (x, { logits }) => Math.abs(x * logits) + softplus(logits) + 0.1,
};

const TOP = 255;
const random = stream(1, "families");
const randomLogistic = (): Setting => ({
  location: Math.fround(-120 + 500 * random.uniform()),
  scale: Math.fround(0.05 * (300 / 0.05) ** random.uniform()),
});

const logistics: Family = {
  name: "DiscretizedLogistic",
  file: "discretized-logistic.ts",
  build: ({ location, scale }, eventRank) => discretizedLogistic(location, scale, eventRank),
  settings: [...combinations({ location: [-200, 0, 127.5, 255, 400], scale: [0.05, 1, 300] })].concat(
    Array.from({ length: 40 }, randomLogistic),
  ),
  sampled: combinations({ location: [3, 120.25], scale: [0.5, 12, 90] }),
  points: () => Array.from({ length: TOP + 1 }, (_, x) => ({ x, weight: 1 })),
  logProb: (x, { location, scale }) => {
    const above = x === TOP ? 1 : sigmoid((x + 0.5 - location) / scale);
    const below = x === 0 ? 0 : sigmoid((x - 0.5 - location) / scale);
    return Math.log(above - below);
  },
  conditioning: (x, { location, scale }) => {
    const a = (x + 0.5 - location) / scale;
    const b = (x - 0.5 - location) / scale;
    const steep = (Math.abs(x - location) + 0.5) / scale; // the rounding of a and b, which the logistic tails magnify
    const below = x === TOP ? 0 : softplus(-a) + steep * sigmoid(-a);
    const above = x === 0 ? 0 : softplus(b) + steep * sigmoid(b);
    const width = x === 0 || x === TOP ? 0 : Math.log(2) + Math.abs(Math.log(Math.tanh(0.5 / scale)));
    return below + above + width;
  },
  // The integral that stands for the sum over levels: see the comment above `mean`.
  meanError: ({ scale }) => (scale >= 0.5 ? 1 / (80 * scale) : 0.5),
};

/** Discrete families over one number. */
export const discreteFamilies: readonly Family[] = [bernoullis, logistics];
