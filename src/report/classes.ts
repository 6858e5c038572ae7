import { type Html, html } from "./html.ts";

/** How the points of a class are drawn. */
export interface ClassLook {
  readonly name: string;
  /** Any CSS colour. */
  readonly colour: string;
  /** A path around 0 of about area 4, as Vega scales it. */
  readonly shape: string;
}

const CIRCLE = "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z";
const SHAPES = [
  CIRCLE,
  "M-0.9,-0.9H0.9V0.9H-0.9Z",
  "M0,-1.2L1.1,0.8H-1.1Z",
  "M0,-1.25L1.1,0L0,1.25L-1.1,0Z",
  "M-0.4,-1.2H0.4V-0.4H1.2V0.4H0.4V1.2H-0.4V0.4H-1.2V-0.4H-0.4Z",
];
/** Okabe & Ito's eight; more classes take four colours more. */
const OKABE_ITO = 8;
const COLOURS = 12;
/** More classes than these cannot be told apart. */
const MOST = 24;
const REST = "others";

/**
 * A look for each class of these labels, in the order of their numbers, and which look a label has. Up to eight differ in
 * colour; more, up to 24, in colour and shape; the rarest beyond share one.
 */
export function classLooks(
  labels: readonly number[],
  names: readonly string[] = [],
): { readonly looks: readonly ClassLook[]; readonly lookOf: (label: number) => ClassLook } {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const byCount = [...counts.keys()].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0));
  const kept = (byCount.length > MOST ? byCount.slice(0, MOST - 1) : byCount).sort((a, b) => a - b);
  const [colours, shapes] = kept.length <= OKABE_ITO ? [OKABE_ITO, 1] : [COLOURS, SHAPES.length];
  const looks = kept.map((label, i) => ({
    name: names[label] ?? String(label),
    colour: `var(--class-${i % colours})`,
    shape: SHAPES[i % shapes],
  }));
  const rest = { name: REST, colour: "var(--muted)", shape: CIRCLE };
  const places = new Map(kept.map((label, i) => [label, looks[i]]));
  return {
    looks: kept.length < byCount.length ? [...looks, rest] : looks,
    lookOf: (label) => places.get(label) ?? rest,
  };
}

/** What each look stands for. */
export function legend(looks: readonly ClassLook[]): Html {
  return html`<ul class="legend">${looks.map(
    ({ name, colour, shape }) =>
      html`<li><svg viewBox="-1.5 -1.5 3 3" aria-hidden="true"><path d="${shape}" fill="${colour}"/></svg>${name}</li>`,
  )}</ul>`;
}
