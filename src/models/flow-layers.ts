import { actnorm } from "../flows/actnorm.ts";
import { maskedAutoregressive } from "../flows/autoregressive.ts";
import { type Bijection, compose } from "../flows/bijection.ts";
import { coupling } from "../flows/coupling.ts";
import { linearLu } from "../flows/linear-lu.ts";
import { linearQr } from "../flows/linear-qr.ts";
import { permutation, reversal } from "../flows/permutation.ts";
import { rationalQuadratic } from "../flows/spline.ts";
import { affineTransform, type Transform } from "../flows/transform.ts";
import type { MixingName, TransformName } from "./names.ts";

/** What a flow is made of; what is not given suits vectors of tens of numbers. */
export interface FlowOptions {
  readonly transform?: TransformName;
  readonly layers?: number;
  /** Of splines. */
  readonly bins?: number;
  /** Widths of the network in each layer. */
  readonly hidden?: readonly number[];
  readonly mixing?: MixingName;
  /** Of the fixed permutations and the rotations that matrices start as. */
  readonly seed?: number;
}

export interface StackOptions extends FlowOptions {
  /** How many numbers of context each layer sees beside. */
  readonly context?: number;
  /** How far the log-scale of an affine layer goes each way; 5 unless said otherwise. */
  readonly scaleBound?: number;
  /** Whether each layer begins with an actnorm, which takes its start from data. */
  readonly normalised?: boolean;
}

export const LAYERS = 8;

type Layer = (name: string, d: number, options: StackOptions) => Bijection;

/** How the numbers of a layer depend on the others: half on the other half, or each on those before it. */
const coupled =
  (transform: (options: StackOptions) => Transform): Layer =>
  (name, d, options) =>
    coupling(name, d, transform(options), { network: options.hidden, context: options.context });

const masked =
  (transform: (options: StackOptions) => Transform): Layer =>
  (name, d, options) => {
    const { hidden: widths = [64, 64], context } = options;
    return maskedAutoregressive(name, d, { widths, context, transform: transform(options) });
  };

const affine = ({ scaleBound }: StackOptions): Transform => affineTransform({ bound: scaleBound });
const spline = ({ bins }: StackOptions): Transform => rationalQuadratic({ bins });

const transforms: Readonly<Record<TransformName, Layer>> = {
  /** Dinh, Sohl-Dickstein & Bengio 2017 */
  coupling: coupled(affine),
  /** Durkan et al. 2019 */
  "spline-coupling": coupled(spline),
  /** Papamakarios, Pavlakou & Murray 2017 */
  autoregressive: masked(affine),
  "spline-autoregressive": masked(spline),
};

const mixings: Readonly<Record<MixingName, (name: string, d: number, seed: number) => Bijection>> = {
  lu: (name, d, seed) => linearLu(name, d, { seed }),
  qr: (name, d, seed) => linearQr(name, d, { seed }),
  permutation: (_, d, seed) => permutation(d, { seed }),
  reverse: (_, d) => reversal(d),
};

/** Layers of a flow over d numbers, data → noise: in each an actnorm where that is asked for, what mixes the numbers, and the transform. */
export function flowLayers(name: string, d: number, options: StackOptions): Bijection {
  const { transform = "coupling", layers = LAYERS, mixing = "lu", seed = 0, normalised = false } = options;
  const parts = Array.from({ length: layers }, (_, i) => {
    const layer = `${name}/layer${i + 1}`;
    return [
      ...(normalised ? [actnorm(`${layer}/actnorm`, d)] : []),
      ...(d > 1 ? [mixings[mixing](`${layer}/mixing`, d, seed + i)] : []),
      transforms[transform](`${layer}/${transform}`, d, options),
    ];
  });
  return compose(...parts.flat());
}
