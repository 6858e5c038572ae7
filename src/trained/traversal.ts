import type { RunFacts } from "../run/facts.ts";

/** A point on the way along one latent. */
export interface TraversalPoint {
  readonly latent: number;
  readonly value: number;
  readonly z: readonly number[];
}

/** Where a latent is moved: three deviations of N(0, 1) each way, or all of [0, 1]. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export function latentSpan({ model: { space = "real" } }: RunFacts): Span {
  return space === "real" ? { from: -3, to: 3 } : { from: 0, to: 1 };
}

/** The middle of every latent. */
export function latentCentre(facts: RunFacts): readonly number[] {
  const { from, to } = latentSpan(facts);
  return new Array<number>(facts.model.latents).fill((from + to) / 2);
}

/** The values of so many equal steps over a span. */
export function stepsOver({ from, to }: Span, steps: number): readonly number[] {
  return Array.from({ length: steps }, (_, i) => from + ((to - from) * i) / (steps - 1));
}

/** Each of these latents moved over the span in equal steps, the others as in the origin; latent after latent. */
export function traversal(
  origin: readonly number[],
  latents: readonly number[],
  { steps, ...span }: Span & { readonly steps: number },
): readonly TraversalPoint[] {
  return latents.flatMap((latent) =>
    stepsOver(span, steps).map((value) => ({
      latent,
      value,
      z: origin.map((kept, j) => (j === latent ? value : kept)),
    })),
  );
}
