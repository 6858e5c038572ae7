import { InputError } from "../errors.ts";
import { add, broadcastTo, concat, reshape, split, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { broadcastShapes, type Shape, sameShape } from "../tensor/shape.ts";
import {
  type Distribution,
  eventShape,
  isReparameterized,
  type Reparameterized,
  type Support,
} from "./distribution.ts";
import { uniformOf } from "./standard-noise.ts";

const family = new WeakSet<Distribution>();

/** Of what a flat event was put together: the parts' own events, which are scored without being cut out again. */
const pieces = new WeakMap<Tensor, readonly Tensor[]>();

type Parts = Readonly<Record<string, Distribution>>;

export interface Product extends Distribution {
  readonly name: "Product";
  readonly parts: Parts;
}

interface Part {
  readonly distribution: Distribution;
  readonly event: readonly number[];
  /** How many numbers of the flat event and of its noise are this part's. */
  readonly size: number;
  readonly noiseSize: number;
}

/**
 * Independent parts side by side in one flat event: each part's event as a row, in the order of the names, along the last axis.
 * log p is the sum. The noise is that of the parts, side by side too; where their laws differ it is normal, and uniforms are Φ(ε).
 */
export function product(parts: Readonly<Record<string, Reparameterized>>): Product & Reparameterized;
export function product(parts: Parts): Product;
export function product(parts: Parts): Product {
  const all = Object.values(parts).map((distribution): Part => {
    const event = eventShape(distribution);
    return { distribution, event, size: sizeOf(event), noiseSize: sizeOf(distribution.noise.event) };
  });
  if (all.length === 0) throw new InputError("product: one part or more is expected, got none");
  const batch = broadcastShapes("product", ...all.map(batchOf));
  const shape = [...batch, total(all.map(({ size }) => size))];
  const law = all.every(({ distribution }) => distribution.noise.law === "uniform") ? "uniform" : "normal";
  const noises = (epsilon: Tensor): readonly Tensor[] => {
    const lead = epsilon.shape.slice(0, -1);
    const widths = all.map(({ noiseSize }) => noiseSize);
    return split(epsilon, -1, widths).map((own, i) => {
      const { noise } = all[i].distribution;
      return reshape(noise.law === law ? own : uniformOf(own), [...lead, ...noise.event]);
    });
  };
  const assemble = (events: readonly Tensor[]): Tensor => {
    const rows = events.map((x, i) =>
      reshape(x, [...x.shape.slice(0, x.shape.length - all[i].event.length), all[i].size]),
    );
    const whole = concat(rows, -1);
    pieces.set(whole, events);
    return whole;
  };
  const moment = (name: "mean" | "variance"): Tensor | undefined => {
    const known = all.flatMap(({ distribution, event }) => {
      const value = distribution[name];
      return value ? [broadcastTo(value, [...batch, ...event])] : [];
    });
    return known.length === all.length ? assemble(known) : undefined;
  };
  const entropies = all.flatMap(({ distribution: { entropy } }) => (entropy ? [entropy] : []));
  const paths = all.flatMap(({ distribution }) => (isReparameterized(distribution) ? [distribution] : []));
  const made: Product = {
    name: "Product",
    parts,
    parameters: Object.fromEntries(
      Object.entries(parts).flatMap(([part, { parameters }]) =>
        Object.entries(parameters).map(([name, value]) => [`${part}/${name}`, value]),
      ),
    ),
    shape,
    eventRank: 1,
    support: supportOf(parts),
    noise: { law, event: [total(all.map(({ noiseSize }) => noiseSize))] },
    mean: moment("mean"),
    variance: moment("variance"),
    logProb: (x) => addAll(cut(x, all).map((own, i) => all[i].distribution.logProb(own))),
    sample: (epsilon) => assemble(noises(epsilon).map((own, i) => all[i].distribution.sample(own))),
    entropy: entropies.length === all.length ? () => addAll(entropies.map((entropy) => entropy())) : undefined,
    ...(paths.length === all.length && {
      rsampleWithLogProb: (epsilon: Tensor) => {
        const drawn = noises(epsilon).map((own, i) => paths[i].rsampleWithLogProb(own));
        return {
          sample: assemble(drawn.map(({ sample }) => sample)),
          logProb: addAll(drawn.map((one) => one.logProb)),
        };
      },
    }),
  };
  family.add(made);
  return made;
}

function batchOf({ distribution: { shape }, event }: Part): Shape {
  return shape.slice(0, shape.length - event.length);
}

/** That of the parts where it is one; else the numbers of all kinds, which are real. */
function supportOf(parts: Parts): Support {
  const [first, ...rest] = Object.values(parts).map(({ support }) => support);
  return rest.every((support) => support === first) ? first : "mixed";
}

function isMadeOf(events: readonly Tensor[], parts: readonly Part[]): boolean {
  return (
    events.length === parts.length &&
    events.every(({ shape }, i) => sameShape(shape.slice(shape.length - parts[i].event.length), parts[i].event))
  );
}

/** Each part's own event: [..., size] → [..., ...event]. */
function cut(x: Tensor, parts: readonly Part[]): readonly Tensor[] {
  const known = pieces.get(x);
  if (known && isMadeOf(known, parts)) return known;
  const lead = x.shape.slice(0, -1);
  return split(
    x,
    -1,
    parts.map(({ size }) => size),
  ).map((row, i) => reshape(row, [...lead, ...parts[i].event]));
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function addAll(terms: readonly Tensor[]): Tensor {
  return terms.reduce((sum, term) => add(sum, term));
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isProduct(distribution: Distribution): distribution is Product {
  return family.has(distribution);
}
