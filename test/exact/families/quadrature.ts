import { gaussLegendre } from "../../../src/distributions/gauss-legendre.ts";
import type { Point } from "./family.ts";

/*
 * Quadratures for the densities of the families, each with an error below 1e-13 of the mass for the parameters it is used with.
 * `breaks` are points where an integrand may have a kink: no rule reaches across one.
 */

const { nodes, weights } = gaussLegendre(16);

/** Gauss–Legendre with 16 nodes on each of the panels between neighbours of `edges`. */
export function panels(edges: readonly number[], breaks: readonly number[] = []): readonly Point[] {
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const all = [...edges, ...breaks.map((at) => Math.min(Math.max(at, low), high))].toSorted((a, b) => a - b);
  return all
    .slice(1)
    .flatMap((end, i) =>
      nodes.map((node, j) => ({ x: all[i] + node * (end - all[i]), weight: weights[j] * (end - all[i]) })),
    );
}

/** `count` panels of equal width over centre ± reach. */
export function evenly(centre: number, reach: number, count: number, breaks: readonly number[] = []): readonly Point[] {
  const edges = Array.from({ length: count + 1 }, (_, i) => centre + reach * ((2 * i) / count - 1));
  return panels(edges, breaks);
}

/** Trapezoids in t with x = place(t), dx = slope(t)·dt. */
function trapezoids(
  reach: number,
  step: number,
  place: (t: number) => number,
  slope: (t: number) => number,
): readonly Point[] {
  const count = Math.round(reach / step);
  return Array.from({ length: 2 * count + 1 }, (_, i) => {
    const t = (i - count) * step;
    return { x: place(t), weight: slope(t) * step };
  });
}

/** x = centre + scale·sinh t: for tails that fall exponentially. Takahasi & Mori 1974. */
export function sinhLine(centre: number, scale: number, reach: number, step: number): readonly Point[] {
  return trapezoids(
    reach,
    step,
    (t) => centre + scale * Math.sinh(t),
    (t) => scale * Math.cosh(t),
  );
}

/** x = centre + scale·sinh(½π·sinh t): for tails that fall as a power. */
export function doubleSinhLine(centre: number, scale: number): readonly Point[] {
  const outer = (t: number): number => (Math.PI / 2) * Math.sinh(t);
  return trapezoids(
    5.5,
    1 / 32,
    (t) => centre + scale * Math.sinh(outer(t)),
    (t) => scale * Math.cosh(outer(t)) * (Math.PI / 2) * Math.cosh(t),
  );
}

/** tanh–sinh between neighbours of low, breaks and high: for integrands with logarithms at the ends. */
export function interval(low: number, high: number, breaks: readonly number[] = []): readonly Point[] {
  const all = [low, ...breaks.map((at) => Math.min(Math.max(at, low), high)), high];
  return all.slice(1).flatMap((end, i) => {
    const width = end - all[i];
    const outer = (t: number): number => (Math.PI / 2) * Math.sinh(t);
    const part = trapezoids(
      3.5,
      1 / 16,
      (t) => 1 / (1 + Math.exp(-2 * outer(t))),
      (t) => ((Math.PI / 4) * Math.cosh(t)) / Math.cosh(outer(t)) ** 2,
    );
    return part.map(({ x, weight }) => ({ x: all[i] + width * x, weight: width * weight }));
  });
}
