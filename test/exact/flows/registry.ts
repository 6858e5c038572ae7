import { actnorm } from "../../../src/flows/actnorm.ts";
import { elementwiseAffine } from "../../../src/flows/affine.ts";
import { type Bijection, compose, inverted } from "../../../src/flows/bijection.ts";
import { affineCoupling } from "../../../src/flows/coupling.ts";
import { linearLu } from "../../../src/flows/linear-lu.ts";
import { linearQr } from "../../../src/flows/linear-qr.ts";
import { permutation, reversal } from "../../../src/flows/permutation.ts";
import { logit, squash } from "../../../src/flows/sigmoid.ts";
import { splineCoupling } from "../../../src/flows/spline-coupling.ts";
import { parameter } from "../../../src/tensor/leaves.ts";

/** A bijection as the contract takes it. */
export interface Registered {
  readonly name: string;
  /** The numbers of variables that it is tried on. */
  readonly dimensions: readonly number[];
  readonly build: (d: number) => Bijection;
  /** How many numbers its context has, where it takes one. */
  readonly context?: number;
  /** Where x is: [0, 1] instead of all real numbers. */
  readonly domain?: "unit";
  /** How far its inverse goes: to (0, 1) instead of all real numbers. */
  readonly range?: "unit";
}

const ALL = [1, 2, 7];
const network = [8, 8];

export const bijections: readonly Registered[] = [
  {
    name: "elementwise affine",
    dimensions: ALL,
    build: (d) =>
      elementwiseAffine(
        parameter("shift", [d], { law: "constant", value: 0 }),
        parameter("logScale", [d], { law: "constant", value: 0 }),
      ),
  },
  { name: "actnorm", dimensions: ALL, build: (d) => actnorm("a", d) },
  { name: "logit", dimensions: ALL, domain: "unit", build: () => logit(1e-3) },
  { name: "sigmoid", dimensions: ALL, range: "unit", build: () => squash() },
  { name: "permutation", dimensions: ALL, build: (d) => permutation(d, { seed: 3 }) },
  { name: "reversal", dimensions: ALL, build: (d) => reversal(d) },
  { name: "LU", dimensions: ALL, build: (d) => linearLu("lu", d) },
  { name: "QR", dimensions: ALL, build: (d) => linearQr("qr", d) },
  { name: "affine coupling", dimensions: ALL, build: (d) => affineCoupling("c", d, { network }) },
  {
    name: "affine coupling, the first part moves",
    dimensions: [2, 7],
    build: (d) => affineCoupling("c", d, { network, swap: true }),
  },
  {
    name: "affine coupling, most of it stays",
    dimensions: [7],
    build: (d) => affineCoupling("c", d, { network, split: 6 }),
  },
  {
    name: "affine coupling, conditional",
    dimensions: ALL,
    context: 3,
    build: (d) => affineCoupling("c", d, { network, context: 3 }),
  },
  { name: "spline coupling", dimensions: ALL, build: (d) => splineCoupling("s", d, { network, bins: 5 }) },
  {
    name: "spline coupling, conditional, the first part moves",
    dimensions: ALL,
    context: 2,
    build: (d) => splineCoupling("s", d, { network, bins: 4, bound: 2, swap: true, context: 2 }),
  },
  {
    name: "inverted spline coupling",
    dimensions: [2],
    build: (d) => inverted(splineCoupling("s", d, { network, bins: 4 })),
  },
  {
    name: "a whole flow",
    dimensions: ALL,
    context: 2,
    build: (d) =>
      compose(
        actnorm("1", d),
        linearLu("2", d),
        affineCoupling("3", d, { network, context: 2 }),
        permutation(d, { seed: 1 }),
        splineCoupling("4", d, { network, context: 2, swap: true }),
        linearQr("5", d),
      ),
  },
];
