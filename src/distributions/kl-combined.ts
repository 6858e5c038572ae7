import { add, broadcastTo, concat, reshape, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { broadcastShapes } from "../tensor/shape.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";
import { type Independent, isIndependent } from "./independent.ts";
import type { Pair } from "./kl-pair.ts";
import { isProduct, type Product } from "./product.ts";

/** A divergence in closed form, as a `Pair` gives it. */
export interface Found {
  readonly value: Tensor;
  readonly by: Pair["by"];
}

/** The closed form of two distributions, where there is one. */
type Find = (q: Distribution, p: Distribution) => Found | undefined;

/** The KL of distributions that are made of others, by those of what they are made of: undefined where one of these has none. */
export function combined(q: Distribution, p: Distribution, find: Find): Found | undefined {
  if (isProduct(q) && isProduct(p)) return products(q, p, find);
  if (isIndependent(q) && isIndependent(p)) return independents(q, p, find);
  return undefined;
}

/** KL(Π q_i ‖ Π p_i) = Σ KL(q_i ‖ p_i) for parts of the same names and sizes, in the same order. */
function products(q: Product, p: Product, find: Find): Found | undefined {
  const others = Object.entries(p.parts);
  const parts = Object.entries(q.parts).map(([name, part], i) => {
    const [otherName, other] = others[i] ?? [];
    const size = sizeOf(eventShape(part));
    const found = other && name === otherName && size === sizeOf(eventShape(other)) ? find(part, other) : undefined;
    return found && { size, part, found };
  });
  const known = parts.flatMap((part) => part ?? []);
  if (known.length < parts.length || others.length !== parts.length) return undefined;
  if (known.some(({ found }) => found.by === "event")) {
    const totals = known.map(({ part, found }) => total(found, part));
    return { value: totals.reduce((sum, one) => add(sum, one)), by: "event" };
  }
  const rows = known.map(({ part, found, size }) => {
    const each = terms(found, part);
    return { each, lead: each.shape.slice(0, each.shape.length - part.eventRank), size };
  });
  const batch = broadcastShapes("kl", ...rows.map(({ lead }) => lead));
  const flat = rows.map(({ each, lead, size }) => broadcastTo(reshape(each, [...lead, size]), [...batch, size]));
  return { value: concat(flat, -1), by: "component" };
}

/** What becomes of batch axes does not touch the components; where they depend on each other the joined axes are summed over. */
function independents(q: Independent, p: Independent, find: Find): Found | undefined {
  const found = q.rank === p.rank ? find(q.base, p.base) : undefined;
  return found?.by === "event" ? { value: sumEvent(found.value, q.rank), by: "event" } : found;
}

/** For each component of the event: [...batch, ...event]. */
export function terms({ value }: Found, { shape }: Distribution): Tensor {
  return broadcastTo(value, broadcastShapes("kl", value.shape, shape));
}

/** Over the event: [...batch]. */
export function total(found: Found, q: Distribution): Tensor {
  return found.by === "event" ? found.value : sumEvent(terms(found, q), q.eventRank);
}
