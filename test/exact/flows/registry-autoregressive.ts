import { inverseAutoregressive, maskedAutoregressive } from "../../../src/flows/autoregressive.ts";
import { compose } from "../../../src/flows/bijection.ts";
import { reversal } from "../../../src/flows/permutation.ts";
import { rationalQuadratic } from "../../../src/flows/spline.ts";
import { splineAutoregressive } from "../../../src/flows/spline-autoregressive.ts";
import { affineTransform } from "../../../src/flows/transform.ts";
import type { Registered } from "./registry.ts";

const ALL = [1, 2, 7];
const widths = [8, 8];

/** Those whose inverse, or whose forward direction, takes up to d passes. */
export const autoregressiveBijections: readonly Registered[] = [
  { name: "affine autoregressive", dimensions: ALL, build: (d) => maskedAutoregressive("m", d, { widths }) },
  {
    name: "linear autoregressive",
    dimensions: ALL,
    // log σ_j is linear in x_<j: within ±1 the density has no ridge too thin for a grid.
    build: (d) => maskedAutoregressive("m", d, { widths: [], transform: affineTransform({ bound: 1 }) }),
  },
  {
    name: "affine autoregressive, conditional, another order",
    dimensions: ALL,
    context: 3,
    build: (d) => {
      const order = Array.from({ length: d }, (_, i) => (3 * i + 1) % d);
      return maskedAutoregressive("m", d, { widths, order, context: 3 });
    },
  },
  {
    name: "spline autoregressive",
    dimensions: ALL,
    build: (d) => splineAutoregressive("m", d, { widths, bins: 5 }),
  },
  { name: "inverse affine autoregressive", dimensions: ALL, build: (d) => inverseAutoregressive("m", d, { widths }) },
  {
    name: "inverse spline autoregressive, conditional",
    dimensions: [7],
    context: 2,
    build: (d) =>
      inverseAutoregressive("m", d, { widths, context: 2, transform: rationalQuadratic({ bins: 4, bound: 2 }) }),
  },
  {
    name: "autoregressive layers, each in the order opposite to the one before",
    dimensions: [1, 2],
    build: (d) =>
      compose(
        maskedAutoregressive("1", d, { widths }),
        reversal(d),
        splineAutoregressive("2", d, { widths, bins: 4 }),
        reversal(d),
        maskedAutoregressive("3", d, { widths: [] }),
      ),
  },
];
